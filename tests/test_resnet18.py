"resnet18 learns from folders of PNG files, starts from random weights, and hides its channels and its classes"
import shutil
from itertools import islice

import pytest
import torch
import torch.nn.functional as F
from fastai.torch_core import set_seed

from mnist37.data import default_device, load_images, mnist_path
from mnist37.ladder import n_params, predict
from mnist37.resnet18 import resnet18_learner, train_resnet18


@pytest.fixture(scope='module')
def few(tmp_path_factory):
    "A dataset of 40 training and 4 validation images per class"
    folder = tmp_path_factory.mktemp('few')
    for part, n in (('train/3', 40), ('train/7', 40), ('valid/3', 4), ('valid/7', 4)):
        (folder/part).mkdir(parents=True)
        for file in islice(sorted((mnist_path()/part).iterdir()), n): shutil.copy(file, folder/part)
    return folder


def params(model): return torch.cat([p.detach().cpu().flatten() for p in model.parameters()])


def test_the_learner_reads_the_folders_and_names_one_that_is_missing(few, tmp_path):
    learn = resnet18_learner(few)
    xb, yb = learn.dls.one_batch()
    assert list(learn.dls.vocab) == ['3', '7'] and (len(learn.dls.train_ds), len(learn.dls.valid_ds)) == (80, 8)
    assert xb.shape == (64, 3, 28, 28) and 0 <= xb.min() and xb.max() <= 1 and set(yb.tolist()) == {0, 1}
    assert [metric.name for metric in learn.metrics] == ['accuracy'] and learn.loss_func is F.cross_entropy
    assert n_params(learn.model) == 11_704_896 and not torch.equal(params(learn.model), params(resnet18_learner(few).model))
    for there, missing in (('train', 'valid'), ('valid', 'train')):
        shutil.copytree(few/there, tmp_path/there/there)
        with pytest.raises(ValueError, match=f'nothing in {missing}, expected one folder of images'): resnet18_learner(tmp_path/there)


def test_it_is_the_learners_model_from_the_same_seed(few):
    "`predict` gives the softmax of its score for a 3, in the order of the files, and a second run the same network"
    set_seed(37)
    learn = resnet18_learner(few)
    set_seed(37)
    with learn.no_bar(), learn.no_logging():
        learn.fit_one_cycle(1, .1)
        scores, _ = learn.get_preds()
    order = sorted(range(8), key=lambda i: learn.dls.valid_ds.items[i])
    images = torch.cat([load_images(few/'valid'/digit) for digit in '37'])/255
    room = 1e-5 if default_device().type == 'cpu' else .01  # a GPU adds up in another order each time; 0.0002 was seen
    model = train_resnet18(path=few)
    assert (predict(model, images).cpu() - scores.softmax(1)[order,0]).abs().max() < room and not model.training
    start, still, other = [params(train_resnet18(**options, path=few)) for options in ({'epochs': 0}, {'lr': 0.}, {'seed': 38})]
    assert torch.equal(start, still) and not torch.equal(start, params(model)) and not torch.equal(other, params(model))
