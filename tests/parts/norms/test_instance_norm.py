"""instance_norm beyond the contract: running statistics, and what torch takes amiss."""

import pytest
import torch
from torch import nn

from normbench.errors import SettingError
from normbench.norms.instance_norm import InstanceNorm, InstanceNormSpec

SHAPE = (6, 4, 5)


def batch(*shape):
    return 3 + 2 * torch.randn(shape, dtype=torch.float64)


def assert_same(y, expected):
    torch.testing.assert_close(y, expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("momentum", [0.0, 0.1, 1.0])
def test_running_statistics_are_those_of_torch(momentum):
    layer = InstanceNormSpec(momentum=momentum, track_running_stats=True).build(SHAPE).double()
    reference = nn.InstanceNorm2d(6, momentum=momentum, affine=True, track_running_stats=True).double()
    for _ in range(4):
        x = batch(5, *SHAPE)
        assert_same(layer(x), reference(x))
    assert_same(layer.running_mean, reference.running_mean)
    assert_same(layer.running_var, reference.running_var)
    assert_same(layer.eval()(x), reference.eval()(x))


def test_running_statistics_are_means_over_the_maps_of_a_batch():
    layer, x = InstanceNormSpec(momentum=1.0, track_running_stats=True).build(SHAPE).double(), batch(5, *SHAPE)
    layer(x)
    assert_same(layer.running_mean, x.mean((2, 3)).mean(0))
    assert_same(layer.running_var, x.var((2, 3), correction=1).mean(0))


def test_with_running_statistics_evaluation_keeps_what_training_takes_away():
    """A map twice as strong is twice as strong after it in evaluation, and the same as the other in training."""
    layer, x = InstanceNormSpec(track_running_stats=True, affine="none").build(SHAPE).double(), batch(1, *SHAPE)
    both = torch.cat([x, 2 * x])
    y = layer(both)
    torch.testing.assert_close(y[0], y[1], rtol=0, atol=1e-4)
    y = layer.eval()(both)
    shift = (layer.running_mean / (layer.running_var + 1e-5).sqrt()).view(-1, 1, 1)
    assert_same(y[1] + shift, 2 * (y[0] + shift))


@pytest.mark.parametrize("track", [False, True])
@pytest.mark.parametrize("shape", [(6, 1, 1), (6,)])
def test_maps_of_one_position_are_refused_when_the_layer_is_made(shape, track):
    """Research 1.7, traps 2 and 3: torch raises at the first batch, and takes (N, C) for one sample (C, L)."""
    with pytest.raises(SettingError, match=r"^name: must average over 2 values or more"):
        InstanceNormSpec(track_running_stats=track).build(shape)


def test_torch_has_no_weight_unless_told_and_we_do():
    assert nn.InstanceNorm2d(6).weight is None
    assert InstanceNormSpec().build(SHAPE).weight.shape == (6,)


def test_a_map_of_one_position_is_refused():
    message = r"input: must have maps of 2 positions or more, got \(2, 3, 1, 1\). Use batch_norm or layer_norm."
    with pytest.raises(ValueError, match=message):
        InstanceNorm(3)(torch.ones(2, 3, 1, 1))
