"""Trains a norm with running statistics for two steps and shows how each step moves them."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Protocol, cast

import torch
from torch import Tensor, nn

from normbench.inspection.explain.by_hand.arithmetic import number_text, substituted, value_of
from normbench.inspection.explain.by_hand.example import example_shape, pure
from normbench.norms.base import NormSpec

NUM_STEPS = 2
RULE = "(1 - share) * running + share * batch"
CLOSE = 1e-9
STATISTICS = ("running_mean", "running_var")


class Keeper(Protocol):
    """A layer, or a part of one, that keeps running statistics, each (C,)."""

    running_mean: Tensor
    running_var: Tensor


@dataclass(frozen=True)
class RunningStep:
    """Holds one channel's running statistics after a training step; the texts are their arithmetic."""

    mean: float
    var: float
    mean_by_hand: str
    var_by_hand: str


@dataclass(frozen=True)
class RunningStatistics:
    """Holds two training steps of a norm's running statistics.

    Every channel c of the batch holds c everywhere, as in the documents' example: its mean is c, its variance 0.

    Attributes:
        shape: (N, C, *) of the batch.
        channel: The channel whose steps are shown, counted from 1.
        rule: How a step moves a statistic; "" where it is no such average.
        shares: The share of the new batch at each step; none without a rule.
        steps: A row per step.
        means: Of all channels with running statistics, after the last step.
        variances: The same.
    """

    shape: tuple[int, ...]
    channel: int
    rule: str
    shares: tuple[float, ...]
    steps: tuple[RunningStep, ...]
    means: tuple[float, ...]
    variances: tuple[float, ...]


def running_statistics(spec: NormSpec, shape: Sequence[int]) -> RunningStatistics | None:
    """Return the steps of the first part of a layer that keeps running statistics; None if nothing moves them."""
    small = example_shape(spec, shape)
    layer = spec.build(small[1:]).double().train()
    keeper = keeper_in(layer)
    if keeper is None:
        return None
    states = [_state(keeper)]
    for _ in range(NUM_STEPS):
        pure(layer, _constant_channels(small))
        states.append(_state(keeper))
    if torch.equal(states[0], states[-1]):
        return None
    shares, batch = _rule(states, getattr(keeper, "momentum", None))
    means, variances = states[-1].tolist()
    return RunningStatistics(
        shape=small,
        channel=round(batch[0, 0].item()) if shares else 1 + small[1] - len(means),
        rule=_rule_text(shares),
        shares=shares,
        steps=_steps(states, shares, batch),
        means=tuple(means),
        variances=tuple(variances),
    )


def keeper_in(layer: nn.Module) -> Keeper | None:
    """Return the first part of a layer that keeps running statistics."""
    keeping = (part for part in layer.modules() if all(getattr(part, name, None) is not None for name in STATISTICS))
    return cast("Keeper | None", next(keeping, None))


def _constant_channels(shape: tuple[int, ...]) -> Tensor:
    """Return a batch whose channel c holds c everywhere."""
    numbers = torch.arange(1, shape[1] + 1, dtype=torch.float64)
    return numbers.view(-1, *(1,) * (len(shape) - 2)).expand(shape).contiguous()


def _state(keeper: Keeper) -> Tensor:
    """Return running means and variances, (2, C)."""
    return torch.stack([keeper.running_mean, keeper.running_var]).clone()


def _rule(states: Sequence[Tensor], momentum: float | None) -> tuple[tuple[float, ...], Tensor]:
    """Return the share of the new batch at each step, and the batch's mean and variance, (2, C).

    A share is right if all steps, each on the same batch, tell the same of that batch.
    """
    equal = tuple(1 / step for step in range(1, len(states)))
    for shares in ([(momentum,) * len(equal)] if momentum else []) + [equal]:
        told = [(new - (1 - share) * old) / share for (old, new), share in zip(pairwise(states), shares, strict=True)]
        if all(torch.allclose(one, told[0], rtol=CLOSE, atol=CLOSE) for one in told):
            return shares, told[0]
    return (), states[0]


def _rule_text(shares: Sequence[float]) -> str:
    if not shares:
        return ""
    is_momentum = shares[0] == shares[-1]
    return f"running <- {RULE.replace('share', 'momentum') if is_momentum else f'{RULE}, share = 1 / step'}"


def _steps(states: Sequence[Tensor], shares: Sequence[float], batch: Tensor) -> tuple[RunningStep, ...]:
    found = []
    for step, (old, new) in enumerate(pairwise(states)):
        share = shares[step] if shares else None
        mean, var = ((old[k, 0].item(), new[k, 0].item(), batch[k, 0].item()) for k in (0, 1))
        found.append(RunningStep(mean[1], var[1], _by_hand(*mean, share), _by_hand(*var, share)))
    return tuple(found)


def _by_hand(old: float, new: float, batch: float, share: float | None) -> str:
    if share is None:
        return number_text(new)
    values = {"share": share, "running": old, "batch": batch}
    return f"{substituted(RULE, values)} = {number_text(value_of(RULE, values))}"
