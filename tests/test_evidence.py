"The stored evidence is complete, was measured with this code, and can be had again"
import importlib
import sys

import pytest
import torch

import mnist37
from mnist37.ladder import load_rungs
from scripts.maintainers import evidence, speed, ten_digits, weights
from scripts.readers.course import ALL, LESSONS, NBS

A = 'from .b import help, RATE\n\ndef work(x):\n    return help(x)*RATE\n'
B = 'RATE = 2\n\ndef help(x):\n    if x < 0: raise ValueError("no")\n    return x + 1\n'


@pytest.mark.parametrize('file, by, module', [
    (evidence.RUNGS, ['rung', 'seed'], evidence), (speed.SPEED, ['what', 'images'], speed),
    *((ten_digits.table_of(n), ['network', 'seed'], ten_digits) for n in (1, 2)), (weights.PHOTOS, ['model'], weights)])
def test_every_row_is_there_and_was_measured_with_this_code(file, by, module):
    assert {key: set(rows.code) for key, rows in evidence.load(file).groupby(by)} == {key: {code} for key, code in module.codes().items()}


def test_every_rung_is_measured_from_enough_seeds():
    assert [lesson.stem for lesson in LESSONS[:6]] == [name for name in evidence.RECIPES if ',' not in name]
    exact = evidence.train_pixel_similarity, evidence.train_sklearn
    for name, recipe in evidence.RECIPES.items(): assert len(recipe.seeds) >= 3 or recipe.train in exact, name


def test_what_is_compared_by_seconds_was_measured_alone():
    assert set(evidence.load().query('rung in @evidence.TIMED').threads) == {evidence.THREADS}


def test_rows_are_consistent():
    table = evidence.load()
    errors = (1010*(1 - table.accuracy_3)).round() + (1028*(1 - table.accuracy_7)).round()
    assert (errors == table.errors).all() and (table.misread.str.split().str.len() == table.errors).all()
    assert (table.held_out.astype(str) != '').tolist() == table.rung.str.contains('held out').tolist()


def test_time_and_memory_of_every_notebook_are_there():
    table = evidence.load(evidence.NOTEBOOKS)
    assert table.notebook.tolist() == [notebook.relative_to(NBS).with_suffix('').as_posix() for notebook in ALL]
    assert (table.peak_mib < 2000).all() and (table.seconds > 0).all() and (table.seconds < 90).all()


@pytest.mark.parametrize('rung', ['01, RMSE, deskewed', '02, sorted, one epoch'])
def test_measured_again_it_is_the_same(rung):
    stored = evidence.load().query('rung == @rung').iloc[0]
    row, = evidence.measure(rung, evidence.SEED)
    assert [*row] == [column for column in stored.index if column not in ('rung', 'seed', 'code', *evidence.environment())]
    for column in ('errors', 'images', 'others'): assert row[column] == stored[column]


def test_each_rung_is_as_good_as_its_evidence_and_no_better(build):
    for rung in load_rungs(build/'records'):
        errors = evidence.errors_of(rung.notebook)
        room = 3 + 3*errors.std() if len(errors) > 1 else 0  # for other hardware and libraries, where something is random
        assert rung.images == 2038 and errors.min() - room <= rung.errors <= errors.max() + room, rung.notebook


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


def test_what_measures_is_part_of_the_code(monkeypatch):
    def codes(): return {pair for module in (evidence, speed, ten_digits, weights) for pair in module.codes().items()}
    before = codes()
    for module, name in [(evidence, 'misread'), (speed, 'REPEATS'), (ten_digits, 'read_wheel'), (weights, 'read')]:
        monkeypatch.setattr(module, name, None)
    assert not before & codes()


@pytest.mark.parametrize('value', [{1}, torch.ones(1), lambda: 1, torch.nn.ReLU(), torch.nn.ReLU().forward], ids=str)
def test_what_cannot_be_described_is_refused(value): pytest.raises(TypeError, evidence.code_of, [value])


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


@pytest.mark.parametrize('what, how', [(what, how) for what, (_, ways) in speed.WORK.items() for how in ways])
def test_every_way_works(what, how): speed.WORK[what][1][how](2038 if what == 'reading the images' else 4)()


def test_the_median_of_several_turns_counts(monkeypatch):
    clock, asked = iter([0, 1, 10, 12, 20, 25, 30, 31, 40, 42, 50, 50.5]), []  # a takes 1, 5 and 2, b takes 2, 1 and .5
    monkeypatch.setattr(speed.time, 'perf_counter', lambda: next(clock))
    ways = {name: lambda n, name=name: lambda: asked.append((name, n)) for name in 'ab'}
    assert [(row['how'], row['seconds'], row['times_faster']) for row in speed.timed(ways, 7)] == [('a', 2, 1), ('b', 1, 2)]
    assert asked == [('a', 7), ('b', 7)]*4  # the first turn is not timed


def test_ten_digits_are_told_apart_by_two_processes_as_well_as_by_one():
    tables = [evidence.load(ten_digits.table_of(n)) for n in (1, 2)]
    one, two = [table[table.digit != table.read_as].groupby(['network', 'seed']).images.sum().unstack() for table in tables]
    assert all((table.groupby(['network', 'seed']).images.sum() == 10_000).all() and (table.parameters < 10_000).all() for table in tables)
    assert one.loc['8-16-32'].median() <= 50 and (one.median(axis=1) <= 200).all()
    assert (one.min(axis=1) <= two.mean(axis=1)).all() and (two.mean(axis=1) <= one.max(axis=1)).all()  # the spread over seeds
