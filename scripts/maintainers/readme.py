"""Bring README.md and the pictures up to date: the ladder from evidence/rungs.csv, the map from index.ipynb.

Names, parameters and epochs of the rungs come from the records of the last `make course`.
"""
import re
import sys

import matplotlib.pyplot as plt
import nbformat

from mnist37.data import load_split
from mnist37.ladder import load_rungs
from mnist37.pictures import show_images
from scripts.maintainers import evidence
from scripts.readers.course import INDEX, NBS, ROOT

LADDER = re.compile(r'(?<=<!-- ladder -->\n).*?(?=<!-- /ladder -->)', re.S)
MAP = re.compile(r'(?<=<!-- map -->\n).*?(?=<!-- /map -->)', re.S)

# the rows of the picture of the course: rungs, which go by their own names, and what improves the row above
GROUPS = [
    {'01_pixel_similarity': '', '01, RMSE': '+ RMSE', '01, RMSE, deskewed': '+ deskewed images'},
    {'02_linear_sgd': '', '03_basic_optim': '', '03_basic_optim, deskewed': '+ deskewed images'},
    {'04_simple_net': '', '04, cross-entropy at 0.1': '+ cross-entropy, 20 epochs', '04, cross-entropy at 0.5': '+ learning rate 0.5',
     '06, simple_net by Adam': '+ Adam', '06, simple_net by Adam, batches of 64': '+ batches of 64',
     '06, simple_net by Adam, batches of 64, augmented': '+ augmentation'},
    {'05_resnet18': '', '05, lr 0.01': '+ learning rate 0.01'},
    {'06, one epoch': 'tiny network, one epoch', '06, three epochs': 'three epochs', '06, twenty epochs': 'twenty epochs',
     '06, augmented': '+ augmentation', '06_tiny_cnn': 'with all of lesson 6'},
]
BLUE, ORANGE, GREY = '#1f4e9c', '#f2913d', '#8a8a8a'


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
    lines = ['| rung | accuracy | errors of 2,038 | parameters | epochs | seconds |', '|---|---|---|---|---|---|']
    table = evidence.load()
    for rung in rungs:
        runs = table[table.rung == rung.notebook]
        lines.append(f'| {rung.model} | {1 - runs.errors.mean()/rung.images:.4f} | {spread(runs.errors)} | '
                     f'{rung.parameters:,} | {rung.epochs} | {time(runs.seconds.min())} |')
    return '\n'.join(lines)


def time(seconds): return f'{seconds:.0f}' if seconds > 9.5 else f'{seconds:.1f}' if seconds > .05 else 'under 0.1'


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
    "Mean errors and least seconds of training, according to the evidence, of every row of the picture"
    rows = [rung for group in GROUPS for rung in group]
    return evidence.load().groupby('rung').agg({'errors': 'mean', 'seconds': 'min'}).loc[rows].round(3)


def draw_course(rungs, file):
    "Save a picture of the errors and the seconds of training of every rung and improvement; the figures are in its metadata"
    found, names = course_table(), {rung.notebook: rung.model for rung in rungs}
    rows = [row for group in GROUPS for row in (None, *group.items())]  # None leaves a gap
    rows = [(y, *row) for y, row in enumerate(rows) if row]
    fig, axes = plt.subplots(1, 2, figsize=(8.5, 8), sharey=True, layout='constrained')
    for ax, column, color, title, say in [(axes[0], 'errors', BLUE, f'errors of {rungs[0].images:,}', '{:.1f}'.format),
                                          (axes[1], 'seconds', ORANGE, 'seconds to train', time)]:
        values = found[column].clip(lower=.05)  # a logarithm has no place for 0
        for y, rung, _ in rows:
            bold = rung in names
            ax.axhline(y, color='whitesmoke', zorder=0)
            ax.scatter(values[rung], y, s=130 if bold else 45, color=color)
            ax.annotate(say(found[column][rung]), (values[rung], y), (10, 0), textcoords='offset points', va='center', fontsize=11,
                        color='black' if bold else GREY, weight='bold' if bold else None)
        ax.set(xscale='log', xlim=(values.min()/1.6, values.max()*9))
        ax.set_title(title, loc='left', fontsize=14)
        ax.spines[:].set_visible(False)
        ax.tick_params(which='both', length=0)
        ax.xaxis.set_major_formatter('{x:g}')
    axes[0].set_yticks([y for y, *_ in rows], [f'{names.get(rung, "")} {text}'.strip() for _, rung, text in rows], fontsize=12)
    for label, (_, rung, _) in zip(axes[0].get_yticklabels(), rows): label.set(weight='bold' if rung in names else None)
    axes[0].invert_yaxis()
    fig.savefig(file, dpi=110, bbox_inches='tight', pad_inches=.2, metadata={'Description': found.to_csv()})


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
