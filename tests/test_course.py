"`make course` shows which cell failed, stops there, and leaves the notebooks alone"
import json
from dataclasses import asdict

import nbformat
import pytest

import course
from mnist37.ladder import Rung, load_rungs

RUNG = "from mnist37.ladder import Rung, save_rung\nsave_rung(Rung('01_some', 'some model', '0.9', 785, 1, 10, 2, 3.))"


def save_rung_to(folder): (folder/'01_some.json').write_text(json.dumps(asdict(Rung('01_some', 'some model', '0.9', 785, 1, 10, 2, 3.))))


@pytest.fixture
def notebook(tmp_path):
    "Writes a notebook with the given code cells"
    def write(*sources):
        nb = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source, id=f'cell-{i}') for i, source in enumerate(sources)])
        nbformat.write(nb, tmp_path/'01_some.ipynb')
        return tmp_path/'01_some.ipynb'
    return write


def test_runs_in_a_fresh_kernel_and_prints_the_ladder(notebook, tmp_path, capsys, monkeypatch):
    file = notebook('1 + 1', RUNG)
    before = file.read_bytes()
    (tmp_path/'build'/'records').mkdir(parents=True)
    (tmp_path/'build'/'records'/'00_stale.json').write_text('left by an earlier run')
    monkeypatch.setattr(course, 'NOTEBOOKS', [file])
    course.main(build=tmp_path/'build')
    assert file.read_bytes() == before
    assert nbformat.read(tmp_path/'build'/'nbs'/'01_some.ipynb', 4).cells[0].outputs[0].data['text/plain'] == '2'
    assert [rung.errors for rung in load_rungs(tmp_path/'build'/'records')] == [1]
    out, err = capsys.readouterr()
    assert '| some model | 0.9       | 0.9000   | 1 of 10 | 785        | 2      | 3.00    |' in out
    assert '01_some: 100%' in err and '2/2' in err


def test_notebooks_that_are_named_leave_the_records_of_the_others(notebook, tmp_path):
    (tmp_path/'build'/'records').mkdir(parents=True)
    save_rung_to(tmp_path/'build'/'records')
    course.main([notebook('1 + 1')], tmp_path/'build')
    assert len(load_rungs(tmp_path/'build'/'records')) == 1


def test_a_notebook_that_is_not_there_is_named(tmp_path):
    with pytest.raises(SystemExit, match='nowhere.ipynb: there is no such notebook'): course.main(['nowhere.ipynb'], tmp_path)


def test_copies_keep_their_folders(tmp_path, monkeypatch):
    "A solution has the name of its lesson"
    monkeypatch.setattr(course, 'NBS', tmp_path/'nbs')
    (tmp_path/'nbs'/'solutions').mkdir(parents=True)
    for file in (tmp_path/'nbs'/'01.ipynb', tmp_path/'nbs'/'solutions'/'01.ipynb'):
        nbformat.write(nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell(str(file))]), file)
        course.run_notebook(file, tmp_path/'build')
        assert nbformat.read(tmp_path/'build'/file.relative_to(tmp_path), 4).cells[0].source == str(file)


def test_a_failing_cell_stops_the_course(notebook, tmp_path, capsys):
    file = notebook('x = 37', 'y = x\nx / 0', RUNG)
    with pytest.raises(SystemExit) as stop: course.main([file, file], tmp_path/'build')
    message = stop.value.code  # printed to stderr, and the exit status is 1
    assert message.startswith('\n01_some.ipynb, cell 2 of 3 (id cell-1) failed.\n\ny = x\nx / 0\n')
    assert 'ZeroDivisionError: division by zero' in message and '\x1b' not in message
    assert 'some model' not in capsys.readouterr().out
    assert nbformat.read(tmp_path/'build'/'nbs'/'01_some.ipynb', 4).cells[1].outputs[0].ename == 'ZeroDivisionError'


def test_a_dead_kernel_is_named_with_its_cell(notebook, tmp_path):
    with pytest.raises(course.CellFailed, match=r'cell 2 of 2 \(id cell-1\) failed[\s\S]*os\._exit[\s\S]*died'):
        course.run_notebook(notebook('import os', 'os._exit(1)'), tmp_path/'build')


def test_a_hanging_cell_is_named(notebook, tmp_path):
    with pytest.raises(course.CellFailed, match=r'cell 1 of 1 \(id cell-0\) failed[\s\S]*sleep[\s\S]*timed out'):
        course.run_notebook(notebook('import time; time.sleep(60)'), tmp_path/'build', timeout=1)
