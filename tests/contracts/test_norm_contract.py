"""Every norm, in every setting, for every shape it takes: numbers and state."""

from contextlib import suppress
from copy import deepcopy

import pytest
import torch
from contracts import norm_references
from contracts.norm_cases import CASES, FEATURE_SHAPES, takes
from contracts.norm_references import formula, has_formula, torch_layer
from contracts.variants import all_settings, each, variants

from normbench.inspection.norm_contract.measured_norm import MODES, output
from normbench.inspection.norm_contract.numbers import precision_error, pure

DEVICES = ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]

# Root mean square error over that of the output. Float32 rounds by 6e-8, an offset of 1000 std makes that 6e-5;
# a variance taken as mean square less squared mean would be wrong by more than a tenth there.
SCALE_TOLERANCE = 1e-5
OFFSET_TOLERANCE = 2e-3


@pytest.mark.parametrize("variant", each(variants("norms")))
def test_a_norm_takes_at_least_one_shape(variant):
    assert any(takes(variant(), shape) for shape in FEATURE_SHAPES)


@pytest.mark.parametrize("spec", each(all_settings("norms")))
def test_every_setting_takes_at_least_one_shape(spec):
    assert any(takes(spec, shape) for shape in FEATURE_SHAPES)


@CASES
@pytest.mark.parametrize("device", DEVICES)
def test_shape_dtype_and_device_are_kept(case, device):
    for dtype in (torch.float32, torch.float64):
        for training in MODES.values():
            x = case.batch(5, dtype).to(device)
            y = case.layer(dtype=dtype, training=training).to(device)(x)
            assert (y.shape, y.dtype, y.device) == (x.shape, x.dtype, x.device)


@CASES
@pytest.mark.parametrize("mode", MODES)
def test_gradients_are_those_of_finite_differences(case, mode):
    layer = case.layer(age=1, training=MODES[mode])
    inputs = (case.batch(3).requires_grad_(), *layer.parameters())
    assert torch.autograd.gradcheck(pure(layer), inputs, fast_mode=True)


@CASES
def test_float32_agrees_with_float64_at_every_scale(case):
    for scale in (1e-5, 1e-3, 0.1, 1e3):  # times the batch's std of 10
        _compare_precisions(case, scale * case.batch(8, torch.float32), SCALE_TOLERANCE)


@CASES
def test_float32_agrees_with_float64_far_from_zero(case):
    _compare_precisions(case, 1e3 + 0.1 * case.batch(8, torch.float32), OFFSET_TOLERANCE)


def _compare_precisions(case, x, tolerance):
    assert precision_error(case.layer(dtype=torch.float32), x) <= tolerance


# torch's layer and group norm square in float32, so that above about 1e18 their output is not finite; the loss
# then is not either, and the run counts as diverged. Buffers would keep the damage, so they must stand more.
@CASES
@pytest.mark.parametrize("scale", [1e15, 1e-25])
def test_beyond_the_range_a_norm_raises_or_gives_finite_outputs(case, scale):
    layer = case.layer(dtype=torch.float32)
    for training in (True, True, False):
        try:
            y = layer.train(training)(scale * case.batch(5, torch.float32))
        except (ValueError, RuntimeError):
            return
        assert y.isfinite().all()


@CASES
@pytest.mark.parametrize("scale", [1e25, 1e-25])
def test_beyond_the_range_the_buffers_of_a_norm_stay_finite(case, scale):
    layer = case.layer(dtype=torch.float32)
    for _ in range(2):
        with suppress(ValueError, RuntimeError):
            layer(scale * case.batch(5, torch.float32))
    assert all(buffer.isfinite().all() for buffer in layer.buffers())


@CASES
def test_evaluation_changes_no_buffer(case):
    layer = case.layer(age=2, training=False)
    before = deepcopy(layer.state_dict())
    layer(case.batch(5))
    assert all(torch.equal(value, before[name]) for name, value in layer.state_dict().items())


@CASES
def test_a_layer_restored_from_its_state_computes_the_same(case):
    x = case.batch(5)
    for training in MODES.values():
        layer, restored = case.layer(age=5, training=training), case.layer(training=training)
        restored.load_state_dict(layer.state_dict())
        assert torch.equal(output(restored, x), output(layer, x))


@CASES
def test_a_deep_copy_computes_the_same_and_lives_on_its_own(case):
    x = case.batch(5)
    for training in MODES.values():
        layer = case.layer(age=5, training=training)
        expected, copied = output(layer, x), deepcopy(layer)
        assert torch.equal(output(copied, x), expected)
        for state in (*copied.parameters(), *copied.buffers()):
            state.data.zero_()
        assert torch.equal(output(layer, x), expected)


@CASES
@pytest.mark.parametrize("std", [1e-2, 2.0])
def test_training_computes_the_formula_it_declares(case, std):
    declared = case.declared(5, training=True)
    if not has_formula(case.spec, declared):
        pytest.skip("the formula that it prints is evaluated in test_about_contract.py")
    layer = case.layer(age=1)
    x = std * torch.randn(case.batch(5).shape, dtype=torch.float64)  # at 1e-2, eps 1e-5 is a tenth of the variance
    expected = formula(case.spec, layer, x, declared).detach()
    way_out = f"add formula_{case.spec.name}(spec, layer, x) to {norm_references.__file__}"
    what = f"not (x - mean) / std over the axes that it declares, {declared.averaged_axes}; if that is meant, {way_out}"
    torch.testing.assert_close(output(layer, x), expected, rtol=1e-9, atol=1e-9, msg=lambda said: f"{said}\n{what}")


@CASES
def test_a_layer_equals_that_of_torch(case):
    reference = torch_layer(case.spec, case.feature_shape)
    if reference is None:
        pytest.skip("torch has no such layer")
    layer = case.layer()
    reference.double().load_state_dict(layer.state_dict())
    for training in (True, True, True, False):
        x = case.batch(5)
        y, expected = layer.train(training)(x), reference.train(training)(x)
        torch.testing.assert_close(y, expected, rtol=1e-9, atol=1e-9)
