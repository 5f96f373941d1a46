"The resnet18 learner takes our images and starts from random weights"
import shutil
from itertools import islice

import pytest
import torch
import torch.nn.functional as F
from fastai.torch_core import set_seed

from mnist37.data import default_device, mnist_path
from mnist37.resnet18 import resnet18_learner


@pytest.fixture(scope='module')
def few(tmp_path_factory):
    "A dataset of 40 training and 4 validation images per class"
    folder = tmp_path_factory.mktemp('few')
    for name, n in (('train', 40), ('valid', 4)):
        for digit in '37':
            (folder/name/digit).mkdir(parents=True)
            for file in islice(sorted((mnist_path()/name/digit).iterdir()), n): shutil.copy(file, folder/name/digit)
    return folder


@pytest.fixture(scope='module')
def learn(few):
    torch.manual_seed(37)
    return resnet18_learner(few)


def test_reads_the_folders(learn):
    assert list(learn.dls.vocab) == ['3', '7'] and (len(learn.dls.train_ds), len(learn.dls.valid_ds)) == (80, 8)
    xb, yb = learn.dls.one_batch()
    assert xb.shape == (64, 3, 28, 28) and 0 <= xb.min() and xb.max() <= 1
    assert [metric.name for metric in learn.metrics] == ['accuracy']
    assert learn.loss_func is F.cross_entropy and set(yb.tolist()) == {0, 1}


def test_gives_two_scores_from_eleven_million_random_parameters(learn, few):
    xb, _ = learn.dls.one_batch()
    with torch.no_grad(): assert learn.model.to(xb.device).eval()(xb).shape == (64, 2)
    assert sum(p.numel() for p in learn.model.parameters()) == 11_704_896
    torch.manual_seed(38)
    other = resnet18_learner(few)
    assert not torch.equal(next(learn.model.parameters()).cpu(), next(other.model.parameters()).cpu())  # nothing is pretrained


def test_trains_all_of_it(learn):
    before = [p.detach().clone() for p in learn.model.parameters()]
    with learn.no_bar(), learn.no_logging(): learn.fit_one_cycle(1, .01)
    assert all(not torch.equal(p, old) for p, old in zip(learn.model.parameters(), before))


def test_the_same_seed_gives_the_same_network_twice(few):
    def train():
        set_seed(37)
        learn = resnet18_learner(few)
        with learn.no_bar(), learn.no_logging(): learn.fit_one_cycle(1, .01)
        return learn.get_preds()[0]

    first = train()
    room = 0 if default_device().type == 'cpu' else .01  # a GPU adds up in another order each time; 0.0002 was seen
    assert (first - train()).abs().max() <= room and len(first.unique()) > 2


@pytest.mark.parametrize('missing', ['train', 'valid'])
def test_a_missing_set_is_named(missing, few, tmp_path):
    shutil.copytree(few, tmp_path/'data')
    shutil.rmtree(tmp_path/'data'/missing)
    with pytest.raises(ValueError, match=f'nothing in {missing}, expected one folder of images per class'): resnet18_learner(tmp_path/'data')
