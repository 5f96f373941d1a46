"What must hold for any images, scores, shapes and rates: hypothesis looks for some for which it doesn't"
import tarfile
from dataclasses import astuple
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from torch import nn

from mnist37 import data, ladder
from mnist37.basic_optim import BasicOptim
from mnist37.linear_sgd import batch_accuracy, batch_loader, mnist_loss, validate_epoch
from mnist37.pixel_similarity import is_3, mnist_distance, rmse_distance
from scripts.maintainers import build_data

pixels = hnp.arrays(np.uint8, (28, 28))
images = pixels.map(lambda array: torch.tensor(array).float()/255)
scores = st.integers(-160_000, 160_000).map(lambda n: n/16)  # none so small that its sigmoid is rounded to a half
cases = st.lists(st.tuples(scores, st.integers(0, 1)), min_size=1, max_size=40)
distances = pytest.mark.parametrize('distance', [mnist_distance, rmse_distance])


def columns(cases):
    "Predictions and targets, both of shape (N, 1)"
    preds, targets = zip(*cases)
    return torch.tensor(preds).view(-1, 1), torch.tensor(targets).view(-1, 1)


@distances
@given(a=images, b=images, c=images)
def test_a_distance_is_a_metric(distance, a, b, c):
    assert distance(a, a) == 0
    assert (distance(a, b) == 0) == torch.equal(a, b)  # and above 0 otherwise:
    assert 0 <= distance(a, b) <= 1
    assert distance(a, b) == distance(b, a)
    assert distance(a, c) <= distance(a, b) + distance(b, c) + 1e-6


@distances
@given(st.lists(images, min_size=1, max_size=4), st.lists(images, min_size=1, max_size=3))
def test_broadcasting_is_the_loop(distance, some, others):
    table = distance(torch.stack(some)[:,None], torch.stack(others))
    torch.testing.assert_close(table, torch.tensor([[distance(a, b) for b in others] for a in some]))


@given(images, images, images)
def test_swapping_the_templates_swaps_the_answer(image, mean3, mean7):
    tie = mnist_distance(image, mean3) == mnist_distance(image, mean7)
    assert is_3(image, mean3, mean7) == (not is_3(image, mean7, mean3) and not tie)


@given(cases)
def test_the_loss_lies_between_0_and_1_and_takes_no_side(cases):
    "Call the 7s 1 and the 3s 0, and turn the signs of the scores round: nothing has changed"
    preds, targets = columns(cases)
    assert 0 <= mnist_loss(preds, targets) <= 1
    torch.testing.assert_close(mnist_loss(-preds, 1 - targets), mnist_loss(preds, targets))


@given(cases, st.randoms(), st.integers(1, 50))
def test_neither_order_nor_batch_size_matters(cases, random, size):
    shuffled = random.sample(cases, len(cases))
    torch.testing.assert_close(mnist_loss(*columns(shuffled)), mnist_loss(*columns(cases)))
    assert batch_accuracy(*columns(shuffled)) == batch_accuracy(*columns(cases))
    right = sum((score > 0) == target for score, target in cases)
    assert validate_epoch(nn.Identity(), batch_loader(*columns(shuffled), size)) == pytest.approx(right/len(cases), abs=1e-6)


@given(st.lists(hnp.array_shapes(max_dims=3, max_side=5), min_size=1, max_size=4), st.floats(0, 100), st.integers(1, 4),
       st.integers(0, 2**32 - 1))
def test_the_optimizer_is_pytorchs(shapes, lr, steps, seed):
    "The gradients don't depend on the parameters, so a difference in the last digit can't grow from step to step"
    torch.manual_seed(seed)
    ours = [torch.randn(shape, requires_grad=True) for shape in shapes]
    theirs = [p.detach().clone().requires_grad_() for p in ours]
    slopes = [[torch.randn(shape) for shape in shapes] for _ in range(steps)]
    for params, opt in ((ours, BasicOptim(ours, lr)), (theirs, torch.optim.SGD(theirs, lr))):
        for step in slopes:
            sum((p*slope).sum() for p, slope in zip(params, step)).backward()
            opt.step()
            opt.zero_grad()
            assert all(p.grad is None for p in params)
    for p, q in zip(ours, theirs): torch.testing.assert_close(p, q, rtol=1e-5, atol=1e-4)


@given(st.dictionaries(st.integers(0, 69_999), pixels, min_size=1, max_size=5))
def test_the_archive_gives_back_what_went_in(images):
    with TemporaryDirectory() as folder:
        archive = Path(folder)/'a.tgz'
        build_data.build_archive({f'train/3/{i}.png': image for i, image in images.items()}, archive)
        with tarfile.open(archive) as tar: tar.extractall(folder, filter='data')
        files = sorted(f'{i}.png' for i in images)  # as `load_images` sorts them
        assert sorted(file.name for file in Path(folder).rglob('*.png')) == files
        expected = np.stack([images[int(name.removesuffix('.png'))] for name in files])
        assert np.array_equal(data.load_images(Path(folder)/'mnist_sample'/'train'/'3').numpy(), expected)


@given(st.builds(ladder.Rung, notebook=st.from_regex(r'[a-z0-9_]{1,20}', fullmatch=True), seconds=st.floats(0, 1e6)))
def test_a_record_gives_back_the_rung(rung):
    with TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setenv('MNIST37_RECORDS', folder)
        ladder.save_rung(rung)
        assert [astuple(found) for found in ladder.load_rungs(folder)] == [astuple(rung)]
