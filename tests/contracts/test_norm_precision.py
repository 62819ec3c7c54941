"""Every norm in half precision and under autocast: it rounds what it puts out, and not what it averages."""

from copy import deepcopy
from itertools import product

import pytest
import torch
from contracts.norm_cases import CASES, LARGE_CASES, ONE_SHAPE_CASES
from contracts.norm_references import torch_layer

from normbench.inspection.norm_contract.measured_norm import output, seeded

HALVES = (torch.float16, torch.bfloat16)

# Root mean square error over that of the exact result, in units of the dtype's eps. Rounding once makes 0.2 of it.
ROUNDINGS = 1.0
STD = 30.0


def layers(case, dtype):
    """Return a layer of each dtype of parameters that torch takes with such an input."""
    return [case.layer(dtype=of_parameters) for of_parameters in (dtype, torch.float32)]


def modes(case):
    return (True,) if case.declared(5, training=True).same_in_eval else (True, False)


def compare_with_float64(layer, x):
    """Compare the output, the gradient for the input, and the buffers, with those of the same layer in float64."""
    exact, grad = deepcopy(layer).double(), torch.randn_like(x)
    half, double = x.detach().requires_grad_(), x.double().requires_grad_()
    y, exact_y = seeded(layer, half), seeded(exact, double)
    y.backward(grad)
    exact_y.backward(grad.double())
    assert_rounded(y.detach(), exact_y.detach(), x.dtype)
    # Of two values normalized together the gradient is nearly 0, a difference of gradients of this size.
    assert_rounded(half.grad, double.grad, x.dtype, at_least=1 / x.double().std())
    for name, buffer in layer.named_buffers():
        assert_buffer(name, buffer, exact.get_buffer(name))


def assert_rounded(found, exact, dtype, at_least=0.0):
    assert found.dtype == dtype
    error, size = ((value.square().mean().sqrt()) for value in (found.double() - exact, exact))
    assert error <= ROUNDINGS * torch.finfo(dtype).eps * max(size, at_least)


def assert_buffer(name, buffer, exact):
    if not buffer.is_floating_point():
        assert torch.equal(buffer, exact), name
        return
    limits = torch.finfo(buffer.dtype)
    tolerance = max(1e-4, 2 * limits.eps)
    rounded = exact.clamp(limits.min, limits.max).to(buffer.dtype)
    torch.testing.assert_close(buffer, rounded, rtol=tolerance, atol=tolerance, msg=lambda said: f"{name}: {said}")


@CASES
@pytest.mark.parametrize(("dtype", "of_parameters"), [(torch.float16, torch.float16), (torch.bfloat16, torch.float32)])
def test_half_precision_rounds_what_float64_gives(case, dtype, of_parameters):
    layer = case.layer(dtype=of_parameters)
    for training in modes(case):
        compare_with_float64(layer.train(training), case.batch(5).to(dtype))


@ONE_SHAPE_CASES
@pytest.mark.parametrize("std", [STD, 10 * STD])
def test_squares_and_their_sums_may_pass_the_largest_float16(case, std):
    x = case.batch(5)
    x = (std * x / x.std()).half()
    assert (x.float() ** 2).sum() > torch.finfo(torch.float16).max
    for layer, training in product(layers(case, torch.float16), modes(case)):
        compare_with_float64(layer.train(training), x)


@ONE_SHAPE_CASES
@pytest.mark.parametrize("dtype", HALVES)
def test_half_precision_far_from_zero_rounds_what_float64_gives(case, dtype):
    for layer, training in product(layers(case, dtype), modes(case)):
        compare_with_float64(layer.train(training), (1000 + case.batch(5)).to(dtype))


@LARGE_CASES
def test_numbers_of_values_may_pass_the_largest_float16(case):
    x = (STD * torch.randn(2, *case.feature_shape)).half()
    compare_with_float64(case.layer(dtype=torch.float16), x)


@CASES
def test_autocast_changes_nothing(case):
    for dtype, training in product((torch.float32, torch.bfloat16), modes(case)):
        layer, x = case.layer(dtype=torch.float32, training=training), case.batch(5, dtype)
        with torch.autocast("cpu", torch.bfloat16):
            under_autocast = output(layer, x)
        assert under_autocast.dtype == dtype
        assert torch.equal(under_autocast, output(layer, x))


@CASES
def test_under_autocast_a_layer_equals_that_of_torch(case):
    reference = torch_layer(case.spec, case.feature_shape)
    if reference is None:
        pytest.skip("torch has no such layer")
    layer = case.layer(dtype=torch.float32)
    reference.load_state_dict(layer.state_dict())
    for training in modes(case):
        x = case.batch(5, torch.float32)
        with torch.autocast("cpu", torch.bfloat16):
            torch.testing.assert_close(layer.train(training)(x), reference.train(training)(x), rtol=1e-5, atol=1e-5)
