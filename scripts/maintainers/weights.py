"""Train the models that the package ships, and see how well they read photos: `make weights`.

    python -m scripts.maintainers.weights

mnist37/weights.pt gets their state dicts, and evidence/photos.csv how many simulated photos of other people's digits each
model gets right. The last row is `predict_image`, for which "neither" is an error, as all of them are 3s or 7s. resnet18 is too
large to ship, so evidence/samples.csv keeps what it says about the draw page's sample images.
"""
import os
from functools import cache

import numpy as np
import torch

from mnist37.basic_optim import train_linear_learner
from mnist37.data import load_xy
from mnist37.handwriting import is_neither, other_peoples_digits, predict_all, read_image
from mnist37.ladder import predict
from mnist37.linear_sgd import train_linear_sgd
from mnist37.photos import draw_photo
from mnist37.pixel_similarity import train_pixel_similarity
from mnist37.resnet18 import train_resnet18
from mnist37.simple_net import train_simple_net
from mnist37.tiny_cnn import train_tiny_cnn
from scripts.maintainers.evidence import ROOT, THREADS, code_of, load, renew

WEIGHTS, PHOTOS, SAMPLES = ROOT/'mnist37'/'weights.pt', ROOT/'evidence'/'photos.csv', ROOT/'evidence'/'samples.csv'
TRAIN = {'pixel similarity': train_pixel_similarity, 'linear model, our SGD': train_linear_sgd,
         'linear model, Learner': train_linear_learner, 'small network': train_simple_net, 'tiny network': train_tiny_cnn}


def trained(): return {name: {key: t.cpu() for key, t in train().state_dict().items()} for name, train in TRAIN.items()}


@cache
def read(every=1):
    "What's found in every n-th photo, one seed each: the number of digits, the first one's image, and the digit that was photographed"
    images = other_peoples_digits()[0]
    found = [read_image(draw_photo(images[i:i+1], seed=i)) for i in range(0, len(images), every)]
    return torch.tensor([len(some) for some in found]), torch.stack([some[0] for some in found]), images[::every]


def is_right(model, images, is_3):
    "Which images the model gets right; `predict_image` also has to take them for digits"
    probs = predict_all(images)
    if model == 'predict_image': return ((probs['tiny network'] > .5) == is_3) & ~is_neither(probs)
    return (probs[model] > .5) == is_3


def measure(model, every=1) -> list: # a row of evidence/photos.csv
    n_found, images, digits = read(every)
    is_3, one = other_peoples_digits()[1][::every, 0] == 1, n_found == 1
    return [{'photos': len(images), 'found': int(one.sum()), 'right': int((is_right(model, images, is_3) & one).sum()),
             'right_without': int(is_right(model, digits, is_3).sum())}]


@cache
def samples() -> list: # (group, digit, image) of each; an image is (28, 28), integers from 0 to 255
    "For the draw page: validation images, other people's digits, and the validation images that the trained models find hardest"
    images, targets = load_xy('valid')
    probs = torch.stack([p for name, p in predict_all(images).items() if name != 'pixel similarity'])
    hardest = (probs - targets[:,0]).abs().mean(0).topk(24).indices
    others, digits = other_peoples_digits()
    def some(images, targets, chosen): return [(7 - 4*int(targets[i]), (images[i]*255).round().byte().numpy()) for i in chosen]
    return [(group, digit, image) for group, found in {
        'MNIST’s validation images': some(images, targets, [*range(0, 2038, 68)]),
        'other people’s digits': some(others, digits, range(0, 362, 12)),
        'the hardest ones': some(images, targets, hardest)}.items() for digit, image in found]


def measure_samples(model) -> list: # rows of evidence/samples.csv
    images = torch.tensor(np.stack([image for *_, image in samples()])).float()/255
    probs = predict(train_resnet18(), images).tolist()
    return [{'group': group, 'digit': digit, 'probability': round(p, 6)} for (group, digit, _), p in zip(samples(), probs)]


def codes(): return {(model,): code_of(measure, TRAIN) for model in (*TRAIN, 'predict_image')}
def sample_codes(): return {('resnet18',): code_of(measure_samples)}


def main():
    torch.set_num_threads(THREADS)
    torch.save(trained(), f'{WEIGHTS}.partial')
    os.replace(f'{WEIGHTS}.partial', WEIGHTS)
    renew(PHOTOS, ['model'], codes(), measure)
    renew(SAMPLES, ['model'], sample_codes(), measure_samples)
    print(load(PHOTOS)[['model', 'photos', 'found', 'right', 'right_without']])


if __name__ == '__main__': main()
