"`simple_net` is what the lesson builds by hand"
import pytest
import torch

from mnist37.simple_net import simple_net


def test_is_two_linear_layers_with_a_relu_between():
    torch.manual_seed(37)
    net, x = simple_net(5), torch.rand(3, 784)
    w1, b1, w2, b2 = net.parameters()
    assert [p.shape for p in (w1, b1, w2, b2)] == [(5, 784), (5,), (1, 5), (1,)]
    hidden = (x@w1.T + b1).clamp(min=0)
    assert 0 < (hidden == 0).sum() < hidden.numel()  # the ReLU has something to do
    torch.testing.assert_close(net(x), hidden@w2.T + b2)


def test_has_thirty_hidden_activations_by_default():
    assert sum(p.numel() for p in simple_net().parameters()) == 784*30 + 30 + 30 + 1


def test_one_is_enough(): assert simple_net(1)(torch.rand(2, 784)).shape == (2, 1)


@pytest.mark.parametrize('n_hidden', [0, -1])
def test_refuses_to_have_none(n_hidden):
    with pytest.raises(ValueError, match=f'{n_hidden} hidden activations, expected at least 1'): simple_net(n_hidden)
