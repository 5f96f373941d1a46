"Every model predicts in the same way, its errors are counted, and its rung survives the way to disk and back"
from dataclasses import replace

import pytest
import torch
from torch import nn

from mnist37.ladder import Rung, TwoClass, ladder_so_far, ladder_table, load_rungs, n_errors, n_params, predict, save_rung

RUNG = Rung('01_some', 'some model', parameters=1568, errors=2, images=1000, epochs=3, seconds=1.234)
LINEAR = nn.Sequential(nn.Flatten(), nn.Linear(784, 1))


class Ink(nn.Module):
    "Its score is 14 minus the ink in an image; it notes how it was called"
    calls = ()
    def forward(self, images):
        self.calls += (len(images), self.training, torch.is_grad_enabled()),
        return 14 - images.sum((1, 2))[:, None]


def with_ink(*ink): return (torch.tensor(ink)/784)[:, None, None].expand(-1, 28, 28)


def test_predict_gives_the_probability_of_a_3_in_batches_in_eval_mode_without_gradients():
    model = Ink()
    torch.testing.assert_close(predict(model, with_ink(13, 15, 0), batch_size=2), torch.tensor([1., -1, 14]).sigmoid())
    assert model.calls == ((2, False, False), (1, False, False)) and model.training
    with pytest.raises(RuntimeError): predict(LINEAR.train(), torch.zeros(2, 28, 28, dtype=torch.float64))
    assert LINEAR.training and predict(model.eval(), with_ink(13)).shape == (1,) and not model.training
    model, images = nn.Sequential(nn.Flatten(), nn.BatchNorm1d(784), nn.Linear(784, 1)), torch.rand(8, 28, 28)
    torch.testing.assert_close(predict(model, images), torch.cat([predict(model, image[None]) for image in images]))


def test_predict_moves_images_to_the_parameters_or_else_to_the_buffers():
    for layer in (nn.Linear(784, 1, device='meta'), nn.BatchNorm1d(784, affine=False, device='meta')):
        model = nn.Sequential(nn.Flatten(), layer, nn.AdaptiveAvgPool1d(1))
        assert predict(model, torch.rand(3, 28, 28)).device.type == 'meta'


@pytest.mark.parametrize('model, images, error, complaint', [
    (LINEAR, torch.zeros(2, 28, 28).byte(), TypeError, 'uint8, expected floats'), (LINEAR, torch.zeros(2, 28, 27), ValueError, 'expected'),
    (LINEAR, torch.zeros(28, 28), ValueError, r'expected \(N, 28, 28\)'), (LINEAR, torch.zeros(2, 1, 28, 28), ValueError, 'expected'),
    (nn.Flatten(), torch.zeros(2, 28, 28), ValueError, r'scores of shape \(2, 784\), expected \(2, 1\)'),
    (nn.Flatten(0), torch.zeros(2, 28, 28), ValueError, r'scores of shape \(1568,\), expected \(2, 1\)')])
def test_predict_refuses_other_images_and_scores(model, images, error, complaint):
    with pytest.raises(error, match=complaint): predict(model, images)


def test_two_classes_become_one_score_and_parameters_and_errors_are_counted():
    model, images = TwoClass(nn.Sequential(nn.Flatten(), nn.Linear(3*784, 2)), channels=3), torch.rand(4, 28, 28)
    torch.testing.assert_close(model(images), model.net(torch.stack([images]*3, 1))@torch.tensor([[1.], [-1]]))
    assert n_params(model) == 2*(3*784 + 1)
    assert n_errors(Ink(), with_ink(13, 15, 0, 28), torch.tensor([[1], [1], [0], [0]])) == 2
    with pytest.raises(ValueError, match=r'targets of shape \(4,\), expected \(4, 1\)'): n_errors(Ink(), images, torch.zeros(4))


def test_rungs_are_saved_where_asked_and_those_below_are_found_again(tmp_path, monkeypatch):
    records, again = tmp_path/'build'/'records', replace(RUNG, errors=1)
    below, above = replace(RUNG, notebook='00_below'), replace(RUNG, notebook='02_above')
    monkeypatch.setenv('MNIST37_RECORDS', str(records))
    assert [save_rung(rung) for rung in (above, RUNG, below)] == [above, RUNG, below] and load_rungs(records) == [below, RUNG, above]
    assert ladder_so_far(again) == [below, again]
    monkeypatch.delenv('MNIST37_RECORDS')
    monkeypatch.setattr('mnist37.__file__', str(tmp_path/'mnist37'/'__init__.py'))  # then the last run of the course counts
    assert save_rung(again) == again and RUNG in load_rungs(records) and ladder_so_far(again) == [below, again]


@pytest.mark.parametrize('content', ['{', '[]', '{"notebook": "01_some"}', '{"unknown": 1}'])
def test_a_bad_record_is_named(content, tmp_path):
    (tmp_path/'01_some.json').write_text(content)
    with pytest.raises(ValueError, match=r'01_some\.json: not a recorded rung'): load_rungs(tmp_path)


def test_ladder_table(): assert ladder_table([RUNG, replace(RUNG, model='other', errors=20, seconds=12)]) == """
| rung       | accuracy | errors      | parameters | epochs | seconds |
|------------|----------|-------------|------------|--------|---------|
| some model | 0.9980   | 2 of 1,000  | 1,568      | 3      | 1.23    |
| other      | 0.9800   | 20 of 1,000 | 1,568      | 3      | 12.00   |""".lstrip('\n')
