"On Colab and Kaggle the course is added to what is there, and their torch stays"
import subprocess
import sys
from importlib.metadata import version

import pytest

from scripts.readers import course, hosted


@pytest.fixture(autouse=True)
def colab(monkeypatch):
    monkeypatch.setenv('COLAB_RELEASE_TAG', 'played')
    monkeypatch.setattr(sys, 'path', [*sys.path])
    monkeypatch.setattr(sys, 'modules', {**sys.modules, 'mnist37': None})


def test_it_installs_the_course_and_pins_what_must_stay(monkeypatch):
    commands = []
    monkeypatch.setattr(hosted.subprocess, 'run', lambda command, check: commands.append(command))
    monkeypatch.setattr(hosted, 'KEEP', (*hosted.KEEP, 'no-such-library'))
    hosted.main()
    assert commands == [[sys.executable, '-m', 'pip', 'install', '--quiet', '--editable', str(course.ROOT),
                         *[f'{name}=={version(name)}' for name in ('torch', 'torchvision', 'numpy')]]]
    assert sys.path[0] == str(course.ROOT) and 'mnist37' not in sys.modules


def test_a_failed_installation_stops_there(monkeypatch):
    before = [*sys.path]
    monkeypatch.setattr(hosted, 'pins', lambda: ['--no-such-option'])
    with pytest.raises(subprocess.CalledProcessError): hosted.main()
    assert sys.path == before


def test_anywhere_else_it_installs_nothing_and_says_what_to_do(monkeypatch):
    monkeypatch.delenv('COLAB_RELEASE_TAG')
    monkeypatch.setattr(hosted.subprocess, 'run', lambda *args, **kwargs: pytest.fail('it ran something'))
    with pytest.raises(ModuleNotFoundError, match=r'Choose the Python in \.venv as the kernel .* make course'): hosted.main()
