"""Asks of a norm layer what it ignores, averages and keeps, and which inputs and uses it stands."""

from math import prod

import torch
from torch import Tensor, nn

from normbench.errors import SettingError
from normbench.inspection.norm_contract import copies, dependence, invariances, numbers
from normbench.inspection.norm_contract.answer import AGE, BATCH_SIZE, Answer, in_both_modes, percent, yes_if
from normbench.inspection.norm_contract.measured_norm import MODES, MeasuredNorm, output

MOST_ROUNDINGS = 1.0
MOST_VALUES = 4096
"""Of a batch in which each value is changed by itself."""
SMALL_SIZES = (3, 2)
"""Samples, and positions per axis, of that batch, tried in turn."""


def second_derivatives(norm: MeasuredNorm) -> Answer:
    """Second derivatives against finite differences of the first, in both modes."""
    x = norm.batch(3)
    return in_both_modes(
        {m: numbers.has_right_second_derivatives(norm.layer(age=1, training=t), x) for m, t in MODES.items()}
    )


def input_scale(norm: MeasuredNorm) -> Answer:
    """The whole input by 3."""
    return _if_unchanged(invariances.of_scale(norm.layer(age=AGE), norm.batch(BATCH_SIZE)), "output")


def sample_shift(norm: MeasuredNorm) -> Answer:
    """A constant for each sample."""
    return _if_unchanged(invariances.of_sample_shift(norm.layer(age=AGE), norm.batch(BATCH_SIZE)), "output")


def feature_shift(norm: MeasuredNorm) -> Answer:
    """A constant for each feature."""
    return _if_unchanged(invariances.of_feature_shift(norm.layer(age=AGE), norm.batch(BATCH_SIZE)), "output")


def sample_independent(norm: MeasuredNorm) -> Answer:
    """Other samples beside the first."""
    x, others = norm.batch(BATCH_SIZE), norm.batch(BATCH_SIZE)
    return _if_unchanged(invariances.of_other_samples(norm.layer(age=AGE), x, others), "a sample's output")


def _if_unchanged(changed: float, what: str) -> Answer:
    return Answer("yes") if changed < invariances.YES else Answer("no", f"{what} changes by {percent(changed)}")


def same_in_eval(norm: MeasuredNorm) -> Answer:
    """Training against evaluation mode."""
    return _if_unchanged(invariances.of_evaluation(norm.layer(age=AGE), norm.batch(BATCH_SIZE)), "output")


def randomness(norm: MeasuredNorm) -> Answer:
    """Two passes with other random numbers."""
    layer, x = norm.layer(age=AGE), norm.batch(BATCH_SIZE)
    changed = invariances.of_random_numbers(layer, x)
    in_evaluation = invariances.of_random_numbers(layer.eval(), x)
    where = "also in evaluation" if in_evaluation else "in training only"
    figure = f"output changes by {percent(changed)}, {where}"
    return Answer("yes", figure) if changed or in_evaluation else Answer("no")


def averaged_axes(norm: MeasuredNorm) -> Answer:
    """Axes of the values that change together, on a small batch."""
    small = _small(norm)
    if small is None:
        rule = f"not measured: a batch of two has more than {MOST_VALUES:,} values"
        return Answer("", f"{rule}; give a smaller --shape")
    x = small.batch(SMALL_SIZES[0] if prod(small.feature_shape) * SMALL_SIZES[0] <= MOST_VALUES else 2)
    spans = {mode: _spans(small.layer(age=1, training=training), x) for mode, training in MODES.items()}
    if spans["train"] == spans["eval"]:
        return Answer("", spans["train"])
    return Answer("", f"{spans['train']} in training, {spans['eval']} in evaluation")


def _spans(layer: nn.Module, x: Tensor) -> str:
    found = dependence.dependence(layer, x)
    _, axes = dependence.statistics(found, tuple(x.shape))
    window = "overlapping sets along " if dependence.overlaps(found) else ""
    return window + (", and over ".join(sorted(axes)) or "nothing")


def _small(norm: MeasuredNorm) -> MeasuredNorm | None:
    """Return the norm for fewer positions where it takes them, so that every value can be changed by itself."""
    channels, *sizes = norm.feature_shape
    tried = [(channels, *(min(size, most) for size in sizes)) for most in SMALL_SIZES]
    for shape in dict.fromkeys([*tried, norm.feature_shape]):
        small = MeasuredNorm(norm.spec, shape)
        if 2 * prod(shape) <= MOST_VALUES and _takes(small):
            return small
    return None


def _takes(norm: MeasuredNorm) -> bool:
    try:
        output(norm.layer(), norm.batch(2))
    except (SettingError, ValueError, RuntimeError, IndexError, AssertionError):
        return False
    return True


def running_statistics(norm: MeasuredNorm) -> Answer:
    """Buffers that training moves; in evaluation none should."""
    x, layer = norm.batch(BATCH_SIZE), norm.layer(age=1)
    moved = {mode: copies.moved_buffers(layer.train(training), x) for mode, training in MODES.items()}
    if moved["eval"]:
        return Answer("yes", f"{', '.join(moved['eval'])}: also moved in evaluation")
    return yes_if(bool(moved["train"]), ", ".join(moved["train"]))


def empty_batch(norm: MeasuredNorm) -> Answer:
    """A batch of no samples, in both modes."""
    x = norm.batch(2)
    return in_both_modes({m: numbers.takes_no_samples(norm.layer(training=t), x) for m, t in MODES.items()})


def batch_of_one(norm: MeasuredNorm) -> Answer:
    """One sample, in training."""
    x = norm.batch(1)
    y = output(norm.layer(), x)
    others = output(norm.layer(), norm.batch(1))
    if torch.allclose(y, others) and prod(x.shape) > 1:
        return Answer("no", "its output is the same whatever the sample")
    return yes_if(bool(y.isfinite().all()), "" if y.isfinite().all() else "its output is not finite")


def half_precision(norm: MeasuredNorm) -> Answer:
    """Float16 and bfloat16 against float64, with parameters of the same dtype."""
    found = {}
    for dtype in numbers.HALVES:
        x = (numbers.rms(norm.batch(8)) * norm.batch(8)).to(dtype)
        found[str(dtype).removeprefix("torch.")] = numbers.rounding_error(norm.layer(dtype=dtype), x)
    wrong = {name: error for name, error in found.items() if error > MOST_ROUNDINGS}
    told = ", ".join(f"{name} {_roundings(error)}" for name, error in (wrong or found).items())
    return yes_if(not wrong, told)


def _roundings(error: float) -> str:
    return f"{error:.1g} eps" if error < float("inf") else "gives inf, nan or another dtype"


def under_vmap(norm: MeasuredNorm) -> Answer:
    """Three layers, stacked, with a batch each."""
    layers = [norm.layer(age=age) for age in (1, 2, 3)]
    return yes_if(copies.works_under_vmap(layers, torch.stack([norm.batch(BATCH_SIZE) for _ in layers])))


def channels_last(norm: MeasuredNorm) -> Answer:
    """Maps that lie in memory with the channels last."""
    if len(norm.feature_shape) not in (3, 4):
        return Answer("", "samples are no maps")
    return yes_if(copies.takes_channels_last(norm.layer(dtype=torch.float32), norm.batch(BATCH_SIZE, torch.float32)))
