"The first cell says what is there and what is not, quickly, without a network, and whatever is missing"
import subprocess
import sys
from importlib.metadata import PackageNotFoundError

import nbformat
import pytest

import course
from mnist37 import data, environment
from mnist37.environment import check_environment


def lines(capsys):
    check_environment()
    return capsys.readouterr().out.splitlines()


def test_all_is_well(capsys):
    found = lines(capsys)
    assert len(found) == 4 and all(line.startswith('[OK]   ') for line in found)
    assert found[0] == f'[OK]   Python {sys.version.split()[0]}'
    assert found[1].startswith('[OK]   libraries: torch ')
    assert found[2:] == ['[OK]   images: 14,434', f'[OK]   device: {data.default_device()}']


def test_an_old_python_is_named(capsys, monkeypatch):
    monkeypatch.setattr(environment.platform, 'python_version', lambda: '3.10.4')
    assert lines(capsys)[0] == '[FAIL] Python 3.10.4. Expected >=3.11: install one from python.org'


def test_missing_and_old_libraries_get_a_line_each(capsys, monkeypatch):
    real = environment.version
    def version(name):
        if name == 'fastai': raise PackageNotFoundError(name)
        return '2.0.1' if name == 'torch' else real(name)
    monkeypatch.setattr(environment, 'version', version)
    found = lines(capsys)
    assert found[1:3] == [
        '[FAIL] torch 2.0.1. Expected >=2.4. Type in a cell: %pip install "torch>=2.4", then restart the kernel',
        '[FAIL] fastai is not installed. Expected >=2.8. Type in a cell: %pip install "fastai>=2.8", then restart the kernel']
    assert len(found) == 5


def test_versions_made_for_a_gpu_are_accepted(capsys, monkeypatch):
    real = environment.version
    monkeypatch.setattr(environment, 'version', lambda name: '2.6.0+cu124' if name == 'torch' else real(name))
    assert 'torch 2.6.0+cu124' in lines(capsys)[1]


def test_works_where_torch_is_broken(capsys, monkeypatch):
    "And says so, instead of an error of its own"
    monkeypatch.setitem(sys.modules, 'mnist37.data', None)
    assert [line[:6] for line in lines(capsys)] == ['[OK]  ', '[OK]  ', '[FAIL]', '[FAIL]']


def test_images_that_are_still_packed_are_fine_and_stay_packed(capsys, tmp_path, monkeypatch):
    monkeypatch.setenv('MNIST37_DATA', str(tmp_path))
    assert lines(capsys)[2] == '[OK]   images: 14,434' and list(tmp_path.iterdir()) == []


def test_missing_images_are_named(capsys, tmp_path, monkeypatch):
    (tmp_path/'mnist_sample'/'train'/'3').mkdir(parents=True)
    monkeypatch.setenv('MNIST37_DATA', str(tmp_path))
    line = lines(capsys)[2]
    assert line.startswith('[FAIL] images: ') and '0 PNG files, expected 6,131; delete ' in line


def test_a_damaged_archive_is_named(capsys, tmp_path, monkeypatch):
    (tmp_path/'mnist_sample.tgz').write_bytes(b'no archive')
    monkeypatch.setattr(data, 'ARCHIVE', tmp_path/'mnist_sample.tgz')
    line = lines(capsys)[2]
    assert line.startswith('[FAIL] images: ') and f'Type in a terminal: git checkout -- {tmp_path/"mnist_sample.tgz"}' in line


def test_without_an_archive_it_says_what_would_download_them(capsys, tmp_path, monkeypatch):
    monkeypatch.setattr(data, 'ARCHIVE', tmp_path/'mnist_sample.tgz')
    monkeypatch.setenv('MNIST37_DATA', str(tmp_path))
    line = lines(capsys)[2]
    assert line.startswith('[FAIL] images: none in ') and line.endswith('With a network, type in a cell: from mnist37.data import mnist_path; mnist_path()')
    assert list(tmp_path.iterdir()) == []


def test_is_light_and_opens_no_connection():
    "Of the libraries only torch and what reads images are imported, and any use of a socket would stop it"
    code = ('import sys\ndef refuse(event, args):\n    if event.startswith("socket."): raise RuntimeError(event)\n'
            'sys.addaudithook(refuse)\nfrom mnist37.environment import check_environment\n'
            'assert not {"torch", "PIL", "numpy"} & set(sys.modules)\ncheck_environment()\n'
            'print([m for m in ("fastai", "fastbook", "torchvision", "pandas", "matplotlib") if m in sys.modules])')
    ran = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True)
    assert ran.stdout.count('[OK]') == 4 and ran.stdout.endswith('[]\n'), ran.stdout + ran.stderr


@pytest.mark.parametrize('missing', [True, False])
def test_the_first_cell_runs_hosted_only_where_the_package_is_missing(missing, tmp_path):
    "`hosted.py` is played by a stand-in, which makes the package importable again"
    cell = next(cell for cell in nbformat.read(course.INDEX, as_version=4).cells if cell.id == 'environment-check')
    (tmp_path/'scripts').mkdir()
    (tmp_path/'nbs').mkdir()
    (tmp_path/'scripts'/'hosted.py').write_text('import sys\nprint("installing")\ndel sys.modules["mnist37"]\n')
    hide = 'import sys; sys.modules["mnist37"] = None\n' if missing else ''
    (tmp_path/'nbs'/'cell.ipy').write_text(hide + cell.source)
    ran = subprocess.run([sys.executable, '-m', 'IPython', '--quick', 'cell.ipy'], cwd=tmp_path/'nbs', capture_output=True, text=True)
    assert ran.stdout.count('[OK]') == 4, ran.stdout + ran.stderr
    assert ('installing' in ran.stdout) == missing
