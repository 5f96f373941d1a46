import sys
from pathlib import Path

import pytest
import torch

import course
from mnist37.data import default_device


def pytest_report_header(config): return f'python {sys.version.split()[0]}, torch {torch.__version__}, device {default_device()}'


@pytest.fixture(scope='session')
def root() -> Path:
    "The repository"
    return course.ROOT


@pytest.fixture(scope='session')
def build(tmp_path_factory) -> tuple[Path, dict]:
    "Every notebook run once: the folder of executed copies and records, and what failed, by notebook"
    folder, failed = tmp_path_factory.mktemp('build'), {}
    for notebook in course.ALL:
        try: course.run_notebook(notebook, folder)
        except course.CellFailed as e: failed[notebook] = str(e)
    return folder, failed
