"""Further numbers of the documents, from normbench's layers. Each test names its row in the list of claims.

003, 各种Normalization's hand-written layers: its figures are sums over |torch - hand-written| on one random input.
004: batch norm's momentum under activation checkpointing.
"""

from math import sqrt

import pytest
import torch
from torch import nn

from normbench.norms.batch_norm import BatchNormSpec
from normbench.norms.group_norm import GroupNormSpec
from normbench.norms.instance_norm import InstanceNormSpec
from normbench.norms.layer_norm import LayerNormSpec

IMAGES = (16, 32, 64, 64)
# Spec, blocks of channels, whether a sample stands alone; what the document prints for |.| and for the distance.
LAYERS = {
    "batch_norm": (BatchNormSpec(), 32, False, 13.8286, 2.0101),
    "layer_norm": (LayerNormSpec(), 1, True, 6.9151, 1.0266),
    "instance_norm": (InstanceNormSpec(), 32, True, 221.6718, 31.9452),
    "group_norm": (GroupNormSpec(num_groups=8), 8, True, 55.4126, 8.0),  # 8.0 follows; its line measures IN again
}
each_layer = pytest.mark.parametrize("name", LAYERS)


def dividing_by_n_minus_1(x, num_blocks, alone):
    """Return what the document's hand-written layers compute: std with torch's default correction."""
    blocks = x.unflatten(1, (num_blocks, -1))
    averaged = (2, 3, 4) if alone else (0, 2, 3, 4)
    var, mean = torch.var_mean(blocks, averaged, correction=1, keepdim=True)
    return ((blocks - mean) / (var + 1e-5).sqrt()).flatten(1, 2)


@pytest.fixture(scope="module")
def differences():
    """Return torch's convention less the hand-written one, on U(0, 1), by norm."""
    x = torch.rand(IMAGES, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    with torch.no_grad():
        return {
            name: spec.build(IMAGES[1:]).double()(x) - dividing_by_n_minus_1(x, num_blocks, alone)
            for name, (spec, num_blocks, alone, *_) in LAYERS.items()
        }


def values_per_statistic(name):
    _, num_blocks, alone, *_ = LAYERS[name]
    return torch.Size(IMAGES).numel() // (num_blocks * (IMAGES[0] if alone else 1))


@each_layer
def test_sums_of_differences_between_n_and_n_minus_1(name, differences):
    """A11: 13.8286, 6.9151, 221.6718, 55.4126 within 0.5 %."""
    total = differences[name].abs().sum().item()
    assert total == pytest.approx(LAYERS[name][3], rel=0.005)
    # |y| of uniform values has mean sqrt(3) / 2, and 1 - sqrt((n - 1) / n) is 1 / (2 n), nearly.
    law = sqrt(3) / 2 * torch.Size(IMAGES).numel() / (2 * values_per_statistic(name))
    assert total == pytest.approx(law, rel=0.002)


@each_layer
def test_sums_of_distances_between_n_and_n_minus_1(name, differences):
    """A11b: nn.PairwiseDistance(p=2), over the last axis, summed: 2.0101, 1.0266, 31.9452 within about 3 %."""
    difference = differences[name].float()
    total = nn.PairwiseDistance(p=2)(difference, torch.zeros_like(difference)).sum().item()
    assert total == pytest.approx(LAYERS[name][4], rel=0.03)


def after(momentum, num_passes, batches):
    """Return running mean and variance after each batch was seen ``num_passes`` times in a row."""
    layer = BatchNormSpec(momentum=momentum).build((4,)).double()
    for batch in batches:
        for _ in range(num_passes):
            layer(batch)
    return torch.stack([layer.running_mean, layer.running_var])


@pytest.fixture
def batches():
    return [step + 2 * torch.randn(16, 4, dtype=torch.float64) for step in range(5)]


@pytest.mark.parametrize("keep", [0.9, 0.99, 0.5])
def test_two_forward_passes_with_corrected_momentum_count_as_one(keep, batches):
    """A12: document 004 keeps sqrt(momentum) of the old; torch's share of the new is then 1 - sqrt(1 - m)."""
    corrected = 1 - sqrt(1 - (1 - keep))
    assert corrected == pytest.approx(1 - sqrt(keep), rel=1e-12)
    torch.testing.assert_close(after(corrected, 2, batches), after(1 - keep, 1, batches), rtol=1e-12, atol=1e-12)


def test_two_forward_passes_uncorrected_forget_faster(batches):
    """A12: momentum 0.1 twice is 0.19 once, and sqrt(0.1), read as a share of the new, is 0.53."""
    for momentum, once in ((0.1, 0.19), (sqrt(0.1), 0.5325)):
        assert 1 - (1 - momentum) ** 2 == pytest.approx(once, abs=5e-5)
        effective = 1 - (1 - momentum) ** 2
        torch.testing.assert_close(after(momentum, 2, batches), after(effective, 1, batches), rtol=1e-12, atol=1e-12)
        assert (after(momentum, 2, batches) - after(0.1, 1, batches)).abs().max() > 0.05


def test_an_average_of_all_batches_needs_no_correction(batches):
    """A12: each batch counts twice, so all still count alike."""
    torch.testing.assert_close(after(None, 2, batches), after(None, 1, batches), rtol=1e-12, atol=1e-12)
