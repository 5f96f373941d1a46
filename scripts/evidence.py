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
import os
import platform
import re
import subprocess
import sys
import tempfile
import time
import tokenize
from contextlib import redirect_stdout
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path

import nbformat
import pandas as pd
from tqdm import tqdm

from course import ALL, NBS, ROOT, run_notebook, write_whole
from memory import PeakMemory

RUNGS, NOTEBOOKS = ROOT/'evidence'/'rungs.csv', ROOT/'evidence'/'notebooks.csv'
SEED = 37  # the notebooks' own
SEEDS = SEED, *range(10)
FEW = SEEDS[:4]  # for what takes long


@dataclass
class Recipe:
    "How to make a rung, or a variant that the prose compares with it"
    notebook: str  # file name without `.ipynb`
    cells: str  # ids of the cells to execute, in order
    reads: str  # expression: function from images, shape (N, 28, 28), to whether each is read as a 3
    variant: str = ''  # what to execute after the cells
    seeds: tuple = SEEDS
    deskewed: bool = False  # whether the images, all of them, are deskewed beforehand


READS = 'lambda images: {}(images[:,None]).argmax(1) == 0'
LOOKS = 'lambda images: tta({}, images[:,None]).argmax(1) == 0'


def broken(call):
    "A mistake made on purpose in 02 by a call of its `train`, which validates after every epoch"
    cells = 'exports imports plot-settings train-x train-y dset load-xy load-valid init-params mnist-loss batches dataloader ' \
            'batch-accuracy validate-epoch train in-order'
    return Recipe('02_linear_sgd', cells, FLAT.format('trained'), """
count = validate_epoch
def validate_epoch(model, dl):
    global trained
    trained = model
    return count(model, dl)
""" + call)


def study(model, loss, lr, epochs):
    "A setting that 04 compares with others by its `train_net`"
    cells = 'exports imports settings data simple-net no-relu ce'
    return Recipe('04_simple_net', cells, FLAT.format('model'), f'model = train_net({model}, {loss}, {lr}, {epochs})')


def plain_net(epochs, batch_size=64, change=None):
    "04's network, trained as 06 trains the tiny one"
    return Recipe('06_tiny_cnn', TINY, 'lambda images: net(images)[:,0] > 0', f"""
set_seed(seed)
dls = DataLoaders(batch_loader(*train, {batch_size}, shuffle=True), batch_loader(*valid, 512))
net = nn.Sequential(nn.Flatten(), simple_net()).to(device)
def loss(preds, classes): return F.binary_cross_entropy_with_logits(preds[:,0], (classes == 0).float())
learn = Learner(dls, net, loss_func=loss, cbs=[Augment({change})] if {change} else None)
with learn.no_bar(), learn.no_logging(): learn.fit_one_cycle({epochs}, 1e-2)
""", FEW)


def tiny(arguments, reads=READS):
    "06's `train_model` with other arguments"
    return Recipe('06_tiny_cnn', TINY, reads.format('model'), f'model = train_model(train, {arguments})', FEW)


def choice(arguments, reads=READS):
    "The same on a part of the training images, measured on the others as well"
    trained = tiny(arguments, reads)
    return replace(trained, variant=trained.variant.replace('train,', 'kept,') + f'''
held_out_errors = (({trained.reads})(held_out[0][:,0]) != (held_out[1] == 0)).sum().item()''')


PLAIN = 'change=None, label_smoothing=0'
UNBENT = 'change=partial(augment, bend=0), label_smoothing=0'
TINY = 'exports imports settings data errors warp augment augment-callback conv-block tiny-cnn tiny-learner hold-out train-model tta'
DESKEW = Recipe('06_tiny_cnn', 'warp deskew', '')
RESNET = 'warnings exports imports settings path batch resnet-learner learner shapes shapes-table'
READS_RESNET = 'lambda images: learn.model.eval()(images[:,None].expand(-1, 3, -1, -1)).argmax(1) == 0'
MEANS = 'exports-lesson imports device load-all constant means distance check-images is-3'
FLAT = 'lambda images: {}(images.flatten(1))[:,0] > 0'
RECIPES = {
    '01_pixel_similarity': Recipe('01_pixel_similarity', f'{MEANS} stopwatch rung', 'lambda images: is_3(images, mean3, mean7)'),
    '01, RMSE': Recipe('01_pixel_similarity', f'{MEANS} rmse-accuracy', 'lambda images: is_3(images, mean3, mean7, rmse_distance)'),
    '02_linear_sgd': Recipe(
        '02_linear_sgd', 'exports imports plot-settings train-x train-y dset load-xy load-valid init-params weights bias linear1 '
        'mnist-loss dataloader calc-grad train-epoch batch-accuracy validate-epoch better-start rung', FLAT.format('linear1')),
    '02, nothing left out': broken('train()'),
    '02, without clearing the gradient': broken('train(zero=False)'),
    '02, sorted, one epoch': broken('train(in_order, epochs=1)'),
    '02, sorted': broken('train(in_order)'),
    '02, sorted, lr 10, ten epochs': broken('train(in_order, 10., 10)'),
    '03_basic_optim': Recipe('03_basic_optim', 'exports imports loaders linear twenty rung', FLAT.format('learn.model')),
    '04_simple_net': Recipe('04_simple_net', 'exports imports settings data params simple-net-by-hand simple-net '
                            'sequential-same count learner rung', FLAT.format('learn.model')),
    '04, as in the notes': study('simple_net', 'mnist_loss', .1, 40),
    '04, as in the notes without ReLU': study('two_linear', 'mnist_loss', .1, 40),
    '04, cross-entropy at 0.5': study('simple_net', 'cross_entropy', .5, 20),
    '04, cross-entropy at 0.5, two linear layers': study('two_linear', 'cross_entropy', .5, 20),
    '04, cross-entropy at 0.5, one linear layer': study('one_linear', 'cross_entropy', .5, 20),
    '04, cross-entropy at 0.1': replace(study('simple_net', 'cross_entropy', .1, 20), seeds=FEW),
    '05_resnet18': Recipe('05_resnet18', f'{RESNET} fit preds rung', READS_RESNET, seeds=SEEDS[:6]),
    '05, lr 0.01': Recipe('05_resnet18', RESNET, READS_RESNET, 'set_seed(seed)\nlearn.fit_one_cycle(1, .01)', seeds=FEW[:3]),
    '06_tiny_cnn': Recipe('06_tiny_cnn', f'{TINY} fit first-look rung', LOOKS.format('learn.model')),
    '06, simple_net by Adam': plain_net(20, batch_size=256),
    '06, simple_net by Adam, batches of 64': plain_net(20),
    '06, simple_net by Adam, batches of 64, augmented': plain_net(20, change='augment'),
    '06, one epoch': tiny(f'1, {PLAIN}'),
    '06, three epochs': tiny(f'3, {PLAIN}'),
    '06, twenty epochs': tiny(f'20, {PLAIN}'),
    '06, augmented': tiny(f'20, {UNBENT}'),
    '06, bent': tiny('20, label_smoothing=0'),
    '06, label smoothing': tiny('20'),
    '06, held out, three epochs': choice(f'3, {PLAIN}'),
    '06, held out, twenty epochs': choice(f'20, {PLAIN}'),
    '06, held out, augmented': choice(f'20, {UNBENT}'),
    '06, held out, bent': choice('20, label_smoothing=0'),
    '06, held out, twice as much': choice('20, label_smoothing=0, change=partial(augment, degrees=30, pixels=4, zoom=.4, shear=.3, bend=2)'),
    '06, held out, label smoothing': choice('20'),
    '06, held out, nine looks': choice('20', LOOKS),
}
UPRIGHT = ['01_pixel_similarity', '01, RMSE', '02_linear_sgd', '03_basic_optim', '04_simple_net', '04, cross-entropy at 0.5', '05_resnet18', '06, three epochs']
RECIPES |= {f'{rung}, deskewed': replace(RECIPES[rung], deskewed=True, seeds=RECIPES[rung].seeds[:3]) for rung in UPRIGHT}


def cells(recipe):
    "Sources of the cells of `recipe`, in its order; raises KeyError for one that its notebook has not"
    sources = {cell.id: cell.source for cell in nbformat.read(NBS/f'{recipe.notebook}.ipynb', as_version=4).cells}
    return [sources[id] for id in recipe.cells.split()]


def code_of(recipe):
    "Digest of the code that a run executes: its cells and the modules they import"
    sources = cells(recipe) + [recipe.variant, recipe.reads]
    if recipe.deskewed: sources += cells(DESKEW)
    modules = re.findall(r'^from mnist37\.(\w+) import', '\n'.join(sources), re.M)
    sources += [(ROOT/'mnist37'/f'{name}.py').read_text(encoding='utf-8')
                for name in sorted(set(modules) - {'data', 'ladder'})]  # whose tests pin what they give
    return digest(sources)


def digest(sources):
    "Of source code, whatever its comments and line breaks"
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
    recipe, names, steps = RECIPES[rung], {}, 0
    import torch
    from mnist37.data import default_device, load_split, mnist_path
    from mnist37.tiny_cnn import deskew, other_hands
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
    reads = eval(recipe.reads, names)

    def misread(threes, sevens):
        "Which images are read as the other digit, the 3s first"
        with torch.no_grad(): as_3 = [torch.cat([reads(part.to(default_device())) for part in images.split(500)]).cpu() for images in (threes, sevens)]
        return torch.cat([~as_3[0], as_3[1]])

    wrong = misread(*load_split('valid'))
    errors, n_3s = int(wrong.sum()), 1010
    assert 'rung' not in names or names['rung'].errors == errors, f'{rung}: the notebook counts {names["rung"].errors} errors, and not {errors}'
    images = [f'{digit}/{file.stem}' for digit in '37' for file in sorted((mnist_path()/'valid'/digit).glob('*.png'))]
    others = [deskew(images) if recipe.deskewed else images for images in other_hands()]
    return {'rung': rung, 'seed': seed, 'errors': errors, 'images': len(wrong), 'accuracy_3': round(1 - wrong[:n_3s].float().mean().item(), 4),
            'accuracy_7': round(1 - wrong[n_3s:].float().mean().item(), 4), 'held_out': names.get('held_out_errors', ''),
            'others': int(misread(*others).sum()), 'steps': steps, 'seconds': round(seconds, 2),
            'misread': ' '.join(image for image, bad in zip(images, wrong) if bad)}


def deskewed_dataset() -> Path: # folder to set as MNIST37_DATA
    "The dataset with all images deskewed by notebook 06, written to `build` on first use"
    from PIL import Image
    from mnist37.data import COUNTS, load_images, mnist_path
    from mnist37.tiny_cnn import deskew
    folder = ROOT/'build'/f'deskewed-{digest(cells(DESKEW))}'
    if not folder.exists():
        partial = Path(tempfile.mkdtemp(dir=folder.parent))
        for name in COUNTS:
            (partial/'mnist_sample'/name).mkdir(parents=True)
            files = sorted((mnist_path()/name).glob('*.png'))
            for file, image in zip(files, deskew(load_images(mnist_path()/name)/255)):
                Image.fromarray((255*image).round().byte().numpy()).save(partial/'mnist_sample'/name/file.name)
        partial.rename(folder)
    return folder


def measure(
    rung:str, # key of `RECIPES`
    seed:int, # in place of the notebook's own
) -> dict: # a row of evidence/rungs.csv
    "Run a rung in a fresh process; raises RuntimeError with what the process said if it fails"
    recipe = RECIPES.get(rung)  # the process names one that there is not
    env = {**os.environ, 'MNIST37_DATA': str(deskewed_dataset())} if recipe and recipe.deskewed else None
    with (subprocess.Popen([sys.executable, __file__, rung, str(seed)], env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process,
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
