"On Colab and Kaggle the course is added to what is there, and their torch stays"
import subprocess
import sys
from importlib.metadata import version

import pytest

import course
import hosted


@pytest.fixture(autouse=True)
def colab(monkeypatch): monkeypatch.setenv('COLAB_RELEASE_TAG', 'played')


def test_installs_the_course_and_pins_what_must_stay(monkeypatch):
    commands = []
    monkeypatch.setattr(hosted.subprocess, 'run', lambda command, check: commands.append(command))
    monkeypatch.setattr(sys, 'path', [*sys.path])
    monkeypatch.setattr(sys, 'modules', {**sys.modules})
    hosted.main()
    (command,) = commands
    assert command[:4] == [sys.executable, '-m', 'pip', 'install'] and '--upgrade' not in command
    assert command[command.index('--editable') + 1] == str(course.ROOT)
    assert command[-3:] == [f'{name}=={version(name)}' for name in ('torch', 'torchvision', 'numpy')]
    assert sys.path[0] == str(course.ROOT)


def test_anywhere_else_it_installs_nothing_and_says_what_to_do(monkeypatch):
    monkeypatch.delenv('COLAB_RELEASE_TAG')
    monkeypatch.setattr(hosted.subprocess, 'run', lambda *args, **kwargs: pytest.fail('it ran something'))
    with pytest.raises(ModuleNotFoundError, match=r'Choose the Python in \.venv as the kernel .* make course'): hosted.main()


def test_pins_only_what_is_installed(monkeypatch):
    monkeypatch.setattr(hosted, 'KEEP', ('torch', 'no-such-library'))
    assert hosted.pins() == [f'torch=={version("torch")}']


def test_a_failed_installation_stops_there(monkeypatch):
    def fail(command, check): raise subprocess.CalledProcessError(1, command)
    monkeypatch.setattr(hosted.subprocess, 'run', fail)
    before = list(sys.path)
    with pytest.raises(subprocess.CalledProcessError): hosted.main()
    assert sys.path == before


def test_pip_would_leave_an_installed_torch_alone():
    "pip itself is asked what it would install, without a network; the course's own metadata is all it may touch"
    ran = subprocess.run([sys.executable, '-m', 'pip', 'install', '--dry-run', '--no-index', '--no-build-isolation', '--editable',
                          str(course.ROOT), *hosted.pins()], capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    assert [line for line in ran.stdout.splitlines() if line.startswith('Would install')] in ([], ['Would install mnist37-0.0.1'])


def test_binder_and_codespaces_install_as_the_readme_does(root):
    assert 'pip install --no-cache-dir --constraint constraints.txt --editable ".[dev]"' in (root/'.binder'/'postBuild').read_text()
    assert (root/'.binder'/'runtime.txt').read_text() == 'python-3.11\n'
    assert '"make .venv/installed"' in (root/'.devcontainer'/'devcontainer.json').read_text()
    assert '\n.venv/installed:' in (root/'Makefile').read_text()
