"""Measure every rung from many seeds, and what every notebook takes: `make evidence`.

    python -m scripts.maintainers.evidence

Runs go side by side to the workers of scripts/maintainers/cluster.py, except for those whose seconds are compared: they have this
computer to themselves, at the end. A run is kept in evidence/rungs.csv as soon as it's done, so you can stop the command, and it goes
on where it was. What's there already is measured again only if the code it depends on has changed. A run that fails is reported, and
the others go on. If none has failed, every notebook is run, and evidence/notebooks.csv gets the time and memory that each takes.
"""
import ast
import hashlib
import inspect
import os
import platform
import signal
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from importlib.metadata import version
from textwrap import dedent

import pandas as pd
import torch
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.model_selection import KFold
from sklearn.neighbors import KNeighborsClassifier
from sklearn.svm import SVC
from torch import nn
from tqdm import tqdm

from mnist37.basic_optim import train_linear_learner
from mnist37.data import default_device, load_xy, mnist_path
from mnist37.handwriting import other_peoples_digits
from mnist37.ladder import n_params, predict
from mnist37.linear_limits import deskew
from mnist37.linear_sgd import train_linear_sgd
from mnist37.pixel_similarity import rmse_distance, train_pixel_similarity
from mnist37.resnet18 import train_resnet18
from mnist37.simple_net import cross_entropy, one_linear, simple_net, train_simple_net, two_linear
from mnist37.tiny_cnn import augment, tiny_cnn, train_tiny_cnn
from scripts.readers.course import ALL, NBS, ROOT, run_notebook, write_whole

RUNGS, NOTEBOOKS = ROOT/'evidence'/'rungs.csv', ROOT/'evidence'/'notebooks.csv'
SEED = 37  # the notebooks' own
SEEDS = SEED, *range(10)
FEW = SEEDS[:4]  # for what takes long
ONCE = SEED,  # for what isn't random
FOLDS = range(10)  # so each training image is held out twice
PLAIN = dict(change=None, label_smoothing=0, use_tta=False)  # the tiny network's training without what the lesson adds to it
QUICK = dict(change=None, label_smoothing=0, batch_size=64, lr=.03)  # for one epoch or two
STOPPED = '\nstopped; the runs so far are kept, and the same command goes on from there\n'
THREADS = 2  # for what's measured alone: seconds are compared with each other, so all are measured alike


# what a recipe gets: images and targets to train on, to hold out (or None), to validate on, and by other people
def all_images(seed):
    train, valid = [load_xy(split, default_device()) for split in ('train', 'valid')]
    return train, None, valid, other_peoples_digits()


def deskewed(seed):
    "The same, each image deskewed"
    return [images and (deskew(images[0]), images[1]) for images in all_images(seed)]


def one_fold(seed):
    "The same with a fifth of the training images held out: in five seeds, each of them once"
    (images, targets), _, valid, others = all_images(seed)
    folds = list(KFold(5, shuffle=True, random_state=SEED).split(images))
    return *[(images[part], targets[part]) for part in folds[seed % 5]], valid, others


class FromSklearn(nn.Module):
    "A classifier of scikit-learn's as a model, with the numbers that it stores"
    def __init__(self, classifier):
        super().__init__()
        self.classifier = classifier

    def forward(self, images): return torch.tensor(self.classifier.predict(images.flatten(1).numpy()))[:,None] - .5

    def n_stored(self):
        if isinstance(self.classifier, SVC): return self.classifier.support_vectors_.size + self.classifier.dual_coef_.size + 1
        if isinstance(self.classifier, KNeighborsClassifier): return self.classifier._fit_X.size
        nodes = [tree.nodes for trees in self.classifier._predictors for tree in trees]
        return int(sum(1 if leaf else 2 for some in nodes for leaf in some['is_leaf']))  # a value, or a pixel and a threshold


def train_sklearn(make, data, **options):
    images, targets = [t.cpu().numpy() for t in data]
    return FromSklearn(make(**options).fit(images.reshape(len(images), -1), targets[:,0]))


def train_boosting(seed, data): return train_sklearn(HistGradientBoostingClassifier, data, random_state=seed)


@dataclass
class Recipe:
    "A rung, or a variant that a lesson compares with it"
    name: str  # the rung's notebook, or what a variant changes
    train: Callable  # gives a model, from `data` and `seed` if it takes them
    arguments: dict = field(default_factory=dict)  # others of `train`
    seeds: tuple = SEEDS
    data: Callable = all_images


RECIPES = {recipe.name: recipe for recipe in [
    Recipe('01_pixel_similarity', train_pixel_similarity, seeds=ONCE),
    Recipe('01, RMSE', train_pixel_similarity, dict(distance=rmse_distance), ONCE),
    Recipe('02_linear_sgd', train_linear_sgd),
    Recipe('02, nothing left out', train_linear_sgd, dict(epochs=5)),
    Recipe('02, sorted, one epoch', train_linear_sgd, dict(epochs=1, shuffle=False)),
    Recipe('02, sorted', train_linear_sgd, dict(epochs=5, shuffle=False)),
    Recipe('02, sorted, lr 10, ten epochs', train_linear_sgd, dict(epochs=10, lr=10., shuffle=False)),
    Recipe('03_basic_optim', train_linear_learner),
    Recipe('04_simple_net', train_simple_net),
    Recipe('04, without ReLU', train_simple_net, dict(make_model=two_linear)),
    Recipe('04, cross-entropy at 0.5', train_simple_net, dict(loss_func=cross_entropy, lr=.5, epochs=20)),
    Recipe('04, cross-entropy at 0.5, two linear layers', train_simple_net,
           dict(loss_func=cross_entropy, lr=.5, epochs=20, make_model=two_linear)),
    Recipe('04, cross-entropy at 0.5, one linear layer', train_simple_net,
           dict(loss_func=cross_entropy, lr=.5, epochs=20, make_model=one_linear)),
    Recipe('04, mnist_loss at 1', train_simple_net, dict(lr=1., epochs=20)),
    Recipe('04, mnist_loss at 1, two linear layers', train_simple_net, dict(lr=1., epochs=20, make_model=two_linear)),
    Recipe('04, mnist_loss at 2', train_simple_net, dict(lr=2., epochs=20)),
    Recipe('04, mnist_loss at 2, two linear layers', train_simple_net, dict(lr=2., epochs=20, make_model=two_linear)),
    Recipe('04, mnist_loss at 5', train_simple_net, dict(lr=5., epochs=20)),
    Recipe('04, mnist_loss at 5, two linear layers', train_simple_net, dict(lr=5., epochs=20, make_model=two_linear)),
    Recipe('04, cross-entropy at 0.1', train_simple_net, dict(loss_func=cross_entropy, lr=.1, epochs=20), FEW),
    Recipe('05_resnet18', train_resnet18, seeds=SEEDS[:6]),
    Recipe('05, lr 0.01', train_resnet18, dict(lr=.01), SEEDS[:3]),
    Recipe('06_tiny_cnn', train_tiny_cnn),
    Recipe('06, one quick epoch', train_tiny_cnn, QUICK | dict(epochs=1)),
    Recipe('06, two quick epochs', train_tiny_cnn, QUICK | dict(epochs=2)),
    Recipe('scikit-learn, SVC', train_sklearn, dict(make=SVC, C=10), ONCE),
    Recipe('scikit-learn, nearest neighbor', train_sklearn, dict(make=KNeighborsClassifier, n_neighbors=1), ONCE),
    Recipe('scikit-learn, gradient boosting', train_boosting, seeds=FEW),
    Recipe('06, simple_net by Adam', train_tiny_cnn, PLAIN | dict(make_model=simple_net, batch_size=256), FEW),
    Recipe('06, simple_net by Adam, batches of 64', train_tiny_cnn, PLAIN | dict(make_model=simple_net, batch_size=64), FEW),
    Recipe('06, simple_net by Adam, batches of 64, augmented', train_tiny_cnn,
           PLAIN | dict(make_model=simple_net, batch_size=64, change=augment), FEW),
    Recipe('06, twenty epochs', train_tiny_cnn, PLAIN, FEW),
    Recipe('06, 1-2-3', train_tiny_cnn, dict(make_model=partial(tiny_cnn, (1, 2, 3))), FEW),
    Recipe('06, 2-3-4', train_tiny_cnn, dict(make_model=partial(tiny_cnn, (2, 3, 4))), FEW),
    Recipe('06, 3-4-4', train_tiny_cnn, dict(make_model=partial(tiny_cnn, (3, 4, 4)))),
    Recipe('06, 8-16-32', train_tiny_cnn, dict(make_model=partial(tiny_cnn, (8, 16, 32))), FEW),
    # the search, on images held out of the training set; the first six each add something to the one before
    *(Recipe(f'06, held out, {name}', train_tiny_cnn, arguments, FOLDS, one_fold) for name, arguments in {
        'three epochs': PLAIN | dict(epochs=3), 'twenty epochs': PLAIN, 'augmented': PLAIN | dict(change=partial(augment, bend=0)),
        'bent': PLAIN | dict(change=augment), 'label smoothing': dict(use_tta=False), 'TTA': {},
        'half as much': dict(change=partial(augment, degrees=7.5, pixels=1, zoom=.1, shear=.075, bend=.5)),
        'twice as much': dict(change=partial(augment, degrees=30, pixels=4, zoom=.4, shear=.3, bend=2)),
        'lr 0.02': dict(lr=.02), '3-4-4': dict(make_model=partial(tiny_cnn, (3, 4, 4))),
        'two quick epochs': QUICK | dict(epochs=2)}.items()),
    Recipe('06, held out, SVC', train_sklearn, dict(make=SVC, C=10), FOLDS[:5], one_fold),
    Recipe('01_pixel_similarity, deskewed', train_pixel_similarity, {}, ONCE, deskewed),
    Recipe('01, RMSE, deskewed', train_pixel_similarity, dict(distance=rmse_distance), ONCE, deskewed),
    Recipe('02_linear_sgd, deskewed', train_linear_sgd, {}, SEEDS[:3], deskewed),
    Recipe('03_basic_optim, deskewed', train_linear_learner, {}, SEEDS[:3], deskewed),
    Recipe('04_simple_net, deskewed', train_simple_net, {}, SEEDS[:3], deskewed),
    Recipe('04, cross-entropy at 0.5, deskewed', train_simple_net, dict(loss_func=cross_entropy, lr=.5, epochs=20), SEEDS[:3], deskewed),
    Recipe('06, three epochs, deskewed', train_tiny_cnn, PLAIN | dict(epochs=3), SEEDS[:3], deskewed),
    Recipe('06, three epochs', train_tiny_cnn, PLAIN | dict(epochs=3), SEEDS[:3]),
]}


# what README, the lessons and the tests compare by seconds, so it's measured alone
TIMED = ['04, cross-entropy at 0.5', '06, two quick epochs', *(name for name in RECIPES if ',' not in name or name.startswith('scikit'))]


def misread(model, images, targets):
    "Which images the model takes for the other digit"
    return (predict(model, images).cpu() > .5) != (targets[:,0].cpu() == 1)


def measured(train, arguments, data, seed) -> dict: # a row of evidence/rungs.csv
    "Train a model and count its errors"
    to_train, held_out, valid, others = data(seed)
    given = {name: value for name, value in [('data', to_train), ('seed', seed)] if name in inspect.signature(train).parameters}
    began = time.perf_counter()
    model = train(**given, **arguments)
    seconds = round(time.perf_counter() - began, 2)
    wrong, is_3 = misread(model, *valid), valid[1][:,0].cpu() == 1
    shares = [round(1 - wrong[some].float().mean().item(), 4) for some in (is_3, ~is_3)]
    names = [f'{digit}/{file.stem}' for digit in '37' for file in sorted((mnist_path()/'valid'/digit).glob('*.png'))]
    stored = model.n_stored() if isinstance(model, FromSklearn) else n_params(model) or sum(means.numel() for means in model.buffers())
    return {'parameters': stored, 'errors': int(wrong.sum()), 'images': len(wrong), 'accuracy_3': shares[0], 'accuracy_7': shares[1],
            'held_out': int(misread(model, *held_out).sum()) if held_out else '', 'others': int(misread(model, *others).sum()),
            'seconds': seconds, 'misread': ' '.join(name for name, bad in zip(names, wrong) if bad)}


def measure(rung, seed): return [measured((r := RECIPES[rung]).train, r.arguments, r.data, seed)]


def bare(node, names):
    "A syntax tree as lists, without what changes no result: docstrings, annotations and errors; `names` gets the names in it"
    if isinstance(node, list):
        return [bare(n, names) for n in node
                if not isinstance(n, ast.Raise) and not (isinstance(n, ast.Expr) and isinstance(n.value, ast.Constant))]
    if not isinstance(node, ast.AST): return repr(node)
    if isinstance(node, ast.Name): names.add(node.id)
    return [type(node).__name__, *((name, bare(value, names)) for name, value in ast.iter_fields(node)
                                   if name not in ('annotation', 'returns') and value not in (None, []))]


def code_of(*values) -> str: # 12 digits
    """Digest of the code of this repository that `values`, such as a function and its arguments, lead to by name.

    Functions and classes lead to all that they name; containers and partials to what they hold. Comments, docstrings,
    annotations and errors don't count, nor where a library keeps a thing. mnist37.data counts as input: a test pins its pixels.
    Raises TypeError for what has no name and no description that is always the same, such as a lambda or a tensor."""
    found = {}

    def describe(value):
        if isinstance(value, partial): value = [value.func, value.args, value.keywords]
        if isinstance(value, dict): value = list(value.items())
        if isinstance(value, (list, tuple)): return [describe(v) for v in value]
        if value is None or isinstance(value, (bool, int, float, str)): return repr(value)
        if inspect.ismodule(value) or isinstance(value, os.PathLike): return 'a place'
        if '<' in getattr(value, '__qualname__', '<') or inspect.ismethod(value): raise TypeError(f'{value!r} cannot be described')
        space = vars(sys.modules.get(value.__module__, object))
        module = getattr(space.get('__spec__'), 'name', '')  # of a program too, whose __module__ is __main__
        if not module.startswith(('mnist37.', 'scripts.')) or module == 'mnist37.data': return value.__qualname__
        name = f'{module}.{value.__qualname__}'
        if name not in found:
            found[name], names = None, set()  # None for now, as it may name itself
            code = bare(ast.parse(dedent(inspect.getsource(value))).body, names)
            found[name] = code, {n: describe(space[n]) for n in sorted(names & space.keys())}
        return name

    return hashlib.sha256(repr((describe(values), sorted(found.items()))).encode()).hexdigest()[:12]


def codes():
    found = {name: code_of(measured, r.train, r.arguments, r.data) for name, r in RECIPES.items()}
    return {(name, seed): found[name] for name, r in RECIPES.items() for seed in r.seeds}


def environment():
    "What a measurement depends on besides code and seed"
    return {'device': str(default_device()), 'threads': torch.get_num_threads(), 'python': platform.python_version(),
            'torch': version('torch'), 'fastai': version('fastai')}


def load(file=RUNGS): return pd.read_csv(file, dtype={'code': str}, keep_default_na=False)


def measure_here(measure, key): return [{**row, **environment(), **row} for row in measure(*key)]
def one_by_one(work, keys): return ((key, partial(work, key)) for key in keys)


def renew(file, by, codes, measure, start=one_by_one):
    """Measure what's missing in the table `file`, and what's stale: what `codes` has another code for, by the columns `by`

    `start` gives the keys in the order in which to take them, each with a function that gives its rows or raises."""
    groups = load(file).groupby(by) if file.exists() else []
    rows = {key: some.to_dict('records') for key, some in groups if set(some.code) == {codes.get(key)}}
    missing, failed = [key for key in codes if key not in rows], []
    with tqdm(total=len(missing)) as bar:
        for key, result in start(partial(measure_here, measure), missing):
            bar.set_description(name := ', '.join(map(str, key)))
            try: rows[key] = [dict(zip(by, key)) | row | {'code': codes[key]} for row in result()]
            except Exception as e:
                bar.write(f'\n{name} failed.\n\n{"".join(traceback.format_exception(e))}', file=sys.stderr)
                failed.append(name)
            else: write_whole(file, pd.DataFrame([row for key in codes for row in rows.get(key, [])]).to_csv(index=False))
            bar.update()
    if failed: sys.exit(f'\n{len(failed)} of {len(missing)} runs failed; the others are kept:\n' + '\n'.join(failed))


def errors_of(rung) -> pd.Series: # by seed
    "Errors of the runs of a rung, according to evidence/rungs.csv"
    return load().query('rung == @rung').set_index('seed').errors


def measure_notebook(file) -> dict: # a row of evidence/notebooks.csv
    began = time.perf_counter()
    mib = run_notebook(file, ROOT/'build')
    return {'notebook': file.relative_to(NBS).with_suffix('').as_posix(), 'seconds': round(time.perf_counter() - began), 'peak_mib': mib}


def stop(*_):
    """End at once; workers that this process has started end with it, and those of a cluster after their run.

    To close them one by one can take minutes when they're busy."""
    os.write(sys.stderr.fileno(), STOPPED.encode())
    os._exit(1)


def start(work, keys):
    "Most runs side by side; then, with nothing beside them, those whose seconds count: in this process, one by one"
    from scripts.maintainers.cluster import side_by_side  # not above, as nothing else needs Dask
    before, variables = signal.signal(signal.SIGINT, stop), dict(os.environ)
    os.environ['PYTHONWARNINGS'] = 'ignore::UserWarning:multiprocessing.resource_tracker'  # it tidies up after `stop`, and would tell
    try: yield from side_by_side(work, [key for key in keys if key[0] not in TIMED])
    finally:
        signal.signal(signal.SIGINT, before)
        os.environ.clear()  # Dask has written numbers of threads there
        os.environ.update(variables)
    yield from one_by_one(work, [key for key in keys if key[0] in TIMED])


def main():
    torch.set_num_threads(THREADS)
    try:
        renew(RUNGS, ['rung', 'seed'], codes(), measure, start)
        os.environ['OMP_NUM_THREADS'] = str(THREADS)  # for the kernels of the notebooks
        notebooks = pd.DataFrame([measure_notebook(file) | environment() for file in ALL])
    except KeyboardInterrupt: sys.exit(STOPPED.rstrip())
    write_whole(NOTEBOOKS, notebooks.to_csv(index=False))
    print(load().groupby('rung', sort=False).errors.agg(['count', 'min', 'median', 'mean', 'max']).round(1))


if __name__ == '__main__': main()
