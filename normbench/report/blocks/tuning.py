"""What was chosen for each arm, and from what."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console

from normbench.report.blocks.numbers import short


def print_choices(console: Console, choices: Sequence[Mapping[str, Any]]) -> None:
    """Print a line per arm: the values chosen, how they did, what else was tried."""
    for choice in choices:
        console.print(choice_text(choice), soft_wrap=True)
    if choices:
        console.print()


def choice_text(choice: Mapping[str, Any]) -> str:
    """Write one choice.

    Example:
        >>> tried = [{"values": {"optimizer.lr": lr}, "median": lr} for lr in (0.1, 0.01)]
        >>> choice_text({"arm": "none", "chosen": {"optimizer.lr": 0.01}, "tried": tried, "at_edge": False})
        'none,tuned: optimizer.lr 0.01 (validation loss 0.0100, best of 2: optimizer.lr 0.01 to 0.1)'
    """
    chosen = ", ".join(f"{key} {_said(value)}" for key, value in choice["chosen"].items())
    lowest = next((one["median"] for one in choice["tried"] if one["values"] == choice["chosen"]), None)
    tried = ", ".join(f"{key} {_span([one['values'][key] for one in choice['tried']])}" for key in choice["chosen"])
    edge = "; at the edge of what was tried" if choice["at_edge"] else ""
    found = f"validation loss {short(lowest)}, best of {len(choice['tried'])}: {tried}{edge}"
    return f"{choice['arm']},tuned: {chosen} ({found})"


def _span(values: Sequence[Any]) -> str:
    if all(isinstance(value, int | float) for value in values):
        return f"{min(values):g} to {max(values):g}"
    return " or ".join(dict.fromkeys(_said(value) for value in values))


def _said(value: Any) -> str:
    return str(value["name"]) if isinstance(value, dict) else f"{value:g}" if isinstance(value, float) else str(value)
