"The stored evidence is complete, was measured with this code, and can be had again"
from dataclasses import replace

import pandas as pd
import pytest
import torch
from torch.utils.data import RandomSampler

import course
import evidence
from mnist37.ladder import load_rungs

every_lesson = pytest.mark.parametrize('notebook', course.LESSONS, ids=lambda notebook: notebook.stem)
every_recipe = pytest.mark.parametrize('rung', evidence.RECIPES)
TRAINED = ['02_linear_sgd', '03_basic_optim', '04_simple_net']
IN_A_PROCESS = TRAINED[1:]  # measured anew, as `make evidence` does it; 02 is trained here, by the fixture `by_hand`
TEN = ['01_pixel_similarity', *TRAINED, '06_tiny_cnn']  # resnet18 and most of the variants take too long for so many seeds


@pytest.fixture(scope='module')
def table(): return evidence.load()


# what is stored

def test_every_rung_is_measured_over_its_seeds(table):
    assert [notebook.stem for notebook in course.LESSONS] == [rung for rung in evidence.RECIPES if ',' not in rung]
    for rung, recipe in evidence.RECIPES.items():
        seeds = table[table.rung == rung].seed.tolist()
        assert seeds == list(recipe.seeds) and len(set(seeds)) == len(seeds) >= (10 if rung in TEN else 3), rung
        assert evidence.SEED in seeds
    assert len(evidence.RECIPES['05_resnet18'].seeds) >= 5
    assert len(table) == sum(len(recipe.seeds) for recipe in evidence.RECIPES.values())


def test_rows_are_consistent(table):
    errors = (1010*(1 - table.accuracy_3)).round() + (1028*(1 - table.accuracy_7)).round()
    assert (errors == table.errors).all() and (table.images == 2038).all()
    assert (table.seconds >= 0).all() and (table.peak_mib > 100).all() and (table.threads >= 1).all()
    for column in ('device', 'python', 'torch', 'fastai', 'code'): assert (table[column].str.len() > 2).all()


@every_recipe
def test_was_measured_with_this_code(rung, table):
    assert set(table[table.rung == rung].code) == {evidence.code_of(evidence.RECIPES[rung])}, 'run `make evidence`'


def test_nothing_is_random_in_rung_1_and_all_else_is(table):
    ways = table.groupby('rung').errors.nunique()
    assert ways['01_pixel_similarity'] == ways['01, RMSE'] == 1 and (ways[TRAINED + ['05_resnet18', '06_tiny_cnn']] > 1).all()


def test_time_and_memory_of_every_notebook_are_there():
    table = evidence.load(evidence.NOTEBOOKS)
    assert table.notebook.tolist() == [notebook.relative_to(course.NBS).with_suffix('').as_posix() for notebook in course.ALL]
    assert (table.peak_mib < 2000).all() and (table.seconds > 0).all()


def test_every_change_that_no_test_notices_is_explained():
    table = evidence.load(course.ROOT/'evidence'/'survivors.csv')
    package = '\n'.join(file.read_text(encoding='utf-8') for file in (course.ROOT/'mnist37').glob('*.py'))
    for row in table.itertuples():
        assert row.line in package and row.instead not in package and row.line != row.instead, f'run `make mutation`: {row.line}'
        assert len(row.reason) > 10
    assert not table.duplicated(['line', 'instead']).any()


# what can be measured again

@pytest.mark.parametrize('rung', IN_A_PROCESS)
def test_a_rung_trains_as_its_evidence_says(rung, measured, table):
    row, (stored,) = measured(rung), table[(table.rung == rung) & (table.seed == evidence.SEED)].to_dict('records')
    least, most = evidence.expected(rung)
    assert least <= row['errors'] <= most
    assert {**row, 'seed': 0}.keys() == stored.keys()
    for column in ('rung', 'seed', 'images', 'steps', 'code'): assert row[column] == stored[column]
    assert 100 < row['peak_mib'] < 2000


@every_lesson
def test_each_rung_is_as_good_as_its_evidence(notebook, build):
    "And not better either, as it would be if it had seen the validation images while it was trained"
    rung = {rung.notebook: rung for rung in load_rungs(build[0]/'records')}[notebook.stem]
    least, most = evidence.expected(notebook.stem)
    assert rung.images == 2038 and least <= rung.errors <= most


@pytest.mark.parametrize('notebook', ['02_linear_sgd', *IN_A_PROCESS])
def test_the_same_seed_gives_the_same_errors_twice(notebook, build, measured, by_hand):
    "In the notebook, and here or in a process of its own; for resnet18, test_resnet18.py trains a smaller one twice"
    rung = {rung.notebook: rung for rung in load_rungs(build[0]/'records')}[notebook]
    assert rung.errors == (measured(notebook)['errors'] if notebook in IN_A_PROCESS else by_hand['rung'].errors)


def test_another_seed_is_another_run():
    source, other = (evidence.seeded(evidence.RECIPES['02_linear_sgd'], seed) for seed in (37, 38))
    assert 'seed = 37' in source and source.replace('seed = 37', 'seed = 38') == other != source


def test_room_is_left_for_other_hardware():
    errors = evidence.errors_of('03_basic_optim')
    least, most = evidence.expected('03_basic_optim')
    assert least < errors.min() - 3 and errors.max() + 3 < most < 2*errors.max()
    assert evidence.expected('01_pixel_similarity') == (99, 99)


# the loop by hand, which no other test sees

@pytest.fixture(scope='module')
def by_hand():
    "What 02 has after its rung"
    names = {}
    exec(evidence.seeded(evidence.RECIPES['02_linear_sgd'], evidence.SEED), names)
    return names


def test_the_loop_by_hand_is_as_good_as_its_evidence(by_hand):
    least, most = evidence.expected('02_linear_sgd')
    assert least <= by_hand['rung'].errors <= most


def test_the_loop_by_hand_trains_weights_and_bias(by_hand):
    torch.manual_seed(evidence.SEED)
    start = [by_hand['init_params'](size, .01, by_hand['device']) for size in ((28*28, 1), 1)]
    for p, before in zip((by_hand['weights'], by_hand['bias']), start): assert not torch.equal(p, before)


def test_the_loop_by_hand_sees_the_training_images_shuffled(by_hand):
    assert isinstance(by_hand['dl'].sampler, RandomSampler) and len(by_hand['dl'].dataset) == 12_396


# the command

@pytest.fixture
def two_rungs(monkeypatch, tmp_path):
    "Two rungs of three seeds whose runs are made up, and the list of those that were run"
    recipes = {name: replace(evidence.RECIPES['01_pixel_similarity'], variant=f'x = {i}', seeds=(1, 2, 3)) for i, name in enumerate('ab')}
    ran = []

    def measure(rung, seed):
        if len(ran) == measure.stop: raise KeyboardInterrupt
        ran.append((rung, seed))
        return {'rung': rung, 'seed': seed, 'errors': len(ran), 'code': evidence.code_of(recipes[rung])}

    measure.stop, real = None, evidence.load
    for name, value in {'RECIPES': recipes, 'RUNGS': tmp_path/'rungs.csv', 'measure': measure, 'measure_notebooks': lambda: None,
                        'load': lambda file=tmp_path/'rungs.csv': real(file)}.items(): monkeypatch.setattr(evidence, name, value)
    return recipes, ran, measure


def test_stopped_it_goes_on_where_it_was(two_rungs, capsys):
    _, ran, measure = two_rungs
    measure.stop = 4
    with pytest.raises(SystemExit, match='what is measured is kept'): evidence.main([])
    assert len(pd.read_csv(evidence.RUNGS)) == 4
    measure.stop = None
    evidence.main([])
    assert ran == [(rung, seed) for rung in 'ab' for seed in (1, 2, 3)]
    table = pd.read_csv(evidence.RUNGS)
    assert table.errors.tolist() == [1, 2, 3, 4, 5, 6] and table.rung.tolist() == list('aaabbb')
    assert '6/6' not in capsys.readouterr().err  # the second bar counts what was left


def test_what_was_measured_with_other_code_is_measured_again(two_rungs):
    recipes, ran, _ = two_rungs
    evidence.main([])
    recipes['a'].variant = 'x = 2'
    evidence.main([])
    assert ran[6:] == [('a', 1), ('a', 2), ('a', 3)]


def test_comments_and_line_breaks_are_no_other_code():
    recipe = evidence.RECIPES['01, RMSE']
    assert evidence.code_of(recipe) == evidence.code_of(replace(recipe, variant='# a remark\n\n'))
    assert evidence.code_of(recipe) != evidence.code_of(replace(recipe, variant='x = 1'))
    assert evidence.code_of(recipe) != evidence.code_of(replace(recipe, cells=recipe.cells.replace(' means', '')))


def test_a_run_that_fails_is_named():
    with pytest.raises(RuntimeError, match="nothing, seed 3: [\\s\\S]*KeyError: 'nothing'"): evidence.measure('nothing', 3)
