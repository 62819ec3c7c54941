"""Writes the cost of a study: its runs and CPU seconds by arm, and how long it will take."""

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
    lines = [
        f"{plan['study']}: {plan['num_arms']} x {_seeds_text(plan)} runs (arms x seeds)",
        *arms,
        *tuning,
        *second,
        f"  {plan['num_finished']} finished, {_total_text(plan)}",
    ]
    return Block(lines=as_lines(lines), is_joined=True)


def _seeds_text(plan: Mapping[str, Any]) -> str:
    return f"{plan['check_after'][0]} to {plan['num_seeds']}" if plan["check_after"] else str(plan["num_seeds"])


def _total_text(plan: Mapping[str, Any]) -> str:
    """Return the number of missing runs and their cost; with checks from the first to the last."""
    num, cpu_s = plan["num_missing"], plan["cpu_s"]
    if not plan["check_after"]:
        return f"{num} to run, about {cpu_s:.0f} CPU-seconds"
    first, first_s = plan["num_missing_at_first_check"], plan["cpu_s_to_first_check"]
    runs = f"from {first} runs at the first check to {num} at the last"
    return f"{runs}, about {first_s:.0f} to {cpu_s:.0f} CPU-seconds"


def duration_text(num_runs: int, seconds: float, quick_s: float | None) -> str:
    """Return how long a study will take, and its --quick version.

    Example:
        >>> duration_text(24, 170.0, 17.0), duration_text(24, 9000.0, None)
        ('24 runs, about 3 min; --quick takes 20 s', '24 runs, about 2.5 h')
    """
    quick = f"; --quick takes {_about(quick_s)}" if quick_s is not None else ""
    return f"{num_runs:,} runs, about {_about(seconds)}{quick}"


def scalars_alone_text() -> str:
    """Return that runs of all seeds but the first have no histograms, and how they get some."""
    return "histograms of first seeds alone; for all: recording: {tensorboard: all}"


def _about(seconds: float) -> str:
    """Return a time as text with the digits that an estimate is good for."""
    if seconds < 9.5:
        return f"{max(1, seconds):.0f} s"
    if seconds < 95:
        return f"{round(seconds, -1):.0f} s"
    for size, unit, least in ((86400, "days", 2), (3600, "h", 1.5)):
        if seconds >= least * size:
            return f"{float(f'{seconds / size:.2g}'):g} {unit}"
    return f"{seconds / 60:.0f} min"
