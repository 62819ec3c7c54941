"""Finds running statistics that are still partly their initial values when training ends."""

from collections.abc import Iterator
from math import ceil, log, log1p

from normbench.findings import Finding
from normbench.inspection.checks.base import Setup
from normbench.inspection.forward_pass import NormCall
from normbench.inspection.recompute import reads_running_statistics
from normbench.study.config import MAX_STEPS

LARGEST_SHARE = 0.05
"""Of the initial values. Variances start at 1: where the true one is 0.05, as without a norm before, they are then
twice too large."""


def find(setup: Setup) -> Iterator[Finding]:
    """Warn of running statistics of which more than 5 % is their initial value after the last step."""
    num_steps = setup.config.total_steps
    for norm in setup.norms:
        if not num_steps or norm.momentum is None:
            continue
        left = (1 - norm.momentum) ** num_steps
        if left > LARGEST_SHARE:
            yield Finding(
                "warning",
                (norm.name,),
                f"evaluates with running statistics of which {100 * left:.3g} % is their start, mean 0 and variance 1 "
                f"({norm.momentum_key} {norm.momentum:g}, {num_steps} steps)",
                why=_why(norm),
                way_out=f"{_enough(norm, norm.momentum, num_steps)} reestimated_test_loss is read without them.",
            )


def _why(norm: NormCall) -> str:
    if reads_running_statistics(norm.layer):
        return "They are what training corrects batches towards, and what evaluation computes with."
    return "Training never reads them, so that it looks well while evaluation is wrong."


def _enough(norm: NormCall, momentum: float, num_steps: int) -> str:
    larger = ceil(1000 * (1 - LARGEST_SHARE ** (1 / num_steps))) / 1000
    way_outs = [f"{norm.momentum_key}: {larger:g}"] if larger < 0.9 else []
    needed = ceil(log(LARGEST_SHARE) / log1p(-momentum)) if momentum else MAX_STEPS + 1
    if needed <= MAX_STEPS:
        way_outs.append(f"num_steps: {needed}")
    return f"Use {' or '.join(way_outs)} or more." if way_outs else "Use more num_steps and a larger momentum."
