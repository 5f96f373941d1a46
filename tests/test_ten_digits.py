"Ten digits in one process and in several, which are really killed: figures and weights are those of an undisturbed run"
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

N_TRAIN, N_VALID = 333, 61  # neither can be divided by two, and the last batch has 77 or 13 images
NAMES = {1: 'table', 2: 'table_2'}  # by the number of processes
kills = pytest.mark.skipif(os.name == 'nt', reason='Windows has no SIGKILL; runs on Linux and macOS')
PROGRAM = '''
import os, signal, sys
from dataclasses import replace
from pathlib import Path
from scripts.maintainers import ten_digits as t

def killed_after(n, function, mark, calls=[]):  # but only once
    def wrapper(*args, **kwargs):
        calls.append(function(*args, **kwargs))
        if len(calls) == n and not mark.exists(): mark.touch() or os.kill(os.getpid(), signal.SIGKILL)
        return calls[-1]
    return wrapper

wheel, folder, victim, rank = sys.argv[1], Path(sys.argv[2]), sys.argv[3], os.environ.get('RANK', '0')
t.TEN_DIGITS, t.CHECKPOINTS, t.SEEDS, t.shutil.rmtree = folder/'table.csv', folder, (37, 0), lambda *args, **kwargs: None
t.RECIPES = {'8-16-32': replace(t.RECIPES['8-16-32'], epochs=4 if victim == 'other version' and rank == '1' else 3)}
if rank == victim == '0': t.torch.save = killed_after(2, t.torch.save, folder/'killed')  # the file hasn't got its name yet
if rank == victim == '1': t.nn.functional.cross_entropy = killed_after(5, t.nn.functional.cross_entropy, folder/'killed')
t.main(wheel)
'''


def some(n):  # images of noise, in which two columns are brighter, others for each digit
    images, digits = np.random.default_rng(n).integers(128, size=(n, 28, 28), dtype=np.uint8), (np.arange(n) % 10).astype(np.uint8)
    for image, digit in zip(images, digits): image[:,2*digit+4:2*digit+6] += 127
    return images, digits


def train(file, network='8-16-32'): # for two epochs, or from the checkpoint
    splits = {'train': some(N_TRAIN), 'valid': some(N_VALID)}
    return ten_digits.train(splits, replace(ten_digits.RECIPES[network], epochs=2), 37, default_device(), file)


def table(folder, n): return load(folder/f'{NAMES[n]}.csv').drop(columns='seconds')
def weights(file): return torch.nn.utils.parameters_to_vector(torch.load(file, weights_only=True)['model'].values())


def same(folder, other, n):  # although it was killed
    alike = [weights(file).equal(weights(other/NAMES[n]/file.name)) for file in (folder/NAMES[n]).glob('*.pt')]
    return (folder/'killed').exists() and table(folder, n).equals(table(other, n)) and alike == [True, True]


@pytest.fixture(scope='module')
def command(tmp_path_factory):  # runs it in n processes; `victim` is the rank of one that's killed
    folder = tmp_path_factory.mktemp('program')
    (folder/'program.py').write_text(PROGRAM)
    with zipfile.ZipFile(folder/'wheel', 'w') as wheel:
        for (_, name), (images, digits) in zip(build_data.CSV.items(), (some(N_TRAIN), some(N_VALID))):
            rows = np.column_stack([digits, images.reshape(len(images), -1)])
            wheel.writestr(name, '\n'.join([','.join(map(str, range(785))), *(','.join(map(str, row)) for row in rows)]))
    def run(n, where, victim='', *options):
        torchrun = ['-m', 'torch.distributed.run', '--standalone', f'--nproc-per-node={n}', *options] if n > 1 else []
        environment = os.environ | {'OMP_NUM_THREADS': '1', 'PYTHONPATH': str(ROOT), ten_digits.OWN_STORE: '1'}
        program = [sys.executable, *torchrun, folder/'program.py', folder/'wheel', where, victim]
        return subprocess.run(program, capture_output=True, text=True, timeout=300, env=environment)
    return run


@pytest.fixture(scope='module')
def undisturbed(command, tmp_path_factory):
    folder = tmp_path_factory.mktemp('undisturbed')
    for n in NAMES: assert (ran := command(n, folder)).returncode == 0, ran.stderr
    return folder


@kills
@pytest.mark.slow
@pytest.mark.parametrize('n', [1, 2])
def test_a_killed_process_ends_the_run_with_a_clear_line_and_the_same_command_goes_on(n, command, undisturbed, tmp_path):
    ran = command(n, tmp_path, '0')
    if n == 2: assert 'process 1: stopped, or lost contact with another process;\nrun the same command again' in ran.stderr
    assert ran.returncode == {1: -9, 2: 1}[n] and not [*tmp_path.glob('*.csv')] and len([*tmp_path.rglob('*.partial')]) == 1
    ran = command(n, tmp_path, '0')
    assert ran.returncode == 0 and 'goes on after epoch 1 of 3' in ran.stderr and same(tmp_path, undisturbed, n), ran.stderr


@kills
@pytest.mark.slow
def test_torchrun_goes_on_by_itself_with_max_restarts(command, undisturbed, tmp_path):
    ran = command(2, tmp_path, '1', '--max-restarts=1')
    assert ran.returncode == 0 and 'goes on after epoch 1 of 3' in ran.stderr and same(tmp_path, undisturbed, 2), ran.stderr


@pytest.mark.slow
def test_another_version_of_the_course_is_refused(command, tmp_path):
    ran = command(2, tmp_path, 'other version')
    assert ran.returncode == 1 and 'ValueError: another version of the course' in ran.stderr and not [*tmp_path.rglob('table*')]


@pytest.mark.slow
def test_two_processes_count_as_one_does(undisturbed):  # each test image once, by the model of rank 0, which is in the checkpoint
    rows, checkpoints = table(undisturbed, 2), [*(undisturbed/'table_2').glob('*, seed 37,*.pt')]
    assert rows.groupby('seed').images.sum().tolist() == [N_VALID]*2 and len(checkpoints) == 1
    assert [row['images'] for row in train(checkpoints[0])] == rows.query('seed == 37').images.tolist()


def test_shares_add_up_to_the_whole_batch(monkeypatch):  # the mean of the gradients of 7 and 6 images is the gradient of all 13
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
def test_every_digit_is_counted_once_and_every_epoch_has_an_order_of_its_own(network, tmp_path, monkeypatch):
    orders = []
    monkeypatch.setattr(ten_digits, 'train_epoch', lambda *args: orders.append(tuple(args[-1].tolist())))
    rows = train(tmp_path/'a.pt', network)
    assert len({*orders}) == 2 and {tuple(sorted(order)) for order in orders} == {(*range(N_TRAIN),)}
    assert [(row['digit'], row['read_as']) for row in rows] == [(i, j) for i in range(10) for j in range(10)]
    assert [sum(row['images'] for row in rows[i:i+10]) for i in range(0, 100, 10)] == [7] + [6]*9


def test_a_damaged_checkpoint_too_many_processes_and_a_restart_that_would_hang_are_refused(tmp_path, monkeypatch):
    (tmp_path/'a.pt').write_bytes(b'no')
    with pytest.raises(ValueError, match='a.pt: not a checkpoint; delete it'): train(tmp_path/'a.pt')
    with pytest.raises(OSError, match=tmp_path.name): train(tmp_path)  # that can't be read, and should stay
    monkeypatch.setattr(ten_digits, 'processes', lambda: (0, 14))
    with pytest.raises(ValueError, match='14 processes for the 13 images of the last batch, expected 13 at most'): train(None, '4-5-8')
    for name, value in {'TORCHELASTIC_MAX_RESTARTS': '3', 'WORLD_SIZE': '2'}.items(): monkeypatch.setenv(name, value)
    with pytest.raises(ValueError, match=f'max-restarts: expected {ten_digits.OWN_STORE}=1 before it'): ten_digits.main.__wrapped__('')
