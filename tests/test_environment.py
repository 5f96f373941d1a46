"The first cell says what is there and what is not, quickly, without a network, and whatever is missing"
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, requires, version

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
    required = [line for line in requires('mnist37') if 'extra' not in line]
    first = ', '.join(f'{name} {version(name)}' for name in ('torch', 'torchvision', 'fastai'))
    assert found[1] == f'[OK]   libraries: {first} and {len(required) - 3} more'
    assert found[2:] == ['[OK]   images: 14,434', f'[OK]   device: {data.default_device()}']


def test_an_old_python_is_named(capsys, monkeypatch):
    monkeypatch.setattr(environment.platform, 'python_version', lambda: '3.10.4')
    assert lines(capsys)[0] == '[FAIL] Python 3.10.4. Expected >=3.11: install one from python.org'


@pytest.mark.parametrize('version', ['3.14.0', '3.15.0a2', '3.13.1+'])
def test_newer_pythons_and_builds_between_releases_are_accepted(version, capsys, monkeypatch):
    monkeypatch.setattr(environment.platform, 'python_version', lambda: version)
    assert lines(capsys)[0] == f'[OK]   Python {version.rstrip("+")}'


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


@pytest.mark.parametrize('torch_version', ['2.6.0+cu124', '2.99.0.dev20261101+cpu'])
def test_versions_made_for_a_gpu_and_those_between_releases_are_accepted(torch_version, capsys, monkeypatch):
    monkeypatch.setattr(environment, 'version', lambda name: torch_version if name == 'torch' else version(name))
    assert lines(capsys)[1].startswith(f'[OK]   libraries: torch {torch_version}, ')


@pytest.mark.parametrize('error', [ImportError('no torch'), OSError('a library of torch could not be loaded')])
def test_works_where_torch_is_broken(error, capsys, monkeypatch):
    "And says so, instead of an error of its own"
    class Broken:
        def __getattr__(self, name): raise error
    monkeypatch.setitem(sys.modules, 'mnist37.data', Broken())
    found = lines(capsys)
    assert [line[:6] for line in found[:2]] == ['[OK]  ', '[OK]  ']
    assert found[2:] == [f'[FAIL] {what}: not looked for ({error}). Install the libraries first' for what in ('images', 'device')]


def test_says_what_to_type_where_the_package_is_there_but_not_installed(capsys, monkeypatch):
    def missing(name): raise PackageNotFoundError(name)
    for name in ('metadata', 'requires'): monkeypatch.setattr(environment, name, missing)
    found = lines(capsys)
    assert found[0].startswith('[FAIL] Python ') and found[0].endswith('mnist37 is not installed in it. Type in a terminal: make course')
    assert len(found) == 3


def test_images_that_are_still_packed_are_fine_and_stay_packed(capsys, tmp_path, monkeypatch):
    monkeypatch.setenv('MNIST37_DATA', str(tmp_path))
    assert lines(capsys)[2] == '[OK]   images: 14,434' and list(tmp_path.iterdir()) == []


def test_missing_images_are_named(capsys, tmp_path, monkeypatch):
    (tmp_path/'mnist_sample'/'train'/'3').mkdir(parents=True)
    monkeypatch.setenv('MNIST37_DATA', str(tmp_path))
    line = lines(capsys)[2]
    assert line.startswith('[FAIL] images: ') and '0 PNG files, expected 6,131; delete ' in line and line.endswith('. Then run this cell again')


def test_a_damaged_archive_is_named(capsys, tmp_path, monkeypatch):
    (tmp_path/'mnist_sample.tgz').write_bytes(b'no archive')
    monkeypatch.setattr(data, 'ARCHIVE', tmp_path/'mnist_sample.tgz')
    line = lines(capsys)[2]
    assert line.startswith('[FAIL] images: ') and f'Type in a terminal: git checkout -- "{tmp_path/"mnist_sample.tgz"}"' in line


def test_without_an_archive_it_says_what_would_download_them(capsys, tmp_path, monkeypatch):
    monkeypatch.setattr(data, 'ARCHIVE', tmp_path/'mnist_sample.tgz')
    monkeypatch.setenv('MNIST37_DATA', str(tmp_path))
    line = lines(capsys)[2]
    assert line.startswith('[FAIL] images: none in ') and line.endswith('With a network, type in a cell: from mnist37.data import mnist_path; mnist_path()')
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_is_light_and_opens_no_connection():
    "Of the libraries only torch and what reads images are imported, and any use of a socket would stop it"
    code = ('import sys\ndef refuse(event, args):\n    if event.startswith("socket."): raise RuntimeError(event)\n'
            'sys.addaudithook(refuse)\nfrom mnist37.environment import check_environment\n'
            'assert not {"torch", "PIL", "numpy"} & set(sys.modules)\ncheck_environment()\n'
            'print([m for m in ("fastai", "fastbook", "torchvision", "pandas", "matplotlib") if m in sys.modules])')
    ran = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True)
    assert ran.stdout.count('[OK]') == 4 and ran.stdout.endswith('[]\n'), ran.stdout + ran.stderr


def run_first_cell(folder, hidden):
    "What the first cell prints in a notebook of `folder`, whose `hosted.py` is a stand-in; `hidden` comes before it"
    cell = next(cell for cell in nbformat.read(course.INDEX, as_version=4).cells if cell.id == 'environment-check')
    for name in ('scripts', 'nbs'): (folder/name).mkdir()
    (folder/'scripts'/'hosted.py').write_text('import sys\nprint("installing")\n'
                                              f'sys.path.insert(0, {str(course.ROOT)!r})\nsys.modules.pop("mnist37", None)\n')
    (folder/'nbs'/'cell.ipy').write_text(hidden + cell.source)
    ran = subprocess.run([sys.executable, '-m', 'IPython', '--quick', 'cell.ipy'], cwd=folder/'nbs', capture_output=True, text=True)
    assert ran.stdout.count('[OK]') == 4, ran.stdout + ran.stderr
    return ran.stdout


@pytest.mark.slow
def test_the_first_cell_only_checks_where_the_package_is_there(tmp_path): assert 'installing' not in run_first_cell(tmp_path, '')


@pytest.mark.slow
def test_the_first_cell_runs_hosted_where_it_is_missing(tmp_path):
    assert run_first_cell(tmp_path, 'import sys; sys.modules["mnist37"] = None\n').startswith('installing')


@pytest.mark.slow
def test_a_folder_that_looks_like_the_package_does_not_mislead_it(tmp_path):
    "As on Colab, if the repository was cloned into a folder `mnist37`, and Python looks for packages where that folder is"
    (tmp_path/'mnist37').mkdir()
    fake = ('import sys; sys.meta_path[:] = [finder for finder in sys.meta_path if "__editable__" not in str(finder)]\n'
            f'sys.path.insert(0, {str(tmp_path)!r})\nimport mnist37; assert mnist37.__file__ is None\n')
    assert run_first_cell(tmp_path, fake).startswith('installing')
