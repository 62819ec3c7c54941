"""What `normbench probe` prints: std per layer forward and backward, growth over depth, what stands out."""

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from normbench.evidence.layers.probe_lines import ProbeLine
from normbench.evidence.layers.probe_reading import ProbeReport
from normbench.evidence.statistics.growth import Growth
from normbench.report.blocks.grids import plain_table
from normbench.report.blocks.numbers import bar, percent, short
from normbench.report.blocks.tables import LONG, NUM_ENDS

HEADERS = (
    *("\nlayer", "\nkind", "\nshape", "weight\nstd", "output\nmean", "output\nstd", "output\nzeros"),
    *("gradient\nstd", "weight gradient\nstd", "", ""),
)
LEFT = (0, 1, 2, 9, 10)


def print_probe(console: Console, report: ProbeReport, *, show_all: bool) -> None:
    """Print one arm's or model's layers, growth over depth, and what stands out.

    Args:
        console: Where to.
        report: What was seen.
        show_all: Show every layer of a long network.
    """
    seeds = "1 seed" if report.num_seeds == 1 else f"geometric means over {report.num_seeds} seeds"
    console.print(f"std per layer at initialization · {report.name} · {seeds}", soft_wrap=True)
    console.print(f"  {report.setting}", soft_wrap=True)
    console.print(_table(report.lines, show_all=show_all))
    for line in _growth_lines(report):
        console.print(line, soft_wrap=True)
    for finding in report.findings:
        console.print(finding.sentence(), soft_wrap=True)
        console.print(f"  likely   {finding.cause}\n  way out  {finding.way_out}", soft_wrap=True)
    if not report.findings:
        console.print("Nothing vanishes, explodes or dies.")


def _table(lines: Sequence[ProbeLine], *, show_all: bool) -> Table:
    table = plain_table(HEADERS, left=LEFT)
    hidden = 0 if show_all or len(lines) <= LONG else len(lines) - 2 * NUM_ENDS
    for i, line in enumerate(lines):
        if hidden and i == NUM_ENDS:
            table.add_row("...", f"{hidden} more", *[""] * 7, "", "--layers all")
        if not hidden or i < NUM_ENDS or i >= len(lines) - NUM_ENDS:
            table.add_row(*_cells(line))
    return table


def _cells(line: ProbeLine) -> list[str]:
    numbers = [
        short(line.figures.get("weight_std")),
        short(line.figure("mean")),
        short(line.std.value),
        percent(line.figure("zero_share")),
        short(line.grad_std.value if line.grad_std else None),
        short(line.figures.get("weight_grad_std")),
    ]
    kind = line.seen.kind + (f" + {line.seen.norm}" if line.seen.norm else "")
    return [line.layer, kind, "x".join(map(str, line.seen.shape)), *numbers, bar(line.std.value), line.word]


def _growth_lines(report: ProbeReport) -> list[str]:
    found = (("output, forward", report.forward), ("gradient, backward", report.backward))
    return [f"growth per layer  {name:<18}  {growth_text(growth)}" for name, growth in found if growth]


def growth_text(growth: Growth) -> str:
    """Write a growth with its interval, what it rests on and what it comes to.

    Example:
        >>> growth_text(Growth(1.2154, 1.213, 1.2178, num_layers=50, num_seeds=8))
        'x 1.215 [1.213, 1.218] over 50 layers, 8 seeds: explodes'
    """
    seeds = "1 seed" if growth.num_seeds == 1 else f"{growth.num_seeds} seeds"
    factor, low, high = (f"{number:#.4g}".rstrip(".") for number in (growth.factor, growth.low, growth.high))
    return f"x {factor} [{low}, {high}] over {growth.num_layers} layers, {seeds}: {growth.word}"
