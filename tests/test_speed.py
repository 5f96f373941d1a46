"The benchmark times what it says, and its stored table and that of all ten digits are whole"
import pandas as pd
import pytest
import torch

import evidence
import speed
import ten_digits


# speed

@pytest.mark.parametrize('what, how', [(what, how) for what, (_, ways) in speed.WORK.items() for how in ways])
def test_every_way_works(what, how):
    sizes, ways = speed.WORK[what]
    ways[how](2038 if what == 'reading the images' else 4)()


def test_slices_give_every_image_once_in_random_order():
    x, y = torch.arange(600.)[:, None], torch.arange(600)[:, None]
    xb, yb = (torch.cat(parts) for parts in zip(*speed.Slices(x, y)))
    assert torch.equal(xb.long(), yb) and not torch.equal(yb, y) and torch.equal(yb.sort(0).values, y)


def test_both_ways_of_reading_read_as_many_images():
    assert [sum(map(len, speed.png_files(n)())) for n in speed.WORK['reading the images'][0]] == list(speed.WORK['reading the images'][0])


def test_a_step_changes_the_parameters():
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Conv2d(1, 2, 28), torch.nn.Flatten())
    before = [p.clone() for p in model.parameters()]
    speed.step(lambda: model, speed.plain, speed.nullcontext, 4)()
    assert not any(torch.equal(p, q) for p, q in zip(model.parameters(), before))


def test_the_median_of_several_turns_counts(monkeypatch):
    clock, asked = iter([0, 1, 10, 12, 20, 25, 30, 31, 40, 42, 50, 50.5]), []  # a takes 1, 5 and 2, b takes 2, 1 and .5
    monkeypatch.setattr(speed.time, 'perf_counter', lambda: next(clock))
    monkeypatch.setattr(speed, 'REPEATS', 3)
    ways = {name: lambda n, name=name: lambda: asked.append((name, n)) for name in 'ab'}
    assert speed.timed(ways, 7) == {'a': 2, 'b': 1}
    assert asked == [('a', 7), ('b', 7)]*4  # the first turn is not timed


def test_stored_speeds_are_those_of_the_benchmark():
    table = evidence.load(speed.SPEED)
    expected = [(what, how, n) for what, (sizes, ways) in speed.WORK.items() for n in sizes for how in ways]
    assert list(table[['what', 'how', 'images']].itertuples(index=False, name=None)) == expected, 'run `make speed`'
    for _, ways in table.groupby(['what', 'images']):
        assert ways.times_faster.tolist() == pytest.approx((ways.seconds.iloc[0]/ways.seconds).tolist(), rel=.02, abs=.01)


# all ten digits

@pytest.fixture
def small(monkeypatch, tmp_path):
    "A few images of noise, one epoch, and a table of its own"
    generator = torch.Generator().manual_seed(0)
    def some(n): return torch.randint(256, (n, 28, 28), dtype=torch.uint8, generator=generator).numpy(), (torch.arange(n) % 10).byte().numpy()
    monkeypatch.setattr(ten_digits, 'read_wheel', lambda wheel: {'train': some(80), 'valid': some(30)})
    monkeypatch.setattr(ten_digits, 'EPOCHS', 1)
    monkeypatch.setattr(ten_digits, 'TEN_DIGITS', tmp_path/'ten_digits.csv')


def test_every_digit_is_counted_once(small):
    ten_digits.main('wheel', '5')
    table = pd.read_csv(ten_digits.TEN_DIGITS)
    assert len(table) == 100 and set(table.seed) == {5} and table.groupby('digit').images.sum().tolist() == [3]*10
    assert table[['digit', 'read_as']].values.tolist() == [[digit, answer] for digit in range(10) for answer in range(10)]


def test_other_seeds_stay_and_the_same_is_replaced(small):
    for seeds in (['1'], ['2', '3'], ['2']): ten_digits.main('wheel', *seeds)
    assert pd.read_csv(ten_digits.TEN_DIGITS).groupby('seed').size().to_dict() == {1: 100, 2: 100, 3: 100}


def test_stored_confusion_matrix_is_whole_and_good():
    table = evidence.load(ten_digits.TEN_DIGITS)
    assert set(table.code) == {ten_digits.code()}, 'run `make digits`'
    assert evidence.SEED in set(table.seed)
    for _, counts in table.groupby('seed'):
        assert len(counts) == 100 and counts.images.sum() == 10_000
        assert counts[counts.digit == counts.read_as].images.sum() >= 9_940
