"""Bring README.md and the pictures up to date: the ladder from evidence/rungs.csv, the map from index.ipynb.

Names, parameters and epochs of the rungs come from the records of the last `make course`.
"""
import re
import sys

import matplotlib.pyplot as plt
import nbformat

import evidence
from course import INDEX, NBS, ROOT
from mnist37.data import load_split
from mnist37.ladder import load_rungs
from mnist37.pixel_similarity import show_images

LADDER = re.compile(r'(?<=<!-- ladder -->\n).*?(?=<!-- /ladder -->)', re.S)
MAP = re.compile(r'(?<=<!-- map -->\n).*?(?=<!-- /map -->)', re.S)


def map_table():
    "The map of index.ipynb, with links that lead there from the README"
    cells = {cell.id: cell for cell in nbformat.read(INDEX, as_version=4).cells}
    return re.sub(r'\]\((?=\w+\.ipynb)', '](nbs/', cells['map'].source)


def spread(errors):
    "The mean of `errors`, and their range if they differ"
    mean = f'{errors.mean():.1f}'.removesuffix('.0')
    return mean if errors.nunique() == 1 else f'{mean} ({errors.min()} to {errors.max()})'


def ladder(rungs):
    "The ladder as a Markdown table: what is on record of `rungs`, and what the seeds have given"
    lines = ['| rung | the notes | accuracy | errors of 2,038 | parameters | epochs | seconds |', '|---|---|---|---|---|---|---|']
    table = evidence.load()
    for rung in rungs:
        runs = table[table.rung == rung.notebook]
        quickest = runs.seconds.min()
        seconds = f'{quickest:.0f}' if quickest > 9.5 else f'{quickest:.1f}' if quickest > .05 else 'under 0.1'
        lines.append(f'| {rung.model} | {rung.notes} | {1 - runs.errors.mean()/rung.images:.4f} | {spread(runs.errors)} | '
                     f'{rung.parameters:,} | {rung.epochs} | {seconds} |')
    return '\n'.join(lines)


def draw_digits(file):
    "Save a picture of some digits of the validation set around the means of the training set"
    (train_3s, train_7s), (valid_3s, valid_7s) = load_split('train'), load_split('valid')
    titles = ['']*5 + ['mean 3', 'mean 7'] + ['']*5
    show_images([*valid_3s[:5], train_3s.mean(0), train_7s.mean(0), *valid_7s[:5]], titles, size=.9)
    plt.savefig(file, dpi=110)


def draw_ladder(rungs, file):
    "Save a picture of the ladder, with a square for every image that each rung misreads on average; the table is in its metadata"
    fig, ax = plt.subplots(figsize=(9, .95*len(rungs) + .6))
    for x in (0, 6): ax.plot([x, x], [-.7, len(rungs) - .3], color='black', lw=3)
    for y, rung in enumerate(rungs):
        ax.plot([0, 6], [y, y], color='black', lw=3)
        ax.text(3, y + .12, rung.model, ha='center', va='bottom', fontsize=11)
        ax.text(3, y - .12, f'{rung.parameters:,} parameters', ha='center', va='top', fontsize=8, color='dimgrey')
        ax.text(-.5, y, y + 1, ha='right', va='center', fontsize=15)
        errors = evidence.errors_of(rung.notebook)
        squares = range(round(errors.mean()))
        columns, rows = [7 + .27*(i//3) for i in squares], [y + .16*(1 - i%3) for i in squares]
        ax.scatter(columns, rows, marker='s', s=26, color='black')
        ax.text(max(columns, default=6.5) + .5, y, f'errors: {spread(errors)}', va='center', fontsize=11)
    ax.set(xlim=(-1.2, 19.5), ylim=(-.8, len(rungs) - .2))
    ax.set_title(f'One square for each image misread, of {rungs[0].images:,}, on average over random starts', fontsize=11)
    ax.axis('off')
    fig.tight_layout()
    plt.savefig(file, dpi=110, metadata={'Description': ladder(rungs)})


def main():
    rungs = load_rungs(ROOT/'build'/'records')
    if not rungs: sys.exit('no records in build/records: run `make course` first')
    page = (ROOT/'README.md').read_text(encoding='utf-8')
    page = MAP.sub(lambda _: map_table() + '\n', LADDER.sub(lambda _: ladder(rungs) + '\n', page))
    (ROOT/'README.md').write_text(page, encoding='utf-8')
    draw_digits(NBS/'images'/'digits.png')
    draw_ladder(rungs, NBS/'images'/'ladder.png')


if __name__ == '__main__': main()
