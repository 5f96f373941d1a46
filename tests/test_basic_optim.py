"`BasicOptim` is PyTorch's `SGD`, the five training loops are one, and models are switched between their two modes"
from copy import deepcopy

import pytest
import torch
from fastai.basics import SGD
from torch import nn

from mnist37.basic_optim import BasicOptim, train_epoch, train_linear_learner, train_model
from mnist37.data import load_xy
from mnist37.linear_sgd import batch_loader, mnist_loss, validate_epoch


@pytest.fixture
def points():
    "Twenty points of four numbers, which are 3s if the first is positive"
    x = torch.randn(20, 4, generator=torch.Generator().manual_seed(37))
    return x, (x[:,:1] > 0).long()


def test_a_step_goes_against_the_gradient():
    p = torch.tensor([1., 2.], requires_grad=True)
    opt = BasicOptim([p], lr=.1)
    (3*p).sum().backward()
    opt.step()
    torch.testing.assert_close(p.detach(), torch.tensor([.7, 1.7]))
    opt.zero_grad()
    assert p.grad is None and p.requires_grad


def test_without_gradient_nothing_moves_and_without_parameters_nothing_begins():
    p, q = torch.ones(2, requires_grad=True), torch.ones(3, requires_grad=True)
    p.sum().backward()
    with pytest.raises(ValueError, match=r'parameter 1 of shape \(3,\) has no gradient'): BasicOptim([p, q], lr=1.).step()
    assert torch.equal(p.detach(), torch.ones(2))
    with pytest.raises(ValueError, match='^no parameters to optimize$'): BasicOptim([], lr=1.)


def test_five_loops_are_one():
    "By hand, by `BasicOptim`, by PyTorch's `SGD`, by fastai's, and by a `Learner`: two batches leave the same parameters"
    data, lr = [torch.cat([t[:200], t[-200:]]) for t in load_xy('train')], .5
    torch.manual_seed(37)
    start = nn.Sequential(nn.Flatten(), nn.Linear(784, 1))
    def loader(): return batch_loader(*data, shuffle=True, generator=torch.Generator().manual_seed(37))
    by_hand = deepcopy(start)
    for xb, yb in loader():
        mnist_loss(by_hand(xb), yb).backward()
        for p in by_hand.parameters(): p.data, p.grad = p.data - lr*p.grad, None
    others = [train_linear_learner(seed=37, epochs=1, lr=lr, data=data)]
    for make_opt in (BasicOptim, torch.optim.SGD, SGD):
        others.append(deepcopy(start))
        train_epoch(others[-1], loader(), make_opt(others[-1].parameters(), lr=lr))
    for model in others:
        for p, q in zip(model.parameters(), by_hand.parameters()): torch.testing.assert_close(p, q)
    assert (by_hand[1].weight - start[1].weight).abs().max() > .001  # so there was something to agree on


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
