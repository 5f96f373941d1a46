"The parts of the training loop, against PyTorch's own and on inputs small enough to check by hand"
import pytest
import torch
from torch import nn

from mnist37.data import load_xy
from mnist37.linear_sgd import batch_accuracy, batch_loader, calc_grad, init_params, mnist_loaders, mnist_loss, validate_epoch


@pytest.fixture
def batch():
    "Images and targets of a made-up batch of 6"
    return torch.rand(6, 784, generator=torch.Generator().manual_seed(37)), torch.tensor([[1], [1], [1], [0], [0], [0]])


def test_batch_loader():
    x, y = torch.arange(24.).view(6, 2, 2), torch.arange(6)
    batches = list(batch_loader(x, y, 4))
    assert [len(yb) for _, yb in batches] == [4, 2] and torch.equal(torch.cat([xb for xb, _ in batches]), x)
    one, other = [batch_loader(x, y, 4, shuffle=True, generator=torch.Generator().manual_seed(37)) for _ in range(2)]
    first, again, second = [torch.cat([yb for _, yb in dl]).tolist() for dl in (one, other, one)]
    assert first == again != second and sorted(first) == sorted(second) == list(range(6))  # another order each time
    for xb, yb in one: assert torch.equal(xb[:,0,0], 4.*yb)  # each image keeps its target


def test_mnist_loaders():
    loaders = [mnist_loaders(batch_size=100, generator=torch.Generator().manual_seed(37)) for _ in range(2)]
    (xb, yb), (x2, _), (vx, _) = [next(iter(dl)) for dl in (loaders[0][0], loaders[1][0], loaders[0][1])]
    assert (xb.shape, yb.shape, [len(dl) for dl in loaders[0]]) == ((100, 28, 28), (100, 1), [124, 21])
    assert 0 < yb.sum() < 100 and torch.equal(xb, x2) and torch.equal(vx, load_xy('valid')[0][:100])  # validation isn't shuffled


def test_init_params():
    torch.manual_seed(37)
    params = init_params((1000, 20), std=.5)
    assert params.shape == (1000, 20) and params.requires_grad and params.is_leaf
    assert params.mean().item() == pytest.approx(0, abs=.02) and params.std().item() == pytest.approx(.5, rel=.02)
    assert init_params(10_000).std().item() == pytest.approx(1, rel=.03) and init_params(3, device='meta').is_leaf


def test_the_loss_is_as_by_hand_and_its_gradient_that_of_pytorchs_l1_loss_on_sigmoids(batch):
    preds, targets = torch.tensor([[0.], [2.], [-1.]]), torch.tensor([[1], [0], [0]])
    assert mnist_loss(preds, targets).item() == pytest.approx((.5 + .880797 + .268941)/3)  # 1 - sigmoid(0), sigmoid(2), sigmoid(-1)
    ours = torch.linspace(-3, 3, 6).view(6, 1).requires_grad_()
    theirs = ours.detach().clone().requires_grad_()
    for loss in (mnist_loss(ours, batch[1]), nn.L1Loss()(theirs.sigmoid(), batch[1].float())): loss.backward()
    torch.testing.assert_close(ours.grad, theirs.grad)


@pytest.mark.parametrize('preds, targets', [((4, 1), (4,)), ((4,), (4, 1)), ((4,), (4,)), ((4, 1), (3, 1)), ((4, 2), (4, 2)),
                                            ((0, 1), (0, 1))])
def test_other_shapes_are_refused(preds, targets):
    for function in (mnist_loss, batch_accuracy):
        with pytest.raises(ValueError, match=r'expected both \(N, 1\): a missing unsqueeze\(1\)\?$') as error:
            function(torch.zeros(preds), torch.zeros(targets))
        assert f'of shape {preds}, targets of shape {targets}' in str(error.value)


def test_calc_grad_adds_the_gradient_of_any_loss(batch):
    params = init_params((784, 1), .01), init_params(1, .01)
    def model(xb): return xb@params[0] + params[1]
    for loss_func in (mnist_loss, lambda preds, targets: (7*preds).sum()):
        expected = torch.autograd.grad(loss_func(model(batch[0]), batch[1]), params)
        for p in params: p.grad = None
        for _ in range(2): calc_grad(*batch, model, loss_func)
        for p, grad in zip(params, expected): torch.testing.assert_close(p.grad, 2*grad)
    with pytest.raises(TypeError, match='images of type torch.uint8, expected floats'): calc_grad(batch[0].byte(), batch[1], model)


def test_accuracy_counts_images_not_batches_and_computes_no_gradients(batch):
    preds, targets, seen = torch.tensor([[3.], [.1], [-.1], [-2.]]), torch.tensor([[1], [0], [1], [0]]), []
    assert batch_accuracy(preds, targets).item() == .5 and batch_accuracy(preds, (preds > 0).long()).item() == 1
    def model(xb): return seen.append(torch.is_grad_enabled()) or torch.ones(len(xb), 1)
    assert validate_epoch(model, batch_loader(*batch, 4)) == .5  # 3 of 4 and 0 of 2, and not the mean of 3/4 and 0/2
    assert seen == [False, False]
    with pytest.raises(ValueError, match='^the loader is empty: no images to validate on$'): validate_epoch(model, [])
