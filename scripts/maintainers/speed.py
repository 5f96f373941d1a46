"""Measure where the time goes, as ratios within one run: `make speed`.

The ways to do a piece of work are timed in turn, several times, with a growing number of images. evidence/speed.csv gets the
median of each. You can compare the ratios with another machine's, but not the seconds.
"""
import statistics
import tempfile
import time
from functools import partial

import torch
import torch.nn.functional as F
from fastai.optimizer import Adam
from fastai.vision.all import create_vision_model, resnet18
from torch import nn
from torch.utils.data import DataLoader

from mnist37.basic_optim import BasicOptim, train_epoch
from mnist37.data import COUNTS, load_images, load_xy, mnist_path
from mnist37.linear_sgd import batch_loader
from mnist37.tiny_cnn import tiny_cnn
from scripts.maintainers.evidence import ROOT, SEED, THREADS, code_of, renew

SPEED = ROOT/'evidence'/'speed.csv'
REPEATS = 3


class Slices:
    "Batches in random order without a `DataLoader`: all images are shuffled once an epoch, then sliced"
    def __init__(self, x, y): self.x, self.y = x, y

    def __iter__(self):
        order = torch.randperm(len(self.x))
        return zip(self.x[order].split(256), self.y[order].split(256))


def one_by_one(x, y): return DataLoader(list(zip(x, y)), 256, shuffle=True)


# a way to work is a function that prepares the work on n images and returns it as a function without parameters
def twenty_epochs(make_loader, n):
    "Train the linear model"
    x, y = load_xy('train')
    some = torch.randperm(len(x))[:n]
    dl, model = make_loader(x[some], y[some]), nn.Sequential(nn.Flatten(), nn.Linear(28*28, 1))
    opt = BasicOptim(model.parameters(), lr=1.)
    return lambda: [train_epoch(model, dl, opt) for _ in range(20)]


def png_files(n):
    "Open the images one by one; `n` is the number in one set, or in both"
    folders = [folder for folder in COUNTS if n == sum(COUNTS.values()) or (n == 2038) == folder.startswith('valid')]
    return lambda: [load_images(mnist_path()/folder) for folder in folders]


def one_file(n):
    "Read as many from one file of tensors"
    folder = tempfile.TemporaryDirectory()
    file = f'{folder.name}/images.pt'
    torch.save(torch.randint(256, (n, 28, 28), dtype=torch.uint8), file)
    return lambda folder=folder: torch.load(file, weights_only=True)  # the folder is there as long as this is


def step(make_model, shape, make_optimizer, bfloat16, n):
    "One step of a network from a batch of `n` images"
    model = make_model()
    xb, yb = torch.rand(n, *shape), torch.randint(2, (n,))
    opt = make_optimizer(model.parameters())

    def work():
        with torch.autocast('cpu', torch.bfloat16, enabled=bfloat16): loss = F.cross_entropy(model(xb), yb)
        loss.backward()
        opt.step()
        opt.zero_grad()
    return work


tiny = partial(tiny_cnn, n_scores=2)
resnet, fused = partial(create_vision_model, resnet18, 2, pretrained=False), partial(torch.optim.Adam, fused=True)
OPTIMIZERS = {'Adam, float32': (torch.optim.Adam, False), "fastai's Adam, float32": (partial(Adam, lr=1e-3), False),
              'fused Adam, float32': (fused, False), 'fused Adam, bfloat16': (fused, True)}
WORK = {
    '20 epochs of the linear model': ((2_000, 6_000, 12_396), {
        'DataLoader of list(zip)': partial(twenty_epochs, one_by_one),
        'batch_loader': partial(twenty_epochs, partial(batch_loader, shuffle=True)),
        'slices': partial(twenty_epochs, Slices)}),
    'reading the images': ((2_038, 12_396, 14_434), {'PNG files': png_files, 'one file of tensors': one_file}),
    'a step of resnet18': ((4, 16, 64), {how: partial(step, resnet, (3, 28, 28), *options) for how, options in OPTIMIZERS.items()}),
    'a step of tiny_cnn': ((16, 64, 256), {how: partial(step, tiny, (28, 28), *options) for how, options in OPTIMIZERS.items()}),
}


def timed(ways, n):
    "Rows of the table: the ways in turn, after each has worked once unobserved"
    torch.manual_seed(SEED)
    works = {how: prepare(n) for how, prepare in ways.items()}
    for work in works.values(): work()
    seconds = {how: [] for how in works}
    for _ in range(REPEATS):
        for how, work in works.items():
            began = time.perf_counter()
            work()
            seconds[how].append(time.perf_counter() - began)
    medians = {how: statistics.median(times) for how, times in seconds.items()}
    first = next(iter(medians.values()))
    return [{'how': how, 'seconds': float(f'{t:.3g}'), 'times_faster': round(first/t, 2)} for how, t in medians.items()]


def codes(): return {(what, n): code_of(timed, ways) for what, (sizes, ways) in WORK.items() for n in sizes}


def main():
    torch.set_num_threads(THREADS)
    renew(SPEED, ['what', 'images'], codes(), lambda what, n: timed(WORK[what][1], n))


if __name__ == '__main__': main()
