"Deskewing"
import pytest
import torch
from test_tiny_cnn import bar, middle, slant_of

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
