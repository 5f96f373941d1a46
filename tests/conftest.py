import os
import sys
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from multiprocessing import get_context
from pathlib import Path

os.environ.setdefault('OMP_NUM_THREADS', '1')  # several processes share the cores, so each takes one

import hypothesis
import psutil
import pytest
import torch

import course
import evidence
from mnist37 import data
from mnist37.data import default_device

# the same examples in every run, and no limit to the time of one, since notebooks are running beside the tests
hypothesis.settings.register_profile('course', derandomize=True, deadline=None)
hypothesis.settings.load_profile('course')


def pytest_report_header(config): return f'python {sys.version.split()[0]}, torch {torch.__version__}, device {default_device()}'


def pytest_collection_modifyitems(items):
    "Tests marked `gpu` need one, and tests of what the notebooks gave come last, since running all of them takes minutes"
    for item in items:
        if item.get_closest_marker('gpu') and default_device().type == 'cpu': item.add_marker(pytest.mark.skip(reason='there is no GPU'))
    items.sort(key=lambda item: 'build' in item.fixturenames)


def run_all(notebooks, folder):
    "Run `notebooks` one after the other: the peak memory of each in MiB, or why it failed"
    if hasattr(os, 'nice'): os.nice(5)  # the tests, one after the other, take longest, so they come first
    found = {}
    for notebook in notebooks:
        try: found[notebook] = course.run_notebook(notebook, folder)
        except course.CellFailed as e: found[notebook] = str(e)
    return found


@pytest.fixture(scope='session', autouse=True)
def running(request, tmp_path_factory):
    "Every notebook, in two other processes while the tests go on: the folder of executed copies and records, and what they find"
    if not any('build' in item.fixturenames and not item.get_closest_marker('skip') for item in request.session.items):
        yield
        return
    folder = tmp_path_factory.mktemp('build')
    others = [notebook for notebook in course.ALL if notebook not in course.NOTEBOOKS]
    pool = ProcessPoolExecutor(2, mp_context=get_context('spawn'))
    futures = [pool.submit(run_all, notebooks, folder) for notebooks in (course.NOTEBOOKS, others)]
    yield folder, futures
    pool.shutdown(wait=False, cancel_futures=True)
    if not all(future.done() for future in futures):  # the tests were stopped before their end
        for process in psutil.Process().children(recursive=True): process.kill()


@pytest.fixture(scope='session', autouse=True)
def images_read_once():
    "Opening thousands of files takes seconds, and many tests load them: those of the dataset itself are kept"
    read, dataset = data.load_images, data.mnist_path()
    kept = cache(read)
    data.load_images = lambda folder: kept(folder).clone() if Path(folder).is_relative_to(dataset) else read(folder)
    yield
    data.load_images = read


@pytest.fixture(scope='session')
def root() -> Path:
    "The repository"
    return course.ROOT


@pytest.fixture(scope='session')
def build(running, request) -> tuple[Path, dict]:
    "Every notebook run once: the folder of executed copies and records, and what `run_all` has found"
    folder, futures = running
    with request.config.pluginmanager.getplugin('capturemanager').global_and_fixture_disabled():
        print('\nthe rest waits for the notebooks, which have been running since the beginning ', end='', flush=True)
    return folder, {notebook: found for future in futures for notebook, found in future.result().items()}


@pytest.fixture(scope='session')
def measured():
    "A run of a rung in a fresh process from the notebooks' seed, at most once per session"
    return cache(lambda rung: evidence.measure(rung, evidence.SEED))
