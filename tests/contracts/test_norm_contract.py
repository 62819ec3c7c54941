"""Every norm, in every setting, for every shape it takes: numbers and state."""

from copy import deepcopy

import pytest
import torch
from contracts.norm_cases import AGES, CASES, FEATURE_SHAPES, MODES, output, takes
from contracts.norm_references import formula, torch_layer
from contracts.variants import all_settings, each, variants
from torch.func import functional_call

DEVICES = ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]

# Of the largest output. Errors of a float32 mean and std are a few 6e-8; an offset of 1000 std magnifies them.
SCALE_TOLERANCE = 1e-5
OFFSET_TOLERANCE = 1e-3


@pytest.mark.parametrize("variant", each(variants("norms")))
def test_a_norm_takes_at_least_one_shape(variant):
    assert any(takes(variant(), shape) for shape in FEATURE_SHAPES)


@pytest.mark.parametrize("spec", each(all_settings("norms")))
def test_every_setting_takes_at_least_one_shape(spec):
    assert any(takes(spec, shape) for shape in FEATURE_SHAPES)


@CASES
@MODES
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("device", DEVICES)
def test_shape_dtype_and_device_are_kept(case, training, dtype, device):
    x = case.batch(5, dtype).to(device)
    y = case.layer(dtype=dtype, training=training).to(device)(x)
    assert (y.shape, y.dtype, y.device) == (x.shape, x.dtype, x.device)


@CASES
@MODES
def test_gradients_are_those_of_finite_differences(case, training):
    layer = case.layer(age=1, training=training)
    names, parameters = zip(*layer.named_parameters(), strict=True) if list(layer.parameters()) else ((), ())
    buffers = dict(layer.named_buffers())

    def outputs(x, *values):
        torch.manual_seed(1)
        state = dict(zip(names, values, strict=True)) | {name: buffer.clone() for name, buffer in buffers.items()}
        return functional_call(layer, state, (x,))

    x = case.batch(3).requires_grad_()
    assert torch.autograd.gradcheck(outputs, (x, *parameters), fast_mode=True)


@CASES
@pytest.mark.parametrize("scale", [1e-4, 1e-2, 1.0, 1e4])
def test_float32_agrees_with_float64_at_every_scale(case, scale):
    _compare_precisions(case, scale * case.batch(8, torch.float32), SCALE_TOLERANCE)


@CASES
def test_float32_agrees_with_float64_far_from_zero(case):
    _compare_precisions(case, 1e3 + case.batch(8, torch.float32), OFFSET_TOLERANCE)


def _compare_precisions(case, x, tolerance):
    single = case.layer(dtype=torch.float32)
    double = deepcopy(single).double()
    for training in (True, False):
        torch.manual_seed(1)
        exact = double.train(training)(x.double()).detach()
        torch.manual_seed(1)
        error = (single.train(training)(x).double() - exact).abs().max()
        assert error <= tolerance * exact.abs().max()


@CASES
@pytest.mark.parametrize("scale", [1e25, 1e-25])
def test_beyond_the_range_a_norm_raises_or_stays_finite(case, scale):
    layer = case.layer(dtype=torch.float32)
    for training in (True, True, False):
        try:
            y = layer.train(training)(scale * case.batch(5, torch.float32))
        except (ValueError, RuntimeError):
            return
        assert y.isfinite().all()
        assert all(buffer.isfinite().all() for buffer in layer.buffers())


@CASES
def test_evaluation_changes_no_buffer(case):
    layer = case.layer(age=2, training=False)
    before = deepcopy(layer.state_dict())
    layer(case.batch(5))
    assert all(torch.equal(value, before[name]) for name, value in layer.state_dict().items())


@CASES
@MODES
def test_a_layer_restored_from_its_state_computes_the_same(case, training):
    layer = case.layer(age=5, training=training)
    restored = case.layer(training=training)
    restored.load_state_dict(layer.state_dict())
    x = case.batch(5)
    assert torch.equal(output(restored, x), output(layer, x))


@CASES
@MODES
def test_a_deep_copy_computes_the_same_and_lives_on_its_own(case, training):
    layer = case.layer(age=5, training=training)
    x = case.batch(5)
    expected = output(layer, x)
    copied = deepcopy(layer)
    for state in (*copied.parameters(), *copied.buffers()):
        state.data.zero_()
    assert torch.equal(output(layer, x), expected)
    assert torch.equal(output(deepcopy(layer), x), expected)


@CASES
@AGES
@pytest.mark.parametrize("std", [1e-2, 2.0])  # at 1e-2 eps 1e-5 is a tenth of the variance
def test_training_computes_the_formula_it_declares(case, age, std):
    layer = case.layer(age=age)
    x = std * torch.randn(case.batch(5).shape, dtype=torch.float64)
    expected = formula(case.spec, layer, x, case.declared(5, training=True)).detach()
    torch.testing.assert_close(output(layer, x), expected, rtol=1e-9, atol=1e-9)


@CASES
@MODES
def test_a_layer_equals_that_of_torch(case, training):
    reference = torch_layer(case.spec, case.feature_shape)
    if reference is None:
        pytest.skip("torch has no such layer")
    layer = case.layer()
    reference.double().load_state_dict(layer.state_dict())
    for _ in range(3):
        x = case.batch(5)
        torch.testing.assert_close(layer(x), reference(x), rtol=1e-9, atol=1e-9)
    x = case.batch(5)
    torch.testing.assert_close(layer.train(training)(x), reference.train(training)(x), rtol=1e-9, atol=1e-9)
