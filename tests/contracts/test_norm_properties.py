"""Every norm, in every setting: what it declares is what is measured, in both modes, fresh and after five batches.

"Yes" is a change below a thousandth of the largest output, "no" one above a hundredth; between them a test fails.
"""

from copy import deepcopy
from itertools import product

import numpy as np
import pytest
import torch
from contracts.norm_cases import CASES, MODES, output, seeded
from contracts.norm_references import axis_letters
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components
from torch.func import functional_call, stack_module_state, vmap

YES, NO = 1e-3, 1e-2
BATCH_SIZE = 5
AGES = {"fresh": 0, "after five batches": 5}
STATES = {f"{mode}, {age}": (MODES[mode], AGES[age]) for mode, age in product(MODES, AGES)}


def declared(case, prop, batch_size=BATCH_SIZE):
    return {state: getattr(case.declared(batch_size, training), prop) for state, (training, _) in STATES.items()}


def measured(case, found, together=all):
    """Return what ``found(layer)`` says in each mode, fresh and after five batches."""
    layers = {state: case.layer(age=age, training=training) for state, (training, age) in STATES.items()}
    return {state: together([found(kind) for kind in kinds_of(layer)]) for state, layer in layers.items()}


def kinds_of(layer):
    """Return the layer; or one that mixes kinds of statistics with each alone, as a mixture can hide one of them."""
    if not hasattr(layer, "use_only"):
        return [layer]
    alone = [deepcopy(layer) for _ in layer.kinds]
    for kind, one in zip(layer.kinds, alone, strict=True):
        one.use_only(kind)
    return alone


def is_same(y, other):
    change = ((y - other).abs().max() / other.abs().max()).item()
    assert change < YES or change > NO, f"neither yes nor no: a relative change of {change:.2g}"
    return change < YES


def ignores(changed, x):
    return lambda layer: is_same(output(layer, changed), output(layer, x))


@CASES
def test_invariance_to_input_scale_is_as_declared(case):
    x = case.batch(BATCH_SIZE)
    assert measured(case, ignores(3 * x, x)) == declared(case, "input_scale")


@CASES
def test_invariance_to_a_constant_per_sample_is_as_declared(case):
    x = case.batch(BATCH_SIZE)
    constants = 20 * torch.randn((BATCH_SIZE,) + (1,) * (x.dim() - 1), dtype=x.dtype)
    assert measured(case, ignores(x + constants, x)) == declared(case, "sample_shift")


@CASES
def test_invariance_to_a_constant_per_feature_is_as_declared(case):
    x = case.batch(BATCH_SIZE)
    constants = 20 * torch.randn((1, x.shape[1]) + (1,) * (x.dim() - 2), dtype=x.dtype)
    assert measured(case, ignores(x + constants, x)) == declared(case, "feature_shift")


@CASES
def test_dependence_on_the_other_samples_is_as_declared(case):
    x, others = case.batch(BATCH_SIZE), case.batch(BATCH_SIZE)
    others[0] = x[0]
    seen = measured(case, lambda layer: is_same(output(layer, others)[0], output(layer, x)[0]))
    assert seen == declared(case, "sample_independent")


@CASES
def test_the_difference_between_training_and_evaluation_is_as_declared(case):
    x = case.batch(BATCH_SIZE)
    seen = measured(case, lambda layer: is_same(output(layer.eval(), x), output(layer.train(), x)))
    assert seen == declared(case, "same_in_eval")


@CASES
def test_randomness_is_as_declared(case):
    x = case.batch(BATCH_SIZE)
    seen = measured(case, lambda layer: not is_same(output(layer, x, seed=2), output(layer, x, seed=3)))
    assert seen == declared(case, "random")


@CASES
@pytest.mark.parametrize("mode", MODES)
def test_stacking_layers_under_vmap_works_as_declared(case, mode):
    layers = [case.layer(age=age, training=MODES[mode]) for age in (1, 2, 3)]
    x = torch.stack([case.batch(BATCH_SIZE) for _ in layers])
    declared = case.declared(BATCH_SIZE, MODES[mode])
    assert _works_under_vmap(layers, x) == declared.vmap
    if declared.vmap:
        _assert_equal_to_a_loop(layers, x, "same" if declared.random else "different")


@CASES
def test_stacked_layers_draw_random_numbers_of_their_own(case):
    declared = case.declared(BATCH_SIZE, training=True)
    if not (declared.random and declared.vmap):
        pytest.skip("nothing random, or no vmap")
    layer, x = case.layer(), case.batch(BATCH_SIZE)
    alike, _ = _stacked([layer, layer, layer], x.expand(3, *x.shape), "different")
    assert not any(is_same(alike[i], alike[j]) for i, j in ((0, 1), (0, 2), (1, 2)))


def _works_under_vmap(layers, x):
    try:
        _stacked(layers, x, "different")
    except (RuntimeError, ValueError):
        return False
    return True


def _assert_equal_to_a_loop(layers, x, randomness):
    y, buffers = _stacked(layers, x, randomness)
    torch.testing.assert_close(y, torch.stack([seeded(layer, batch) for layer, batch in zip(layers, x, strict=True)]))
    for name, after in stack_module_state(layers)[1].items():
        torch.testing.assert_close(buffers[name], after)


def _stacked(layers, x, randomness):
    """Return the outputs of the layers for a batch each, and their buffers afterwards."""
    parameters, buffers = stack_module_state(deepcopy(layers))
    base = deepcopy(layers[0])
    torch.default_generator.manual_seed(1)
    one = vmap(lambda *state_and_x: functional_call(base, state_and_x[:2], state_and_x[2:]), randomness=randomness)
    return one(parameters, buffers, x).detach(), buffers


@CASES
@pytest.mark.filterwarnings("ignore:There is a performance drop")
def test_the_statistics_of_a_batch_are_as_declared(case):
    x = case.batch(3)
    numbers, axes = declared(case, "num_statistics", 3), declared(case, "averaged_axes", 3)
    expected = {state: (numbers[state], set(axes[state].split(" | ")) - {""}) for state in STATES}
    assert measured(case, lambda layer: _statistics(_dependence(layer, x)), _added) == expected


def _added(statistics):
    return sum(number for number, _ in statistics), set().union(*(axes for _, axes in statistics))


def _dependence(layer, x):
    """Return which outputs depend on which inputs: (*x.shape, x.numel()) of 0 and 1."""
    state = {name: tensor.detach() for name, tensor in (*layer.named_parameters(), *layer.named_buffers())}

    def outputs(x):
        torch.default_generator.manual_seed(1)
        return functional_call(layer, {name: tensor.clone() for name, tensor in state.items()}, (x,))

    jacobian = torch.autograd.functional.jacobian(outputs, x, vectorize=True).abs()
    return (jacobian > 1e-11 * jacobian.max()).reshape(*x.shape, x.numel())


def _statistics(dependence):
    """Return how many sets of values are normalized together, and the axes that they span; "C/G" is a part of C."""
    shape, size = dependence.shape[:-1], dependence.shape[-1]
    num_sets, labels = connected_components(csr_array(dependence.reshape(size, size).numpy()), directed=False)
    axes = zip(axis_letters(len(shape) - 1), shape, np.indices(shape).reshape(len(shape), size), strict=True)
    spans = [_span(letter, length, _num_distinct(along, labels)) for letter, length, along in axes]
    of_sets = [" ".join(filter(None, letters)) for letters in zip(*spans, strict=True)]
    together = [of_sets[label] for label in np.flatnonzero(np.bincount(labels, minlength=num_sets) > 1)]
    return len(together), set(together)


def _num_distinct(along, labels):
    """Return how many distinct indices each set has along an axis."""
    return np.bincount(np.unique(np.stack([labels, along]), axis=1)[0])


def _span(letter, length, numbers):
    return ["" if number == 1 else letter if number == length else f"{letter}/G" for number in numbers]
