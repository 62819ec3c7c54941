"""Every norm, in every setting: what it declares is what is measured, in both modes, fresh and after five batches.

"Yes" is a change below a thousandth of the largest output, "no" one above a hundredth; between them a test fails.
"""

from copy import deepcopy
from itertools import product

import pytest
import torch
from contracts.norm_cases import CASES
from torch.func import stack_module_state

from normbench.inspection.norm_contract import invariances
from normbench.inspection.norm_contract.copies import stacked_outputs
from normbench.inspection.norm_contract.dependence import dependence, statistics
from normbench.inspection.norm_contract.measured_norm import MODES, seeded

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


def is_none(change):
    assert change < invariances.YES or change > invariances.NO, f"neither yes nor no: a relative change of {change:.2g}"
    return change < invariances.YES


@CASES
def test_invariance_to_input_scale_is_as_declared(case):
    x = case.batch(BATCH_SIZE)
    assert measured(case, lambda layer: is_none(invariances.of_scale(layer, x))) == declared(case, "input_scale")


@CASES
def test_invariance_to_a_constant_per_sample_is_as_declared(case):
    x = case.batch(BATCH_SIZE)
    seen = measured(case, lambda layer: is_none(invariances.of_sample_shift(layer, x)))
    assert seen == declared(case, "sample_shift")


@CASES
def test_invariance_to_a_constant_per_feature_is_as_declared(case):
    x = case.batch(BATCH_SIZE)
    seen = measured(case, lambda layer: is_none(invariances.of_feature_shift(layer, x)))
    assert seen == declared(case, "feature_shift")


@CASES
def test_dependence_on_the_other_samples_is_as_declared(case):
    x, others = case.batch(BATCH_SIZE), case.batch(BATCH_SIZE)
    seen = measured(case, lambda layer: is_none(invariances.of_other_samples(layer, x, others)))
    assert seen == declared(case, "sample_independent")


@CASES
def test_the_difference_between_training_and_evaluation_is_as_declared(case):
    x = case.batch(BATCH_SIZE)
    seen = measured(case, lambda layer: is_none(invariances.of_evaluation(layer, x)))
    assert seen == declared(case, "same_in_eval")


@CASES
def test_randomness_is_as_declared(case):
    x = case.batch(BATCH_SIZE)
    seen = measured(case, lambda layer: not is_none(invariances.of_random_numbers(layer, x)))
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
    alike, _ = stacked_outputs([layer, layer, layer], x.expand(3, *x.shape), "different")
    assert not any(is_none(invariances.change(alike[i], alike[j])) for i, j in ((0, 1), (0, 2), (1, 2)))


def _works_under_vmap(layers, x):
    try:
        stacked_outputs(layers, x, "different")
    except (RuntimeError, ValueError):
        return False
    return True


def _assert_equal_to_a_loop(layers, x, randomness):
    y, buffers = stacked_outputs(layers, x, randomness)
    torch.testing.assert_close(y, torch.stack([seeded(layer, batch) for layer, batch in zip(layers, x, strict=True)]))
    for name, after in stack_module_state(layers)[1].items():
        torch.testing.assert_close(buffers[name], after)


@CASES
def test_the_statistics_of_a_batch_are_as_declared(case):
    # Where an activation of the layer's own is flat nothing moves: of several batches each map is seen in one.
    batches = [case.batch(3) for _ in range(4 if case.spec.own_activation else 1)]
    numbers, axes = declared(case, "num_statistics", 3), declared(case, "averaged_axes", 3)
    expected = {state: (numbers[state], set(axes[state].split(" | ")) - {""}) for state in STATES}

    def found(layer):
        return statistics(sum(dependence(layer, x) for x in batches) > 0, tuple(batches[0].shape))

    assert measured(case, found, _added) == expected


def _added(statistics):
    return sum(number for number, _ in statistics), set().union(*(axes for _, axes in statistics))
