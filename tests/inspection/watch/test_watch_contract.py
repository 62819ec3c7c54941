"""Every model of normbench, and foreign ones: found, watched as hand-made hooks would, and put back bit for bit."""

from contextlib import nullcontext
from dataclasses import dataclass, is_dataclass

import numpy as np
import pytest
import torch
from contracts.model_cases import NORMS, batch, build, first_shape
from contracts.variants import all_settings, label
from foreign_models import HEALTHY, batch_for
from model_snapshots import Stopping, Wayward, assert_same, in_mixed_modes, snapshot
from torch import Tensor, nn

from normbench.any_module.restore import leaving_unchanged
from normbench.inspection.watch.layers import watched_layers
from normbench.inspection.watch.moments import Moments
from normbench.inspection.watch.watch import outputs_by_layer, watching, whole
from normbench.models.base import weighted_layers


def of_normbench(spec):
    """Return the model with batch norm where it takes it, and dropout, and a batch."""
    norm = next(norm for norm in sorted(NORMS, key=lambda norm: norm.name != "batch_norm") if first_shape(spec, norm))
    shape = first_shape(spec, norm)
    return build(spec, norm, shape, dropout=0.3), batch(6, shape)


def foreign(make, shape):
    return make(), batch_for(shape)


OWN = {f"normbench {label(spec)}": (lambda spec=spec: of_normbench(spec)) for spec in all_settings("models")}
FOREIGN = {name: (lambda case=case: foreign(*case)) for name, case in HEALTHY.items()}
EVERY = pytest.mark.parametrize("name", OWN | FOREIGN)


def made(name):
    torch.default_generator.manual_seed(3)
    return (OWN | FOREIGN)[name]()


def first_tensor(output):
    """Return the first floating tensor of what a module put out."""
    if isinstance(output, Tensor):
        return output if output.is_floating_point() else None
    parts = vars(output).values() if is_dataclass(output) else output.values() if isinstance(output, dict) else output
    return next(found for found in map(first_tensor, parts) if found is not None)


def passed(model, x):
    """Send a batch forward and a fixed direction back, always with the same random numbers."""
    torch.default_generator.manual_seed(4)
    output = first_tensor(model(x))
    (output * torch.linspace(-1, 1, output.numel()).view_as(output)).sum().backward()


@dataclass
class Seen:
    """What hand-made hooks kept of one call."""

    name: str
    output: Tensor
    grad: Tensor | None = None


def seen_by_hand(model, x, names):
    """Hook the named modules by hand; return their calls in order."""
    calls, handles = [], []

    def hook_of(name):
        def hook(_module, _inputs, output):
            tensor = first_tensor(output)
            calls.append(call := Seen(name, tensor.detach().clone()))
            tensor.register_hook(lambda grad: setattr(call, "grad", grad.clone()))

        return hook

    for name in names:
        module = model if name == "(model)" else model.get_submodule(name)
        handles.append(module.register_forward_hook(hook_of(name)))
    passed(model, x)
    for handle in handles:
        handle.remove()
    return calls


@pytest.mark.parametrize("name", OWN)
def test_normbenchs_layers_are_found_by_the_names_they_have_everywhere(name):
    model, _ = made(name)
    assert [(layer.name, layer.module, layer.role) for layer in watched_layers(model)] == [
        (name, layer, "weights") for name, layer in weighted_layers(model).items()
    ]


@pytest.mark.parametrize("name", FOREIGN)
def test_every_parameter_of_a_foreign_model_lies_in_one_layer_and_no_layer_in_another(name):
    model, _ = made(name)
    layers = watched_layers(model)
    modules = [layer.module for layer in layers]
    assert all(
        layer.module is model if layer.name == "(model)" else model.get_submodule(layer.name) is layer.module
        for layer in layers
    )
    inside = [id(part) for module in modules for part in module.modules()]
    assert len(inside) == len(set(inside))
    assert {id(p) for p in model.parameters()} == {id(p) for module in modules for p in module.parameters()}


def test_a_module_that_is_called_in_two_places_is_one_layer_by_its_first_name():
    shared = nn.Linear(3, 3)
    model = nn.ModuleDict({"first": nn.Sequential(shared, nn.ReLU()), "second": shared})
    assert [(layer.name, layer.role) for layer in watched_layers(model)] == [
        ("first.0", "weights"),
        ("first.1", "activation"),
    ]


@EVERY
def test_the_watch_keeps_what_hand_made_hooks_keep(name):
    model, x = made(name)
    by_hand = seen_by_hand(model, x, [layer.name for layer in watched_layers(model)])
    model, x = made(name)
    with watching(model, whole) as watch:
        passed(model, x)
    assert [call.layer.name for call in watch.calls] == [call.name for call in by_hand]
    for call, hand in zip(watch.calls, by_hand, strict=True):
        (output,), (grad,) = call.outputs, call.grads or [None]
        assert torch.equal(output, hand.output), call.name
        assert (grad is None) == (hand.grad is None), call.name
        assert grad is None or torch.equal(grad, hand.grad), call.name


@EVERY
def test_moments_are_those_of_the_tensors_that_hand_made_hooks_keep(name):
    model, x = made(name)
    by_hand = seen_by_hand(model, x, [layer.name for layer in watched_layers(model)])
    model, x = made(name)
    with watching(model, Moments.of, look_at_inputs=True) as watch:
        passed(model, x)
    assert len(watch.calls) == len(by_hand)
    for call, hand in zip(watch.calls, by_hand, strict=True):
        assert call.input_finite
        (output,), (grad,) = call.outputs, call.grads or [None]
        assert_moments(output, hand.output)
        assert (grad is None) == (hand.grad is None), call.name
        if grad is not None:
            assert_moments(grad, hand.grad)


def assert_moments(moments, tensor):
    values = tensor.double().numpy()
    expected = [values.size, values.mean(), values.std(), (values == 0).mean(), np.abs(values).max()]
    found = [moments.count, moments.mean, moments.std, moments.zero_share, moments.max_abs]
    assert found == pytest.approx(expected, rel=1e-6, abs=1e-12)


def change_everything(model, x):
    """Watch a pass that adds to gradients, then change parameters, modes, attributes, hooks and the random state."""
    with watching(model, whole), watching(model, Moments.of):
        passed(model, x)
    with torch.no_grad():
        for tensor in (*model.parameters(), *model.buffers()):
            tensor.add_(1)
    for module in model.modules():
        module.train(not module.training)
        module.late = torch.ones(2)
        module.register_forward_hook(lambda *_: None)
        module.register_full_backward_hook(lambda *_: None)
    for parameter in model.parameters():
        parameter.requires_grad_(not parameter.requires_grad)
        parameter.grad = None


@EVERY
@pytest.mark.parametrize("raises", [False, True])
def test_all_is_put_back_bit_for_bit(name, raises):
    model, x = made(name)
    in_mixed_modes(model)
    before = snapshot(model)
    ending = pytest.raises(RuntimeError, match="stop here") if raises else nullcontext()
    with ending, leaving_unchanged(model):
        change_everything(model, x)
        if raises:
            Stopping()(x)
    assert_same(before, snapshot(model))


@EVERY
def test_a_module_that_raises_leaves_no_hook_and_no_change(name):
    model, x = made(name)
    model = in_mixed_modes(nn.Sequential(model, Wayward(), Stopping()))
    model[1].forward = lambda output: (Wayward.forward(model[1], torch.ones(2, 3)), output)[1]
    before = snapshot(model)
    with pytest.raises(RuntimeError, match="stop here"), leaving_unchanged(model), watching(model, whole):
        passed(model, x)
    assert_same(before, snapshot(model))


@pytest.mark.parametrize("name", OWN)
def test_the_cheap_way_puts_back_all_that_a_pass_of_normbenchs_networks_changes(name):
    model, x = made(name)
    for parameter in model.parameters():
        parameter.grad = None
    before = snapshot(model)
    with leaving_unchanged(model, parameters_change=False), watching(model, whole) as watch:
        passed(model, x)
    assert outputs_by_layer(watch.calls).keys() == weighted_layers(model).keys()
    assert_same(before, snapshot(model))
