"Distances and the rule, on inputs small enough to check by hand"
import pytest
import torch
import torch.nn.functional as F

from mnist37.pixel_similarity import PixelSimilarity, is_3, mnist_distance, rmse_distance, train_pixel_similarity


@pytest.fixture
def images(): return torch.rand(5, 28, 28, generator=torch.Generator().manual_seed(37))


@pytest.mark.parametrize('ours, theirs, expected', [(mnist_distance, F.l1_loss, 1.5/784),
                                                    (rmse_distance, lambda a, b: F.mse_loss(a, b).sqrt(), (1.25/784)**.5)])
def test_a_distance_is_as_by_hand_and_its_gradient_pytorchs(ours, theirs, expected, images):
    a, b = torch.zeros(2, 28, 28)
    a[0, 0], b[3, 4] = 1., .5
    assert ours(a, b).item() == pytest.approx(expected)
    a, b = images[0].clone().requires_grad_(), images[0].clone().requires_grad_()
    for distance, x in ((ours, a), (theirs, b)): distance(x, images[1]).backward()
    torch.testing.assert_close(a.grad, b.grad)
    for bad, error in ((images.byte(), TypeError), (torch.zeros(28), ValueError)):  # a row would broadcast without a word
        for pair in ((images, bad), (bad, images)):
            with pytest.raises(error, match='uint8|expected .* 28, 28'): ours(*pair)


def test_is_3_and_the_module_answer_by_the_shorter_distance(images):
    means = torch.full((28, 28), .8), torch.full((28, 28), .2)
    shades = torch.stack([torch.full((28, 28), ink) for ink in (.9, .6, .4, 0.)])
    assert is_3(shades, *means).tolist() == [True, True, False, False] and is_3(shades[0], *means).item() is True
    assert is_3(torch.full((28, 28), .5), torch.zeros(28, 28), torch.ones(28, 28)).item() is False  # a tie is no 3
    model = PixelSimilarity(*images[:2])
    assert torch.equal(model(images) > 0, is_3(images, *images[:2])[:,None])
    assert set(model.state_dict()) == {'mean3', 'mean7'} and not list(model.parameters())
    trained = train_pixel_similarity(data=(images, torch.tensor([[1], [0], [0], [1], [0]])))
    for mean, rows in ((trained.mean3, [0, 3]), (trained.mean7, [1, 2, 4])): torch.testing.assert_close(mean, images[rows].mean(0))


def test_the_distance_given_is_used():
    "One pixel very wrong against every pixel a little wrong: the two distances disagree"
    means, image = torch.stack([torch.zeros(28, 28), torch.full((28, 28), .02)]), torch.zeros(1, 28, 28)
    means[0, 0, 0] = 1.
    for distance, expected in ((mnist_distance, True), (rmse_distance, False)):
        model = train_pixel_similarity(distance, data=(means, torch.tensor([[1], [0]])))
        assert is_3(image, *means, distance).item() is (model(image) > 0).item() is expected
