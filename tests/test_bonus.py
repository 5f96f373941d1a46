"Deskewing, and images of other formats"
import pytest
import torch
from sklearn.datasets import load_digits
from test_tiny_cnn import bar, middle, slant_of

from mnist37.data import load_split
from mnist37.handwriting import as_mnist, other_peoples_digits
from mnist37.linear_limits import deskew


def test_deskew_stands_each_stroke_upright_and_in_the_middle():
    images = torch.stack([bar(slant).roll((3, -4), (0, 1)) for slant in (-.6, 0, .4)])
    assert [slant_of(image) for image in images] == pytest.approx([.6, 0, -.4], abs=.03)
    for image in deskew(images):
        assert slant_of(image) == pytest.approx(0, abs=.03) and middle(image) == pytest.approx([13.5, 13.5], abs=.1)
        assert (image.sum(0) > .5).sum() <= 6  # a stroke of three pixels stands in a few columns
        assert image.min() >= 0 and image.max() <= 1
    row = torch.zeros(1, 28, 28)
    row[0,10,5:20] = 1.  # no height, and so no slant
    assert deskew(row).isfinite().all()
    with pytest.raises(TypeError, match='torch.uint8, expected floats'): deskew(images.byte())
    with pytest.raises(ValueError, match=r'\(28, 28\), expected \(N, 28, 28\)'): deskew(images[0])
    with pytest.raises(ValueError, match=r'images \[1\] have no ink'): deskew(torch.stack([bar(), torch.zeros(28, 28)]))


def test_as_mnist_fills_a_box_of_twenty_centres_and_loses_no_ink():
    block, stroke, lines = torch.zeros(11, 9), torch.zeros(60, 9), torch.zeros(80, 80)
    block[2:7,3:5], stroke[5:55,4], lines[::4] = 1., 1., 1.
    for image, box in ((block, (20, 8)), (stroke, (20, 1))):  # one of fifty columns becomes less than half of one
        made = as_mnist(image)
        assert made.shape == (28, 28) and ((made > .1).any(1).sum(), (made > .1).any(0).sum()) == box
        assert middle(made) == pytest.approx([14, 14], abs=.5001)
    assert as_mnist(lines).sum() == pytest.approx(lines.sum().item()/4**2, rel=.1)
    assert as_mnist(torch.eye(8)).min() == 0 and as_mnist(torch.eye(8)).max() <= 1
    for image, words in ((torch.zeros(5, 7), r'\(5, 7\)'), (torch.rand(1, 8, 8), r'\(1, 8, 8\)')):
        with pytest.raises(ValueError, match=words): as_mnist(image)


def test_as_mnist_keeps_the_ink_inside_and_an_mnist_image_as_it_is():
    for heavy, where in ((0, slice(8, 28)), (19, slice(0, 20))):  # the centre of mass would carry the ink out
        image = torch.full((20, 20), .001)
        image[heavy, heavy] = 1.
        assert as_mnist(image)[where, where].min() > 0 and as_mnist(image).sum() == pytest.approx(image.sum().item(), rel=.05)
    for images in load_split('valid'):
        assert sum(torch.equal(as_mnist(image), image) for image in images[:100]) >= 90  # the others' box was smaller than twenty


def test_other_peoples_digits():
    digits = load_digits()
    images, targets = other_peoples_digits()
    assert images.shape == (362, 28, 28) and images.dtype == torch.float32 and targets.tolist() == [[1]]*183 + [[0]]*179
    for place, digit in ((0, 3), (183, 7)):
        first = torch.tensor(digits.images[digits.target == digit][0]).float()/16  # 16 is black
        assert torch.equal(images[place], as_mnist(first))
