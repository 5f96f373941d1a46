"""Bring README.md and the pictures up to date: the ladder from evidence/rungs.csv, the map from index.ipynb.

Names, parameters and epochs of the rungs come from the records of the last `make course`.
"""
import re
import sys
from base64 import b64decode

import matplotlib.pyplot as plt
import nbformat
from matplotlib.transforms import Bbox

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
    {'scikit-learn, nearest neighbor': 'nearest neighbor', 'scikit-learn, gradient boosting': 'gradient boosting',
     'scikit-learn, SVC': 'support vector machine'},
    {'06, one quick epoch': 'tiny network, one quick epoch', '06, two quick epochs': 'two quick epochs',
     '06, twenty epochs': 'twenty epochs', '06_tiny_cnn': 'with all of lesson 6'},
]
# the tiny network's sizes and what scikit-learn offers, in the picture of the models
SIZES = '06, 1-2-3', '06, 2-3-4', '06, 3-4-4', '06_tiny_cnn', '06, 8-16-32'
SKLEARN = dict(zip(GROUPS[4], ('nearest neighbor', 'gradient boosting', 'SVC')))
# the picture that a lesson opens with, and the cell that draws it
OPENING = {'02_linear_sgd': 'filmstrip', '03_basic_optim': 'who-picture', '04_simple_net': 'xor-picture', '05_resnet18': 'conv-picture',
           '07_handwriting': 'steps-run'}


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
    "Save a picture of some digits of the validation set, each class beside the mean of its training images"
    (train_3s, train_7s), (valid_3s, valid_7s) = load_split('train'), load_split('valid')
    show_images([*valid_3s[:5], train_3s.mean(0), *valid_7s[:5], train_7s.mean(0)], nrows=2, size=1)
    plt.savefig(file)


def draw_ladder(rungs, file):
    "Save a picture of the ladder, with a square for every image that each rung misclassifies on average; the table is in its metadata"
    fig, ax = plt.subplots(figsize=(6.4, 1.05*len(rungs)))
    for x in (-1.2, 52.2): ax.plot([x, x], [-.35, len(rungs) - .1], color='C1', lw=4)
    for y, rung in enumerate(rungs):
        errors = evidence.errors_of(rung.notebook)
        ax.plot([-1.2, 52.2], [y - .2, y - .2], color='C1', lw=4)
        ax.text(0, y + .5, f'{y + 1}  {rung.model}: {rung.parameters:,}', va='center')
        ax.text(51, y + .5, f'errors: {spread(errors)}', va='center', ha='right')
        squares = range(round(errors.mean()))
        ax.scatter([.6 + i%50 for i in squares], [y + .2 - .17*(i//50) for i in squares], marker='s', s=18, color='C0')
    ax.set(xlim=(-3, 54), ylim=(-.5, len(rungs)), title='Parameters, and a square for every error')
    ax.axis('off')
    fig.savefig(file, metadata={'Description': ladder(rungs)})


def models_table():
    "Parameters, and mean, fewest and most errors, of every model in the picture of the models"
    table = evidence.load().groupby('rung').agg({'parameters': 'median', 'errors': ['mean', 'min', 'max']})
    return table.droplevel(0, axis=1).set_axis(['parameters', 'errors', 'fewest', 'most'], axis=1).round(2)


def draw_models(rungs, file):
    "Save a picture of every model's parameters and errors, with the range over the seeds; the figures are in its metadata"
    found = models_table().clip(lower=.05)  # a logarithm has no place for 0
    names = {rung.notebook: rung.model.split(',')[0] for rung in rungs if rung.notebook not in ('03_basic_optim', '06_tiny_cnn')} | SKLEARN
    names |= {size: f'{found.parameters[size]:,.0f}' for size in SIZES}
    fig, ax = plt.subplots(figsize=(6.4, 5.4))
    ax.plot(*found.loc[list(SIZES), ['parameters', 'errors']].T.values, color='C3')
    for rung in names:
        parameters, errors, *ends = found.loc[rung]
        color = 'C3' if rung in SIZES else 'C1' if rung in SKLEARN else 'C0'
        ax.plot([parameters]*2, ends, color=color, alpha=.3, lw=6, solid_capstyle='round')
        ax.scatter(parameters, errors, s=110, color=color, zorder=3)
    ax.set(xscale='log', yscale='log', xlim=(30, 2e8), ylim=(.03, 250), xlabel='parameters (blue: tiny networks, light gray: scikit-learn)',
           title=f"Errors in {rungs[0].images:,} images: larger isn't better")
    ax.set_xticks([1e2, 1e3, 1e4, 1e5, 1e6, 1e7], ['100', '1,000', '10,000', '100,000', 'a million', '10 million'])
    ax.set_yticks([.1, 1, 10, 100], ['0.1', '1', '10', '100'])
    ax.minorticks_off()
    write_labels(ax, {name: found.loc[rung, ['parameters', 'errors']] for rung, name in names.items()}, [names[size] for size in SIZES])
    fig.savefig(file, metadata={'Description': models_table().to_csv()})


SIDES = [(0, 9, 'center', 'bottom'), (0, -9, 'center', 'top'), (9, 0, 'left', 'center'), (-9, 0, 'right', 'center')]


def write_labels(ax, places, left):
    "Write each label on the first side of its point where it hides neither a point nor a label before it; those in `left` begin there"
    ax.figure.canvas.draw()
    taken = [Bbox.from_bounds(*ax.transData.transform(place) - 9, 18, 18) for place in places.values()]
    for name, place in places.items():
        for x, y, ha, va in SIDES[::-1] if name in left else SIDES:
            label = ax.annotate(name, place, (x, y), textcoords='offset points', ha=ha, va=va)
            box = label.get_window_extent()
            if not any(box.overlaps(other) for other in taken): break
            label.remove()
        else: raise ValueError(f'no room for {name!r}')
        taken.append(box)


def copy_picture(lesson, cell):
    "Save the picture that a cell of a lesson has drawn, to open that lesson with"
    outputs = next(c.outputs for c in nbformat.read(NBS/f'{lesson}.ipynb', as_version=4).cells if c.id == cell)
    (NBS/'images'/f'{lesson}.png').write_bytes(b64decode(outputs[-1].data['image/png']))


def course_table():
    "Mean errors and least seconds of training, according to the evidence, of every row of the picture"
    rows = [rung for group in GROUPS for rung in group]
    return evidence.load().groupby('rung').agg({'errors': 'mean', 'seconds': 'min'}).loc[rows].round(3)


def draw_course(rungs, file):
    "Save a picture of the errors and the seconds of training of every rung and improvement; the figures are in its metadata"
    found, names = course_table(), {rung.notebook: rung.model for rung in rungs}
    rows = [row for group in GROUPS for row in (None, *group.items())]  # None leaves a gap
    rows = [(y, *row) for y, row in enumerate(rows) if row]
    fig, axes = plt.subplots(1, 2, figsize=(8.5, 8), sharey=True)
    for ax, column, color, title, say in [(axes[0], 'errors', 'C0', f'errors of {rungs[0].images:,}', '{:.1f}'.format),
                                          (axes[1], 'seconds', 'C1', 'seconds to train', time)]:
        values = found[column].clip(lower=.05)  # a logarithm has no place for 0
        for y, rung, _ in rows:
            bold = rung in names
            ax.axhline(y, color='whitesmoke', zorder=0)
            ax.scatter(values[rung], y, s=130 if bold else 45, color=color)
            ax.annotate(say(found[column][rung]), (values[rung], y), (10, 0), textcoords='offset points', va='center',
                        color='C0' if bold else 'C1', weight='bold' if bold else None)
        ax.set(xscale='log', xlim=(values.min()/1.6, values.max()*9))
        ax.set_title(title)
        ax.grid(False, axis='y')
        ax.xaxis.set_major_formatter('{x:g}')
    axes[0].set_yticks([y for y, *_ in rows], [f'{names.get(rung, "")} {text}'.strip() for _, rung, text in rows])
    for label, (_, rung, _) in zip(axes[0].get_yticklabels(), rows): label.set(weight='bold' if rung in names else None)
    axes[0].invert_yaxis()
    fig.savefig(file, bbox_inches='tight', pad_inches=.2, metadata={'Description': found.to_csv()})


def main():
    rungs = load_rungs(ROOT/'build'/'records')
    if not rungs: sys.exit('no records in build/records: run `make course` first')
    page = (ROOT/'README.md').read_text(encoding='utf-8')
    page = MAP.sub(lambda _: map_table() + '\n', LADDER.sub(lambda _: ladder(rungs) + '\n', page))
    (ROOT/'README.md').write_text(page, encoding='utf-8')
    plt.style.use('mnist37.course')
    draw_digits(NBS/'images'/'digits.png')
    draw_ladder(rungs, NBS/'images'/'ladder.png')
    draw_models(rungs, NBS/'images'/'models.png')
    draw_course(rungs, NBS/'images'/'course.png')
    for lesson, cell in OPENING.items(): copy_picture(lesson, cell)


if __name__ == '__main__': main()
