"Ten digits in one process and in several, which are really killed: the figures are those of an undisturbed run"
import os
import subprocess
import sys
import zipfile
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from mnist37.data import default_device
from scripts.maintainers import build_data, ten_digits
from scripts.maintainers.evidence import load
from scripts.readers.course import ROOT

N_TRAIN, N_VALID = 333, 61  # neither can be divided by two, and the last batch has 13 images
PROGRAM = '''
import os, signal, sys
from dataclasses import replace
from pathlib import Path
from torch.nn import functional as F
from scripts.maintainers import ten_digits as t

def killed_after(n, function, mark, calls=[]):
    "Killed after n calls, but only once"
    def wrapper(*args, **kwargs):
        calls.append(function(*args, **kwargs))
        if len(calls) == n and not mark.exists():
            mark.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return calls[-1]
    return wrapper

wheel, folder, victim = sys.argv[1], Path(sys.argv[2]), sys.argv[3]
t.TEN_DIGITS, t.CHECKPOINTS, t.SEEDS, t.shutil.rmtree = folder/'table.csv', folder, (37, 0), lambda *args, **kwargs: None
t.RECIPES = {'4-5-8': replace(t.RECIPES['4-5-8'], epochs=3)}
if os.environ['RANK'] == victim == '0': t.torch.save = killed_after(2, t.torch.save, folder/'killed')  # the file hasn't got its name yet
if os.environ['RANK'] == victim == '1': F.cross_entropy = killed_after(8, F.cross_entropy, folder/'killed')  # in the second epoch
t.main(wheel)
'''


def some(n): return np.random.default_rng(n).integers(256, size=(n, 28, 28), dtype=np.uint8), (np.arange(n) % 10).astype(np.uint8)
def train(file, epochs=3, network='4-5-8', seed=37):
    splits = {'train': some(N_TRAIN), 'valid': some(N_VALID)}
    return ten_digits.train(splits, replace(ten_digits.RECIPES[network], epochs=epochs), seed, default_device(), file)


def figures(rows): return [(row['digit'], row['read_as'], row['images']) for row in rows]
def table(folder): return load(folder/'table_2.csv').drop(columns='seconds')


@pytest.fixture(scope='module')
def two_processes(tmp_path_factory):
    "Runs the command in two processes; the second argument is the rank of one that's killed"
    folder = tmp_path_factory.mktemp('program')
    (folder/'program.py').write_text(PROGRAM)
    with zipfile.ZipFile(folder/'wheel', 'w') as wheel:
        for (_, name), (images, digits) in zip(build_data.CSV.items(), (some(N_TRAIN), some(N_VALID))):
            rows = np.column_stack([digits, images.reshape(len(images), -1)])
            wheel.writestr(name, '\n'.join([','.join(map(str, range(785))), *(','.join(map(str, row)) for row in rows)]))
    def run(where, victim='', *options):
        command = [sys.executable, '-m', 'torch.distributed.run', '--standalone', '--nproc-per-node=2', *options, folder/'program.py']
        environment = os.environ | {'OMP_NUM_THREADS': '1', 'PYTHONPATH': str(ROOT), ten_digits.OWN_STORE: '1'}
        return subprocess.run([*command, folder/'wheel', where, victim], capture_output=True, text=True, timeout=300, env=environment)
    return run


@pytest.fixture(scope='module')
def undisturbed(two_processes, tmp_path_factory):
    folder = tmp_path_factory.mktemp('undisturbed')
    assert (ran := two_processes(folder)).returncode == 0, ran.stderr
    return folder


@pytest.mark.slow
def test_a_killed_process_ends_the_run_with_a_clear_line_and_the_same_command_goes_on(two_processes, undisturbed, tmp_path):
    ran = two_processes(tmp_path, '0')
    assert ran.returncode == 1 and 'process 1: stopped, or lost contact with another process;\nrun the same command again' in ran.stderr
    assert not (tmp_path/'table_2.csv').exists() and len([*tmp_path.rglob('*.partial')]) == 1
    ran = two_processes(tmp_path, '0')
    assert ran.returncode == 0 and 'goes on after epoch 1 of 3' in ran.stderr, ran.stderr
    assert table(tmp_path).equals(table(undisturbed))


@pytest.mark.slow
def test_torchrun_goes_on_by_itself_with_max_restarts(two_processes, undisturbed, tmp_path):
    ran = two_processes(tmp_path, '1', '--max-restarts=1')
    assert ran.returncode == 0 and 'goes on after epoch 1 of 3' in ran.stderr and (tmp_path/'killed').exists(), ran.stderr
    assert table(tmp_path).equals(table(undisturbed))


@pytest.mark.slow
def test_two_processes_count_as_one_does(undisturbed):
    "Each test image once, by the model of rank 0, which is in the checkpoint"
    rows, checkpoints = table(undisturbed), [*(undisturbed/'table_2').glob('4-5-8, seed 37,*.pt')]
    assert rows.groupby('seed').images.sum().tolist() == [N_VALID]*2 and len(checkpoints) == 1
    assert figures(train(checkpoints[0])) == figures(rows.query('seed == 37').to_dict('records'))


def test_shares_add_up_to_the_whole_batch(monkeypatch):
    "The mean of the gradients of two processes, with 7 and 6 images, is the gradient of all 13"
    model, recipe = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(784, 10)), ten_digits.RECIPES['4-5-8']
    x, y = [torch.tensor(part) for part in some(13)]
    def gradient(rank, n):
        monkeypatch.setattr(ten_digits, 'processes', lambda: (rank, n))
        monkeypatch.setattr(ten_digits, 'shard', lambda batch: batch[rank::n])
        steps = []
        opt = SimpleNamespace(step=lambda: steps.append(model[1].weight.grad.clone()), zero_grad=model.zero_grad)
        ten_digits.train_epoch(model, opt, SimpleNamespace(step=int), x, y.long(), recipe, torch.arange(13))
        return steps[0]
    torch.testing.assert_close((gradient(0, 2) + gradient(1, 2))/2, gradient(0, 1))


@pytest.mark.parametrize('network', ten_digits.RECIPES)
def test_every_digit_is_counted_once(network, tmp_path):
    rows = train(tmp_path/'a.pt', 1, network)
    assert [row[:2] for row in figures(rows)] == [(i, j) for i in range(10) for j in range(10)]
    assert [sum(row['images'] for row in rows[i:i+10]) for i in range(0, 100, 10)] == [7] + [6]*9


def test_stopped_alone_it_goes_on_with_the_same_figures(tmp_path, monkeypatch, capsys):
    kept = ten_digits.write_checkpoint
    def stopped(*args): raise KeyboardInterrupt(kept(*args))
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(ten_digits, 'write_checkpoint', stopped)
        train(tmp_path/'a.pt')
    assert figures(train(tmp_path/'a.pt')) == figures(train(tmp_path/'b.pt'))
    assert capsys.readouterr().err == 'a: goes on after epoch 1 of 3\n'


def test_a_damaged_checkpoint_too_many_processes_and_a_restart_that_would_hang_are_refused(tmp_path, monkeypatch):
    (tmp_path/'a.pt').write_bytes(b'no')
    with pytest.raises(ValueError, match='a.pt: not a checkpoint; delete it'): train(tmp_path/'a.pt')
    monkeypatch.setattr(ten_digits, 'processes', lambda: (0, 14))
    with pytest.raises(ValueError, match='14 processes for the 13 images of the last batch, expected 13 at most'): train(tmp_path/'b.pt')
    monkeypatch.setenv('TORCHELASTIC_MAX_RESTARTS', '3')
    monkeypatch.setattr(ten_digits, 'processes', lambda: (0, 1))
    with pytest.raises(ValueError, match=f'max-restarts: expected {ten_digits.OWN_STORE}=1 before it'): ten_digits.main('a wheel')


def test_ten_digits_are_told_apart_by_two_processes_as_well_as_by_one():
    tables = [load(ten_digits.table_of(n)) for n in (1, 2)]
    one, two = [table[table.digit != table.read_as].groupby(['network', 'seed']).images.sum().unstack() for table in tables]
    assert all((table.groupby(['network', 'seed']).images.sum() == 10_000).all() and (table.parameters < 10_000).all() for table in tables)
    assert one.loc['8-16-32'].median() <= 50 and (one.median(axis=1) <= 200).all()
    assert ((two.mean(axis=1) - one.mean(axis=1)).abs() <= 3*one.std(axis=1)).all()  # the spread over seeds
