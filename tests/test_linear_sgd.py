"The parts of the training loop, against PyTorch's own and on inputs small enough to check by hand"
import matplotlib.pyplot as plt
import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader

from mnist37.data import load_split
from mnist37.linear_sgd import (batch_accuracy, calc_grad, init_params, load_xy, mnist_loaders, mnist_loss, plot_function,
                                validate_epoch)

plt.switch_backend('agg')


@pytest.fixture
def batch():
    "Images and targets of a made-up batch of 6"
    generator = torch.Generator().manual_seed(37)
    return torch.rand(6, 784, generator=generator), torch.tensor([[1], [0], [1], [1], [0], [0]])


def loader(*batches): return DataLoader([pair for x, y in batches for pair in zip(x, y)], batch_size=4)


# the data

def test_load_xy():
    x, y = load_xy('valid')
    threes, sevens = load_split('valid')
    assert (x.shape, y.shape) == ((2038, 784), (2038, 1))
    assert torch.equal(x[y[:, 0] == 1].view(-1, 28, 28), threes) and torch.equal(x[y[:, 0] == 0].view(-1, 28, 28), sevens)


def test_mnist_loaders():
    dl, valid_dl = mnist_loaders(batch_size=100, generator=torch.Generator().manual_seed(37))
    again, _ = mnist_loaders(batch_size=100, generator=torch.Generator().manual_seed(37))
    (xb, yb), (x2, y2), (vx, vy) = next(iter(dl)), next(iter(again)), next(iter(valid_dl))
    assert (xb.shape, yb.shape, len(dl), len(valid_dl)) == ((100, 784), (100, 1), 124, 21)
    assert torch.equal(xb, x2) and torch.equal(yb, y2)
    assert len(next(iter(mnist_loaders()[0]))[0]) == len(next(iter(mnist_loaders()[1]))[0]) == 256
    assert 0 < yb.sum() < 100  # the training set is shuffled, the validation set is not
    assert torch.equal(vx, load_xy('valid')[0][:100])
    assert not torch.equal(next(iter(dl))[0], xb)  # and shuffled anew in the next epoch


# parameters

def test_init_params():
    torch.manual_seed(37)
    params = init_params((1000, 20), std=.5)
    assert params.shape == (1000, 20) and params.requires_grad and params.is_leaf
    assert params.mean().item() == pytest.approx(0, abs=.02) and params.std().item() == pytest.approx(.5, rel=.02)
    assert init_params(3, device='meta').device.type == 'meta'
    assert init_params(10_000).std().item() == pytest.approx(1, rel=.03)


# the loss

def test_mnist_loss_by_hand():
    preds, targets = torch.tensor([[0.], [2.], [-1.]]), torch.tensor([[1], [0], [0]])
    sigmoids = preds.sigmoid()
    assert mnist_loss(preds, targets).item() == pytest.approx((.5 + sigmoids[1].item() + sigmoids[2].item())/3)


def test_mnist_loss_is_the_mean_distance_of_sigmoid_and_target(batch):
    "PyTorch's `L1Loss` on sigmoids: the same value and the same gradient"
    _, targets = batch
    ours = torch.linspace(-3, 3, 6).view(6, 1).requires_grad_()
    theirs = ours.detach().clone().requires_grad_()
    mnist_loss(ours, targets).backward()
    nn.L1Loss()(theirs.sigmoid(), targets.float()).backward()
    torch.testing.assert_close(ours.grad, theirs.grad)


bad_shapes = pytest.mark.parametrize('preds, targets', [((4, 1), (4,)), ((4,), (4, 1)), ((4,), (4,)), ((4, 1), (3, 1)),
                                                        ((4, 2), (4, 2)), ((0, 1), (0, 1))], ids=str)


@bad_shapes
@pytest.mark.parametrize('function', [mnist_loss, batch_accuracy])
def test_other_shapes_are_refused(function, preds, targets):
    with pytest.raises(ValueError, match=r', expected both \(N, 1\): a missing unsqueeze\(1\)\?$') as error: function(torch.zeros(preds), torch.zeros(targets))
    assert str(preds) in str(error.value) and str(targets) in str(error.value)


# gradients

def test_calc_grad_is_pytorchs_gradient(batch):
    xb, yb = batch
    weights, bias = init_params((784, 1), .01), init_params(1, .01)
    calc_grad(xb, yb, lambda xb: xb@weights + bias)
    expected = torch.autograd.grad(mnist_loss(xb@weights + bias, yb), (weights, bias))
    for p, grad in zip((weights, bias), expected): torch.testing.assert_close(p.grad, grad)
    calc_grad(xb, yb, lambda xb: xb@weights + bias)
    for p, grad in zip((weights, bias), expected): torch.testing.assert_close(p.grad, 2*grad)  # it adds


def test_calc_grad_uses_the_loss_it_is_given(batch):
    weights = init_params((784, 1), .01)
    calc_grad(*batch, lambda xb: xb@weights, lambda preds, targets: (7*preds).sum())
    torch.testing.assert_close(weights.grad, 7*batch[0].sum(0).view(784, 1))


def test_calc_grad_refuses_integers(batch):
    xb, yb = batch
    with pytest.raises(TypeError, match='images of type torch.uint8, expected floats'): calc_grad((xb*255).byte(), yb, nn.Linear(784, 1))


# accuracy

def test_batch_accuracy_by_hand():
    preds, targets = torch.tensor([[3.], [.1], [-.1], [-2.]]), torch.tensor([[1], [0], [1], [0]])
    assert batch_accuracy(preds, targets).item() == .5
    assert batch_accuracy(preds, (preds > 0).long()).item() == 1  # the threshold is 0 before the sigmoid


def test_validate_epoch_counts_images_not_batches(batch):
    "Six images in batches of 4 and 2: three of four right, then none of two, is 3/6 and not the mean of 3/4 and 0/2"
    x, _ = batch
    right = torch.tensor([1, 1, 1, 0, 0, 0]).view(6, 1)
    assert validate_epoch(lambda xb: torch.ones(len(xb), 1), loader((x, right))) == .5
    assert torch.tensor([.75, 0]).mean() != .5


def test_validate_epoch_leaves_no_trace(batch):
    model = nn.Linear(784, 1)
    validate_epoch(model, loader(batch))
    assert all(p.grad is None for p in model.parameters())
    recorded = []
    validate_epoch(lambda xb: recorded.append(torch.is_grad_enabled()) or model(xb), loader(batch))
    assert recorded == [False, False]  # nothing is kept for a backward pass


def test_validate_epoch_of_nothing():
    with pytest.raises(ValueError, match='^the loader is empty: no images to validate on$'): validate_epoch(nn.Linear(784, 1), [])


# the picture

def test_plot_function():
    ax = plot_function(lambda x: x**2, 'x', 'y', 'a title', min=-1, max=3)
    x, y = ax.lines[0].get_data()
    assert (x[0], x[-1]) == (-1, 3) and (y == x**2).all()
    assert (ax.get_xlabel(), ax.get_ylabel(), ax.get_title()) == ('x', 'y', 'a title')
    assert len(x) == 200 and ax.lines[0].get_color() == 'black' and ax.lines[0].get_linewidth() == 1
    assert plot_function(torch.sin, ax=ax) is ax and len(ax.lines) == 2
    assert ax.lines[1].get_xdata()[[0, -1]].tolist() == [-2, 2]
    assert plot_function(torch.sin).figure.get_size_inches().tolist() == [5, 3.5]
    with pytest.raises(ValueError, match='min 3 and max 3: expected min < max'): plot_function(torch.sin, min=3, max=3)
    plt.close('all')
