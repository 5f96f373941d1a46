"Distances, the rule and the picture, on inputs small enough to check by hand"
import matplotlib.pyplot as plt
import pytest
import torch
import torch.nn.functional as F

from mnist37.pixel_similarity import is_3, mnist_distance, rmse_distance, show_images

plt.switch_backend('agg')


@pytest.fixture
def images(): return torch.rand(5, 28, 28, generator=torch.Generator().manual_seed(37))


def test_mnist_distance_by_hand():
    a, b = torch.zeros(28, 28), torch.zeros(28, 28)
    a[0, 0], b[3, 4] = 1., .5
    assert mnist_distance(a, b).item() == pytest.approx(1.5/784)


def test_rmse_distance_by_hand():
    a, b = torch.zeros(28, 28), torch.zeros(28, 28)
    a[0, 0], b[3, 4] = 1., .5
    assert rmse_distance(a, b).item() == pytest.approx((1.25/784)**.5)


@pytest.mark.parametrize('ours, theirs', [(mnist_distance, F.l1_loss), (rmse_distance, lambda a, b: F.mse_loss(a, b).sqrt())],
                         ids=['mnist_distance', 'rmse_distance'])
def test_value_and_gradient_are_pytorchs(ours, theirs, images):
    a, b = images[0].clone().requires_grad_(), images[0].clone().requires_grad_()
    ours(a, images[1]).backward()
    theirs(b, images[1]).backward()
    assert ours(a, images[1]).item() == pytest.approx(theirs(b, images[1]).item())
    torch.testing.assert_close(a.grad, b.grad)


@pytest.mark.parametrize('distance', [mnist_distance, rmse_distance])
def test_distance_broadcasts_like_a_loop(distance, images):
    many = distance(images, images[0])
    assert many.shape == (5,) and many[0] == 0
    torch.testing.assert_close(many, torch.stack([distance(image, images[0]) for image in images]))
    assert distance(images[:, None], images).shape == (5, 5)


@pytest.mark.parametrize('distance', [mnist_distance, rmse_distance])
@pytest.mark.parametrize('bad, error, complaint', [
    (torch.zeros(28, 28, dtype=torch.uint8), TypeError, r'type torch\.uint8, expected floats in \[0, 1\]'),
    (torch.zeros(784), ValueError, r'shape \(784,\), expected \(\.\.\., 28, 28\)'),
    (torch.zeros(28), ValueError, r'shape \(28,\)'),  # would broadcast without a word
    (torch.tensor(0.), ValueError, r'shape \(\)'),
], ids=['integers', 'flat', 'a row', 'a number'])
def test_distance_refuses(distance, bad, error, complaint, images):
    for arguments in ((bad, images), (images, bad)):
        with pytest.raises(error, match=complaint): distance(*arguments)


def test_is_3():
    mean3, mean7 = torch.full((28, 28), .8), torch.full((28, 28), .2)
    images = torch.stack([torch.full((28, 28), ink) for ink in (.9, .6, .4, 0.)])
    assert is_3(images, mean3, mean7).tolist() == [True, True, False, False]
    assert is_3(images[0], mean3, mean7).item() is True
    assert is_3(torch.full((28, 28), .5), torch.zeros(28, 28), torch.ones(28, 28)).item() is False  # a tie is no 3


def test_is_3_uses_the_distance_it_is_given():
    "One pixel quite wrong against all pixels a little wrong: the two distances disagree"
    mean3, mean7, image = torch.zeros(28, 28), torch.full((28, 28), .02), torch.zeros(28, 28)
    mean3[0, 0] = 1.
    assert is_3(image, mean3, mean7).item() is True
    assert is_3(image, mean3, mean7, rmse_distance).item() is False


def test_show_images(images):
    show_images(images, titles=list('abcde'), nrows=2)
    axes = plt.gcf().axes
    assert len(axes) == 6 and [ax.get_title() for ax in axes] == [*'abcde', '']
    shown = axes[4].images[0]
    assert (torch.tensor(shown.get_array()) == images[4]).all() and shown.get_cmap().name == 'Greys'
    assert shown.get_clim() == (0, 1)  # the same scale for every image
    assert not any(ax.axison for ax in axes) and axes[0].title.get_fontsize() == 9
    assert plt.gcf().get_size_inches().tolist() == pytest.approx([3*1.2, 2*1.2*1.2])
    show_images(images[:1], size=2.)
    assert len(plt.gcf().axes) == 1 and plt.gcf().get_size_inches().tolist() == pytest.approx([2, 2.4])
    show_images(images)
    assert plt.gcf().get_size_inches().tolist() == pytest.approx([5*1.2, 1.2*1.2])
    show_images((images*255).byte())
    assert plt.gcf().axes[0].images[0].get_clim() == (0, 255)
    plt.close('all')


def test_show_images_refuses(images):
    with pytest.raises(ValueError, match='^no images to show$'): show_images([])
    with pytest.raises(ValueError, match='2 titles for 5 images'): show_images(images, ['a', 'b'])
