"The numbers of a fresh run are those of the stored outputs, within a tolerance that is stated here"
import pytest

import course
from outputs import printed, stem

# Where nothing is trained, other hardware can change the last digit that is printed, and nothing else.
ABSOLUTE, RELATIVE = .0002, .002
# Where something is, one bit of rounding makes it another run, and runs differ as they do from seed to seed. For the rungs that
# is what evidence/rungs.csv has: one to three images for 02 to 04, eight for resnet18, and twenty for two linear layers at a
# high rate. The numbers printed by a cell may differ by so much, accuracies and losses as shares, errors as images:
TRAINED = {
    '02_linear_sgd': {'one-epoch': .002, 'twenty': .004, 'first-epochs': .004, 'learned-share': .01, 'train-right': .004, 'no-zero': .004,
                      'no-sigmoid': .004, 'lr-sweep': .01, 'rung': 4},
    '03_basic_optim': {'train-model-run': .004, 'fit': .004, 'fit-weighted': .004, 'recorder': .004, 'momentum-proof-code': .004, 'rung': 4},
    '04_simple_net': {'xor-starts': 3, 'net-by-hand-train': .004, 'recorder': .01, 'final': .003, 'no-relu-run': 4, 'ce-run': 8,
                      'ce-starts': 25, 'activations': 6, 'width-sweep': 8, 'rung': 4},
    '05_resnet18': {'fit': .15, 'preds': 12, 'confusion': 12, 'sure': .6, 'ladder': 12},
    '06_tiny_cnn': {'logistic-run': 500, 'first-look': 3, 'trust-table': .2, 'ladder': 12},
    'solutions/03_basic_optim': {'gain-smooth': .004, 'gain-adagrad': .004, 'gain-train-until': 2},
    'solutions/04_simple_net': {'gain-width-sweep': 8},
    'solutions/05_resnet18': {'gain-residual': .1},
}
# These depend on the time that something took.
TIMES = {('01_pixel_similarity', 'loop-time'), ('02_linear_sgd', 'batch-size')}


@pytest.mark.parametrize('notebook', course.ALL, ids=stem)
def test_stored_numbers_are_those_of_a_fresh_run(notebook, build):
    stored, fresh = printed(notebook), printed(build[0]/'nbs'/notebook.relative_to(course.NBS))
    assert stored.keys() == fresh.keys() >= TRAINED.get(stem(notebook), {}).keys()
    for cell, numbers in stored.items():
        if (stem(notebook), cell) in TIMES or cell == 'environment-check': continue
        room = TRAINED.get(stem(notebook), {}).get(cell, ABSOLUTE)
        assert len(numbers) == len(fresh[cell]), f'cell {cell}: {numbers} stored, {fresh[cell]} in a fresh run'
        for a, b in zip(numbers, fresh[cell]):
            assert abs(a - b) <= max(room, RELATIVE*abs(a)), f'cell {cell}: {a} stored, {b} in a fresh run, which is more than {room} apart'
