"""Dynamic tanh and erf against their formulas in float64: outputs, gradients over many parts, starts, and refusals."""

import math

import pytest
import torch

from normbench.inspection.norm_contract.numbers import pure
from normbench.norms import _by_samples
from normbench.norms.dynamic_erf import DynamicErf, DynamicErfSpec
from normbench.norms.dynamic_tanh import DynamicTanh, DynamicTanhSpec

SHAPE = (4, 3, 2)
AFFINE = pytest.mark.parametrize("affine", ["channel", "element", "none"])


def tanh(x, alpha):
    """(e^u - e^-u) / (e^u + e^-u) at u = alpha x."""
    up, down = torch.exp(alpha * x), torch.exp(-alpha * x)
    return (up - down) / (up + down)


def erf(x, alpha, shift):
    """The integral of 2 / sqrt(pi) exp(-t^2) from 0 to u = alpha x + shift, by Simpson's rule."""
    u, parts = alpha * x + shift, 400
    t = u.unsqueeze(-1) * torch.linspace(0, 1, parts + 1, dtype=u.dtype)
    weights = torch.tensor([1.0, *[4.0, 2.0] * (parts // 2 - 1), 4.0, 1.0], dtype=u.dtype)
    return u / parts / 3 * (2 / math.sqrt(math.pi) * torch.exp(-t.square()) * weights).sum(-1)


SPECS = {"tanh": (DynamicTanhSpec, tanh), "erf": (DynamicErfSpec, erf)}
EACH = pytest.mark.parametrize(("spec", "curve"), SPECS.values(), ids=SPECS)


def drawn(spec, affine):
    """Return a layer of float64 away from its start, and what its formula has beside the curve."""
    layer = spec(affine=affine).build(SHAPE).double()
    with torch.no_grad():
        for parameter in layer.parameters():
            parameter.add_(torch.randn_like(parameter), alpha=0.3)
    places = [getattr(layer, name) for name in layer.starts]
    shape = (-1, 1, 1) if affine == "channel" else SHAPE
    scales = [] if layer.weight is None else [layer.weight.view(shape), layer.bias.view(shape)]
    return layer, places, scales


@EACH
@AFFINE
def test_output_and_gradients_are_those_of_the_formula(spec, curve, affine, monkeypatch):
    monkeypatch.setattr(_by_samples, "VALUES_AT_ONCE", 2 * math.prod(SHAPE))  # five samples are three parts
    layer, places, scales = drawn(spec, affine)
    x = (2 * torch.randn(5, *SHAPE, dtype=torch.float64)).requires_grad_()
    expected = curve(x, *places)
    expected = expected * scales[0] + scales[1] if scales else expected
    y, grad, leaves = layer(x), torch.randn_like(x), [x, *layer.parameters()]
    torch.testing.assert_close(y, expected, rtol=1e-9, atol=1e-9)
    torch.testing.assert_close(
        torch.autograd.grad(y, leaves, grad), torch.autograd.grad(expected, leaves, grad), rtol=1e-8, atol=1e-8
    )


@EACH
@AFFINE
def test_second_derivatives_are_those_of_finite_differences(spec, curve, affine):  # noqa: ARG001 - EACH has both
    layer, _, _ = drawn(spec, affine)
    x = torch.randn(2, *SHAPE, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradgradcheck(pure(layer), (x, *layer.parameters()), fast_mode=True)


@EACH
@pytest.mark.parametrize("name", ["alpha", "weight", "bias"])
def test_one_parameter_alone_may_have_an_axis_of_networks(spec, curve, name):  # noqa: ARG001
    layer, x = drawn(spec, "channel")[0], torch.randn(2, *SHAPE, dtype=torch.float64)
    value = layer.get_parameter(name).detach()

    def squares(one):
        return torch.func.functional_call(layer, {name: one}, (x,)).square().sum()

    stacked = torch.func.vmap(torch.func.grad(squares))(torch.stack([value, value + 1]))
    torch.testing.assert_close(stacked, torch.stack([torch.func.grad(squares)(one) for one in (value, value + 1)]))


def test_in_float32_the_numbers_are_those_of_the_plain_operations():
    x = 3 * torch.randn(8, 6, 5)
    layer = DynamicTanh((6, 5))
    assert torch.equal(layer(x), torch.tanh(torch.ones(1) * 0.5 * x) * torch.ones(6, 1) + torch.zeros(6, 1))
    layer = DynamicErf((6, 5), alpha_init=0.8, shift_init=0.1)
    assert torch.equal(layer(x), torch.erf(torch.ones(1) * 0.8 * x + torch.ones(1) * 0.1))


@EACH
def test_each_learned_number_starts_as_told_and_has_a_gradient_where_a_batch_is_empty(spec, curve):  # noqa: ARG001
    layer = spec(alpha_init=0.25, affine="element").build(SHAPE)
    starts = {"alpha": 0.25, "shift": 0.0, "weight": 1.0, "bias": 0.0}
    named = dict(layer.named_parameters())
    assert {name: parameter.unique().tolist() for name, parameter in named.items()} == {n: [starts[n]] for n in named}
    assert {name: tuple(named[name].shape) for name in ("alpha", "weight")} == {"alpha": (1,), "weight": SHAPE}
    layer(torch.empty(0, *SHAPE)).sum().backward()
    assert all(parameter.grad.eq(0).all() for parameter in named.values())


@EACH
def test_other_shapes_are_refused_where_there_is_a_weight_per_element(spec, curve):  # noqa: ARG001
    spec(affine="channel").build(SHAPE)(torch.randn(2, 4, 5, 5))
    with pytest.raises(ValueError, match=r"^input: must have samples of shape \(4, 3, 2\), .* Use affine: channel"):
        spec(affine="element").build(SHAPE)(torch.randn(2, 4, 5, 5))
    with pytest.raises(ValueError, match="greater than 0"):
        spec(alpha_init=0.0)
