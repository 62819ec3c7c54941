"""Writes the cost of a study, and the values that tuning chose."""

from collections.abc import Mapping, Sequence
from typing import Any

from normbench.report.blocks.block import WIDE_LABEL, Block, as_lines
from normbench.report.blocks.numbers import short
from normbench.storage.arm_labels import tuned_label


def plan_block(plan: Mapping[str, Any]) -> Block:
    """Return the cost of a study: runs and CPU seconds by arm, of tuning, and in all."""
    arms = [
        f"  {arm['arm']}: {arm['num_missing']} to run, about {arm['cpu_s_per_run']:.1f} CPU-seconds each"
        for arm in plan["arms"]
    ]
    num_tuning = plan["num_tuning_runs"]
    tuning = [f"  tuning: {num_tuning} runs first, more where the best lies at an end"] if num_tuning else []
    total = f"{plan['num_finished']} finished, {plan['num_missing']} to run, about {plan['cpu_s']:.0f} CPU-seconds"
    lines = [
        f"{plan['study']}: {plan['num_arms']} x {plan['num_seeds']} runs (arms x seeds)",
        *arms,
        *tuning,
        f"  {total}",
    ]
    return Block(lines=as_lines(lines), is_joined=True)


def tuning_blocks(choices: Sequence[Mapping[str, Any]]) -> list[Block]:
    """Return a line per arm: the chosen values, their loss, and the values tried."""
    return (
        [Block(lines=as_lines([choice_text(choice) for choice in choices], "tuned"), label_width=WIDE_LABEL)]
        if choices
        else []
    )


def choice_text(choice: Mapping[str, Any]) -> str:
    """Return one choice as text.

    Example:
        >>> tried = [{"values": {"optimizer.lr": lr}, "median": lr} for lr in (0.1, 0.01)]
        >>> choice_text({"arm": "none", "chosen": {"optimizer.lr": 0.01}, "tried": tried, "at_edge": False})
        'none,tuned: optimizer.lr 0.01 (validation loss 0.0100, best of 2: optimizer.lr 0.01 to 0.1)'
    """
    chosen = ", ".join(f"{key} {_value_text(value)}" for key, value in choice["chosen"].items())
    lowest = next((one["median"] for one in choice["tried"] if one["values"] == choice["chosen"]), None)
    tried = ", ".join(
        f"{key} {_range_text([one['values'][key] for one in choice['tried']])}" for key in choice["chosen"]
    )
    edge = "; at the edge of what was tried" if choice["at_edge"] else ""
    found = f"validation loss {short(lowest)}, best of {len(choice['tried'])}: {tried}{edge}"
    return f"{tuned_label(choice['arm'])}: {chosen} ({found})"


def _range_text(values: Sequence[Any]) -> str:
    if all(isinstance(value, int | float) for value in values):
        return f"{min(values):g} to {max(values):g}"
    return " or ".join(dict.fromkeys(_value_text(value) for value in values))


def _value_text(value: Any) -> str:
    return str(value["name"]) if isinstance(value, dict) else f"{value:g}" if isinstance(value, float) else str(value)
