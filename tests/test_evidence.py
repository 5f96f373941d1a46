"The stored evidence is complete, was measured with this code, and can be had again"
import importlib
import sys

import pandas as pd
import pytest

import mnist37
from mnist37.ladder import load_rungs
from scripts.maintainers import evidence, speed, ten_digits
from scripts.readers.course import ALL, LESSONS, NBS

TABLES = {'rungs': (evidence.RUNGS, ['rung', 'seed'], evidence.codes), 'speed': (speed.SPEED, ['what', 'images'], speed.codes),
          'ten digits': (ten_digits.TEN_DIGITS, ['seed'], ten_digits.codes)}
A = 'from .b import help, RATE\n\ndef work(x):\n    return help(x)*RATE\n'
B = 'RATE = 2\n\ndef help(x):\n    if x < 0: raise ValueError("no")\n    return x + 1\n'


@pytest.mark.parametrize('name', TABLES)
def test_every_row_is_there_and_was_measured_with_this_code(name):
    file, by, codes = TABLES[name]
    assert {key: set(rows.code) for key, rows in evidence.load(file).groupby(by)} == {key: {code} for key, code in codes().items()}


def test_every_rung_is_measured_from_enough_seeds():
    assert [lesson.stem for lesson in LESSONS] == [name for name in evidence.RECIPES if ',' not in name]
    for name, recipe in evidence.RECIPES.items():
        random = recipe.train is not evidence.train_pixel_similarity
        assert evidence.SEED in recipe.seeds and len(set(recipe.seeds)) == len(recipe.seeds) >= (3 if random else 1), name


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


def test_each_rung_is_as_good_as_its_evidence(build):
    "And not better either, as it would be if it had seen the validation images while it was trained"
    for rung in load_rungs(build/'records'):
        least, most = evidence.expected(rung.notebook)
        assert rung.images == 2038 and least <= rung.errors <= most, rung.notebook


def test_room_is_left_for_other_hardware():
    errors, (least, most) = evidence.errors_of('03_basic_optim'), evidence.expected('03_basic_optim')
    assert least < errors.min() - 3 and errors.max() + 3 < most < 2*errors.max()
    assert evidence.expected('01_pixel_similarity') == (99, 99)


@pytest.mark.parametrize('same, old, new', [
    (True, 'def help(x):', 'def help(x:int) -> int: # a remark\n    "What it does"'), (True, '"no"', 'f"{x} is too small"'),
    (True, 'help(x)*RATE', '(\n        help(x) * RATE)'), (False, 'x + 1', 'x + 2'), (False, 'RATE = 2', 'RATE = 3')])
def test_code_is_what_changes_a_result(same, old, new, tmp_path, monkeypatch):
    def code(folder, *sources):
        (tmp_path/folder).mkdir()
        for name, source in zip('ab', sources):
            (tmp_path/folder/f'{name}.py').write_text(source)
            sys.modules.pop(f'mnist37.{name}', None)
        monkeypatch.setattr(mnist37, '__path__', [str(tmp_path/folder)])
        return evidence.code_of(importlib.import_module('mnist37.a').work)
    assert (code('before', A, B) == code('after', A.replace(old, new), B.replace(old, new))) == same
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
    assert pd.read_csv(file).errors.tolist() == [1, 5, 3, 6]
