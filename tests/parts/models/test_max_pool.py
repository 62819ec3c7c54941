"""Max pooling without a gradient: torch's numbers to the bit, and torch's own kernel where a gradient is asked for."""

import pytest
import torch
from torch import nn

from normbench.models._max_pool import MaxPool2d

ODD_VALUES = torch.tensor([float("nan"), float("inf"), -float("inf"), -0.0, 0.0])


def maps(*shape):
    x = torch.randn(shape).round(decimals=1)  # with ties
    x.view(-1)[: len(ODD_VALUES)] = ODD_VALUES
    return x


@pytest.mark.parametrize("size", [2, 3])
@pytest.mark.parametrize("shape", [(3, 2, 8, 8), (2, 3, 7, 11), (0, 2, 6, 6)])
@pytest.mark.parametrize("change", [torch.clone, torch.Tensor.half, lambda x: x.to(memory_format=torch.channels_last)])
def test_the_numbers_are_torchs(size, shape, change):
    x = change(maps(*shape) if shape[0] else torch.empty(shape))
    torch.testing.assert_close(MaxPool2d(size)(x), nn.MaxPool2d(size)(x), rtol=0, atol=0, equal_nan=True)


@pytest.mark.filterwarnings("ignore:.torch.jit.script. is deprecated")  # torch's own, by its forward derivatives
def test_the_gradient_is_torchs_where_values_tie():
    found = []
    for layer in (MaxPool2d(2), nn.MaxPool2d(2)):
        x = torch.zeros(1, 1, 4, 4, requires_grad=True)
        layer(x).sum().backward()
        tangent = torch.arange(16.0).view(1, 1, 4, 4)
        found.append((x.grad, torch.func.jvp(layer, (x.detach(),), (tangent,))[1]))
    assert all(map(torch.equal, *found))


def test_maps_smaller_than_a_window_are_refused_as_torch_does():
    with pytest.raises(RuntimeError, match="too small"):
        MaxPool2d(2)(torch.randn(2, 1, 1, 6))
