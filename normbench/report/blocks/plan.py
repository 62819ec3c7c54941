"""Writes the cost of a study: its runs and CPU seconds by arm."""

from collections.abc import Mapping
from typing import Any

from normbench.report.blocks.block import Block, as_lines


def plan_block(plan: Mapping[str, Any]) -> Block:
    """Return the cost of a study: runs and CPU seconds by arm, of tuning, at second-best values, and in all."""
    arms = [
        f"  {arm['arm']}: {arm['num_missing']} to run, about {arm['cpu_s_per_run']:.1f} CPU-seconds each"
        for arm in plan["arms"]
    ]
    num_tuning = plan["num_tuning_runs"]
    tuning = [f"  tuning: {num_tuning} runs first, more where the best lies at an end"] if num_tuning else []
    num_second = plan["num_runner_up_runs"]
    second = [f"  second-best values: {num_second} runs after all others"] if num_second else []
    total = f"{plan['num_finished']} finished, {plan['num_missing']} to run, about {plan['cpu_s']:.0f} CPU-seconds"
    lines = [
        f"{plan['study']}: {plan['num_arms']} x {plan['num_seeds']} runs (arms x seeds)",
        *arms,
        *tuning,
        *second,
        f"  {total}",
    ]
    return Block(lines=as_lines(lines), is_joined=True)
