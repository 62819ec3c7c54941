"""Answer: yes, no or neither to a question about a norm layer, and by how much, where or why."""

from dataclasses import dataclass
from typing import Literal

BATCH_SIZE = 5
AGE = 5
"""Training batches that a layer has seen, so that running statistics are not at their start."""


@dataclass(frozen=True)
class Answer:
    """Yes, no, or neither; and by how much, where, why."""

    holds: Literal["yes", "no", ""]
    figure: str = ""


def yes_if(holds: object, figure: str = "") -> Answer:
    """Return yes or no."""
    return Answer("yes" if holds else "no", figure)


def in_both_modes(is_so: dict[str, bool]) -> Answer:
    """Return yes where both modes say so, else no and in which not."""
    wrong = [{"train": "training", "eval": "evaluation"}[mode] for mode, good in is_so.items() if not good]
    return yes_if(not wrong, f"in {' and in '.join(wrong)}" if wrong else "")


def percent(share: float) -> str:
    """Write a share with two figures."""
    return f"{100 * share:.2g} %" if share < 1 else f"{100 * share:,.0f} %"
