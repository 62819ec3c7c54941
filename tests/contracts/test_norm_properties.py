"""Every norm, in every setting: what it declares is what is measured, in both modes, fresh and after five batches.

"Yes" is a change below a thousandth of the largest output, "no" one above a hundredth; between them a test fails.
"""

from copy import deepcopy

import pytest
import torch
from contracts.norm_cases import AGES, CASES, MODES, output
from contracts.norm_references import axis_letters
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components
from torch.func import functional_call, stack_module_state, vmap

YES, NO = 1e-3, 1e-2
BATCH_SIZE = 5


def is_same(y, other):
    change = ((y - other).abs().max() / other.abs().max()).item()
    assert change < YES or change > NO, f"neither yes nor no: a relative change of {change:.2g}"
    return change < YES


@CASES
@MODES
@AGES
def test_invariance_to_input_scale_is_as_declared(case, training, age):
    layer, x = case.layer(age=age, training=training), case.batch(BATCH_SIZE)
    seen = all(is_same(output(layer, scale * x), output(layer, x)) for scale in (0.4, 3.0))
    assert seen == case.declared(BATCH_SIZE, training).input_scale


@CASES
@MODES
@AGES
def test_invariance_to_a_constant_per_sample_is_as_declared(case, training, age):
    layer, x = case.layer(age=age, training=training), case.batch(BATCH_SIZE)
    constants = 3 * torch.randn((BATCH_SIZE,) + (1,) * len(case.feature_shape), dtype=x.dtype)
    seen = is_same(output(layer, x + constants), output(layer, x))
    assert seen == case.declared(BATCH_SIZE, training).sample_shift


@CASES
@MODES
@AGES
def test_invariance_to_a_constant_per_feature_is_as_declared(case, training, age):
    layer, x = case.layer(age=age, training=training), case.batch(BATCH_SIZE)
    constants = 3 * torch.randn((1, case.feature_shape[0]) + (1,) * (x.dim() - 2), dtype=x.dtype)
    seen = is_same(output(layer, x + constants), output(layer, x))
    assert seen == case.declared(BATCH_SIZE, training).feature_shift


@CASES
@MODES
@AGES
def test_dependence_on_the_other_samples_is_as_declared(case, training, age):
    layer, x, others = case.layer(age=age, training=training), case.batch(BATCH_SIZE), case.batch(BATCH_SIZE)
    others[0] = x[0]
    seen = is_same(output(layer, others)[0], output(layer, x)[0])
    assert seen == case.declared(BATCH_SIZE, training).sample_independent


@CASES
@MODES
@AGES
def test_the_difference_between_training_and_evaluation_is_as_declared(case, training, age):
    layer, x = case.layer(age=age), case.batch(BATCH_SIZE)
    seen = is_same(output(layer.eval(), x), output(layer.train(), x))
    assert seen == case.declared(BATCH_SIZE, training).same_in_eval


@CASES
@MODES
@AGES
def test_randomness_is_as_declared(case, training, age):
    layer, x = case.layer(age=age, training=training), case.batch(BATCH_SIZE)
    seen = not is_same(output(layer, x, seed=2), output(layer, x, seed=3))
    assert seen == case.declared(BATCH_SIZE, training).random


@CASES
@MODES
def test_stacking_layers_under_vmap_works_as_declared(case, training):
    layers = [case.layer(age=age, training=training) for age in (1, 2, 3)]
    x = torch.stack([case.batch(BATCH_SIZE) for _ in layers])
    assert _vmap_equals_a_loop(layers, x) == case.declared(BATCH_SIZE, training).vmap


def _vmap_equals_a_loop(layers, x):
    parameters, buffers = stack_module_state(deepcopy(layers))
    base = deepcopy(layers[0])

    def one(parameters, buffers, x):
        return functional_call(base, (parameters, buffers), (x,))

    torch.manual_seed(1)
    try:
        stacked = vmap(one, randomness="same")(parameters, buffers, x)
    except (RuntimeError, ValueError):
        return False
    looped = [_seeded(layer, batch) for layer, batch in zip(layers, x, strict=True)]
    after = stack_module_state(layers)[1]
    return torch.allclose(stacked, torch.stack(looped)) and all(torch.allclose(buffers[k], after[k]) for k in after)


def _seeded(layer, x):
    torch.manual_seed(1)
    return layer(x)


@CASES
@MODES
@AGES
def test_the_statistics_of_a_batch_are_as_declared(case, training, age):
    num_samples = 3
    declared = case.declared(num_samples, training)
    spans = _spans(_dependence(case.layer(age=age, training=training), case.batch(num_samples)))
    assert len(spans) == declared.num_statistics
    assert set(spans) == ({declared.averaged_axes} if spans else set())
    assert bool(spans) == bool(declared.averaged_axes)


def _dependence(layer, x):
    """Return which outputs depend on which inputs: (*x.shape, x.numel()) of 0 and 1."""
    state = {name: tensor.detach().clone() for name, tensor in (*layer.named_parameters(), *layer.named_buffers())}

    def flat(x):
        torch.manual_seed(1)
        return functional_call(layer, {name: tensor.clone() for name, tensor in state.items()}, (x,))

    jacobian = torch.autograd.functional.jacobian(flat, x)
    return (jacobian.abs() > 1e-11 * jacobian.abs().max()).view(*x.shape, x.numel())


def _spans(dependence):
    """Return, for each set of values that are normalized together, the axes it spans: "C/G" is a part of C."""
    shape, size = dependence.shape[:-1], dependence.shape[-1]
    _, labels = connected_components(csr_array(dependence.view(size, size).numpy()), directed=False)
    where = torch.cartesian_prod(*(torch.arange(length) for length in shape))
    members = (where[torch.from_numpy(labels) == label] for label in range(labels.max() + 1))
    return [_span(indices, shape) for indices in members if len(indices) > 1]


def _span(indices, shape):
    letters = []
    for letter, length, along in zip(axis_letters(len(shape) - 1), shape, indices.T, strict=True):
        distinct = len(along.unique())
        letters += [] if distinct == 1 else [letter if distinct == length else f"{letter}/G"]
    return " ".join(letters)
