"Deskewing, augmentation, the network, its `Learner`, and images of other formats"
import math

import pytest
import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits

from mnist37.data import load_split
from mnist37.linear_sgd import batch_loader
from mnist37.tiny_cnn import Augment, as_mnist, augment, conv_block, deskew, other_hands, tiny_cnn, tiny_learner, tta


def bar(slant):
    "An image of a stroke that moves `slant` pixels to the left with every row down, and is centred"
    y, x = torch.meshgrid(torch.arange(28.) - 13.5, torch.arange(28.) - 13.5, indexing='ij')
    return ((1.5 - (x + slant*y).abs()).clamp(0, 1)*(y.abs() < 10)).float()


def middle(image):
    "Row and column of the centre of mass"
    ink = image/image.sum()
    return [(ink.sum(1 - axis)*torch.arange(28)).sum().item() for axis in (0, 1)]


# deskewing

def slant_of(image):
    row, column = middle(image)
    y, x = torch.arange(28)[:, None] - row, torch.arange(28)[None] - column
    return (image*x*y).sum()/(image*y*y).sum()


@pytest.mark.parametrize('slant', [-.6, -.2, 0, .4])
def test_deskew_stands_a_stroke_upright(slant):
    image = bar(slant)
    assert slant_of(image) == pytest.approx(-slant, abs=.03)
    upright = deskew(image[None])[0]
    assert slant_of(upright) == pytest.approx(0, abs=.03)
    assert (upright.sum(0) > .5).sum() <= 6  # a stroke of three pixels stands in a few columns


def test_deskew_centres():
    image = bar(.3).roll((3, -4), (0, 1))
    assert middle(image) == pytest.approx([16.5, 9.5], abs=.1)
    upright = deskew(image[None])[0]
    assert middle(upright) == pytest.approx([13.5, 13.5], abs=.1) and slant_of(upright) == pytest.approx(0, abs=.03)


def test_deskew_treats_images_one_by_one():
    images = torch.stack([bar(.3), bar(-.5)])
    assert torch.allclose(deskew(images), torch.cat([deskew(images[:1]), deskew(images[1:])]), atol=1e-6)
    assert deskew(images).min() >= 0 and deskew(images).max() <= 1


@pytest.mark.parametrize('images, error, words', [
    (torch.zeros(2, 28, 28, dtype=torch.uint8), TypeError, 'torch.uint8, expected floats'),
    (torch.rand(2, 8, 8), ValueError, r'\(2, 8, 8\), expected \(..., 28, 28\)'),
    (torch.rand(28, 28), ValueError, r'\(28, 28\), expected \(N, 28, 28\)'),
    (torch.stack([bar(0), torch.zeros(28, 28)]), ValueError, r'images \[1\] have no ink'),
])
def test_deskew_refuses(images, error, words):
    with pytest.raises(error, match=words): deskew(images)


# augmentation

@pytest.fixture
def image(): return load_split('valid')[0][:1][:, None]


def test_augment_without_room_changes_nothing(image):
    assert torch.allclose(augment(image, degrees=0, pixels=0, zoom=0, shear=0, bend=0), image, atol=1e-5)


def test_augment_gives_each_image_a_change_of_its_own(image):
    torch.manual_seed(0)
    many = augment(image.expand(50, -1, -1, -1))
    assert many.shape == (50, 1, 28, 28) and many.min() >= 0 and many.max() <= 1
    assert len(many.flatten(1).unique(dim=0)) == 50


def far(change, size, measure, image):
    "Least and most of what `measure` says of many images changed by `change` alone, up to `size`"
    torch.manual_seed(0)
    others = {'degrees': 0, 'pixels': 0, 'zoom': 0, 'shear': 0, 'bend': 0}
    found = [measure(one[0]) for one in augment(image.expand(400, -1, -1, -1), **{**others, change: size})]
    return min(found), max(found)


@pytest.mark.parametrize('change, size, measure, least, most, room', [
    ('pixels', 3, lambda image: middle(image)[0], 10.5, 16.5, .01),
    ('pixels', 3, lambda image: middle(image)[1], 10.5, 16.5, .01),
    ('zoom', .2, lambda image: image.sum().item()/bar(0).sum().item(), 1/1.2**2, 1/.8**2, .08),
    ('shear', .3, lambda image: slant_of(image).item(), -.3, .3, .01),
    ('degrees', 20, lambda image: slant_of(image).item(), -math.tan(math.radians(20)), math.tan(math.radians(20)), .02),
], ids=['down', 'right', 'zoom', 'shear', 'degrees'])
def test_each_change_goes_as_far_as_it_may_to_both_sides(change, size, measure, least, most, room):
    found = far(change, size, measure, bar(0)[None, None])
    assert found == pytest.approx((least, most), abs=room*(most - least))


def test_turning_turns():
    "And does not slant: a stroke stays as wide as it is"
    torch.manual_seed(0)
    for one in augment(bar(0)[None, None].expand(20, -1, -1, -1), degrees=45, pixels=0, zoom=0, shear=0, bend=0):
        assert one.sum() == pytest.approx(bar(0).sum().item(), rel=.05)


def test_zooming_turns_no_farther():
    torch.manual_seed(0)
    many = augment(bar(0)[None, None].expand(200, -1, -1, -1), degrees=20, pixels=0, zoom=.3, shear=0, bend=0)
    assert .33 < max(abs(slant_of(one[0]).item()) for one in many) < math.tan(math.radians(20)) + .03


def test_bending_moves_each_point_of_a_grid_of_five_on_its_own():
    "By at most as many pixels as it says, so a slope of grey moves by as many grey levels; where its points are, all of it is used"
    torch.manual_seed(0)
    slope = (torch.arange(28.)/27).expand(28, 28)
    for images, axis in ((slope, 1), (slope.T, 0)):
        many = augment(images.expand(400, 1, -1, -1), degrees=0, pixels=0, zoom=0, shear=0, bend=2)
        moved = 27*(many - images)[:,0]  # in pixels
        middle = moved[:,13:15,13:15].mean((1, 2))  # between the four pixels is the third point of each axis
        assert -2.05 < middle.min() < -1.9 and 1.9 < middle.max() < 2.05 and middle.mean().abs() < .15
        quarters = moved[:,6:8,6:8].mean((1, 2)), moved[:,20:22,6:8].mean((1, 2))
        assert all(torch.corrcoef(torch.stack([middle, quarter]))[0, 1].abs() < .2 for quarter in quarters)
        # the outermost points lie on the corners, so others lie in the quarters and are as likely to be anywhere from -2 to 2
        assert all(quarter.std() == pytest.approx(2/3**.5, rel=.06) for quarter in quarters)
        assert (moved.diff(dim=axis + 1)[:,4:-4,4:-4].abs() < 1.2).all()  # neighbours stay neighbours


def test_augment_by_default_does_as_the_chosen_recipe(image):
    "As notebook 06 tells it: turned by 15°, moved by two pixels, zoomed by 0.2, slanted by 0.15, bent by one pixel"
    many = image.expand(20, -1, -1, -1)
    torch.manual_seed(0)
    found = augment(many)
    torch.manual_seed(0)
    assert torch.equal(found, augment(many, degrees=15, pixels=2, zoom=.2, shear=.15, bend=1))


def test_augment_by_default_is_moderate(image):
    torch.manual_seed(0)
    ink = augment(image.expand(200, -1, -1, -1)).sum((1, 2, 3))/image.sum()
    assert 1/1.2**2 - .1 < ink.min() < .85 and 1.3 < ink.max() < 1/.8**2 + .15
    rows = [middle(one[0]) for one in augment(image.expand(200, -1, -1, -1))]
    assert all(abs(row - 14) < 4 and abs(column - 14) < 4 for row, column in rows)


# the network

@pytest.mark.parametrize('options, shape', [({'padding': 2}, (4, 3, 4, 5)), ({}, (4, 3, 2, 3))])
def test_block_is_what_its_name_says(options, shape):
    block, xb = conv_block(2, 3, 5, **options), torch.rand(4, 2, 8, 10)
    conv, norm = block[0], block[1]
    expected = F.max_pool2d(norm(F.conv2d(xb, conv.weight, **options)).relu(), 2)
    assert torch.allclose(block(xb), expected, atol=1e-6) and expected.shape == shape
    assert conv.weight.shape == (3, 2, 5, 5) and conv.bias is None


@pytest.mark.parametrize('n_classes, parameters', [(2, 6650), (10, 8962)])
def test_tiny_cnn(n_classes, parameters):
    model = tiny_cnn(n_classes)
    assert model(torch.rand(3, 1, 28, 28)).shape == (3, n_classes)
    assert sum(p.numel() for p in model.parameters()) == parameters < 10_000
    assert [tuple(conv[0].weight.shape) for conv in model[:3]] == [(8, 1, 5, 5), (16, 8, 3, 3), (32, 16, 3, 3)]
    sizes = [model[:n](torch.rand(1, 1, 28, 28)).shape[2:] for n in (1, 2, 3)]
    assert sizes == [(12, 12), (6, 6), (3, 3)] and tiny_cnn()[-1].out_features == 2


@pytest.fixture
def few():
    "A hundred 3s and as many 7s to train on, and as many to validate on"
    def some(split): return torch.cat([images[:100] for images in load_split(split)])[:, None], torch.tensor([0]*100 + [1]*100)
    return some('train'), some('valid')


def test_only_training_images_are_changed(few):
    "And they come shuffled, in batches of 128"
    seen = []

    def change(images):
        seen.append(images.clone())
        return images*0 + .5

    learn = tiny_learner(*few, change=change)
    got = []
    forward = learn.model.forward
    learn.model.forward = lambda x: (got.append((learn.model.training, x.clone())), forward(x))[1]
    with learn.no_bar(), learn.no_logging(): learn.fit(1, 1e-3)
    assert not torch.equal(torch.cat(seen), few[0][0]) and len(seen) == 2
    assert torch.equal(torch.cat(seen).sum((1, 2, 3)).sort()[0], few[0][0].sum((1, 2, 3)).sort()[0])
    for training, x in got: assert bool((x == .5).all()) == training
    assert [len(x) for training, x in got] == [128, 72, 200]


def test_tiny_learner_learns_from_two_hundred_images(few):
    torch.manual_seed(0)
    learn = tiny_learner(*few)
    assert any(isinstance(cb, Augment) for cb in learn.cbs) and learn.loss_func.label_smoothing == .05
    with learn.no_bar(), learn.no_logging(): learn.fit_one_cycle(15, 1e-2)
    assert learn.recorder.values[-1][2] > .8  # 0.885 to 0.985 over seeds 0 to 9


def test_without_a_change_nothing_is_augmented(few): assert not any(isinstance(cb, Augment) for cb in tiny_learner(*few, change=None).cbs)


@pytest.mark.parametrize('label_smoothing', [0, .1])
def test_the_loss_asks_for_less_than_certainty(few, label_smoothing):
    "By the definition: a share of the target is spread evenly over all classes"
    scores, classes = torch.randn(5, 3), torch.tensor([0, 1, 2, 1, 0])
    target = (1 - label_smoothing)*F.one_hot(classes, 3) + label_smoothing/3
    expected = -(target*scores.log_softmax(1)).sum(1).mean()
    assert tiny_learner(*few, n_classes=3, label_smoothing=label_smoothing).loss_func(scores, classes) == pytest.approx(expected.item(), abs=1e-5)


@pytest.mark.parametrize('options, n', [({}, 2), ({'n_classes': 10}, 10)])
def test_any_number_of_classes(options, n, few): assert tiny_learner(*few, **options).model(few[0][0][:2]).shape == (2, n)


# nine looks

def test_tta_is_the_mean_of_nine_looks():
    model, (images, _) = tiny_cnn().eval(), load_split('valid')
    images = images[:3][:, None]
    with torch.no_grad(): looks = [model(images.roll((dy, dx), (2, 3))).softmax(1) for dy in (-1, 0, 1) for dx in (-1, 0, 1)]
    assert torch.allclose(tta(model, images), torch.stack(looks).mean(0), atol=1e-5)


def test_tta_moves_by_a_pixel():
    model, (images, _) = tiny_cnn().eval(), load_split('valid')
    images = images[:3][:, None]
    seen = []
    tta(lambda xb: (seen.append(xb), model(xb))[1], images)
    found = sorted(tuple(round(there - here) for there, here in zip(middle(look[0, 0]), middle(images[0, 0]))) for look in seen)
    assert found == [(dy, dx) for dy in (-1, 0, 1) for dx in (-1, 0, 1)]


def test_tta_takes_many_images_and_gives_probabilities():
    probs = tta(tiny_cnn(3).eval(), torch.rand(600, 1, 28, 28))
    assert probs.shape == (600, 3) and torch.allclose(probs.sum(1), torch.ones(600)) and not probs.requires_grad


# images of other formats

def test_as_mnist_fills_a_box_of_twenty_and_centres():
    image = torch.zeros(11, 9)
    image[2:7, 3:5] = 1.  # five rows and two columns
    made = as_mnist(image)
    rows, columns = (made > .5).any(1).sum(), (made > .5).any(0).sum()
    assert made.shape == (28, 28) and (rows, columns) == (20, 8)
    assert middle(made) == pytest.approx([14, 14], abs=.5001)


@pytest.mark.parametrize('heavy, where', [(0, slice(8, 28)), (19, slice(0, 20))])
def test_as_mnist_keeps_the_ink_inside(heavy, where):
    "Though the centre of mass would carry it out"
    image = torch.full((20, 20), .001)
    image[heavy, heavy] = 1.
    made = as_mnist(image)
    assert made[where, where].min() > 0 and made.sum() == pytest.approx(image.sum().item(), rel=.05)


def test_as_mnist_keeps_a_thin_stroke():
    image = torch.zeros(60, 9)
    image[5:55, 4] = 1.  # fifty rows become twenty, and one column less than half of one
    made = as_mnist(image)
    assert (made > .5).any(1).sum() == 20 and (made > 0).any(0).sum() == 1


def test_as_mnist_loses_no_ink_between_the_rows():
    image = torch.zeros(80, 80)
    image[::4] = 1.
    assert as_mnist(image).sum() == pytest.approx(image.sum().item()/4**2, rel=.1)


def test_as_mnist_stays_between_paper_and_ink():
    made = as_mnist(torch.eye(8))
    assert made.min() == 0 and made.max() <= 1


def test_an_mnist_image_stays_as_it_is():
    for images in load_split('valid'):
        assert sum(torch.equal(as_mnist(image), image) for image in images[:100]) >= 90  # of the others, the box was smaller than twenty


@pytest.mark.parametrize('image, words', [(torch.zeros(5, 7), r'\(5, 7\)'), (torch.rand(1, 8, 8), r'\(1, 8, 8\)')])
def test_as_mnist_refuses(image, words):
    with pytest.raises(ValueError, match=words): as_mnist(image)


def test_other_hands():
    threes, sevens = other_hands()
    assert threes.shape == (183, 28, 28) and sevens.shape == (179, 28, 28) and threes.dtype == torch.float32
    for images in (threes, sevens):
        assert images.min() >= 0 and images.max() <= 1
        assert all(middle(image) == pytest.approx([14, 14], abs=.5001) for image in images)
    digits = load_digits()
    first = torch.tensor(digits.images[digits.target == 3][0]).float()
    assert torch.equal(threes[0], as_mnist(first/16)) and first.max() > 14  # 16 is black


# its batches

def test_batch_loader_takes_any_tensors():
    x, y = torch.arange(24.).view(6, 2, 2), torch.arange(6)
    batches = list(batch_loader(x, y, 4))
    assert [len(yb) for _, yb in batches] == [4, 2] and torch.equal(torch.cat([xb for xb, _ in batches]), x)
    for xb, yb in batch_loader(x, y, 4, shuffle=True): assert torch.equal(xb[:, 0, 0], 4.*yb)
