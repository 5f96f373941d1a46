"""Bring README.md up to date: the ladder's table from the records of the last `make course`, and its picture."""
import re
import sys
from pathlib import Path

import matplotlib.pyplot as plt

from mnist37.data import load_split
from mnist37.ladder import ladder_table, load_rungs
from mnist37.pixel_similarity import show_images

ROOT = Path(__file__).resolve().parents[1]
LADDER = re.compile(r'(?<=<!-- ladder -->\n).*?(?=<!-- /ladder -->)', re.S)


def draw_digits(file):
    "Save the README's picture: some digits of the validation set around the means of the training set"
    (train_3s, train_7s), (valid_3s, valid_7s) = load_split('train'), load_split('valid')
    titles = ['']*5 + ['mean 3', 'mean 7'] + ['']*5
    show_images([*valid_3s[:5], train_3s.mean(0), train_7s.mean(0), *valid_7s[:5]], titles, size=.9)
    plt.savefig(file, dpi=110)


def main():
    rungs = load_rungs(ROOT/'build'/'records')
    if not rungs: sys.exit('no records in build/records: run `make course` first')
    readme = ROOT/'README.md'
    readme.write_text(LADDER.sub(ladder_table(rungs) + '\n', readme.read_text(encoding='utf-8')), encoding='utf-8')
    draw_digits(ROOT/'images'/'digits.png')


if __name__ == '__main__': main()
