"""Every norm where there is little to average: constant values, no values, and values that are not the layer's."""

from copy import deepcopy

import pytest
import torch
from contracts.norm_cases import CASES, ONE_SHAPE_CASES
from contracts.norm_references import torch_layer
from torch import nn

from normbench.inspection.norm_contract.measured_norm import MODES, output, seeded
from normbench.inspection.norm_contract.numbers import pure

CONSTANTS = [(0.0, torch.float32, True), (3.0, torch.float16, True), (3.0, torch.float32, False)]


def partly_constant(case):
    """Return a batch with a sample of zeros and, in the others, a feature of 3."""
    x = case.batch(3)
    x[0], x[1:, 0] = 0, 3
    return x


@ONE_SHAPE_CASES
@pytest.mark.parametrize("mode", MODES)
def test_second_derivatives_are_those_of_finite_differences_also_of_constant_values(case, mode):
    layer = case.layer(age=1, training=MODES[mode])
    inputs = (partly_constant(case).requires_grad_(), *layer.parameters())
    assert torch.autograd.gradgradcheck(pure(layer), inputs, fast_mode=True)


def with_derivatives(layer, x):
    """Return the output, and first and second derivatives, in random directions that are the same in every dtype."""
    directions = torch.Generator().manual_seed(0)

    def direction(tensor):
        return torch.randn(tensor.shape, generator=directions).to(tensor.dtype)

    leaves = (x.detach().requires_grad_(), *layer.parameters())
    y = seeded(layer, leaves[0])
    first = torch.autograd.grad(y, leaves, direction(y), create_graph=True, materialize_grads=True)
    dots = [(gradient * direction(gradient)).sum() for gradient in first if gradient.requires_grad]
    second = torch.autograd.grad(sum(dots), leaves, materialize_grads=True) if dots else ()
    return (y, *first, *second)


@CASES
def test_constant_values_have_finite_first_and_second_derivatives(case):
    for value, dtype, training in CONSTANTS:
        layer = case.layer(dtype=dtype, training=training)
        x = torch.full_like(case.batch(3, dtype), value)
        found = with_derivatives(layer, x)
        if not all(tensor.isfinite().all() for tensor in found):
            exact = with_derivatives(layer.double(), x.double())
            largest = torch.finfo(dtype).max / 2  # half precision has no number for larger ones
            for tensor, right in zip(found, exact, strict=True):
                assert tensor[right.abs() < largest].isfinite().all()


def empty_batches(case):
    """Return a batch without samples and, where there are positions, one without positions."""
    empty = [torch.randn(0, *case.feature_shape)]
    if len(case.feature_shape) > 1:
        empty.append(torch.randn(4, case.feature_shape[0], 0, *case.feature_shape[2:]))
    return empty


def takes_other_sizes(layer, case):
    """Return whether the layer takes maps of other sizes than it was built for."""
    try:
        deepcopy(layer)(torch.randn(4, case.feature_shape[0], case.feature_shape[1] + 1, *case.feature_shape[2:]))
    except (ValueError, RuntimeError):
        return False
    return True


@CASES
@pytest.mark.parametrize("mode", MODES)
def test_an_empty_batch_is_put_out_as_it_came_and_moves_nothing(case, mode):
    layer = case.layer(dtype=torch.float32, age=2, training=MODES[mode])
    before = deepcopy(layer.state_dict())
    for x in empty_batches(case):
        if not len(x) or takes_other_sizes(layer, case):
            y = layer(x.requires_grad_())
            y.sum().backward()
            assert (y.shape, y.dtype, x.grad.shape) == (x.shape, x.dtype, x.shape)
            assert all(p.grad is None or not p.grad.any() for p in layer.parameters())
        assert all(torch.equal(value, before[name]) for name, value in layer.state_dict().items())


@ONE_SHAPE_CASES
def test_inference_mode_computes_the_same(case):
    x = case.batch(5)
    for training in MODES.values():
        layer = case.layer(training=training)
        expected = output(layer, x)
        with torch.inference_mode():
            assert torch.equal(output(layer, x), expected)


@ONE_SHAPE_CASES
def test_a_layer_on_the_meta_device_gives_the_shape(case):
    x = case.batch(5).to("meta")
    assert case.layer().to("meta")(x).shape == x.shape


@CASES
def test_other_numbers_of_channels_are_refused(case):
    layer = case.layer(dtype=torch.float32)
    if isinstance(layer, nn.Identity):
        pytest.skip("it has no channels")
    before, own = deepcopy(layer.state_dict()), case.feature_shape[0]
    for training in MODES.values():
        for other in (0, 1, own // 2, own - 1, own + 1, 2 * own):
            with pytest.raises(ValueError, match=rf"^input: must have {own} channels, .*, got shape \(4, {other}\b"):
                layer.train(training)(torch.randn(4, other, *case.feature_shape[1:]))
    with pytest.raises(ValueError, match=r"^input: must have"):
        layer(torch.randn(own))
    assert all(torch.equal(value, before[name]) for name, value in layer.state_dict().items())


@CASES
def test_an_empty_batch_is_taken_where_torchs_own_layer_takes_it(case):
    reference = torch_layer(case.spec, case.feature_shape)
    if reference is None:
        pytest.skip("torch has no such layer")
    layer = case.layer(dtype=torch.float32)
    for x in empty_batches(case):
        try:
            expected = reference(x)
        except (ValueError, RuntimeError, IndexError):
            continue
        assert layer(x).shape == expected.shape
