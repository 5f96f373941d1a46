"The notebooks run from top to bottom, are committed clean with their outputs, and agree with the package"
import re
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

import course
from mnist37.ladder import load_rungs

every_notebook = pytest.mark.parametrize('notebook', course.ALL, ids=lambda notebook: notebook.relative_to(course.NBS).as_posix())
LOCAL_PATH = re.compile(r'(?:/(?:root|work|tmp|home|Users)/|[A-Z]:\\\\)[\w.-]')


def code_cells(notebook): return [cell for cell in nbformat.read(notebook, as_version=4).cells if cell.cell_type == 'code']


def kinds(cell):
    "The kinds of output `cell` has, so that a stored run can be compared with a fresh one"
    return [(output.output_type, *sorted(output.get('data', ()))) for output in cell.outputs]


def texts(folder, pattern): return {file.relative_to(folder): file.read_text(encoding='utf-8') for file in folder.rglob(pattern)}


def nbdev(command, folder):
    "Run an nbdev command in `folder`, a copy of what it needs of the repository"
    subprocess.run([Path(sys.executable).with_name(command)], cwd=folder, check=True, capture_output=True)


@pytest.fixture
def copied(root, tmp_path):
    "A copy of the notebooks, the package and nbdev's settings"
    for name in ('nbs', 'mnist37'): shutil.copytree(root/name, tmp_path/name, ignore=shutil.ignore_patterns('__pycache__', '.*'))
    shutil.copy(root/'pyproject.toml', tmp_path)
    return tmp_path


def test_there_are_notebooks(): assert len(course.LESSONS) == len(course.SOLUTIONS) == 6


@every_notebook
def test_runs(notebook, build):
    found = build[1][notebook]
    assert not isinstance(found, str), found


@every_notebook
def test_needs_less_memory_than_free_hosts_give(notebook, build):
    "In MiB, the kernel and its children together"
    assert 0 < build[1][notebook] < 2000


def test_every_lesson_records_its_rung(build):
    assert [rung.notebook for rung in load_rungs(build[0]/'records')] == [notebook.stem for notebook in course.LESSONS]


def verdicts(notebook): return [cell.outputs[0].data['text/plain'] for cell in code_cells(notebook) if cell.source.startswith('check_')]


def test_the_solutions_pass_every_check(build):
    for notebook in course.SOLUTIONS:
        found = verdicts(build[0]/'nbs'/'solutions'/notebook.name)
        assert len(found) == len(verdicts(course.NBS/notebook.name)) and set(found) == {'right'}, notebook.name


def test_lessons_run_untouched(build):
    "As they are handed out: every stub has its dots, and no check takes offence"
    for notebook in course.LESSONS:
        for folder in (course.NBS, build[0]/'nbs'):
            assert all(verdict.startswith('not attempted') for verdict in verdicts(folder/notebook.name)), notebook.name


@every_notebook
def test_committed_with_the_outputs_of_a_run(notebook, build):
    fresh = code_cells(build[0]/'nbs'/notebook.relative_to(course.NBS))
    for stored, ran in zip(code_cells(notebook), fresh, strict=True):
        assert kinds(stored) == kinds(ran), f'cell {stored.id}: run the notebook again and commit it with its outputs'


@every_notebook
def test_committed_without_errors_warnings_and_local_paths(notebook):
    for cell in code_cells(notebook):
        for output in cell.outputs:
            assert output.output_type != 'error', f'cell {cell.id} stores an error'
            assert output.get('name') != 'stderr', f'cell {cell.id} stores what went to stderr'
            texts = [output.get('text', '')] + [text for kind, text in output.get('data', {}).items() if kind.startswith('text')]
            assert not LOCAL_PATH.search('\n'.join(texts)), f'cell {cell.id} shows a path of the machine that ran it'


@every_notebook
def test_is_small(notebook): assert notebook.stat().st_size < 1_500_000


def test_clean(copied, root):
    nbdev('nbdev-clean', copied)
    assert texts(copied/'nbs', '*.ipynb') == texts(root/'nbs', '*.ipynb'), 'run nbdev-clean'


def test_package_is_what_the_notebooks_export(copied, root):
    "And exporting twice changes nothing, although one notebook exports several modules"
    for module in (copied/'mnist37').rglob('[!_]*.py'): module.unlink()
    nbdev('nbdev-export', copied)
    nbdev('nbdev-export', copied)
    assert texts(copied/'mnist37', '*.py') == texts(root/'mnist37', '*.py'), 'run nbdev-export'
