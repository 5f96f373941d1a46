"What the bonus notebook about several processes doesn't show"
import pytest
import torch

from mnist37 import distributed


def test_a_process_that_is_alone_has_the_whole_batch_and_its_own_gradients(monkeypatch):
    model, batch = torch.nn.Linear(2, 1), torch.arange(6)
    model(torch.ones(1, 2)).sum().backward()
    distributed.average_gradients(model)
    assert distributed.shard(batch) is batch and model.weight.grad.tolist() == [[1, 1]]
    monkeypatch.delenv('LOCAL_RANK', raising=False)
    pytest.raises(KeyError, distributed.join)


def test_a_program_that_fails_says_why():
    with pytest.raises(RuntimeError, match='division by zero'): distributed.launch('1/0', 1)
