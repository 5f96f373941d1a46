"Records of rungs survive the way to disk and back, and each rung is as good as it was measured to be"
from dataclasses import replace

import pytest

from mnist37 import ladder
from mnist37.ladder import Rung, ladder_so_far, ladder_table, load_rungs, save_rung

RUNG = Rung('01_some', 'some model', 'about 85 %', parameters=1568, errors=2, images=1000, epochs=3, seconds=1.234)


def test_saved_rungs_are_loaded_in_order(tmp_path, monkeypatch):
    monkeypatch.setenv('MNIST37_RECORDS', str(tmp_path/'records'))
    other = Rung('02_other', 'other model', '0.97', 785, 1, 1000, 20, 9.)
    assert save_rung(other) is other
    save_rung(RUNG)
    assert load_rungs(tmp_path/'records') == [RUNG, other]


def test_nothing_is_written_unless_asked(tmp_path, monkeypatch):
    monkeypatch.delenv('MNIST37_RECORDS', raising=False)
    monkeypatch.chdir(tmp_path)
    save_rung(RUNG)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize('content', ['{', '[]', '{"notebook": "01_some"}', '{"unknown": 1}'])
def test_a_bad_record_is_named(content, tmp_path):
    (tmp_path/'01_some.json').write_text(content)
    with pytest.raises(ValueError, match=r'01_some\.json: not the record of a rung'): load_rungs(tmp_path)


def test_ladder_so_far_holds_the_rungs_below(tmp_path, monkeypatch):
    monkeypatch.setenv('MNIST37_RECORDS', str(tmp_path))
    below, above = replace(RUNG, notebook='00_below'), replace(RUNG, notebook='02_above')
    for rung in (above, replace(RUNG, errors=999), below): save_rung(rung)
    assert ladder_so_far(RUNG) == [below, RUNG]  # neither the one above nor an older record of its own
    monkeypatch.setenv('MNIST37_RECORDS', str(tmp_path/'nothing'))
    assert ladder_so_far(RUNG) == [RUNG]


def test_without_a_folder_the_records_of_the_last_run_of_the_course_count(tmp_path, monkeypatch):
    monkeypatch.setattr(ladder.mnist37, '__file__', str(tmp_path/'mnist37'/'__init__.py'))
    below = replace(RUNG, notebook='00_below')
    monkeypatch.setenv('MNIST37_RECORDS', str(tmp_path/'build'/'records'))
    save_rung(below)
    monkeypatch.delenv('MNIST37_RECORDS')
    assert ladder_so_far(RUNG) == [below, RUNG]


def test_accuracy(): assert RUNG.accuracy == 0.998


def test_ladder_table():
    assert ladder_table([RUNG, replace(RUNG, model='other', notes='0.9', errors=20, seconds=12)]) == """
| rung       | the notes  | accuracy | errors      | parameters | epochs | seconds |
|------------|------------|----------|-------------|------------|--------|---------|
| some model | about 85 % | 0.9980   | 2 of 1,000  | 1,568      | 3      | 1.23    |
| other      | 0.9        | 0.9800   | 20 of 1,000 | 1,568      | 3      | 12.00   |""".lstrip('\n')
