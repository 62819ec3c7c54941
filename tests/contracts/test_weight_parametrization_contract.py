"""Every weight parametrization, in every setting: its formula, its limits, its state, and every model with it.

Each variant needs its formula here, ``formula_<name>(spec, learned, held)``: the weight from what is learned, one row
per output filter, and from the buffers it holds, in float64. Weights are read in evaluation, where no reading changes
the buffers.
"""

from copy import deepcopy
from itertools import product

import pytest
import torch
from contracts.test_model_contract import NARROW, batch, build, first_shape
from contracts.variants import all_settings, each, label, variants
from torch import nn
from torch.func import functional_call
from torch.nn.functional import cross_entropy

from normbench.models.base import learned_parameters, parametrize_weights, weight_parameters, weighted_layers
from normbench.norms.none import NoneSpec
from normbench.weight_parametrizations.none import NoneSpec as AsLearned


def kind_of(spec):
    """Return what a spec changes: which choices, and which numbers, of which one other value is tried here."""
    return spec.name, *(key if isinstance(value, int) else (key, value) for key, value in spec.changed().items())


SETTINGS = list({kind_of(spec): spec for spec in all_settings("weight_parametrizations")}.values())
LAYERS = {
    "linear": (lambda: nn.Linear(7, 5), (7,)),
    "conv1d": (lambda: nn.Conv1d(3, 4, 3), (3, 9)),
    "conv2d": (lambda: nn.Conv2d(4, 6, 3), (4, 6, 6)),
    "depthwise": (lambda: nn.Conv2d(4, 4, 3, groups=4), (4, 6, 6)),
    "conv3d": (lambda: nn.Conv3d(2, 3, 2), (2, 4, 4, 4)),
}
EVERY_SETTING = pytest.mark.parametrize("spec", each(SETTINGS))
EVERY_LAYER = pytest.mark.parametrize("kind", LAYERS)
EVERY_MODEL = pytest.mark.parametrize(
    ("spec", "model_spec"), [pytest.param(*p, id=f"{label(p[1])}-{label(p[0])}") for p in product(SETTINGS, NARROW)]
)


def formula_none(_spec, learned, _held):
    return learned[0]


def formula_weight_standardization(spec, learned, _held):
    rows = learned[0].double()
    mean, official = rows.mean(1, keepdim=True), spec.compat == "official"
    var = ((rows - mean) ** 2).sum(1, keepdim=True) / (rows.shape[1] - official)
    return (rows - mean) / (var**0.5 + spec.eps**0.5 if official else (var + spec.eps) ** 0.5)


def formula_weight_norm(spec, learned, _held):
    v, g = (tensor.double() for tensor in learned)
    return g * v / ((v**2).sum(1, keepdim=True) + spec.eps) ** 0.5


def formula_spectral_norm(spec, learned, held):
    v, left, right = learned[0].double(), held["left"].double(), held["right"].double()
    sigma = left @ v @ right
    return v / (sigma if abs(sigma) > spec.eps else spec.eps)


def parametrized(spec, kind, dtype=torch.float64):
    layer = LAYERS[kind][0]().to(dtype)
    spec.build(layer)
    return layer.eval()


def expected_weight(spec, layer):
    formula = globals().get(f"formula_{spec.name}")
    assert formula, f"{spec.name} needs formula_{spec.name}, its weight as a formula, in {__file__}"
    learned = [parameter.detach().flatten(1) for parameter in weight_parameters(layer)]
    held = {name.rpartition(".")[2]: buffer for name, buffer in layer.named_buffers()}
    return formula(spec, learned, held).view_as(layer.weight)


def inputs(kind, dtype=torch.float64):
    return torch.randn(5, *LAYERS[kind][1], dtype=dtype)


def as_function(layer, x):
    """Return the layer's output for x as a function of its parameters."""
    names = [name for name, _ in layer.named_parameters()]
    return lambda *values: functional_call(layer, dict(zip(names, values, strict=True)), (x,))


def scale_what_is_learned(layer, factor):
    with torch.no_grad():
        weight_parameters(layer)[0].mul_(factor)


@EVERY_SETTING
@EVERY_LAYER
@pytest.mark.parametrize("scale", [1.0, 1e-4])
def test_the_weight_is_that_of_the_formula(spec, kind, scale):
    layer = parametrized(spec, kind)
    scale_what_is_learned(layer, scale)
    torch.testing.assert_close(layer.weight.detach(), expected_weight(spec, layer), rtol=1e-9, atol=1e-12)


@EVERY_SETTING
@EVERY_LAYER
def test_float32_agrees_with_float64(spec, kind):
    for scale in (1e-8, 1e-4, 1.0, 1e4):
        layer = parametrized(spec, kind, torch.float32)
        scale_what_is_learned(layer, scale)
        exact = expected_weight(spec, layer.double())
        torch.testing.assert_close(layer.float().weight.detach().double(), exact, rtol=1e-4, atol=1e-5 * scale)


@EVERY_SETTING
def test_the_bias_and_the_output_are_those_of_the_layer(spec):
    layer, x = parametrized(spec, "conv2d"), inputs("conv2d")
    torch.testing.assert_close(layer(x), nn.functional.conv2d(x, layer.weight, layer.bias))


@EVERY_SETTING
@EVERY_LAYER
@pytest.mark.parametrize("scale", [1e-10, 1e-20, 1e-37, 0.0])
def test_weights_and_gradients_stay_finite_however_small_decay_makes_them(spec, kind, scale):
    layer = parametrized(spec, kind, torch.float32)
    scale_what_is_learned(layer, scale)
    layer(inputs(kind, torch.float32)).square().sum().backward()
    assert layer.weight.isfinite().all()
    assert all(parameter.grad.isfinite().all() for parameter in layer.parameters())


@EVERY_SETTING
@EVERY_LAYER
def test_gradients_are_those_of_finite_differences(spec, kind):
    layer, x = parametrized(spec, kind), inputs(kind)
    assert torch.autograd.gradcheck(as_function(layer, x), tuple(layer.parameters()), fast_mode=True)


@EVERY_SETTING
@EVERY_LAYER
def test_second_derivatives_are_those_of_finite_differences(spec, kind):
    layer, x = parametrized(spec, kind), inputs(kind)
    scale_what_is_learned(layer, 3.0)  # of short filters the finite differences are inexact
    assert torch.autograd.gradgradcheck(as_function(layer, x), tuple(layer.parameters()), fast_mode=True)


@EVERY_SETTING
@EVERY_LAYER
@pytest.mark.parametrize("value", [0.0, 0.25])
def test_filters_of_equal_weights_have_finite_first_and_second_derivatives(spec, kind, value):
    layer, x = parametrized(spec, kind, torch.float32), inputs(kind, torch.float32)
    with torch.no_grad():
        weight_parameters(layer)[0].fill_(value)
    learned, y = tuple(layer.parameters()), layer(x)
    first = torch.autograd.grad(y.square().sum(), learned, create_graph=True)
    dots = sum((gradient * torch.randn_like(gradient)).sum() for gradient in first)
    second = torch.autograd.grad(dots, learned)
    assert all(tensor.isfinite().all() for tensor in (y, *first, *second))


@EVERY_SETTING
@EVERY_LAYER
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16], ids=str)
def test_half_precision_rounds_the_weight_and_not_its_statistics(spec, kind, dtype):
    for scale in (1e-3, 1.0, 300.0):  # squares below the smallest float16, and beyond the largest
        layer = parametrized(spec, kind, torch.float32)
        scale_what_is_learned(layer, scale)
        layer.to(dtype)
        assert layer.weight.dtype == dtype
        exact = expected_weight(spec, layer)
        error = (layer.weight.detach().double() - exact).square().mean().sqrt()
        assert error <= torch.finfo(dtype).eps * exact.double().square().mean().sqrt()


@EVERY_SETTING
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16], ids=str)
def test_a_layer_of_half_precision_is_parametrized_and_trains(spec, dtype):
    layer = parametrized(spec, "linear", dtype).train()
    layer(inputs("linear", dtype)).square().sum().backward()
    for parameter in layer.parameters():
        assert parameter.dtype == dtype
        assert parameter.grad.isfinite().all()


@EVERY_SETTING
def test_a_layer_restored_from_its_state_or_copied_computes_the_same(spec):
    layer, restored, x = parametrized(spec, "conv2d").train(), parametrized(spec, "conv2d").train(), inputs("conv2d")
    restored.load_state_dict(layer.state_dict())
    assert torch.equal(restored(x), layer(x))
    copied = deepcopy(layer)
    assert torch.equal(copied(x), layer(x))


@pytest.mark.parametrize("spec", each(spec for spec in SETTINGS if not isinstance(spec, AsLearned)))
@EVERY_LAYER
def test_the_scale_of_what_is_learned_plays_no_part(spec, kind):
    layer = parametrized(spec, kind)
    with torch.no_grad():
        weight_parameters(layer)[0].normal_()
    before = layer.weight.detach().clone()
    scale_what_is_learned(layer, 3.0)
    torch.testing.assert_close(layer.weight.detach(), before, rtol=1e-4, atol=0)


@pytest.mark.parametrize("variant", each(variants("weight_parametrizations")))
def test_stacked_networks_work_under_vmap(variant):
    layers, x = [nn.Sequential(parametrized(variant(), "linear").train()) for _ in range(3)], inputs("linear")
    parameters, buffers = torch.func.stack_module_state(layers)
    base = deepcopy(layers[0])
    stacked = torch.func.vmap(lambda *state: functional_call(base, state, (x,)))(parameters, buffers)
    torch.testing.assert_close(stacked, torch.stack([layer(x) for layer in layers]))


@EVERY_MODEL
def test_names_change_by_what_the_parametrization_adds(spec, model_spec):
    shape = first_shape(model_spec, NoneSpec())
    plain, model = (build(model_spec, NoneSpec(), shape) for _ in range(2))
    parametrize_weights(model, spec)
    added = learned_parameters(model).keys() - dict(plain.named_parameters()).keys()
    assert list(weighted_layers(model)) == list(weighted_layers(plain))
    assert dict(plain.named_parameters()).keys() <= learned_parameters(model).keys()
    assert {name.rpartition(".")[0] for name in added} <= {
        n for n, layer in weighted_layers(model).items() if layer.is_hidden
    }


@EVERY_MODEL
def test_the_outputs_keep_their_weight_and_hidden_layers_get_the_parametrization(spec, model_spec):
    model = build(model_spec, NoneSpec(), first_shape(model_spec, NoneSpec()))
    parametrize_weights(model, spec)
    for name, layer in weighted_layers(model).items():
        changed = layer.is_hidden and not isinstance(spec, AsLearned)
        assert ("weight" in dict(layer.named_parameters(recurse=False))) is not changed, name


@EVERY_MODEL
def test_a_training_step_moves_every_weight(spec, model_spec):
    shape = first_shape(model_spec, NoneSpec())
    model = build(model_spec, NoneSpec(), shape)
    parametrize_weights(model, spec)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    before = {name: layer.weight.detach().clone() for name, layer in weighted_layers(model).items()}
    cross_entropy(model(batch(8, shape)), torch.arange(8) % 3).backward()
    optimizer.step()
    for name, layer in weighted_layers(model).items():
        assert layer.weight.isfinite().all(), name
        assert not torch.equal(layer.weight, before[name]), name
