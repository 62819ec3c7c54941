"""Shows what a variance divided by n - 1 instead of n changes: in running statistics, and in a layer's outputs."""

from collections.abc import Sequence
from math import isclose, prod, sqrt

import torch

from normbench.inspection.explain.by_hand.arithmetic import names_in, number_text, steps, substituted, value_of
from normbench.inspection.explain.by_hand.example import easy_numbers, example_shape, pure
from normbench.inspection.explain.by_hand.moments import Lines, moments
from normbench.inspection.explain.by_hand.outputs import ByHand
from normbench.inspection.explain.by_hand.running import RULE, keeper_in
from normbench.norms.base import NormSpec

FACTOR = "sqrt((n - 1) / n)"
DIFFERENCE = "values * sqrt(3) / 2 * (1 - factor)"
"""Uniform numbers, normalized, have the mean absolute value sqrt(3) / 2."""
MANY = 10
"""Values of a statistic from which on 1 - sqrt((n - 1) / n) is about 1 / (2 n)."""
MOST_MEASURED = 2**22
"""Numbers that are drawn to measure a sum; a layer of them takes a fraction of a second."""


def running_variance_by_hand(spec: NormSpec, shape: Sequence[int]) -> ByHand | None:
    """Compute the running variance after one step on the worked example; None where it is not a channel's variance."""
    x = easy_numbers(example_shape(spec, shape))
    layer = spec.build(tuple(x.shape[1:])).double().train()
    keeper = keeper_in(layer)
    if keeper is None:
        return None
    start, channel = keeper.running_var[0].item(), x.shape[1] - len(keeper.running_var)
    pure(layer, x)
    after, momentum = keeper.running_var[0].item(), getattr(keeper, "momentum", None)
    share, numbers = 1.0 if momentum is None else momentum, x[:, channel].flatten().tolist()
    for less in (0, 1):
        found = _with_divisor(numbers, len(numbers) - less, start, share)
        if share and isclose(found.result, after, rel_tol=1e-9):
            what = f"running_var of channel {channel + 1} after one step on the example"
            return ByHand(what, found.lines, found.result, after)
    return None


def _with_divisor(numbers: Sequence[float], divisor: int, start: float, share: float) -> ByHand:
    taken = moments(["var"], numbers)
    total, n = taken.values["var"] * len(numbers), len(numbers)
    known = {"share": share, "running": start, "batch": total / divisor if divisor else 0.0}
    text = n if divisor == n else f"({n} - 1)"
    lines = (
        *taken.lines[:-1],
        ("batch var", f"{number_text(total)} / {text} = {number_text(known['batch'])}"),
        ("running_var", f"{substituted(RULE, known)} = {number_text(value_of(RULE, known))}"),
    )
    return ByHand("", lines, value_of(RULE, known), 0.0)


def difference_by_hand(spec: NormSpec, shape: Sequence[int]) -> ByHand | None:
    """Compute how far a layer that divides by n - 1 is from this one, summed over uniform numbers of this shape.

    None where the layer does not divide by one variance of the batch. ``layer`` is what one draw gives, nan if the
    shape is too large to be drawn.
    """
    properties = spec.properties(tuple(shape[1:]), batch_size=shape[0], training=True)
    one_kind = properties.averaged_axes and "|" not in properties.averaged_axes and not properties.random
    if not one_kind or properties.overlapping or "var" not in names_in(spec.about.formula):
        return None
    values, statistics = prod(shape), properties.num_statistics
    n = values / statistics
    factor = value_of(FACTOR, {"n": n})
    known = {"values": values, "factor": factor}
    worked, result = steps(DIFFERENCE, known)
    lines: Lines = (
        ("n", f"{values:,} values / {statistics:,} statistic{'s' if statistics > 1 else ''} = {n:,g}"),
        ("factor", f"{FACTOR} = {factor:.8g}, by which each output is smaller"),
        ("difference", f"{DIFFERENCE}: summed without sign, if x is uniform"),
        ("", f"= {values:,} * sqrt(3) / 2 * {1 - factor:.6g} = {worked[-1]}"),
    )
    if n >= MANY:
        lines += (("", f"that is about sqrt(3) / 4 = {sqrt(3) / 4:.3f} for each statistic"),)
    measured = _measured(spec, shape, factor)
    if measured == measured:
        lines += (("one draw", f"{measured:.6g}, of numbers from 0 to 1"),)
    return ByHand(f"the variance divided by n - 1 instead of n, at shape {tuple(shape)}", lines, result, measured)


def _measured(spec: NormSpec, shape: Sequence[int], factor: float) -> float:
    if prod(shape) > MOST_MEASURED:
        return float("nan")
    x = torch.rand(tuple(shape), generator=torch.Generator().manual_seed(0))
    layer = spec.build(tuple(shape[1:])).train()
    with torch.no_grad():
        return float(pure(layer, x).double().abs().sum().item() * (1 - factor))
