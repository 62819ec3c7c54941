"""Filter response norm against its formula in float64, its learned eps, and its gradients over many parts."""

import pytest
import torch

from normbench.norms import _by_samples
from normbench.norms.filter_response_norm import FilterResponseNorm, FilterResponseNormSpec


def formula(x, layer, eps):
    """max(gamma x / sqrt(mean(x^2) + eps) + beta, tau), as the paper prints it."""
    mean_square = (x * x).mean((2, 3), keepdim=True)
    gamma, beta, tau = (p.view(1, -1, 1, 1) for p in (layer.weight, layer.bias, layer.threshold))
    return torch.where(
        gamma * x / torch.sqrt(mean_square + eps) + beta > tau, gamma * x / torch.sqrt(mean_square + eps) + beta, tau
    )


def drawn(layer):
    with torch.no_grad():
        for parameter in layer.parameters():
            parameter.add_(torch.randn_like(parameter), alpha=0.5)
    return layer


@pytest.mark.parametrize("size", [(4, 5), (1, 1)])
def test_output_and_gradients_are_those_of_the_printed_formula(size, monkeypatch):
    monkeypatch.setattr(_by_samples, "VALUES_AT_ONCE", 2 * 3 * size[0] * size[1])  # five samples are three parts
    layer = drawn(FilterResponseNormSpec().build((3, *size))).double()
    learned = layer.learned_eps.detach().abs() if size == (1, 1) else 0.0
    x = torch.randn(5, 3, *size, dtype=torch.float64, requires_grad=True)
    grad = torch.randn_like(x)
    layer(x).backward(grad)
    found = [x.grad, layer.weight.grad, layer.bias.grad, layer.threshold.grad]
    y = formula(x, layer, 1e-6 + learned)
    expected = torch.autograd.grad(y, [x, layer.weight, layer.bias, layer.threshold], grad)
    torch.testing.assert_close(layer(x), y, rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(found, list(expected), rtol=1e-9, atol=1e-9)


def test_known_numbers():
    layer = FilterResponseNorm(1)
    torch.testing.assert_close(layer(torch.tensor([[[3.0, -4.0, 0.0]]])), torch.tensor([[[1.0392305, 0.0, 0.0]]]))
    with torch.no_grad():
        layer.threshold.fill_(-0.5)
    torch.testing.assert_close(layer(torch.tensor([[[3.0, -4.0, 0.0]]])), torch.tensor([[[1.0392305, -0.5, 0.0]]]))


def test_a_part_of_eps_is_learned_where_maps_have_one_position_alone():
    assert FilterResponseNormSpec().build((3, 2, 2)).learned_eps is None
    for shape in ((3,), (3, 1, 1)):
        layer = FilterResponseNormSpec().build(shape)
        assert layer.learned_eps.tolist() == pytest.approx([1e-4])
        x = torch.full((2, *shape), 0.01)
        torch.testing.assert_close(layer(x), x / (x.square() + 1e-6 + 1e-4).sqrt())


def test_an_activation_may_write_into_what_it_puts_out():
    x = torch.randn(2, 3, 4, 4, requires_grad=True)
    layer = FilterResponseNorm(3)
    plain, in_place = torch.relu(layer(x)), torch.relu_(layer(x))
    assert torch.equal(plain, in_place)
    assert torch.equal(*(torch.autograd.grad(y.sum(), x)[0] for y in (plain, in_place)))
