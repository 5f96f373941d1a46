"`BasicOptim` is PyTorch's `SGD`, and training with it does what it says"
from copy import deepcopy

import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader

from mnist37.basic_optim import BasicOptim, train_epoch, train_model
from mnist37.linear_sgd import mnist_loss, validate_epoch


@pytest.fixture
def model():
    torch.manual_seed(37)
    return nn.Sequential(nn.Linear(4, 3), nn.ReLU(), nn.Linear(3, 1))


@pytest.fixture
def dl():
    "Twenty points of four numbers, which are 3s if the first is positive"
    x = torch.randn(20, 4, generator=torch.Generator().manual_seed(37))
    return DataLoader(list(zip(x, (x[:, :1] > 0).long())), batch_size=8)


def test_steps_like_pytorchs_sgd(model, dl):
    ours, theirs = deepcopy(model), deepcopy(model)
    train_epoch(ours, dl, BasicOptim(ours.parameters(), lr=.5))
    train_epoch(theirs, dl, torch.optim.SGD(theirs.parameters(), lr=.5))
    for p, q, start in zip(ours.parameters(), theirs.parameters(), model.parameters()):
        assert torch.equal(p, q) and not torch.equal(p, start)


def test_a_step_goes_against_the_gradient():
    p = torch.tensor([1., 2.], requires_grad=True)
    opt = BasicOptim([p], lr=.1)
    (3*p).sum().backward()
    opt.step()
    torch.testing.assert_close(p.detach(), torch.tensor([.7, 1.7]))
    opt.zero_grad()
    assert p.grad is None and p.requires_grad


def test_keeps_parameters_that_come_from_a_generator(model, dl):
    "`model.parameters()` can be walked through only once"
    opt = BasicOptim(model.parameters(), lr=.5)
    for _ in range(2): train_epoch(model, dl, opt)
    assert len(opt.params) == 4


def test_a_parameter_without_gradient_is_named_and_nothing_moves():
    p, q = torch.ones(2, requires_grad=True), torch.ones(3, requires_grad=True)
    p.sum().backward()
    with pytest.raises(ValueError, match=r'parameter 1 of shape \(3,\) has no gradient'): BasicOptim([p, q], lr=1.).step()
    assert torch.equal(p.detach(), torch.ones(2))


def test_no_parameters():
    with pytest.raises(ValueError, match='^no parameters to optimize$'): BasicOptim([], lr=1.)


def test_train_epoch_clears_the_gradients(model, dl):
    train_epoch(model, dl, BasicOptim(model.parameters(), lr=.5))
    assert all(p.grad is None for p in model.parameters())


def test_train_epoch_uses_the_loss_it_is_given(dl):
    model = nn.Linear(4, 1)
    before = model.bias.item()
    train_epoch(model, dl, BasicOptim(model.parameters(), lr=1.), lambda preds, targets: preds.sum()/8)
    assert model.bias.item() == pytest.approx(before - 20/8)  # the slope of each sum is the number of images in it


def test_train_model_learns_and_reports_each_epoch(dl):
    torch.manual_seed(37)
    model = nn.Linear(4, 1)
    def loss():
        with torch.no_grad(): return sum(mnist_loss(model(x), y).item() for x, y in dl)
    before = loss()
    accs = train_model(model, dl, dl, BasicOptim(model.parameters(), lr=5.), epochs=30)
    assert len(accs) == 30 and accs[-1] == 1. and loss() < before/5


def test_train_model_validates_after_the_epoch(model, dl):
    before = validate_epoch(model, dl)
    accs = train_model(model, dl, dl, BasicOptim(model.parameters(), lr=5.), epochs=1)
    assert accs == [validate_epoch(model, dl)] != [before]


def test_train_model_uses_the_loss_it_is_given(dl):
    model = nn.Linear(4, 1)
    before = model.bias.item()
    train_model(model, dl, dl, BasicOptim(model.parameters(), lr=1.), 2, lambda preds, targets: preds.sum()/8)
    assert model.bias.item() == pytest.approx(before - 2*20/8)


def test_an_empty_loader_is_refused(model):
    opt = BasicOptim(model.parameters(), lr=1.)
    with pytest.raises(ValueError, match='^the loader is empty: no images to train on$'): train_epoch(model, [], opt)
    with pytest.raises(ValueError, match='the loader is empty'): train_model(model, [], [], opt, epochs=1)
