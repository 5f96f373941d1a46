"Exercise, solution and check belong together, and a check tells untouched, right and wrong answers apart"
import re
import textwrap
from importlib import import_module

import nbformat
import pandas as pd
import pytest
import torch

from mnist37.check import Check, Verdict
from scripts.readers import course


def cells(paths): return {path.stem: {cell.id: cell for cell in nbformat.read(path, as_version=4).cells} for path in paths}


def exercises(lessons): return [(name, id.removeprefix('turn-')) for name in lessons for id in lessons[name] if id.startswith('turn-')]


LESSONS, SOLUTIONS = cells(course.LESSONS), cells(course.SOLUTIONS)
EXERCISES = exercises(LESSONS)
SOLVED = {name: vars(import_module(f'mnist37.solutions.{name[3:]}')) for name in LESSONS}
every_exercise = pytest.mark.parametrize('name, exercise', EXERCISES, ids=[exercise for _, exercise in EXERCISES])


def verdict(name, exercise, code):
    "What the check cell says of `code` in place of the stub"
    namespace = {**SOLVED[name]}
    exec(code, namespace)
    return eval(LESSONS[name][f'check-{exercise}'].source, namespace)


def test_every_lesson_has_four_to_six_all_solved():
    assert len(LESSONS) == 7 and all(4 <= sum(name == of for of, _ in EXERCISES) <= 6 for name in LESSONS)
    assert exercises(SOLUTIONS) == EXERCISES


@every_exercise
def test_is_a_question_a_stub_and_a_check_that_the_solution_repeats_and_explains(name, exercise):
    turn, stub, check = [f'{part}-{exercise}' for part in ('turn', 'stub', 'check')]
    asked, solved = LESSONS[name], SOLUTIONS[name]
    assert f' {turn} {stub} {check} ' in ' '.join(asked) + ' '
    assert asked[turn].source == f'#{solved[turn].source}'  # one level of heading deeper
    assert asked[check].source == solved[check].source
    beginning, _ = re.split(r'(?:return )?\.\.\.', asked[stub].source, maxsplit=1)
    assert solved[exercise].source.startswith(f'#| export\n{beginning}')
    assert len(solved[f'why-{exercise}'].source.split()) >= 20


@pytest.mark.parametrize('name', LESSONS)
def test_stubs_take_no_name_that_the_lesson_uses(name):
    "What a learner writes must not change what a cell above it does when that is run again"
    code = {id: cell.source for id, cell in LESSONS[name].items() if cell.cell_type == 'code'}
    taken = {word for id, source in code.items() if not id.startswith('stub-')
             for word in re.findall(r'^(?:def |class )?(\w+)[(:, =]', source, re.MULTILINE)}
    for id, source in code.items():
        if id.startswith('stub-'): assert re.match(r'(?:def |class )?(\w+)', source)[1] not in taken, id


@every_exercise
def test_untouched_stub_is_not_attempted_and_solution_is_right(name, exercise):
    assert verdict(name, exercise, LESSONS[name][f'stub-{exercise}'].source).status == 'not attempted'
    assert verdict(name, exercise, SOLUTIONS[name][exercise].source) == Verdict('right')


@every_exercise
def test_every_mistake_gets_its_hint(name, exercise):
    check = SOLVED[name][f'check_{exercise.replace("-", "_")}']
    assert len(check.wrong) >= 2
    for hint, answer in check.wrong.items(): assert check(answer).hint.startswith(f'{hint}\n('), check(answer)


# answers unlike the check's own mistakes, with words of what they get; of a function or class, what replaces its last line
@pytest.mark.parametrize('exercise, answer, words', [
    ('count-dark', '(image > 0.5).sum()', 'something is None'),
    ('shapes', 'shapes = [(5, 28, 28), (3, 28), None, (4, 4)]', 'larger number of axes'),
    ('shapes', 'shapes = [(5, 28, 28), (5, 3, 28), None, ...]', 'replace the dots'),
    ('good-lr', 'good_lr = 0.2', 'diverges'),
    ('good-lr', 'good_lr = -0.1', 'larger than 0'),
    ('minimize', 'x = start.clone()\nfor i in range(steps):\n    f(x).backward()\n    x -= lr*x.grad\nreturn x', 'Do you track x'),
    ('minimize', ('x = start.clone().requires_grad_()\nfor i in range(steps):\n    f(x).backward()\n'
                  '    with torch.no_grad(): x = x - lr*x.grad\nreturn x'), 'with -=?'),
    ('shuffled-batches', 'return [torch.randperm(n)[i:i+batch_size] for i in range(0, n, batch_size)]', 'Draw one order'),
    ('shuffled-batches', 'torch.manual_seed(0)\nreturn torch.randperm(n).split(batch_size)', 'same order'),
    ('train-linear', ('w, b = torch.zeros(x.shape[1], 1).requires_grad_(), torch.zeros(1).requires_grad_()\nfor i in range(steps):\n'
                      '    mnist_loss(x@w + b, y).backward()\n    for p in (w, b): p = p - lr*p.grad\nreturn w, b'), 'still 0'),
    ('adagrad', 'for p, s in zip(self.params, self.sums):\n    s = s + p.grad**2\n    p.data -= self.lr*p.grad/(s.sqrt() + 1e-10)',
     'would make a new tensor'),
    ('count-batches', 'def before_fit(self): self.n = 0\ndef after_training_batch(self): self.n += 1', 'named after an event'),
    ('count-batches', 'n = 0\ndef after_step(self): self.n += 1', 'where the first one stopped'),
    ('collapse', '(w1, b1), (w2, b2) = layers[:2]\nreturn w2@w1, w2@b1 + b2', 'not enough values'),
    ('stable-cross-entropy', 's = torch.where(targets == 1, scores, -scores)\nreturn torch.log(1 + torch.exp(-s)).mean()', 'too large'),
    ('stable-cross-entropy', 'return -(torch.where(targets == 1, scores, -scores).sigmoid() + 1e-10).log().mean()', 'clamped or added'),
    ('worst', 'return F.cross_entropy(scores, targets, reduction="none").topk(10).indices', 'are you asking for k of them'),
    ('shifted', 'return image', "hasn't moved"),
])
def test_learners_answer_gets_its_hint(exercise, answer, words):
    name, = [name for name, other in EXERCISES if other == exercise]
    *stub, last = LESSONS[name][f'stub-{exercise}'].source.split('\n')
    if last.startswith(' '): answer = '\n'.join([*stub, textwrap.indent(answer, re.match(' *', last)[0])])
    assert words in verdict(name, exercise, answer).hint


DOUBLE = Check(lambda x: 2*x, {'for 3': lambda double: double(3), 'for 5': lambda double: double(5)},
               {'that is the square': lambda x: x*x, 'do not divide by 0': lambda x: x/0})
DOTS = 'not attempted: replace the dots with your code, and run both cells'
NONE = 'wrong: something is None: either a function has no return, or a tensor has no grad yet.\n(for 3, yours '


@pytest.mark.parametrize('answer, shown', [
    (lambda x: x + x, 'right'),
    (lambda x: 6 if x == 3 else x*x, 'wrong: that is the square\n(for 5, yours gives 25)'),  # the first trial that fails decides
    (lambda x: 7, 'wrong: for 3, yours gives 7, expected 6'),
    (..., DOTS), (lambda x: ..., DOTS), (lambda x: ... + x, DOTS), (lambda x: [x, ...], DOTS), (lambda x: torch.tensor(...), DOTS),
    (lambda x: torch.relu(...), DOTS),
    (lambda x: None, f'{NONE}gives None)'),
    (lambda x: [None][0][x], f"{NONE}stops with TypeError: 'NoneType' object is not subscriptable)"),
    (lambda x: 1/0, 'wrong: do not divide by 0\n(for 3, yours stops with ZeroDivisionError: division by zero)'),
    (6, "wrong: for 3, yours stops with TypeError: 'int' object is not callable, expected 6"),
])
def test_verdict(answer, shown): assert repr(DOUBLE(answer)) == shown


def test_an_error_that_speaks_of_another_ellipsis_is_not_about_dots():
    assert 'yours stops with RuntimeError: einsum' in DOUBLE(lambda x: torch.einsum('ij->', torch.ones(3))).hint


def test_neither_an_interrupt_nor_a_mistake_in_the_right_answer_is_caught():
    def interrupted(x): raise KeyboardInterrupt
    with pytest.raises(KeyboardInterrupt): DOUBLE(interrupted)
    with pytest.raises(ZeroDivisionError): Check(lambda x: x/0, {'for 1': lambda f: f(1)}, {})(lambda x: x)


def test_answers_are_tried_from_one_seed_and_the_learners_random_numbers_go_on():
    drawn = []
    for seed in (1, 2):
        state = torch.manual_seed(seed).get_state()
        Check(None, {'drawn': lambda _: drawn.append(torch.rand(1).item())}, {})(None)
        assert torch.equal(state, torch.get_rng_state())
    assert len(set(drawn)) == 1


def checked(value, expected=0): return Check(expected, {'it': lambda x: x}, {})(value)


@pytest.mark.parametrize('a, b, same', [
    (1, 1.00001, True), (1, 1.001, False), (0, 1e-7, True), (float('inf'), float('inf'), True), (float('nan'), 1, False),
    (True, 1, True), ((1, 2), [1, 2], True), ([1], 1, False), ([1, 2], [1, 2, 3], False), (None, 0, False),
    ({'b': 1, 'a': 2}, {'a': 2, 'b': 1}, True), ({'a': 1}, [['a', 1]], False), ('3', 3, False), ('a', 'a', True),
    (float('nan'), float('nan'), True), (torch.ones(2), [1, 1], True), (pd.DataFrame([[1, 2]]), [[1, 2]], True),
    ({'a': torch.ones(1)}, {'a': [1]}, True), ({'a': 1}, {'a': 1, 'b': 2}, False), ([(1, 2)], [[1, 2]], True),
])
def test_what_counts_as_the_same(a, b, same): assert (checked(a, b).status == 'right') == same


@pytest.mark.parametrize('value, shown', [
    ('x'*198, f"'{'x'*198}'"), ('x'*199, f"'{'x'*196}..."), ('None', "'None'"), (None, 'None'),
    ([1/3, 12345.678, {'a': 1/3, 'b': 2}], "[0.3333, 1.235e+04, {'a': 0.3333, 'b': 2}]"),
])
def test_values_are_cut_and_shortened(value, shown): assert checked(value).hint == f'it, yours gives {shown}, expected 0'


def test_an_answer_that_changes_its_input_does_no_harm():
    "Each trial makes its input anew, and what is expected is worked out first"
    check = Check(sum, {'for [1, 2]': lambda f: f([1, 2])}, {'emptied': lambda x: 0})
    assert check(lambda x: [x.pop(), x.pop()]) == Verdict('wrong', 'for [1, 2], yours gives [2, 1], expected 3')


@torch.no_grad()
def test_gradients_are_computed_even_if_the_learner_has_switched_them_off():
    check = Check(lambda x: 2*x, {'at 1': lambda f: f(torch.ones(1, requires_grad=True)).backward()}, {})
    assert check(lambda x: x + x) == Verdict('right')
