"""Measure every rung from many seeds, and what every notebook takes: `make evidence`.

    python scripts/evidence.py [RUNG SEED]

A run is a fresh process that executes those cells of a notebook that make the rung, with another seed in place of 37. Each
is kept in evidence/rungs.csv as soon as it is done, so the command can be stopped and goes on where it was; what is there
already is measured again only if its code has changed. evidence/notebooks.csv gets time and memory of each notebook. With a
rung and a seed, this one run is measured and printed, and nothing is kept.
"""
import hashlib
import io
import json
import platform
import re
import subprocess
import sys
import time
import tokenize
from contextlib import redirect_stdout
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import nbformat
import pandas as pd
from tqdm import tqdm

from course import ALL, NBS, ROOT, run_notebook, write_whole
from memory import PeakMemory

RUNGS, NOTEBOOKS = ROOT/'evidence'/'rungs.csv', ROOT/'evidence'/'notebooks.csv'
SEED = 37  # the notebooks' own
SEEDS = [SEED, *range(10)]


@dataclass
class Recipe:
    "How to make a rung, or a variant that the prose compares with it"
    notebook: str  # file name without `.ipynb`
    cells: str  # ids of the cells to execute, in order
    right: str  # expression: which validation images are read correctly, bool, the 3s first
    variant: str = ''  # what to execute after the cells
    seeds: tuple = tuple(SEEDS)


def broken(call):
    "A mistake made on purpose in 02 by a call of its `train`, which validates after every epoch"
    cells = 'exports imports plot-settings train-x train-y dset load-xy load-valid init-params mnist-loss batches dataloader ' \
            'batch-accuracy validate-epoch train in-order'
    return Recipe('02_linear_sgd', cells, 'right', """
count = validate_epoch
def validate_epoch(model, dl):
    global right
    right = ((model(valid_x) > 0) == valid_y)[:,0]  # without the loader, whose random numbers the notebook's run does not spend
    return count(model, dl)
""" + call)


def study(model, loss, lr, epochs):
    "A setting that 04 compares with others by its `train_net`"
    cells = 'exports imports settings data simple-net no-relu ce'
    return Recipe('04_simple_net', cells, IN_BATCHES.format('model'), f'model = train_net({model}, {loss}, {lr}, {epochs})')


MEANS = 'exports-lesson imports device load-all constant means distance check-images is-3'
IN_BATCHES = 'torch.cat([({}(xb) > 0) == yb for xb, yb in valid_dl])[:,0]'
RECIPES = {
    '01_pixel_similarity': Recipe('01_pixel_similarity', f'{MEANS} stopwatch rung', 'answers'),
    '01, RMSE': Recipe('01_pixel_similarity', f'{MEANS} rmse-accuracy', 'rmse_right'),
    '02_linear_sgd': Recipe(
        '02_linear_sgd', 'exports imports plot-settings train-x train-y dset load-xy load-valid init-params weights bias linear1 '
        'mnist-loss dataloader calc-grad train-epoch batch-accuracy validate-epoch better-start rung', IN_BATCHES.format('linear1')),
    '02, nothing left out': broken('train()'),
    '02, without clearing the gradient': broken('train(zero=False)'),
    '02, sorted, one epoch': broken('train(in_order, epochs=1)'),
    '02, sorted': broken('train(in_order)'),
    '02, sorted, lr 10, ten epochs': broken('train(in_order, 10., 10)'),
    '03_basic_optim': Recipe('03_basic_optim', 'exports imports loaders linear twenty rung', IN_BATCHES.format('learn.model')),
    '04_simple_net': Recipe('04_simple_net', 'exports imports settings data params simple-net-by-hand simple-net '
                            'sequential-same count learner rung', IN_BATCHES.format('learn.model')),
    '04, as in the notes': study('simple_net', 'mnist_loss', .1, 40),
    '04, as in the notes without ReLU': study('two_linear', 'mnist_loss', .1, 40),
    '04, cross-entropy at 0.5': study('simple_net', 'cross_entropy', .5, 20),
    '04, cross-entropy at 0.5, two linear layers': study('two_linear', 'cross_entropy', .5, 20),
    '04, cross-entropy at 0.5, one linear layer': study('one_linear', 'cross_entropy', .5, 20),
    '05_resnet18': Recipe(
        '05_resnet18', 'warnings exports imports settings path batch resnet-learner learner shapes shapes-table fit preds rung',
        '(answers == targets)', seeds=(SEED, *range(5))),
}


def cells(recipe):
    "Sources of the cells of `recipe`, in its order; raises KeyError for one that its notebook has not"
    sources = {cell.id: cell.source for cell in nbformat.read(NBS/f'{recipe.notebook}.ipynb', as_version=4).cells}
    return [sources[id] for id in recipe.cells.split()]


def code_of(recipe):
    "Digest of the code that a run executes: its cells and the modules they import, whatever their comments and line breaks"
    sources = cells(recipe) + [recipe.variant, recipe.right]
    modules = re.findall(r'^from mnist37\.(\w+) import', '\n'.join(sources), re.M)
    sources += [(ROOT/'mnist37'/f'{name}.py').read_text(encoding='utf-8')
                for name in sorted(set(modules) - {'data', 'ladder'})]  # whose tests pin what they give
    tokens = [token.string for source in sources for token in tokenize.generate_tokens(io.StringIO(source).readline)
              if token.type != tokenize.COMMENT]
    return hashlib.sha256(''.join(''.join(tokens).split()).encode()).hexdigest()[:12]


def seeded(recipe, seed):
    "The code of the cells of `recipe`, with `seed` in place of the notebook's own"
    code, n = re.subn(rf'^(seed\b.*= ){SEED}\b', rf'\g<1>{seed}', '\n'.join(cells(recipe)), flags=re.M)
    assert n == (recipe.notebook != '01_pixel_similarity'), f'{recipe.notebook}: {n} cells set the seed'
    return code


def environment():
    "What a measurement depends on besides code and seed"
    import torch
    from mnist37.data import default_device
    return {'device': str(default_device()), 'threads': torch.get_num_threads(), 'python': platform.python_version(),
            'torch': version('torch'), 'fastai': version('fastai')}


def run(
    rung:str, # key of `RECIPES`
    seed:int, # in place of the notebook's own
) -> dict: # what was measured; no memory, which is measured from outside
    "Execute the cells of a rung in this process"
    import torch
    recipe, names, steps = RECIPES[rung], {}, 0
    backward = torch.Tensor.backward

    def count(tensor, *args, **kwargs):
        nonlocal steps
        steps += 1
        return backward(tensor, *args, **kwargs)

    torch.Tensor.backward = count
    exec(seeded(recipe, seed), names)
    began = time.perf_counter()
    exec(recipe.variant, names)
    seconds = names['rung'].seconds if 'rung' in names else time.perf_counter() - began
    right = eval(recipe.right, names)
    errors, n_3s = int((~right).sum()), 1010
    assert 'rung' not in names or names['rung'].errors == errors, f'{rung}: the notebook counts {names["rung"].errors} errors, and not {errors}'
    return {'rung': rung, 'seed': seed, 'errors': errors, 'images': len(right), 'accuracy_3': round(right[:n_3s].float().mean().item(), 4),
            'accuracy_7': round(right[n_3s:].float().mean().item(), 4), 'steps': steps, 'seconds': round(seconds, 2)}


def measure(
    rung:str, # key of `RECIPES`
    seed:int, # in place of the notebook's own
) -> dict: # a row of evidence/rungs.csv
    "Run a rung in a fresh process; raises RuntimeError with what the process said if it fails"
    with (subprocess.Popen([sys.executable, __file__, rung, str(seed)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process,
          PeakMemory() as memory):
        memory.watch(process.pid)
        try: out, err = process.communicate()
        except KeyboardInterrupt:
            memory.kill()
            raise
    if process.returncode: raise RuntimeError(f'{rung}, seed {seed}: {err[-2000:]}')
    row = json.loads(out)
    return {**row, 'peak_mib': memory.mib, **environment(), 'code': code_of(RECIPES[rung])}


def load(
    file:Path=RUNGS, # table to read
) -> pd.DataFrame: # empty if there is none yet
    "Read a table of evidence"
    return pd.read_csv(file, dtype={'code': str}, keep_default_na=False) if file.exists() else pd.DataFrame()


def save(rows, file):
    "Write a table of evidence"
    write_whole(file, pd.DataFrame(rows).to_csv(index=False))


def errors_of(
    rung:str, # key of `RECIPES`
) -> pd.Series: # errors of its runs, by seed
    "The errors of a rung according to evidence/rungs.csv"
    table = load()
    return table[table.rung == rung].set_index('seed').errors


def expected(
    rung:str, # key of `RECIPES`
) -> tuple[float, float]: # fewest and most errors that a run may make
    "What the seeds have given, with room for other hardware and libraries: three images and three standard deviations to each side"
    errors = errors_of(rung)
    room = 3 + 3*errors.std() if errors.nunique() > 1 else 0  # where nothing is random, other hardware changes nothing either
    return errors.min() - room, errors.max() + room


def measure_rungs():
    "Add to evidence/rungs.csv what is missing or was measured with other code"
    order = {(rung, seed): code_of(recipe) for rung, recipe in RECIPES.items() for seed in recipe.seeds}
    rows = {(row['rung'], row['seed']): row for row in load(RUNGS).to_dict('records')}
    rows = {key: row for key, row in rows.items() if order.get(key) == row['code']}
    with tqdm([key for key in order if key not in rows], unit='run') as bar:
        for key in bar:
            bar.set_description(f'{key[0]}, seed {key[1]}')
            rows[key] = measure(*key)
            save([rows[key] for key in order if key in rows], RUNGS)


def measure_notebooks():
    "The same for evidence/notebooks.csv"
    def code(notebook):
        sources = [cell.source for cell in nbformat.read(notebook, as_version=4).cells if cell.cell_type == 'code']
        return hashlib.sha256('\n'.join(sources).encode()).hexdigest()[:12]

    order = {notebook.relative_to(NBS).with_suffix('').as_posix(): code(notebook) for notebook in ALL}
    rows = {row['notebook']: row for row in load(NOTEBOOKS).to_dict('records')}
    rows = {key: row for key, row in rows.items() if order.get(key) == row['code']}
    for key in order:
        if key in rows: continue
        began = time.perf_counter()
        mib = run_notebook(NBS/f'{key}.ipynb', ROOT/'build')
        rows[key] = {'notebook': key, 'seconds': round(time.perf_counter() - began), 'peak_mib': mib, **environment(), 'code': order[key]}
        save([rows[key] for key in order if key in rows], NOTEBOOKS)


def main(arguments):
    if arguments:
        rung, seed = arguments
        with redirect_stdout(sys.stderr): row = run(rung, int(seed))
        return print(json.dumps(row))
    try:
        measure_rungs()
        measure_notebooks()
    except KeyboardInterrupt: sys.exit('\nstopped; what is measured is kept, and the same command goes on from there')
    print(load().groupby('rung', sort=False).errors.agg(['count', 'min', 'median', 'mean', 'max']).round(1))


if __name__ == '__main__': main(sys.argv[1:])
