"The stored evidence is complete, was measured with this code, and can be had again"
import importlib
import sys

import pytest

import mnist37
from mnist37.ladder import load_rungs
from scripts.maintainers import evidence, speed, ten_digits
from scripts.readers.course import ALL, LESSONS, NBS

A = 'from .b import help, RATE\n\ndef work(x):\n    return help(x)*RATE\n'
B = 'RATE = 2\n\ndef help(x):\n    if x < 0: raise ValueError("no")\n    return x + 1\n'


@pytest.mark.parametrize('file, by, codes', [
    (evidence.RUNGS, ['rung', 'seed'], evidence.codes), (speed.SPEED, ['what', 'images'], speed.codes),
    (ten_digits.TEN_DIGITS, ['seed'], ten_digits.codes)], ids=['rungs', 'speed', 'ten digits'])
def test_every_row_is_there_and_was_measured_with_this_code(file, by, codes):
    assert {key: set(rows.code) for key, rows in evidence.load(file).groupby(by)} == {key: {code} for key, code in codes().items()}


def test_every_rung_is_measured_from_enough_seeds():
    assert [lesson.stem for lesson in LESSONS] == [name for name in evidence.RECIPES if ',' not in name]
    for name, recipe in evidence.RECIPES.items(): assert len(recipe.seeds) >= 3 or recipe.train is evidence.train_pixel_similarity, name


def test_rows_are_consistent():
    table = evidence.load()
    errors = (1010*(1 - table.accuracy_3)).round() + (1028*(1 - table.accuracy_7)).round()
    assert (errors == table.errors).all() and (table.misread.str.split().str.len() == table.errors).all()
    assert (table.held_out.astype(str) != '').tolist() == table.rung.str.contains('held out').tolist()


def test_time_and_memory_of_every_notebook_are_there():
    table = evidence.load(evidence.NOTEBOOKS)
    assert table.notebook.tolist() == [notebook.relative_to(NBS).with_suffix('').as_posix() for notebook in ALL]
    assert (table.peak_mib < 2000).all() and (table.seconds > 0).all()


@pytest.mark.parametrize('rung', ['01, RMSE, deskewed', '02, sorted, one epoch'])
def test_measured_again_it_is_the_same(rung):
    stored = evidence.load().query('rung == @rung').iloc[0]
    row = evidence.measure(rung, evidence.SEED)
    assert [*row] == [column for column in stored.index if column not in ('rung', 'seed', 'code', *evidence.environment())]
    for column in ('errors', 'images', 'others'): assert row[column] == stored[column]


def test_each_rung_is_as_good_as_its_evidence_and_no_better(build):
    for rung in load_rungs(build/'records'):
        least, most = evidence.expected(rung.notebook)
        assert rung.images == 2038 and least <= rung.errors <= most, rung.notebook


def test_room_is_left_for_other_hardware_where_something_is_random():
    assert evidence.expected('01_pixel_similarity') == (99, 99) != evidence.expected('03_basic_optim')


@pytest.mark.parametrize('same, old, new', [
    (True, 'def help(x):', 'def help(x:int) -> int: # a remark\n    "What it does"'), (True, '"no"', 'f"{x} is too small"'),
    (True, 'help(x)*RATE', '(\n        help(x) * RATE)'), (False, 'x + 1', 'x + 2'), (False, 'RATE = 2', 'RATE = 3')])
def test_code_is_what_changes_a_result(same, old, new, tmp_path, monkeypatch):
    found = []
    for folder, sources in [(tmp_path/'before', (A, B)), (tmp_path/'after', (A.replace(old, new), B.replace(old, new)))]:
        folder.mkdir()
        for name, source in zip('ab', sources):
            (folder/f'{name}.py').write_text(source)
            sys.modules.pop(f'mnist37.{name}', None)
        monkeypatch.setattr(mnist37, '__path__', [str(folder)])
        found.append(evidence.code_of(importlib.import_module('mnist37.a').work))
    assert (found[0] == found[1]) == same
    assert evidence.code_of(print, {'lr': 1}) != evidence.code_of(print, {'lr': 2})


def test_stopped_it_goes_on_where_it_was_and_what_is_stale_is_measured_again(tmp_path):
    file, ran, codes = tmp_path/'table.csv', [], {(name, seed): 'old' for name in 'ab' for seed in (1, 2)}
    def measure(*key):
        if len(ran) == 3: raise KeyboardInterrupt
        ran.append(key)
        return [{'errors': len(ran)}]
    with pytest.raises(KeyboardInterrupt): evidence.renew(file, ['rung', 'seed'], codes, measure)
    ran.append('stopped')
    evidence.renew(file, ['rung', 'seed'], codes | {('a', 2): 'new'}, measure)
    assert ran == [('a', 1), ('a', 2), ('b', 1), 'stopped', ('a', 2), ('b', 2)]
    assert evidence.load(file).errors.tolist() == [1, 5, 3, 6]
