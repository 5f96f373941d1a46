"The benchmark times what it says, and all ten digits are counted"
import pytest
import torch

from scripts.maintainers import evidence, speed, ten_digits


@pytest.mark.parametrize('what, how', [(what, how) for what, (_, ways) in speed.WORK.items() for how in ways])
def test_every_way_works(what, how): speed.WORK[what][1][how](2038 if what == 'reading the images' else 4)()


def test_the_median_of_several_turns_counts(monkeypatch):
    clock, asked = iter([0, 1, 10, 12, 20, 25, 30, 31, 40, 42, 50, 50.5]), []  # a takes 1, 5 and 2, b takes 2, 1 and .5
    monkeypatch.setattr(speed.time, 'perf_counter', lambda: next(clock))
    monkeypatch.setitem(speed.WORK, 'c', ((7,), {name: lambda n, name=name: lambda: asked.append((name, n)) for name in 'ab'}))
    assert [(row['how'], row['seconds'], row['times_faster']) for row in speed.timed('c', 7)] == [('a', 2, 1), ('b', 1, 2)]
    assert asked == [('a', 7), ('b', 7)]*4  # the first turn is not timed


def test_every_digit_is_counted_once(monkeypatch):
    monkeypatch.setattr(ten_digits, 'EPOCHS', 1)
    def some(n): return torch.randint(256, (n, 28, 28), dtype=torch.uint8).numpy(), (torch.arange(n) % 10).numpy()
    rows = ten_digits.train({'train': some(80), 'valid': some(30)}, 5)
    assert [(row['digit'], row['read_as']) for row in rows] == [(i, j) for i in range(10) for j in range(10)]
    assert [sum(row['images'] for row in rows[i:i+10]) for i in range(0, 100, 10)] == [3]*10


def test_stored_confusion_matrix_is_whole_and_good():
    table = evidence.load(ten_digits.TEN_DIGITS)
    assert len(table) == 100 and table.images.sum() == 10_000 and table[table.digit == table.read_as].images.sum() >= 9_940
