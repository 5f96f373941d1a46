"Exercise, solution and check belong together, and a check tells untouched, right and wrong answers apart"
import re
import textwrap
from importlib import import_module

import nbformat
import pandas as pd
import pytest
import torch

import course
from mnist37.check import Check, Verdict
from wrong_answers import WRONG

LESSONS = [notebook.stem for notebook in course.LESSONS]


def cells(notebook): return {cell.id: cell for cell in nbformat.read(notebook, as_version=4).cells}


def lesson(name): return cells(course.NBS/f'{name}.ipynb')


def solution(name): return cells(course.NBS/'solutions'/f'{name}.ipynb')


def module(name): return import_module(f'mnist37.solutions.{name[3:]}')


EXERCISES = [(name, id.removeprefix('turn-')) for name in LESSONS for id in lesson(name) if id.startswith('turn-')]
every_exercise = pytest.mark.parametrize('name, exercise', EXERCISES, ids=[f'{name[:2]} {exercise}' for name, exercise in EXERCISES])


def check(name, exercise, code):
    "The verdict on `code`, which takes the place of the stub"
    call = re.fullmatch(r'(check_\w+)\((\w+)\)', lesson(name)[f'check-{exercise}'].source)
    namespace = dict(vars(module(name)))
    exec(code, namespace)
    return namespace[call[1]](namespace[call[2]])


def attempt(stub, answer):
    "`stub` with `answer` in place of its last line with dots, or `answer` alone if the stub is no function or class"
    if not stub.startswith(('def ', 'class ')): return answer
    lines = stub.split('\n')
    indent = re.match(' *', lines[-1])[0]
    return '\n'.join([*lines[:-1], textwrap.indent(answer, indent)])


# exercise and solution

def test_every_lesson_has_four_to_six():
    counts = {name: sum(lesson == name for lesson, _ in EXERCISES) for name in LESSONS}
    assert len(LESSONS) == 6 and all(4 <= n <= 6 for n in counts.values()), counts
    assert [notebook.stem for notebook in course.SOLUTIONS] == LESSONS


@every_exercise
def test_is_a_question_a_stub_and_a_check_in_this_order(name, exercise):
    order = list(lesson(name))
    first = order.index(f'turn-{exercise}')
    assert order[first:first + 3] == [f'turn-{exercise}', f'stub-{exercise}', f'check-{exercise}']


@every_exercise
def test_question_and_check_are_those_of_the_solution(name, exercise):
    question, solved = lesson(name)[f'turn-{exercise}'].source, solution(name)[f'turn-{exercise}'].source
    assert question == f'#{solved}'  # one level of heading deeper
    assert lesson(name)[f'check-{exercise}'].source == solution(name)[f'check-{exercise}'].source


@every_exercise
def test_stub_is_the_beginning_of_the_solution(name, exercise):
    stub, solved = lesson(name)[f'stub-{exercise}'].source, solution(name)[exercise].source
    beginning = re.split(r'(?:return )?\.\.\.', stub)[0]
    assert stub.count('...') >= 1 and solved.startswith(f'#| export\n{beginning}')


@every_exercise
def test_solution_is_explained(name, exercise): assert len(solution(name)[f'why-{exercise}'].source.split()) >= 20


def test_solutions_answer_every_exercise_and_no_other():
    assert EXERCISES == [(name, id.removeprefix('turn-')) for name in LESSONS for id in solution(name) if id.startswith('turn-')]


@pytest.mark.parametrize('name', LESSONS)
def test_stubs_take_no_name_that_the_lesson_uses(name):
    "What a learner writes must not change what a cell above it does when that is run again"
    code = {id: cell.source for id, cell in lesson(name).items() if cell.cell_type == 'code'}
    taken = {word for id, source in code.items() if not id.startswith('stub-') for word in re.findall(r'^(?:def |class )?(\w+)[(:, =]', source, re.M)}
    for id, source in code.items():
        if id.startswith('stub-'): assert re.match(r'(?:def |class )?(\w+)', source)[1] not in taken, id


# verdicts

@every_exercise
def test_untouched_stub_is_not_attempted(name, exercise):
    assert check(name, exercise, lesson(name)[f'stub-{exercise}'].source).status == 'not attempted'


@every_exercise
def test_solution_is_right(name, exercise):
    assert check(name, exercise, solution(name)[exercise].source) == Verdict('right')


@pytest.mark.parametrize('name, exercise, answer, words',
                         [(name, exercise, *wrong) for name in WRONG for exercise in WRONG[name] for wrong in WRONG[name][exercise]],
                         ids=[f'{name[:2]} {exercise}: {words}' for name in WRONG for exercise in WRONG[name] for _, words in WRONG[name][exercise]])
def test_wrong_answer_gets_its_hint(name, exercise, answer, words):
    stub = lesson(name)[f'stub-{exercise.replace("_", "-")}'].source
    verdict = check(name, exercise.replace('_', '-'), attempt(stub, answer))
    hint = verdict.hint.split('\n(')[0]  # without the description of the trial
    assert verdict.status == 'wrong' and words.lower() in hint.lower(), verdict


@every_exercise
def test_every_hint_is_given_to_a_wrong_answer(name, exercise):
    "And there are two at the least, each with its own"
    key = exercise.replace('-', '_')
    hints, words = getattr(module(name), f'check_{key}').wrong, [words for _, words in WRONG[name][key]]
    assert len(hints) >= 2
    for hint in hints: assert any(word.lower() in hint.lower() for word in words), hint


def test_the_table_of_wrong_answers_is_complete():
    assert [(name, exercise.replace('_', '-')) for name in WRONG for exercise in WRONG[name]] == EXERCISES


# the check itself

@pytest.fixture
def check_double():
    return Check(lambda x: 2*x, {'for 3': lambda double: double(3), 'for 5': lambda double: double(5)},
                 {'that is the square': lambda x: x*x, 'that is one more': lambda x: x + 1})


def test_right(check_double): assert check_double(lambda x: x + x) == Verdict('right')


def test_first_trial_that_fails_decides(check_double):
    assert check_double(lambda x: 6 if x == 3 else x*x).hint == 'that is the square\n(for 5 yours gives 25)'


def test_unknown_mistake_shows_what_came_out_and_what_should(check_double):
    assert check_double(lambda x: 7) == Verdict('wrong', 'for 3 yours gives 7, expected 6')


@pytest.mark.parametrize('answer', [..., lambda x: ..., lambda x: ... + x, lambda x: [x, ...], lambda x: torch.tensor(...),
                                    lambda x: torch.relu(...)])
def test_dots_are_not_attempted(answer, check_double):
    assert check_double(answer) == Verdict('not attempted', 'put your code in place of the dots, and run both cells')


NONE = 'something is None: what a function without return gives back, or the grad of a tensor that has none.\n(for 3 yours '


@pytest.mark.parametrize('answer, words', [
    (lambda x: None, f'{NONE}gives None)'),
    (lambda x: (lambda: None)()[0], f"{NONE}stops with TypeError: 'NoneType' object is not subscriptable)"),
    (lambda x: torch.einsum('ij->', torch.ones(3)), 'einsum'),
    (lambda x: x/0, 'for 3 yours stops with ZeroDivisionError: division by zero, expected 6'),
    (lambda: 6, 'takes 0 positional arguments'),
    (6, "'int' object is not callable"),
])
def test_a_broken_answer_is_a_verdict_not_an_error(answer, words, check_double):
    verdict = check_double(answer)
    assert verdict.status == 'wrong' and words in verdict.hint


def test_an_error_can_be_a_known_mistake():
    check = Check(1, {'divided': lambda x: 1/x}, {'do not divide by 0': 0})
    assert check(0).hint.startswith('do not divide by 0\n')


def test_interrupting_is_not_caught(check_double):
    def interrupted(x): raise KeyboardInterrupt
    with pytest.raises(KeyboardInterrupt): check_double(interrupted)


def test_random_answers_are_tried_from_one_seed_and_the_learners_is_kept():
    check = Check(lambda: torch.rand(2), {'called': lambda f: f()}, {})
    state = torch.get_rng_state()
    assert check(lambda: torch.rand(2)).status == 'right' and torch.equal(state, torch.get_rng_state())


@pytest.mark.parametrize('a, b, same', [
    (1, 1.00001, True), (1, 1.001, False), (0, 1e-7, True), (float('inf'), float('inf'), True), (float('nan'), 1, False),
    (True, 1, True), ((1, 2), [1, 2], True), ([1], 1, False), ([1, 2], [1, 2, 3], False), (None, 0, False),
    ({'b': 1, 'a': 2}, {'a': 2, 'b': 1}, True), ({'a': 1}, [['a', 1]], False), ('3', 3, False), ('a', 'a', True),
    (float('nan'), float('nan'), True), (torch.ones(2), [1, 1], True), (pd.DataFrame([[1, 2]]), [[1, 2]], True),
])
def test_what_counts_as_the_same(a, b, same):
    check = Check(b, {'it': lambda x: x}, {})
    assert (check(a).status == 'right') == same


def hint(value, expected=0): return Check(expected, {'it': lambda x: x}, {})(value).hint


def test_long_values_are_cut():
    assert hint('x'*198, '') == f"it yours gives '{'x'*198}', expected ''"
    assert hint('x'*199, '') == f"it yours gives '{'x'*196}..., expected ''"


def test_values_are_shown_with_four_digits():
    assert hint([1/3, 12345.678, {'a': 1/3, 'b': 2}]) == "it yours gives [0.3333, 1.235e+04, {'a': 0.3333, 'b': 2}], expected 0"


def test_text_is_told_from_a_value(): assert Check(None, {'it': lambda x: x}, {})('None').hint == "it yours gives 'None', expected None"


def test_an_answer_that_changes_its_input_does_no_harm():
    "Each trial makes its input anew, and what is expected is worked out first"
    check = Check(sum, {'for [1, 2]': lambda f: f([1, 2])}, {'emptied': lambda x: 0})
    assert check(lambda x: [x.pop(), x.pop()]) == Verdict('wrong', 'for [1, 2] yours gives [2, 1], expected 3')


def test_a_mistake_in_the_right_answer_is_an_error():
    with pytest.raises(ZeroDivisionError): Check(lambda x: x/0, {'for 1': lambda f: f(1)}, {})(lambda x: x/0)


def test_gradients_are_computed_even_if_the_learner_has_switched_them_off():
    def slope(x):
        x = torch.tensor(x, requires_grad=True)
        (x**2).backward()
        return x.grad
    with torch.no_grad(): assert Check(slope, {'at 3': lambda f: f(3.)}, {})(lambda x: 2*x).status == 'right'


def test_verdict_is_shown_as_plain_text():
    assert repr(Verdict('right')) == 'right' and repr(Verdict('wrong', 'look')) == 'wrong: look'
