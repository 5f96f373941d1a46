"Augmentation, the network, its training, test-time augmentation, and deskewing"
import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from mnist37.ladder import n_params
from mnist37.linear_limits import deskew
from mnist37.simple_net import one_linear
from mnist37.tiny_cnn import augment, conv_block, fit_one_cycle, tiny_cnn, tta

NOTHING = {'degrees': 0, 'pixels': 0, 'zoom': 0, 'shear': 0, 'bend': 0}


def bar(slant=0):
    "An image of a centred stroke that moves `slant` pixels to the left with every row down"
    y, x = torch.meshgrid(torch.arange(28.) - 13.5, torch.arange(28.) - 13.5, indexing='ij')
    return (1.5 - (x + slant*y).abs()).clamp(0, 1)*(y.abs() < 10)


def middle(image):
    "Row and column of the centre of mass"
    return [(image.sum(1 - axis)*torch.arange(28)).sum().item()/image.sum().item() for axis in (0, 1)]


def slant_of(image):
    y, x = [torch.arange(28) - place for place in middle(image)]
    return ((image*x*y[:,None]).sum()/(image*y[:,None]**2).sum()).item()


def changed(image, n=400, **options):
    "`n` copies of `image`, changed by `options` alone"
    torch.manual_seed(0)
    return augment(image.expand(n, -1, -1), **{**NOTHING, **options})


@pytest.mark.parametrize('change, size, measure, least, most, room', [
    ('pixels', 3, lambda image: middle(image)[0], 10.5, 16.5, .01),
    ('pixels', 3, lambda image: middle(image)[1], 10.5, 16.5, .01),
    ('zoom', .2, lambda image: (image.sum()/bar().sum()).item(), 1/1.2**2, 1/.8**2, .08),
    ('shear', .3, slant_of, -.3, .3, .01),
    ('degrees', 20, slant_of, -math.tan(math.radians(20)), math.tan(math.radians(20)), .02),
], ids=['down', 'right', 'zoom', 'shear', 'degrees'])
def test_each_change_goes_as_far_as_it_may_to_both_sides(change, size, measure, least, most, room):
    found = [measure(image) for image in changed(bar(), **{change: size})]
    assert (min(found), max(found)) == pytest.approx((least, most), abs=room*(most - least))


def test_bending_moves_each_point_of_a_grid_of_five_on_its_own():
    "By at most as many pixels as it says, so a slope of grey moves by as many grey levels; where its points are, all of it is used"
    slope, both = (torch.arange(28.)/27).expand(28, 28), []
    for image, axis in ((slope, 2), (slope.T, 1)):
        moved = 27*(changed(image, bend=2) - image)  # in pixels
        centre, quarter, other = [moved[:,row:row+2,column:column+2].mean((1, 2)) for row, column in ((13, 13), (6, 6), (20, 6))]
        both.append(centre)  # the same changes in each direction
        assert -2.05 < centre.min() < -1.9 and 1.9 < centre.max() < 2.05 and centre.mean().abs() < .15
        assert torch.corrcoef(torch.stack([centre, quarter, other])).triu(1).abs().max() < .2
        assert quarter.std() == pytest.approx(2/3**.5, rel=.06)  # the outermost points lie on the corners, so others lie here
        assert (moved.diff(dim=3 - axis)[:,4:-4,4:-4].abs() < 1.2).all()  # neighbours stay neighbours
    assert torch.corrcoef(torch.stack(both))[0, 1].abs() < .2


def test_augment_by_default_changes_each_image_by_the_lessons_recipe():
    torch.testing.assert_close(changed(bar(.3), 1)[0], bar(.3), atol=1e-5, rtol=0)  # nothing by itself
    assert all(image.sum() == pytest.approx(bar().sum().item(), rel=.05) for image in changed(bar(), 20, degrees=45))  # no slanting
    many = changed(bar(.3), 50, degrees=15, pixels=2, zoom=.2, shear=.15, bend=1)
    torch.manual_seed(0)
    assert torch.equal(augment(bar(.3).expand(50, -1, -1)), many) and len(many.unique(dim=0)) == 50


def test_tiny_cnn_is_three_blocks_and_a_linear_layer():
    block, xb = conv_block(2, 3, 5, padding=1), torch.rand(4, 2, 8, 10)
    pooled = F.max_pool2d(F.conv2d(xb, block[0].weight, padding=1), 2)
    torch.testing.assert_close(block(xb), block[2](pooled).relu())
    assert conv_block(2, 3, 5)(xb).shape == (4, 3, 2, 3) and block[0].weight.shape == (3, 2, 5, 5)
    assert n_params(tiny_cnn()) == 727 < n_params(one_linear()) and n_params(tiny_cnn((8, 16, 32), 10)) == 8962
    assert [tuple(block[0].weight.shape) for block in tiny_cnn()[1:4]] == [(4, 1, 5, 5), (6, 4, 3, 3), (6, 6, 3, 3)]
    assert tiny_cnn(n_scores=10)(torch.rand(3, 28, 28)).shape == (3, 10)


def test_fit_one_cycle_follows_its_learning_rate_and_trains_on_what_it_changes(monkeypatch):
    made, rates, seen, model = [], [], [], nn.Linear(1, 1)
    class Spy(torch.optim.AdamW):
        def __init__(self, *args, **options): made.append(self) or super().__init__(*args, **options)
    monkeypatch.setattr(torch.optim, 'AdamW', Spy)
    def loss_func(preds, targets):
        rates.append(made[0].param_groups[0]['lr'])
        return preds.sum()
    before = model.weight.item()
    fit_one_cycle(model.eval(), [(torch.ones(1, 1), None)]*10, 4, .1, loss_func, change=lambda xb: seen.append(xb) or 3*xb)
    assert len(rates) == len(seen) == 40 and np.argmax(rates) == 9 and max(rates) == pytest.approx(.1)
    assert rates[0] == pytest.approx(.1/25) and min(rates) == rates[-1] < 1e-4
    assert model.weight.item() < before - 1 and model.weight.grad is None and model.training


def test_tta_moves_each_image_by_a_pixel_in_all_directions():
    seen = []
    probs = tta(lambda xb: seen.append(xb[0]) or torch.tensor([float(len(seen))]), bar()[None])
    moves = [tuple(round(there - 13.5) for there in middle(view)) for view in seen]
    assert sorted(moves) == [(dy, dx) for dy in (-1, 0, 1) for dx in (-1, 0, 1)] and probs.tolist() == [5.]  # the mean of 1 to 9


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
