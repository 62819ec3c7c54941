"""local_response_norm beyond the contract: AlexNet's formula, torch's convention, even windows."""

import pytest
import torch
from torch import nn

from normbench.errors import SettingError
from normbench.norms.local_response_norm import LocalResponseNormSpec


def assert_same(y, expected):
    torch.testing.assert_close(y, expected, rtol=1e-12, atol=1e-12)


def test_the_defaults_are_those_of_alexnet():
    """Krizhevsky et al. 2012, 3.3: k 2, n 5, alpha 1e-4 times the plain sum, beta 0.75."""
    x = 100 * torch.randn(2, 8, 3, 3, dtype=torch.float64)
    expected = torch.empty_like(x)
    for i in range(8):
        squares = x[:, max(0, i - 2) : min(7, i + 2) + 1].square().sum(1)
        expected[:, i] = x[:, i] / (2 + 1e-4 * squares) ** 0.75
    assert_same(LocalResponseNormSpec().build((8, 3, 3))(x), expected)


@pytest.mark.parametrize("size", [1, 2, 3, 4, 8, 9, 40])
def test_every_window_is_that_of_torch(size):
    x = 10 * torch.randn(2, 8, 3, 3, dtype=torch.float64)
    layer = LocalResponseNormSpec(size=size, alpha=0.01, beta=0.6, k=1.5).build((8, 3, 3))
    assert_same(layer(x), nn.LocalResponseNorm(size, 0.01, 0.6, 1.5)(x))


def test_an_even_window_reaches_further_to_the_channels_before():
    x = torch.zeros(1, 5, 1, dtype=torch.float64)
    x[0, 2] = 1.0
    others = torch.full_like(x, 1e-6)
    y = LocalResponseNormSpec(size=2, alpha=2.0, beta=1.0, k=1.0).build((5, 1))(x + others)
    assert (y[0, :, 0] < 0.9e-6).tolist() == [False, False, False, True, False]


def test_there_is_nothing_to_learn():
    layer = LocalResponseNormSpec().build((6, 4, 4))
    assert (list(layer.parameters()), list(layer.buffers())) == ([], [])


def test_features_without_positions_are_refused():
    with pytest.raises(SettingError) as refusal:
        LocalResponseNormSpec().build((6,))
    assert str(refusal.value) == (
        "name: must have channels with positions, in features of shape (6,), got 'local_response_norm'. "
        "Use rms_norm or layer_norm."
    )
