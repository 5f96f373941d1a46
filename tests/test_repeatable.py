"The numbers of a fresh run are those of the stored outputs, within a tolerance that is stated here"
import pytest

import course
from outputs import printed, stem

# Where nothing is trained, other hardware can change the last digit that is printed, and nothing else.
ABSOLUTE, RELATIVE = .0002, .002
TRAINED = {}
# These depend on the time that something took.
TIMES = {('01_pixel_similarity', 'loop-time'), ('02_linear_sgd', 'batch-size')}


@pytest.mark.parametrize('notebook', course.ALL, ids=stem)
def test_stored_numbers_are_those_of_a_fresh_run(notebook, build):
    stored, fresh = printed(notebook), printed(build[0]/'nbs'/notebook.relative_to(course.NBS))
    assert stored.keys() == fresh.keys()
    for cell, numbers in stored.items():
        if (stem(notebook), cell) in TIMES or cell == 'environment-check': continue
        room = TRAINED.get((stem(notebook), cell), ABSOLUTE)
        assert len(numbers) == len(fresh[cell]), f'cell {cell}: {numbers} stored, {fresh[cell]} in a fresh run'
        for a, b in zip(numbers, fresh[cell]):
            assert abs(a - b) <= max(room, RELATIVE*abs(a)), f'cell {cell}: {a} stored, {b} in a fresh run, which is more than {room} apart'
