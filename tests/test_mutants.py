"""Every mistake that the lessons warn of, made on purpose in a copy of the course, turns a test red that is named here.

What changes a cell changes the module that it is exported to as well. The copy without a mistake passes all of these tests.
"""
import io
import os
import shutil
import sys
from contextlib import redirect_stderr, redirect_stdout
from multiprocessing import get_all_start_methods, get_context

import nbformat
import pytest

import course

# the mistake: notebook and cell, what stands there and what instead, and the test that must fail
MUTANTS = {
    'no absolute value': ('01_pixel_similarity', 'distance', '(a-b).abs().mean', '(a-b).mean', 'test_pixel_similarity.py::test_mnist_distance_by_hand'),
    'no root': ('01_pixel_similarity', 'distance', '**2).mean((-1,-2)).sqrt()', '**2).mean((-1,-2))', 'test_pixel_similarity.py::test_rmse_distance_by_hand'),
    'mean over all images': ('01_pixel_similarity', 'distance', '.abs().mean((-1,-2))', '.abs().mean()', 'test_pixel_similarity.py::test_distance_broadcasts_like_a_loop'),
    'a row in place of an image': ('01_pixel_similarity', 'check-images', 'if x.shape[-2:] != (28, 28)', 'if False', 'test_pixel_similarity.py::test_distance_refuses'),
    'the farther template': ('01_pixel_similarity', 'is-3', ') < distance', ') > distance', 'test_pixel_similarity.py::test_is_3'),
    'forget /255': ('01_pixel_similarity', 'load-split', '.float()/255', '.float()', 'test_data.py::test_load_split'),
    'swap the folders': ('01_pixel_similarity', 'load-split', "('3', '7')", "('7', '3')", 'test_data.py::test_load_split'),
    'decode as RGB': ('01_pixel_similarity', 'load-images', 'np.array(image)', "np.array(image.convert('RGB'))", 'test_data.py::test_load_images_sorts_and_keeps_uint8'),
    'files in any order': ('01_pixel_similarity', 'load-images', "sorted(Path(folder).glob('*.png'))", "sorted(Path(folder).glob('*.png'), reverse=True)", 'test_data.py::test_load_images_sorts_and_keeps_uint8'),
    'swap the labels': ('02_linear_sgd', 'load-xy', '[1]*len(threes) + [0]*len(sevens)', '[0]*len(threes) + [1]*len(sevens)', 'test_linear_sgd.py::test_load_xy'),
    'forget unsqueeze(1)': ('02_linear_sgd', 'load-xy', '.unsqueeze(1)', '', 'test_linear_sgd.py::test_load_xy'),
    'let any shapes through': ('02_linear_sgd', 'mnist-loss', '    _check_column(preds, targets)\n', '', 'test_linear_sgd.py::test_other_shapes_are_refused'),
    'drop the sigmoid': ('02_linear_sgd', 'mnist-loss', 'preds = preds.sigmoid()', 'preds = preds', 'test_linear_sgd.py::test_mnist_loss_by_hand'),
    'the loss of the other class': ('02_linear_sgd', 'mnist-loss', '1 - preds, preds)', 'preds, 1 - preds)', 'test_linear_sgd.py::test_mnist_loss_by_hand'),
    'threshold 0.5 on logits': ('02_linear_sgd', 'batch-accuracy', 'preds.sigmoid() > 0.5', 'preds > 0.5', 'test_linear_sgd.py::test_batch_accuracy_by_hand'),
    'average unequal batches': ('02_linear_sgd', 'validate-epoch', '*len(yb)\n            n += len(yb)', '\n            n += 1', 'test_linear_sgd.py::test_validate_epoch_counts_images_not_batches'),
    'record while validating': ('02_linear_sgd', 'validate-epoch', 'with torch.no_grad():', 'if True:', 'test_linear_sgd.py::test_validate_epoch_leaves_no_trace'),
    'do not shuffle': ('02_linear_sgd', 'loaders', 'shuffle=True', 'shuffle=False', 'test_linear_sgd.py::test_mnist_loaders'),
    'validate on the training images': ('02_linear_sgd', 'loaders', "('train', 'valid')", "('train', 'train')", 'test_linear_sgd.py::test_mnist_loaders'),
    'weights of any size': ('02_linear_sgd', 'init-params', '*std', '', 'test_linear_sgd.py::test_init_params'),
    'gradients of another loss': ('02_linear_sgd', 'calc-grad', 'loss_func(model(xb), yb)', 'model(xb).mean()', 'test_linear_sgd.py::test_calc_grad_is_pytorchs_gradient'),
    "flip the step's sign by hand": ('02_linear_sgd', 'train-epoch', 'p.data -=', 'p.data +=', 'test_evidence.py::test_the_loop_by_hand_is_as_good_as_its_evidence'),
    'drop zero_grad by hand': ('02_linear_sgd', 'train-epoch', 'p.grad.zero_()', 'pass', 'test_evidence.py::test_the_loop_by_hand_is_as_good_as_its_evidence'),
    'do not shuffle by hand': ('02_linear_sgd', 'dataloader', 'shuffle=True', 'shuffle=False', 'test_evidence.py::test_the_loop_by_hand_sees_the_training_images_shuffled'),
    'freeze the bias by hand': ('02_linear_sgd', 'better-start', '(weights, bias), dl)', '(weights,), dl)', 'test_evidence.py::test_the_loop_by_hand_trains_weights_and_bias'),
    "flip the step's sign": ('03_basic_optim', 'basic-optim', 'p.data -=', 'p.data +=', 'test_basic_optim.py::test_a_step_goes_against_the_gradient'),
    'forget the rate': ('03_basic_optim', 'basic-optim', 'p.grad * self.lr', 'p.grad', 'test_basic_optim.py::test_a_step_goes_against_the_gradient'),
    'freeze the bias': ('03_basic_optim', 'basic-optim', 'for p in self.params: p.data', 'for p in self.params[:1]: p.data', 'test_basic_optim.py::test_steps_like_pytorchs_sgd'),
    'a generator walked through once': ('03_basic_optim', 'basic-optim', 'list(params)', 'params', 'test_basic_optim.py::test_keeps_parameters_that_come_from_a_generator'),
    'drop zero_grad': ('03_basic_optim', 'train-epoch', '        opt.zero_grad()\n', '', 'test_basic_optim.py::test_train_epoch_clears_the_gradients'),
    'clear before the step': ('03_basic_optim', 'train-epoch', 'opt.step()\n        opt.zero_grad()', 'opt.zero_grad()\n        opt.step()', 'test_basic_optim.py::test_steps_like_pytorchs_sgd'),
    'validate before training': ('03_basic_optim', 'train-model', '        train_epoch(model, dl, opt, loss_func)\n        accs.append(validate_epoch(model, valid_dl))',
                                 '        accs.append(validate_epoch(model, valid_dl))\n        train_epoch(model, dl, opt, loss_func)', 'test_basic_optim.py::test_train_model_validates_after_the_epoch'),
    'look nine times at the same': ('06_tiny_cnn', 'tta', 'xb.roll(move, (2, 3))', 'xb', 'test_tiny_cnn.py::test_tta_moves_by_a_pixel'),
    'do not augment': ('06_tiny_cnn', 'augment-callback', 'self.change(self.x)', 'self.x', 'test_tiny_cnn.py::test_only_training_images_are_changed'),
    'augment the validation images': ('06_tiny_cnn', 'augment-callback', 'if self.training:', 'if True:', 'test_tiny_cnn.py::test_only_training_images_are_changed'),
    'the same change for all images': ('06_tiny_cnn', 'augment', 'torch.rand(len(images), *shape, device=images.device)', 'torch.rand(1, *shape, device=images.device).expand(len(images), *shape)', 'test_tiny_cnn.py::test_augment_gives_each_image_a_change_of_its_own'),
    'zoom in only': ('06_tiny_cnn', 'augment', '1 + up_to(zoom)', '1 - up_to(zoom).abs()', 'test_tiny_cnn.py::test_each_change_goes_as_far_as_it_may_to_both_sides'),
    'deskew the wrong way': ('06_tiny_cnn', 'deskew', '(one, slant, ', '(one, -slant, ', 'test_tiny_cnn.py::test_deskew_stands_a_stroke_upright'),
    'pool before normalizing': ('06_tiny_cnn', 'conv-block', 'nn.BatchNorm2d(n_out), nn.ReLU(), nn.MaxPool2d(2)', 'nn.MaxPool2d(2), nn.BatchNorm2d(n_out), nn.ReLU()', 'test_tiny_cnn.py::test_block_is_what_its_name_says'),
    'centre the box and not the ink': ('06_tiny_cnn', 'as-mnist', 'round(14 - middle.item())', '14 - len(ink)//2', 'test_tiny_cnn.py::test_other_hands'),
    'no ReLU': ('04_simple_net', 'simple-net', 'nn.ReLU()', 'nn.Identity()', 'test_simple_net.py::test_is_two_linear_layers_with_a_relu_between'),
}


def check(folder, tests):
    "End this process as pytest ends that runs `tests` in `folder`: 0 if all pass, 1 if some fail"
    ours = [str(course.ROOT/name) for name in ('mnist37', 'scripts', 'tests')]
    for name, module in list(sys.modules.items()):  # to find this function, the process has imported the course
        if str(getattr(module, '__file__', None)).startswith(tuple(ours)): del sys.modules[name]
    sys.path[:] = [str(folder), *(place for place in sys.path if place not in ours)]
    os.chdir(folder)
    os.environ['PYTHONPATH'] = str(folder)  # for the processes that tests start
    with redirect_stdout(io.StringIO()) as out, redirect_stderr(out):
        code = pytest.main(['-q', '-p', 'no:cacheprovider', *(f'tests/{test}' for test in tests)])
    print(out.getvalue())
    os._exit(code)


@pytest.fixture(scope='module')
def copy(tmp_path_factory):
    "A copy of the course, with the same images"
    folder = tmp_path_factory.mktemp('copy')
    for name in ('mnist37', 'nbs', 'scripts', 'tests', 'evidence'): shutil.copytree(course.ROOT/name, folder/name, ignore=shutil.ignore_patterns('__pycache__', '.*'))
    for name in ('data', 'README.md', 'pyproject.toml'): (folder/name).symlink_to(course.ROOT/name)
    return folder


@pytest.fixture(scope='module')
def run(copy):
    "Runs tests in the copy and gives the exit status; the processes start with what is slow to import"
    method = 'forkserver' if 'forkserver' in get_all_start_methods() else 'spawn'
    context = get_context(method)
    if method == 'forkserver': context.set_forkserver_preload(['fastai.basics', 'torch.distributed.tensor', 'nbclient', 'nbconvert.filters', 'hypothesis', 'PIL.Image', 'psutil', 'tqdm', 'filelock'])

    def run(*tests):
        process = context.Process(target=check, args=(copy, tests))
        process.start()
        process.join()
        return process.exitcode

    return run


def change(folder, notebook, cell, old, new):
    "Make a mistake in a cell and in the module that it is exported to; what brings both back"
    file = folder/'nbs'/f'{notebook}.ipynb'
    nb = nbformat.read(file, as_version=4)
    found = next(found for found in nb.cells if found.id == cell)
    assert found.source.count(old) == 1, f'{notebook}, cell {cell}: {old!r} is there {found.source.count(old)} times'
    right, wrong = found.source, found.source.replace(old, new)
    found.source = wrong
    before = {file: file.read_text(encoding='utf-8')}
    nbformat.write(nb, file)
    if right.startswith('#| export'):
        right, wrong = (source.partition('\n')[2] for source in (right, wrong))
        module = next(module for module in (folder/'mnist37').glob('*.py') if right in module.read_text(encoding='utf-8'))
        before[module] = module.read_text(encoding='utf-8')
        module.write_text(before[module].replace(right, wrong), encoding='utf-8')
    return before


def test_without_a_mistake_all_these_tests_pass(run): assert run(*{test for *_, test in MUTANTS.values()}) == 0


@pytest.mark.parametrize('mistake', MUTANTS)
def test_the_mistake_is_noticed(mistake, copy, run):
    *where, test = MUTANTS[mistake]
    before = change(copy, *where)
    try: assert run(test) == 1, f'{test} does not notice'
    finally:
        for file, text in before.items(): file.write_text(text, encoding='utf-8')
