"""The documents' weight standardization and AdaIN, by hand. Each test names its row in the list of claims.

G  BN, GN+WS, MagicGeek2.github.io, after 一文搞懂Batch Normalization,Layer/Instance/Group Norm
V  各种Normalization
"""

import pytest
import torch
from torch import nn

from normbench.norms.adain import AdaIN
from normbench.weight_parametrizations.weight_standardization import WeightStandardizationSpec

FILTERS = torch.tensor([[[[1.0, 2.0], [3.0, 4.0]]], [[[0.0, 0.0], [0.0, 4.0]]]], dtype=torch.float64)


def test_standardized_filters_have_mean_zero_and_std_one():
    """A17: document G, the PyTorch code of WS on a (2, 1, 2, 2) filter: unbiased std, eps outside; bias untouched.

    Filter 1: mean 2.5, squares 2.25 + 0.25 + 0.25 + 2.25 = 5, unbiased variance 5/3, std 1.290994.
    Filter 2: mean 1, squares 1 + 1 + 1 + 9 = 12, unbiased variance 4, std 2.
    """
    layer = nn.Conv2d(1, 2, 2).double()
    bias = layer.bias.detach().clone()
    layer.weight.data.copy_(FILTERS)
    WeightStandardizationSpec(compat="official").build(layer)
    rows = layer.weight.detach().flatten(1)
    assert rows[0].tolist() == pytest.approx([-1.161895, -0.387298, 0.387298, 1.161895], abs=2e-5)
    assert rows[1].tolist() == pytest.approx([-0.5, -0.5, -0.5, 1.5], abs=2e-5)
    assert rows.mean(1).tolist() == pytest.approx([0, 0], abs=1e-12)
    assert rows.std(1).tolist() == pytest.approx([1, 1], abs=1e-5)
    assert torch.equal(layer.bias, bias)


def test_standardized_by_the_paper_the_biased_std_is_one():
    """A17, the other convention: squares over 4 instead of 3, std 1.118034 and 1.732051."""
    layer = nn.Conv2d(1, 2, 2).double()
    layer.weight.data.copy_(FILTERS)
    WeightStandardizationSpec().build(layer)
    rows = layer.weight.detach().flatten(1)
    assert rows[0].tolist() == pytest.approx([-1.341641, -0.447214, 0.447214, 1.341641], abs=1e-6)
    assert rows[1].tolist() == pytest.approx([-0.577350, -0.577350, -0.577350, 1.732051], abs=1e-6)


def test_adain_by_hand():
    """A20: document V: content (1, 3), style (10, 14): 12 + 2 (x - 2) / 1."""
    content, style = torch.tensor([[[1.0, 3.0]]]), torch.tensor([[[10.0, 14.0]]])
    assert AdaIN()(content, style).flatten().tolist() == pytest.approx([10, 14], abs=1e-4)


@pytest.mark.parametrize("compat", ["none", "official"])
def test_the_output_has_the_styles_mean_and_std_and_nothing_is_learned(compat):
    """A20: document V: "aligns the channel-wise mean and variance of x to match those of y", no affine parameters."""
    content = 2 + 3 * torch.randn(3, 4, 8, 8, dtype=torch.float64)
    style = -1 + 2 * torch.randn(3, 4, 8, 8, dtype=torch.float64)
    layer = AdaIN(compat=compat)
    y = layer(content, style)
    torch.testing.assert_close(y.mean((2, 3)), style.mean((2, 3)), rtol=0, atol=1e-5)
    torch.testing.assert_close(y.std((2, 3)), style.std((2, 3)), rtol=0, atol=1e-5)
    assert list(layer.parameters()) == []
    assert list(layer.buffers()) == []
