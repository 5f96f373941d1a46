"Deskewing, augmentation, the network and its `Learner`, nine views of an image, and images of other formats"
import math

import pytest
import torch
import torch.nn.functional as F
from fastai.basics import Callback
from sklearn.datasets import load_digits
from torch import nn

from mnist37.data import load_split
from mnist37.ladder import n_params
from mnist37.tiny_cnn import Augment, as_mnist, augment, conv_block, deskew, other_hands, tiny_cnn, tiny_learner, tta

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


def changed(image, n=400, **options):
    "`n` copies of `image`, changed by `options` alone"
    torch.manual_seed(0)
    return augment(image.expand(n, 1, -1, -1), **{**NOTHING, **options})[:,0]


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
    slope = (torch.arange(28.)/27).expand(28, 28)
    for image, axis in ((slope, 2), (slope.T, 1)):
        moved = 27*(changed(image, bend=2) - image)  # in pixels
        centre, quarter, other = [moved[:,row:row+2,column:column+2].mean((1, 2)) for row, column in ((13, 13), (6, 6), (20, 6))]
        assert -2.05 < centre.min() < -1.9 and 1.9 < centre.max() < 2.05 and centre.mean().abs() < .15
        assert torch.corrcoef(torch.stack([centre, quarter, other])).triu(1).abs().max() < .2
        assert quarter.std() == pytest.approx(2/3**.5, rel=.06)  # the outermost points lie on the corners, so others lie here
        assert (moved.diff(dim=3 - axis)[:,4:-4,4:-4].abs() < 1.2).all()  # neighbours stay neighbours


def test_augment_by_default_changes_each_image_by_the_lessons_recipe():
    torch.testing.assert_close(changed(bar(.3), 1)[0], bar(.3), atol=1e-5, rtol=0)  # nothing by itself
    assert all(image.sum() == pytest.approx(bar().sum().item(), rel=.05) for image in changed(bar(), 20, degrees=45))  # no slanting
    many = changed(bar(.3), 50, degrees=15, pixels=2, zoom=.2, shear=.15, bend=1)
    torch.manual_seed(0)
    assert torch.equal(augment(bar(.3).expand(50, 1, -1, -1))[:,0], many) and len(many.unique(dim=0)) == 50


def test_tiny_cnn_is_three_blocks_and_a_linear_layer():
    block, xb = conv_block(2, 3, 5, padding=1), torch.rand(4, 2, 8, 10)
    torch.testing.assert_close(block(xb), F.max_pool2d(block[1](F.conv2d(xb, block[0].weight, padding=1)).relu(), 2))
    assert conv_block(2, 3, 5)(xb).shape == (4, 3, 2, 3) and block[0].weight.shape == (3, 2, 5, 5)
    assert [n_params(model) for model in (tiny_cnn(), tiny_cnn(10))] == [6650, 8962]
    assert [tuple(block[0].weight.shape) for block in tiny_cnn()[:3]] == [(8, 1, 5, 5), (16, 8, 3, 3), (32, 16, 3, 3)]
    assert tiny_cnn(10)(torch.rand(3, 1, 28, 28)).shape == (3, 10)


@pytest.fixture(scope='module')
def few():
    "A hundred 3s and as many 7s to train on, and as many to validate on"
    return [(torch.cat([images[:100] for images in load_split(split)]), torch.arange(200)//100) for split in ('train', 'valid')]


class Watch(Callback):
    "Remembers the batches that reach the model, and whether it trains on them"
    order = Augment.order + 1
    def before_fit(self): self.seen = []
    def before_batch(self): self.seen.append((self.training, len(self.x), self.x.sum((1, 2, 3)).round(decimals=3).tolist()))


@pytest.mark.parametrize('change, ink', [(lambda images: images*0 + .5, {392.}), (None, None)], ids=['to grey', 'none'])
def test_tiny_learner_changes_training_images_only(change, ink, few):
    "And takes a model, a batch size and callbacks"
    model, watch = nn.Sequential(nn.Flatten(), nn.Linear(784, 2)), Watch()
    learn = tiny_learner(*few, model, batch_size=80, change=change, cbs=[watch])
    with learn.no_bar(), learn.no_logging(): learn.fit(1, 1e-3)
    assert learn.model is model and [(training, n) for training, n, _ in watch.seen] == [(True, 80), (True, 80), (True, 40), (False, 200)]
    came, own = sum([ink for training, _, ink in watch.seen if training], []), few[0][0].sum((1, 2)).round(decimals=3).tolist()
    assert set(came) == (ink or set(own)) and came != own  # the images come shuffled
    assert watch.seen[-1][2] == few[1][0].sum((1, 2)).round(decimals=3).tolist()


def test_by_default_tiny_learner_augments_and_asks_for_less_than_certainty(few):
    "By the definition: a share of the target, 0.05 or what is said, is spread evenly over all classes"
    learn, scores, classes = tiny_learner(*few), torch.randn(5, 3), torch.tensor([0, 1, 2, 1, 0])
    assert [cb.change for cb in learn.cbs if isinstance(cb, Augment)] == [augment] and n_params(learn.model) == 6650
    for share, loss_func in ((.05, learn.loss_func), (.1, tiny_learner(*few, label_smoothing=.1).loss_func)):
        target = (1 - share)*F.one_hot(classes, 3) + share/3
        torch.testing.assert_close(loss_func(scores, classes), -(target*scores.log_softmax(1)).sum(1).mean())


def test_tta_moves_each_image_by_a_pixel_in_all_directions():
    seen = []
    probs = tta(lambda xb: seen.append(xb[0, 0]) or torch.tensor([float(len(seen))]), bar()[None,None])
    moves = [tuple(round(there - 13.5) for there in middle(view)) for view in seen]
    assert sorted(moves) == [(dy, dx) for dy in (-1, 0, 1) for dx in (-1, 0, 1)] and probs.tolist() == [5.]  # the mean of 1 to 9


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


def test_other_hands():
    digits = load_digits()
    images, targets = other_hands()
    assert images.shape == (362, 28, 28) and images.dtype == torch.float32 and targets.tolist() == [[1]]*183 + [[0]]*179
    for place, digit in ((0, 3), (183, 7)):
        first = torch.tensor(digits.images[digits.target == digit][0]).float()/16  # 16 is black
        assert torch.equal(images[place], as_mnist(first))
