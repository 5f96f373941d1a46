"""Bring README.md and the pictures up to date: the ladder from evidence/rungs.csv, the map from index.ipynb.

Names, parameters and epochs of the rungs come from the records of the last `make course`.
"""
import re
import sys

import matplotlib.pyplot as plt
import nbformat

import evidence
from course import INDEX, LESSONS, NBS, ROOT
from mnist37.data import load_split
from mnist37.ladder import load_rungs
from mnist37.pixel_similarity import show_images

LADDER = re.compile(r'(?<=<!-- ladder -->\n).*?(?=<!-- /ladder -->)', re.S)
MAP = re.compile(r'(?<=<!-- map -->\n).*?(?=<!-- /map -->)', re.S)

# what the picture of the course shows beside the rungs, and which points a line joins: each improves the one before it
IMPROVEMENTS = {
    '01, RMSE': 'by RMSE', '01, RMSE, deskewed': 'and upright digits', '03_basic_optim, deskewed': 'on upright digits',
    '04, cross-entropy at 0.1': 'cross-entropy', '04, cross-entropy at 0.5': 'and a higher rate', '06, simple_net by Adam': 'and Adam',
    '06, simple_net by Adam, batches of 64': 'and small batches', '06, simple_net by Adam, batches of 64, augmented': 'and augmentation',
    '05, lr 0.01': 'a lower rate', '06, one epoch': 'the tiny network in its place, one epoch', '06, three epochs': 'and three epochs',
    '06, twenty epochs': 'and twenty', '06, augmented': 'and augmentation',
    '06_tiny_cnn': 'tiny network, with bending,\nlabel smoothing and nine looks',
}
CHAINS = [
    ['01_pixel_similarity', '01, RMSE', '01, RMSE, deskewed'],
    ['03_basic_optim', '03_basic_optim, deskewed'],
    ['04_simple_net', '04, cross-entropy at 0.1', '04, cross-entropy at 0.5', '06, simple_net by Adam', '06, simple_net by Adam, batches of 64',
     '06, simple_net by Adam, batches of 64, augmented'],
    ['05_resnet18', '05, lr 0.01', '06, one epoch', '06, three epochs', '06, twenty epochs', '06, augmented', '06_tiny_cnn'],
]
LEFT = (-10, 0), 'right'
PLACES = {  # where a label would lie on a line or another label: its offset in points, and the side that is at the point
    '02_linear_sgd': ((-10, 9), 'right'), '03_basic_optim': ((0, 24), 'center'), '03_basic_optim, deskewed': ((-6, -16), 'right'), '04_simple_net': ((10, 8), 'left'),
    '04, cross-entropy at 0.1': ((-5, -20), 'right'), '04, cross-entropy at 0.5': LEFT, '06, simple_net by Adam': ((8, -15), 'left'),
    '06, simple_net by Adam, batches of 64': ((8, 12), 'left'), '06, simple_net by Adam, batches of 64, augmented': ((8, -15), 'left'), '05, lr 0.01': ((0, -22), 'center'), '05_resnet18': ((0, 22), 'center'), '06, one epoch': LEFT,
    '06, three epochs': LEFT, '06, twenty epochs': ((8, 10), 'left'), '06, augmented': LEFT, '06_tiny_cnn': ((-13, 0), 'right'),
}


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


def course_table():
    "Mean errors and least seconds of training of every rung and improvement, according to the evidence"
    table = evidence.load()
    found = table[table.rung.isin([*(lesson.stem for lesson in LESSONS), *IMPROVEMENTS])].groupby('rung').agg({'errors': 'mean', 'seconds': 'min'})
    return found.assign(seconds=found.seconds.clip(lower=.01)).round(3)  # seconds are measured in hundredths


def draw_course(rungs, file):
    "Save a picture of errors against seconds of training for every rung and improvement; the figures are in its metadata"
    found, names = course_table(), {rung.notebook: rung.model for rung in rungs}
    fig, ax = plt.subplots(figsize=(12, 8.5))
    for chain in CHAINS: ax.plot(found.seconds[chain], found.errors[chain], color='#1f4e9c', lw=1, alpha=.5, zorder=1)
    for rung, (errors, seconds) in found.iterrows():
        label, (offset, side) = (names | IMPROVEMENTS)[rung], PLACES.get(rung, ((10, 0), 'left'))
        ax.scatter(seconds, errors, s=130 if rung in names else 45, color='black' if rung in names else 'white', edgecolors='black', zorder=2)
        ax.annotate(f'{label}\n{errors:.1f}', (seconds, errors), offset, textcoords='offset points', ha=side, va='center',
                    fontsize=10 if rung in names else 9, weight='bold' if rung in names else None)
    ax.set(xscale='log', yscale='log', xlabel='seconds to train on two CPU cores',
           ylabel=f'errors of {rungs[0].images:,} images, mean of the random starts', xlim=(.005, 400))
    for axis in (ax.xaxis, ax.yaxis): axis.set_major_formatter('{x:g}')
    ax.set_title('Is it a 3 or a 7?\n', fontsize=20, loc='left')
    ax.text(0, 1.02, 'Black: the rungs of the course. White: what improves them, step by step along the lines.', transform=ax.transAxes)
    ax.spines[['top', 'right']].set_visible(False)
    fig.tight_layout()
    plt.savefig(file, dpi=110, metadata={'Description': found.to_csv()})


def main():
    rungs = load_rungs(ROOT/'build'/'records')
    if not rungs: sys.exit('no records in build/records: run `make course` first')
    page = (ROOT/'README.md').read_text(encoding='utf-8')
    page = MAP.sub(lambda _: map_table() + '\n', LADDER.sub(lambda _: ladder(rungs) + '\n', page))
    (ROOT/'README.md').write_text(page, encoding='utf-8')
    draw_digits(NBS/'images'/'digits.png')
    draw_ladder(rungs, NBS/'images'/'ladder.png')
    draw_course(rungs, NBS/'images'/'course.png')


if __name__ == '__main__': main()
