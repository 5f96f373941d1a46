"Five training loops are one, models are switched between their two modes, and one call trains a rung as its arguments say"
import csv
from copy import deepcopy

import pytest
import torch
from fastai.basics import SGD
from torch import nn

from mnist37.basic_optim import BasicOptim, train_epoch, train_linear_learner, train_model
from mnist37.data import default_device, load_xy
from mnist37.ladder import n_errors, n_params, predict
from mnist37.linear_sgd import batch_loader, mnist_loss, train_linear_sgd, validate_epoch
from mnist37.pixel_similarity import rmse_distance, train_pixel_similarity
from mnist37.simple_net import cross_entropy, one_linear, simple_net, train_simple_net, two_linear
from mnist37.tiny_cnn import TTA, augment, train_tiny_cnn, tta
from scripts.readers.course import ROOT

LINEAR = [train_linear_sgd, train_linear_learner]
each = pytest.mark.parametrize('train', [*LINEAR, train_simple_net, train_tiny_cnn])


@pytest.fixture(scope='module')
def few():
    "150 images of each class, on the CPU, where the same numbers come out each time"
    return [torch.cat([t[:150], t[-150:]]) for t in load_xy('train')]


def params(model): return torch.cat([p.detach().flatten() for p in model.parameters()])


def test_without_gradient_nothing_moves_and_without_parameters_nothing_begins():
    p, q = torch.ones(2, requires_grad=True), torch.ones(3, requires_grad=True)
    p.sum().backward()
    with pytest.raises(ValueError, match=r'parameter 1 of shape \(3,\) has no gradient'): BasicOptim([p, q], lr=1.).step()
    assert torch.equal(p.detach(), torch.ones(2))
    with pytest.raises(ValueError, match='^no parameters to optimize$'): BasicOptim([], lr=1.)


def test_five_loops_are_one(few):
    "By hand, by `BasicOptim`, by PyTorch's `SGD`, by fastai's, and by a `Learner`: two batches leave the same parameters"
    torch.manual_seed(37)
    start, lr = nn.Sequential(nn.Flatten(), nn.Linear(784, 1)), .5
    def loader(): return batch_loader(*few, shuffle=True, generator=torch.Generator().manual_seed(37))
    by_hand = deepcopy(start)
    for xb, yb in loader():
        mnist_loss(by_hand(xb), yb).backward()
        for p in by_hand.parameters(): p.data, p.grad = p.data - lr*p.grad, None
    others = [train_linear_learner(seed=37, epochs=1, lr=lr, data=few)]
    for make_opt in (BasicOptim, torch.optim.SGD, SGD):
        others.append(deepcopy(start))
        train_epoch(others[-1], loader(), make_opt(others[-1].parameters(), lr=lr))
    for model in others:
        for p, q in zip(model.parameters(), by_hand.parameters()): torch.testing.assert_close(p, q)
    assert (by_hand[1].weight - start[1].weight).abs().max() > .001  # so there was something to agree on


@pytest.fixture
def points():
    "Twenty points of four numbers, which are 3s if the first is positive"
    x = torch.randn(20, 4, generator=torch.Generator().manual_seed(37))
    return x, (x[:,:1] > 0).long()


def test_train_model_learns_and_validates_after_each_epoch(points):
    torch.manual_seed(37)
    model, dl = nn.Linear(4, 1), batch_loader(*points, 8)
    before = validate_epoch(model, dl)
    first = train_model(model, dl, dl, BasicOptim(model.parameters(), lr=5.), epochs=1)
    assert first == [validate_epoch(model, dl)] != [before] and all(p.grad is None for p in model.parameters())
    accs = train_model(model, dl, dl, BasicOptim(model.parameters(), lr=5.), 29)
    assert len(accs) == 29 and accs[-1] == 1.
    bias = model.bias.item()
    train_model(model, dl, dl, BasicOptim(model.parameters(), lr=1.), 2, lambda preds, targets: preds.sum()/8)
    assert model.bias.item() == pytest.approx(bias - 2*20/8)  # the slope of each sum is the number of images in it
    with pytest.raises(ValueError, match='^the loader is empty: no images to train on$'): train_model(model, [], dl, None, epochs=1)


def test_batch_norm_trains_in_training_mode_and_is_validated_in_evaluation_mode(points):
    "Otherwise an image would be classified by the company it is in, and validating would change the model"
    torch.manual_seed(37)
    model = nn.Sequential(nn.BatchNorm1d(4), nn.Linear(4, 1))
    loaders = [batch_loader(*points, size) for size in (8, 2, 20)]
    train_model(model, loaders[0], loaders[1], BasicOptim(model.parameters(), lr=.1), epochs=2)
    state = deepcopy(model.state_dict())
    assert state['0.num_batches_tracked'] == 2*3  # those of training, all of them, and none of validation
    right = ((model.eval()(points[0]) > 0) == points[1]).float().mean().item()
    assert [validate_epoch(model.train(), dl) for dl in loaders] == pytest.approx([right]*3)
    assert all(torch.equal(value, state[name]) for name, value in model.state_dict().items())


def test_pixel_similarity_makes_its_rungs():
    models = train_pixel_similarity(), train_pixel_similarity(rmse_distance)
    assert [n_errors(model, *load_xy('valid', default_device())) for model in models] == [99, 69]


@pytest.mark.parametrize('train, rung', [*zip(LINEAR, ['02_linear_sgd', '03_basic_optim'])])
def test_without_arguments_it_makes_its_rung(train, rung):
    "As many errors as some seed has given: another machine adds up in another order"
    with open(ROOT/'evidence'/'rungs.csv') as f: measured = [int(row['errors']) for row in csv.DictReader(f) if row['rung'] == rung]
    assert min(measured) <= n_errors(train(), *load_xy('valid', default_device())) <= max(measured)


@each
def test_it_learns_from_the_images_it_is_given(train, few):
    "From three hundred of them in a few epochs, to give a 3 the higher score"
    options = {'epochs': 4, 'batch_size': 32} if train is train_tiny_cnn else {'lr': 1.}
    assert n_errors(train(**options, data=few), *load_xy('valid')) < 200  # 17 to 80 were seen


@each
def test_seed_epochs_and_learning_rate_count(train, few):
    device = torch.get_default_device()
    one, again, other, two, start, still = [params(train(**{'seed': 1, 'epochs': 1, **options}, data=few)) for options in
                                            ({}, {}, {'seed': 2}, {'epochs': 2}, {'epochs': 0}, {'lr': 0.})]
    assert torch.equal(one, again) and torch.equal(start, still) and torch.get_default_device() == device
    assert not any(torch.equal(one, different) for different in (other, two, start))


@pytest.mark.parametrize('train', [*LINEAR, train_simple_net])
def test_the_loss_is_the_one_given(train, few):
    "A loss whose slope is 1 lowers the bias by the learning rate in each of two batches"
    before, after = [params(train(epochs=epochs, lr=.5, loss_func=lambda preds, targets: preds.mean(), data=few)) for epochs in (0, 1)]
    assert after[-1].item() == pytest.approx(before[-1].item() - 2*.5, abs=1e-5)


def test_options_of_train_linear_sgd(few):
    assert not params(train_linear_sgd(epochs=0, std=0., data=few)).any()
    assert params(train_linear_sgd(epochs=0, data=few)).std().item() == pytest.approx(.01, rel=.1)
    in_order, shuffled = [train_linear_sgd(epochs=1, std=0., shuffle=shuffle, data=few)[1].bias.item() for shuffle in (False, True)]
    assert in_order < shuffled  # the last batch had only 7s in it


def test_simple_net_is_two_linear_layers_with_a_relu_between(few):
    torch.manual_seed(37)
    net, x = simple_net(5), torch.rand(3, 28, 28)
    w1, b1, w2, b2 = net.parameters()
    hidden = (x.flatten(1)@w1.T + b1).clamp(min=0)
    assert 0 < (hidden == 0).sum() < hidden.numel()  # the ReLU has something to do
    torch.testing.assert_close(net(x), hidden@w2.T + b2)
    assert n_params(simple_net()) == 784*30 + 30 + 30 + 1
    assert n_params(train_simple_net(epochs=1, make_model=lambda: simple_net(1), data=few)) == 784 + 1 + 1 + 1
    with pytest.raises(ValueError, match='0 hidden activations, expected at least 1'): simple_net(0)


def test_options_of_train_tiny_cnn(few, monkeypatch):
    def train(**options): return train_tiny_cnn(epochs=1, data=few, **options)
    images, sizes = load_xy('valid')[0][:20], []
    model, one_view = train(), train(use_tta=False)
    torch.testing.assert_close(predict(model, images), tta(lambda xb: predict(one_view, xb), images))
    assert isinstance(model, TTA) and not model.training
    linear = train(change=lambda xb: sizes.append(len(xb)) or xb, batch_size=100, make_model=one_linear)
    assert sizes == [100, 100, 100] and n_params(linear) == 785
    assert torch.equal(params(model), params(train(change=augment, label_smoothing=.05, batch_size=128)))
    for other in ({'change': None}, {'label_smoothing': 0.}): assert not torch.equal(params(model), params(train(**other)))
    losses, signed = [], torch.tensor([[2.], [1.]])  # a score of 2 for a 3, and of -1 for a 7
    monkeypatch.setattr('mnist37.tiny_cnn.fit_one_cycle', lambda *args: losses.append(args[4]))
    train(label_smoothing=.2)
    smooth = -(.9*signed.sigmoid().log() + .1*(-signed).sigmoid().log()).mean()
    torch.testing.assert_close(losses[0](torch.tensor([[2.], [-1.]]), torch.tensor([[1], [0]])), smooth)


def test_what_the_lessons_compare_with(few):
    images, targets = few
    assert [tuple(p.shape) for p in (*one_linear().parameters(), *two_linear().parameters())] == [
        (1, 784), (1,), (30, 784), (30,), (1, 30), (1,)]
    assert [net()(images).shape for net in (one_linear, two_linear)] == [(300, 1)]*2
    assert not any(isinstance(part, nn.ReLU) for net in (one_linear, two_linear) for part in net())
    assert cross_entropy(torch.tensor([[2.], [-1.]]), torch.tensor([[1], [0]])).item() == pytest.approx(.2201, abs=1e-4)  # by hand in 04


@pytest.mark.parametrize('train', [train_pixel_similarity, train_linear_sgd, train_linear_learner, train_simple_net, train_tiny_cnn])
def test_what_cannot_be_trained_on_is_named(train, few):
    images, targets = few
    with pytest.raises(TypeError, match='torch.uint8, expected floats'): train(data=(images.byte(), targets))
    with pytest.raises(ValueError, match=r'\(N, 28, 28\) and \(N, 1\)'): train(data=(images, targets[:,0]))
    with pytest.raises(ValueError, match=r'targets \[1\], expected 1 for the 3s and 0 for the 7s'): train(data=(images, targets*0 + 1))
