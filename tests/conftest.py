import os
import shutil
import subprocess
import sys
from pathlib import Path

os.environ.setdefault('OMP_NUM_THREADS', '1')  # the tests and two processes beside them share the cores, so each takes one

import hypothesis
import pytest
import torch
from browser import browser, visit  # noqa: F401 - fixtures

from mnist37.data import default_device
from scripts.readers import course

BUILD = course.ROOT/'build'
ALONE = course.NBS/'bonus'/'distributed.ipynb'  # it starts up to four processes at once, and measures them, so nothing else should run
PLAIN = sys.executable, '-m', 'scripts.readers.course'

# the same examples in every run, and no limit to the time of one, since notebooks are running beside the tests
hypothesis.settings.register_profile('course', derandomize=True, deadline=None)
hypothesis.settings.load_profile('course')


def pytest_report_header(config): return f'python {sys.version.split()[0]}, torch {torch.__version__}, device {default_device()}'


def pytest_collection_modifyitems(items):
    "Tests marked `gpu` need one, some need torchrun, those in a browser are slow, and those that wait for the notebooks come last"
    no_torchrun = pytest.mark.skip(reason='torchrun does not start on Windows (https://github.com/pytorch/pytorch/issues/148283)')
    for item in items:
        if os.name == 'nt' and ('command' in item.fixturenames or 'distributed' in item.nodeid): item.add_marker(no_torchrun)
        if 'visit' in item.fixturenames: item.add_marker(pytest.mark.slow)
        if item.get_closest_marker('gpu') and default_device().type == 'cpu': item.add_marker(pytest.mark.skip(reason='there is no GPU'))
    items.sort(key=lambda item: 'build' in item.fixturenames)


def start(log, *command):
    with open(BUILD/log, 'w') as file:
        return subprocess.Popen(command, cwd=course.ROOT, stdin=subprocess.DEVNULL, stdout=file, stderr=subprocess.STDOUT)


@pytest.fixture(scope='session', autouse=True)
def running(request):
    "`make course` and, in a second process, all other notebooks but one: they start with the tests, and end with them at the latest"
    if not any('build' in item.fixturenames and not item.get_closest_marker('skip') for item in request.session.items):
        yield
        return
    BUILD.mkdir(exist_ok=True)
    for name in ('nbs', 'records'): shutil.rmtree(BUILD/name, ignore_errors=True)
    in_make = shutil.which('make') and Path(sys.prefix) == course.ROOT/'.venv'  # with another Python, `make` would leave it
    command, nice = ['make', 'course'] if in_make else PLAIN, ['nice'] if shutil.which('nice') else []  # the longest goes first
    others = [notebook for notebook in course.ALL if notebook not in (*course.NOTEBOOKS, ALONE)]
    processes = {'course.log': start('course.log', *command), 'others.log': start('others.log', *nice, *PLAIN, *others)}
    if hasattr(os, 'nice'): os.nice(10)  # the tests give way to `make course`, which takes longest
    yield processes
    for process in processes.values():
        if process.poll() is None: course.kill(process.pid)  # the tests were stopped before their end
        process.wait()


@pytest.fixture(scope='session')
def build(running, request) -> Path:
    "The folder `build` once every notebook has been run, with copies in `nbs`, records in `records` and what was printed in `course.log`"
    with request.config.pluginmanager.getplugin('capturemanager').global_and_fixture_disabled():
        print('\nthe rest waits for the notebooks, which have been running since the beginning ', end='', flush=True)
        for process in running.values(): process.wait()
        running['alone.log'] = start('alone.log', *PLAIN, ALONE)
        for log, process in running.items():
            if process.wait(): print(f'\n{log}:\n{(BUILD/log).read_text(encoding="utf-8")}', flush=True)
    return BUILD
