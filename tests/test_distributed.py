"What the bonus notebook about several processes doesn't show"
import pytest
import torch

from mnist37 import distributed


def test_alone_it_changes_nothing_and_errors_say_why():
    model, batch = torch.nn.Linear(2, 1), torch.arange(6)
    model(torch.ones(1, 2)).sum().backward()
    distributed.average_gradients(model)
    assert distributed.shard(batch) is batch and model.weight.grad.tolist() == [[1, 1]]
    pytest.raises(KeyError, distributed.join)
    with pytest.raises(RuntimeError, match='division by zero'): distributed.launch('1/0', 1)
    program = 'import os, sys; print(sys.argv[1:], *(os.environ[name] for name in ("LOCAL_RANK", "WORLD_SIZE", "OMP_NUM_THREADS")))'
    assert distributed.launch(program, 2, 'a', threads=3) == "['a'] 0 2 3\n['a'] 1 2 3"


@pytest.mark.parametrize('gpus, backend, device', [(0, 'gloo', 'cpu'), (1, 'gloo', 'cpu'), (2, 'nccl', 'cuda:1')])
def test_it_joins_with_gpus_if_there_is_one_for_each_process(gpus, backend, device, monkeypatch):
    for name, value in {'LOCAL_RANK': '1', 'LOCAL_WORLD_SIZE': '2', 'WORLD_SIZE': '2'}.items(): monkeypatch.setenv(name, value)
    monkeypatch.setattr(torch.cuda, 'device_count', lambda: gpus)
    monkeypatch.setattr(torch.cuda, 'set_device', (used := []).append)
    monkeypatch.setattr(distributed.dist, 'init_process_group', used.append)
    assert str(distributed.join()) == device and used == [backend] + [1]*(backend == 'nccl')
