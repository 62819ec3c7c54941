"""Writes what the runs of each arm cost in CPU seconds."""

from collections.abc import Sequence

from normbench.evidence.comparison.costs import ArmCost
from normbench.report.blocks.block import Block, Column, Table, as_lines, keys
from normbench.report.blocks.numbers import short

UNKNOWN = "No run says what it cost."


def costs_block(costs: Sequence[ArmCost]) -> Block:
    """Return CPU seconds of each arm, per run and in all, and of the study."""
    said = [total for cost in costs if (total := cost.total) is not None]
    if not said:
        return Block(lines=as_lines([UNKNOWN]))
    runs = sum(cost.num_runs for cost in costs)
    table = Table(
        [
            keys("arm", [cost.arm for cost in costs]),
            Column("runs", [cost.num_runs for cost in costs]),
            Column("CPU seconds per run", [cost.per_run for cost in costs]),
            Column("CPU seconds", [cost.total for cost in costs]),
        ]
    )
    return Block(table=table, lines=as_lines([f"{runs:,} finished runs took {short(sum(said))} CPU seconds in all."]))
