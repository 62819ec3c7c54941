"""Writes numbers that are computed line by line, and the steps of running statistics."""

from collections.abc import Mapping, Sequence
from typing import Any

from normbench.report.blocks.block import Block, Line
from normbench.report.blocks.explain.parts import LABEL_WIDTH

MOST_CHANNELS = 8


def by_hand_blocks(found: Sequence[Mapping[str, Any]]) -> list[Block]:
    """Return a block for each number: which one it is, then a line per step."""
    return [
        Block(
            heading=f"by hand: {one['what']}",
            lines=[Line(text, label) for label, text in one["lines"]],
            label_width=LABEL_WIDTH,
        )
        for one in found
    ]


def running_lines(found: Mapping[str, Any] | None) -> list[Line]:
    """Return a norm's running statistics after each of a few training steps; nothing without."""
    if found is None:
        return []
    batch = f"on a batch of ({', '.join(map(str, found['shape']))}) whose channel c holds c everywhere"
    told = f"so channel {found['channel']} has mean {found['channel']} and variance 0"
    lines = [Line(found["rule"] or "after each step of training", "running"), Line(f"{batch}, {told}")]
    for number, step in enumerate(found["steps"], start=1):
        lines.append(Line(f"step {number}  running_mean  {step['mean_by_hand']}"))
        lines.append(Line(f"        running_var   {step['var_by_hand']}"))
    return [*lines, Line(_all_channels(found))]


def _all_channels(found: Mapping[str, Any]) -> str:
    means, variances = (found[key][:MOST_CHANNELS] for key in ("means", "variances"))
    rest = " ..." if len(found["means"]) > MOST_CHANNELS else ""
    shown = (" ".join(f"{value:.4g}" for value in values) + rest for values in (means, variances))
    return "all channels then: mean {}; variance {}".format(*shown)
