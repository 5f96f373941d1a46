"""Measure where the time goes, as ratios within one run: `make speed`.

The ways to do a piece of work are timed in turn, several times, with a growing number of images. evidence/speed.csv gets the
median of each. The ratios, and not the seconds, are what may be compared with another machine.
"""
import statistics
import tempfile
import time
from contextlib import nullcontext
from functools import partial
from pathlib import Path

import pandas as pd
import torch
import torch.nn.functional as F
from fastai.optimizer import Adam
from fastai.vision.all import create_vision_model, resnet18
from torch import nn
from torch.utils.data import DataLoader
from tqdm import tqdm

import evidence
from mnist37.basic_optim import BasicOptim, train_epoch
from mnist37.data import COUNTS, load_images, mnist_path
from mnist37.linear_sgd import batch_loader, load_xy
from mnist37.tiny_cnn import tiny_cnn

SPEED = evidence.ROOT/'evidence'/'speed.csv'
REPEATS = 3


# A way to work is a function that prepares the work on n images and returns it as a function without parameters.

class Slices:
    "Batches in random order without a `DataLoader`: all images are shuffled once an epoch, then sliced"
    def __init__(self, x, y): self.x, self.y = x, y

    def __iter__(self):
        order = torch.randperm(len(self.x))
        return zip(self.x[order].split(256), self.y[order].split(256))


def twenty_epochs(make_loader, n):
    "Train the linear rung"
    x, y = load_xy('train')
    some = torch.randperm(len(x))[:n]
    dl, model = make_loader(x[some], y[some]), nn.Linear(28*28, 1)
    opt = BasicOptim(model.parameters(), lr=1.)

    def work():
        for _ in range(20): train_epoch(model, dl, opt)
    return work


def png_files(n):
    "Open the images one by one; `n` is the number in one set, or in both"
    folders = [folder for folder in COUNTS if n == sum(COUNTS.values()) or (n == 2038) == folder.startswith('valid')]
    return lambda: [load_images(mnist_path()/folder) for folder in folders]


def cached_tensors(n):
    "Read as many from one file of tensors"
    folder = tempfile.TemporaryDirectory()
    file = Path(folder.name)/'images.pth'
    torch.save(torch.randint(256, (n, 28, 28), dtype=torch.uint8), file)

    def work(folder=folder): torch.load(file, weights_only=True)  # the folder is there as long as the work is
    return work


def step(make_model, make_optimizer, precision, n):
    "One step of a network from a batch of `n` images"
    model = make_model()
    channels = next(model.parameters()).shape[1]
    xb, yb = torch.rand(n, channels, 28, 28), torch.randint(2, (n,))
    opt = make_optimizer(model.parameters())

    def work():
        with precision(): loss = F.cross_entropy(model(xb), yb)
        loss.backward()
        opt.step()
        opt.zero_grad()
    return work


resnet = partial(create_vision_model, resnet18, 2, pretrained=False)
plain, fused = torch.optim.Adam, partial(torch.optim.Adam, fused=True)
bfloat16 = partial(torch.autocast, 'cpu', dtype=torch.bfloat16)
WORK = {
    '20 epochs of the linear model': ((2_000, 6_000, 12_396), {
        'DataLoader of list(zip)': partial(twenty_epochs, lambda x, y: DataLoader(list(zip(x, y)), 256, shuffle=True)),
        'batch_loader': partial(twenty_epochs, partial(batch_loader, shuffle=True)),
        'slices': partial(twenty_epochs, Slices)}),
    'reading the images': ((2_038, 12_396, 14_434), {'PNG files': png_files, 'one file of tensors': cached_tensors}),
    'a step of resnet18': ((4, 16, 64), {
        'Adam, float32': partial(step, resnet, plain, nullcontext),
        "fastai's Adam, float32": partial(step, resnet, partial(Adam, lr=1e-3), nullcontext),
        'fused Adam, float32': partial(step, resnet, fused, nullcontext),
        'fused Adam, bfloat16': partial(step, resnet, fused, bfloat16)}),
    'a step of tiny_cnn': ((16, 64, 256), {
        'Adam, float32': partial(step, tiny_cnn, plain, nullcontext),
        "fastai's Adam, float32": partial(step, tiny_cnn, partial(Adam, lr=1e-3), nullcontext),
        'fused Adam, float32': partial(step, tiny_cnn, fused, nullcontext),
        'fused Adam, bfloat16': partial(step, tiny_cnn, fused, bfloat16)}),
}


def timed(
    ways:dict, # functions that prepare the work, by name
    n:int, # number of images
) -> dict: # median seconds, by name
    "Time the ways in turn, after each has worked once unobserved"
    works = {name: prepare(n) for name, prepare in ways.items()}
    for work in works.values(): work()
    seconds = {name: [] for name in works}
    for _ in range(REPEATS):
        for name, work in works.items():
            began = time.perf_counter()
            work()
            seconds[name].append(time.perf_counter() - began)
    return {name: statistics.median(times) for name, times in seconds.items()}


def main():
    torch.manual_seed(evidence.SEED)
    rows = []
    with tqdm([(what, n, ways) for what, (sizes, ways) in WORK.items() for n in sizes]) as bar:
        for what, n, ways in bar:
            bar.set_description(f'{what}, {n:,} images')
            seconds = timed(ways, n)
            first = next(iter(seconds.values()))
            rows += [{'what': what, 'how': how, 'images': n, 'seconds': float(f'{t:.3g}'), 'times_faster': round(first/t, 2),
                      **evidence.environment()} for how, t in seconds.items()]
    evidence.save(rows, SPEED)
    print(pd.DataFrame(rows).pivot(index=['what', 'how'], columns='images', values='times_faster'))


if __name__ == '__main__': main()
