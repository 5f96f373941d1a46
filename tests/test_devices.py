"Everything stays on the device of its inputs, every device gets the same random numbers, and lessons choose theirs by one function"
import re

import nbformat
import pytest
import torch
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.fx.experimental.symbolic_shapes import ShapeEnv

from mnist37 import basic_optim, handwriting, linear_limits, linear_sgd, pictures, pixel_similarity, resnet18, simple_net, tiny_cnn
from mnist37.data import default_device, load_xy
from scripts.readers import course

# A fake tensor has a shape and a device and no numbers. Unlike those of `cuda`, fake tensors of `meta` go through a backward
# pass; and unlike plain ones of `meta`, they refuse to meet a tensor that was left on the CPU.
ELSEWHERE = 'meta'
LEARNERS = [basic_optim.train_linear_learner, tiny_cnn.train_tiny_cnn]


@pytest.fixture
def data():
    "Fake images and targets of six digits, elsewhere"
    with FakeTensorMode(shape_env=ShapeEnv(), allow_non_fake_inputs=True) as mode:
        mode.allow_scalar_outputs = True  # `item` gives an unknown number
        yield torch.rand(6, 28, 28, device=ELSEWHERE), torch.ones(6, 1, dtype=torch.int64, device=ELSEWHERE)


def train(data, init_params=linear_sgd.init_params, loss_func=linear_sgd.mnist_loss, change=tiny_cnn.augment):
    "The linear model by hand, and a network by the helpers: where all of their parameters are"
    weights, bias = init_params((784, 1), .01, ELSEWHERE), init_params(1, .01, ELSEWHERE)
    with torch.device(ELSEWHERE): net = simple_net.simple_net()
    def linear(xb): return change(xb).flatten(1)@weights + bias
    dl = linear_sgd.batch_loader(*data, 4)
    for model, params in ((linear, [weights, bias]), (net, [*net.parameters()])):
        basic_optim.train_model(model, dl, dl, basic_optim.BasicOptim(params, lr=.1), 1, loss_func)
    return {p.device.type for p in (weights, bias, *net.parameters())}


def test_helpers_stay_on_the_device(data):
    assert train(data) == {ELSEWHERE} == {t.device.type for t in load_xy('valid', ELSEWHERE)}
    for distance in (pixel_similarity.mnist_distance, pixel_similarity.rmse_distance):
        assert pixel_similarity.is_3(data[0], *data[0][:2], distance).device.type == ELSEWHERE


@pytest.mark.parametrize('broken', [
    {'init_params': lambda size, std, device: torch.randn(size).requires_grad_()},
    {'loss_func': lambda preds, targets: torch.where(targets == torch.ones(len(preds), 1), 1 - preds, preds).mean()},
    {'change': lambda images: images + torch.rand(28, 28)},
], ids=lambda broken: next(iter(broken)))
def test_a_helper_that_leaves_a_tensor_on_the_cpu_is_caught(broken, data):
    with pytest.raises(RuntimeError, match='device'): train(data, **broken)


@pytest.mark.parametrize('draw', [
    lambda device: linear_sgd.init_params(5, device=device),
    lambda device: tiny_cnn.augment(torch.zeros(3, 28, 28, device=device)),
    lambda device: list(linear_sgd.batch_loader(torch.zeros(6, 1, device=device), torch.zeros(6, device=device), 4, shuffle=True)),
], ids=['parameters', 'augmentation', 'order'])
def test_random_numbers_are_the_cpus_on_every_device(draw):
    states = []
    for device in ('cpu', ELSEWHERE):
        states.append(torch.manual_seed(0).get_state())
        draw(device)
        states.append(torch.get_rng_state())
    assert torch.equal(states[1], states[3]) and not torch.equal(states[0], states[1])


@pytest.mark.parametrize('train', LEARNERS)
def test_a_learner_leaves_the_model_with_the_images(train, monkeypatch):
    "Even where fastai knows a better device"
    monkeypatch.setattr('fastai.callback.core.default_device', lambda: torch.device(ELSEWHERE))
    assert {p.device.type for p in train(epochs=1, data=[t[6000:6200] for t in load_xy('train')]).parameters()} == {'cpu'}


@pytest.mark.parametrize('notebook', course.LESSONS, ids=lambda notebook: notebook.stem)
def test_a_lesson_names_no_device_of_its_own(notebook):
    code = '\n'.join(cell.source for cell in nbformat.read(notebook, as_version=4).cells if cell.cell_type == 'code')
    assert re.search(r'^from mnist37\.data import .*\bdefault_device\b', code, re.M) and 'default_device()' in code
    assert not re.search(r'''["'](?:cuda|mps)\b|\.cuda\(|is_available|default_device\([^)]''', code)


@pytest.mark.gpu
@pytest.mark.parametrize('train', [linear_sgd.train_linear_sgd, simple_net.train_simple_net, *LEARNERS, resnet18.train_resnet18])
def test_models_train_on_the_gpu(train):
    model = train(epochs=1)
    images, _ = load_xy('valid', default_device())
    pictures.show_images(images[:2])
    found = {t.device.type for t in (*model.parameters(), linear_limits.deskew(images), handwriting.as_mnist(images[0]))}
    assert found == {default_device().type} != {'cpu'}
