"The first cell says what is there and what isn't, quickly, without a network, and whatever is missing"
import subprocess
import sys
from importlib.metadata import requires, version

import pytest
import torch

from mnist37 import data, environment


def lines(capsys): return environment.check_environment() or capsys.readouterr().out.splitlines()


def test_all_is_well(capsys):
    first = ', '.join(f'{name} {version(name)}' for name in ('torch', 'torchvision', 'fastai'))
    more = len([line for line in requires('mnist37') if 'extra' not in line]) - 3
    assert lines(capsys) == [f'[OK]   Python {sys.version.split()[0]}', f'[OK]   libraries: {first} and {more} more',
                             '[OK]   images: 14,434', f'[OK]   device: {data.default_device()}']


def test_an_old_python_is_named_and_the_best_device_too(capsys, monkeypatch):
    for python, line in [('3.10.4', '[FAIL] Python 3.10.4. Expected >=3.11: install a newer one from python.org'),
                         ('3.15.0a2', '[OK]   Python 3.15.0a2'), ('3.13.1+', '[OK]   Python 3.13.1')]:  # `+` is between releases
        monkeypatch.setattr(environment.platform, 'python_version', lambda: python)
        assert lines(capsys)[0] == line
    for cuda, mps, device in [(True, True, 'cuda'), (True, False, 'cuda'), (False, True, 'mps'), (False, False, 'cpu')]:
        monkeypatch.setattr(torch.cuda, 'is_available', lambda: cuda)
        monkeypatch.setattr(torch.backends.mps, 'is_available', lambda: mps)
        assert lines(capsys)[3] == f'[OK]   device: {device}'


def test_missing_and_old_libraries_get_a_line_each(capsys, monkeypatch):
    played = {'torch': '2.0.1', 'torchvision': '0.99.0.dev20261101+cu124', 'fastai': None}  # a build between releases, for a GPU, is fine
    monkeypatch.setattr(environment, '_version', lambda name: played.get(name, '999'))
    assert lines(capsys)[1:-2] == [
        '[FAIL] torch 2.0.1. Expected >=2.4. Type in a cell: %pip install "torch>=2.4", then restart the kernel',
        '[FAIL] fastai is not installed. Expected >=2.8. Type in a cell: %pip install "fastai>=2.8", then restart the kernel']


@pytest.mark.parametrize('error', [ImportError('no torch'), OSError('a library of torch could not be loaded')])
def test_a_broken_torch_is_named(error, capsys, monkeypatch):
    class Broken:
        def __getattr__(self, name): raise error
    monkeypatch.setitem(sys.modules, 'mnist37.data', Broken())
    assert lines(capsys)[2:] == [f'[FAIL] {what}: not checked ({error}). Install the libraries first' for what in ('images', 'device')]


def test_images_that_are_packed_missing_or_damaged(capsys, tmp_path, monkeypatch):
    monkeypatch.setenv('MNIST37_DATA', str(tmp_path))
    assert lines(capsys)[2] == '[OK]   images: 14,434' and list(tmp_path.iterdir()) == []  # they stay packed
    monkeypatch.setattr(data, 'ARCHIVE', tmp_path/'a.tgz')
    assert lines(capsys)[2].endswith('When online, type in a cell: from mnist37.data import mnist_path; mnist_path()')
    data.ARCHIVE.write_bytes(b'damaged')
    assert f'restore it with: git checkout -- "{data.ARCHIVE}". Then run this cell again' in lines(capsys)[2]
    (tmp_path/'mnist_sample').mkdir()
    assert '[FAIL] images: ' in (line := lines(capsys)[2]) and '0 PNG files, expected 6,131; delete ' in line


@pytest.mark.slow
def test_it_is_light_and_opens_no_connection():
    code = ('import sys; sys.addaudithook(lambda event, args: event.startswith("socket.") and sys.exit(event))\n'
            'from mnist37.environment import check_environment; assert not {"torch", "PIL", "numpy"} & set(sys.modules)\n'
            'check_environment(); print({"fastai", "fastbook", "torchvision", "pandas", "matplotlib"} & set(sys.modules))')
    ran = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True)
    assert ran.stdout.count('[OK]') == 4 and ran.stdout.endswith('set()\n'), ran.stdout + ran.stderr
