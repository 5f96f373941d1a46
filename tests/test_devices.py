"Every helper trains where its inputs are, and the notebooks run on a GPU where there is one"
import re

import nbformat
import pytest
import torch
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.fx.experimental.symbolic_shapes import ShapeEnv

import course
from mnist37 import basic_optim, data, linear_sgd, pixel_similarity, resnet18, simple_net, tiny_cnn
from mnist37.data import default_device

# A fake tensor has a shape and a device and no numbers. Unlike those of `cuda`, fake tensors of `meta` go through a backward
# pass; and unlike plain ones of `meta`, they refuse to meet a tensor that was left on the CPU.
ELSEWHERE = 'meta'


@pytest.fixture
def elsewhere(monkeypatch):
    "Six images to load, and fake tensors only"
    monkeypatch.setattr(data, 'mnist_path', lambda: course.ROOT)
    with FakeTensorMode(shape_env=ShapeEnv(), allow_non_fake_inputs=True) as mode:
        mode.allow_scalar_outputs = True  # `item` gives an unknown number
        monkeypatch.setattr(data, 'load_images', lambda folder: torch.zeros(3, 28, 28, dtype=torch.uint8))
        yield


def train_linear(init_params=linear_sgd.init_params, load_xy=linear_sgd.load_xy, mnist_loss=linear_sgd.mnist_loss):
    "A step by hand, and the accuracy"
    x, y = load_xy('train', ELSEWHERE)
    weights, bias = init_params((784, 1), .01, ELSEWHERE), init_params(1, .01, ELSEWHERE)
    def model(xb): return xb@weights + bias
    linear_sgd.calc_grad(x, y, model, mnist_loss)
    opt = basic_optim.BasicOptim([weights, bias], lr=.1)
    opt.step()
    assert weights.grad.device.type == bias.grad.device.type == ELSEWHERE
    opt.zero_grad()
    return linear_sgd.batch_accuracy(model(x), y)


def tell_apart(distance=pixel_similarity.mnist_distance):
    threes, sevens = data.load_split('train', ELSEWHERE)
    return pixel_similarity.is_3(threes, threes.mean(0), sevens.mean(0), distance)


def test_training_by_hand_stays_on_the_device(elsewhere): assert train_linear().device.type == ELSEWHERE


def test_training_with_the_helpers_stays_on_the_device(elsewhere):
    _, dl = linear_sgd.mnist_loaders(batch_size=4, device=ELSEWHERE)  # the one in order: numbers that are unknown cannot shuffle
    with torch.device(ELSEWHERE): net = simple_net.simple_net()
    accs = basic_optim.train_model(net, dl, dl, basic_optim.BasicOptim(net.parameters(), lr=.1), epochs=2)
    assert len(accs) == 2 and {p.device.type for p in net.parameters()} == {ELSEWHERE}


@pytest.mark.parametrize('distance', [pixel_similarity.mnist_distance, pixel_similarity.rmse_distance])
def test_distances_stay_on_the_device(distance, elsewhere): assert tell_apart(distance).device.type == ELSEWHERE


@pytest.mark.parametrize('cell, right, broken', [
    ('init-params', 'torch.randn(size, device=device)', 'torch.randn(size)'),
    ('load-xy', '*len(sevens), device=device)', '*len(sevens))'),
    ('load-xy', 'load_split(split, device)', 'load_split(split)'),
    ('mnist-loss', 'targets == 1', 'targets == torch.ones(len(preds), 1)'),
], ids=['parameters', 'targets', 'images', 'a tensor in the loss'])
def test_a_helper_that_leaves_a_tensor_on_the_cpu_is_caught(cell, right, broken, elsewhere):
    source = next(found.source for found in nbformat.read(course.LESSONS[1], as_version=4).cells if found.id == cell)
    assert source.count(right) == 1
    names, name = dict(vars(linear_sgd)), cell.replace('-', '_')
    exec(source.replace(right, broken), names)
    with pytest.raises(RuntimeError, match='device'): train_linear(**{name: names[name]})


def test_the_tiny_network_trains_on_the_device(elsewhere):
    with torch.device(ELSEWHERE): net = tiny_cnn.tiny_cnn()
    images = torch.rand(4, 1, 28, 28, device=ELSEWHERE)
    loss = torch.nn.functional.cross_entropy(net(tiny_cnn.augment(images)), torch.zeros(4, dtype=torch.int64, device=ELSEWHERE))
    loss.backward()
    assert {p.grad.device.type for p in net.parameters()} == {ELSEWHERE}


def test_an_augmentation_that_leaves_a_tensor_on_the_cpu_is_caught(elsewhere):
    source = next(found.source for found in nbformat.read(course.LESSONS[5], as_version=4).cells if found.id == 'augment')
    broken = source.replace('torch.rand(len(images), *shape, device=images.device)', 'torch.rand(len(images), *shape)')
    names = dict(vars(tiny_cnn))
    exec(broken, names)
    assert broken != source
    with pytest.raises(RuntimeError, match='device'): names['augment'](torch.rand(4, 1, 28, 28, device=ELSEWHERE))


@pytest.mark.parametrize('device', ['cuda', 'mps'])
def test_resnet18_goes_where_the_others_go(device, monkeypatch):
    "By the same function, be it an NVIDIA GPU or an Apple one"
    asked = []
    monkeypatch.setattr(resnet18, 'default_device', lambda: torch.device(device))
    monkeypatch.setattr(resnet18.ImageDataLoaders, 'from_folder', lambda path, device: asked.append(device.type))
    monkeypatch.setattr(resnet18, 'vision_learner', lambda dls, *args, **kwargs: None)
    resnet18.resnet18_learner(data.mnist_path())
    assert asked == [device]


@pytest.mark.parametrize('notebook', course.LESSONS, ids=lambda notebook: notebook.stem)
def test_a_lesson_names_no_device_of_its_own(notebook):
    "One function chooses it"
    code = '\n'.join(cell.source for cell in nbformat.read(notebook, as_version=4).cells if cell.cell_type == 'code'
                     and cell.id != 'default-device')
    assert re.search(r'^from mnist37\.data import .*\bdefault_device\b', code, re.M) and 'default_device()' in code
    assert not re.search(r'''["'](?:cuda|mps)\b|\.cuda\(|is_available|default_device\([^)]''', code)


# with a GPU

@pytest.mark.gpu
def test_the_helpers_train_on_the_gpu():
    device = default_device()
    dl, valid_dl = linear_sgd.mnist_loaders(device=device)
    net = simple_net.simple_net().to(device)
    accs = basic_optim.train_model(net, dl, valid_dl, basic_optim.BasicOptim(net.parameters(), lr=1.), epochs=2)
    assert accs[-1] > .95 and {p.device.type for p in net.parameters()} == {device.type}


@pytest.mark.gpu
def test_images_are_drawn_from_the_gpu(): pixel_similarity.show_images(data.load_split('valid', default_device())[0][:3])


@pytest.mark.gpu
def test_resnet18_trains_on_the_gpu():
    learn = resnet18.resnet18_learner(data.mnist_path())
    assert learn.dls.one_batch()[0].device.type == next(learn.model.to(learn.dls.device).parameters()).device.type == default_device().type


@pytest.mark.gpu
def test_the_tiny_network_trains_on_the_gpu():
    images, classes = torch.rand(70, 1, 28, 28, device=default_device()), torch.zeros(70, dtype=torch.int64, device=default_device())
    learn = tiny_cnn.tiny_learner((images, classes), (images, classes))
    with learn.no_bar(), learn.no_logging(): learn.fit_one_cycle(1, 1e-2)
    assert {p.device.type for p in learn.model.parameters()} == {default_device().type}
    assert tiny_cnn.deskew(images[:,0]).device.type == tiny_cnn.as_mnist(images[0, 0]).device.type == default_device().type


@pytest.mark.gpu
@pytest.mark.parametrize('notebook', course.ALL, ids=lambda notebook: notebook.relative_to(course.NBS).as_posix())
def test_notebooks_run_on_the_gpu(notebook, build):
    ran = nbformat.read(build[0]/'nbs'/notebook.relative_to(course.NBS), as_version=4)
    check = next((cell for cell in ran.cells if cell.id == 'environment-check'), None)
    assert not isinstance(build[1][notebook], str), build[1][notebook]
    assert check is None or f'device: {default_device().type}' in check.outputs[0].text
