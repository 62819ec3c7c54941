"""Writes a probe: std per layer forward and backward, growth over depth, and findings."""

from collections.abc import Callable, Sequence
from typing import Any

from normbench.evidence.probe.lines import ProbeLine
from normbench.evidence.probe.probe_report import ProbeReport
from normbench.evidence.statistics.growth import Growth
from normbench.findings import name_some
from normbench.report.blocks.block import Block, Column, Table, as_lines, keys, words
from normbench.report.blocks.findings import IN_A_PROBE, findings_blocks
from normbench.report.blocks.layers import ALL_LAYERS, LONG, STD, ends


def probe_blocks(report: ProbeReport, max_layers: int | None = LONG) -> list[Block]:
    """Return one arm's or model's layers, growth over depth, and findings.

    Args:
        report: The report of the probe.
        max_layers: Most rows of layers; of a longer network both ends are shown. None shows all.
    """
    seeds = "1 seed" if report.num_seeds == 1 else f"geometric means over {report.num_seeds} seeds"
    heading = f"{STD} at initialization · {report.name} · {seeds}\n  {report.setting}"
    healthy = ["Nothing vanishes, explodes or dies."] if report.is_healthy else []
    found = findings_blocks(report.findings, IN_A_PROBE)
    return [
        Block(
            heading,
            _table(report.lines, max_layers),
            as_lines([*_calls_lines(report.lines), *_growth_lines(report), *healthy]),
        ),
        *found,
    ]


def _table(lines: Sequence[ProbeLine], max_layers: int | None) -> Table:
    shown, num_hidden = ends(lines, max_layers)

    def of(read: Callable[[ProbeLine], Any], gap: object = "") -> list[Any]:
        return [gap if line is None else read(line) for line in shown]

    return Table(
        [
            keys("layer", of(lambda line: line.layer, f"... {num_hidden} more")),
            words("kind", of(_kind), may_drop=True),
            words("shape", of(lambda line: line.reading.shape), may_drop=True),
            Column("weight std", of(lambda line: line.figures.get("weight_std"))),
            Column("output mean", of(lambda line: line.figures.get("mean"))),
            Column("output std", of(lambda line: line.std.value if line.has_output else None)),
            Column("output zeros", of(lambda line: line.figures.get("zero_share")), what="zero_share"),
            Column("output gradient std", of(lambda line: line.grad_std.value if line.grad_std else None)),
            Column("weight gradient std", of(lambda line: line.figures.get("weight_grad_std"))),
            words("", of(lambda line: line.word, ALL_LAYERS)),
        ]
    )


def _kind(line: ProbeLine) -> str:
    return line.reading.kind + (f" + {line.reading.norm}" if line.reading.norm else "")


def _growth_lines(report: ProbeReport) -> list[str]:
    found = (("output, forward", report.forward), ("output gradient, backward", report.backward))
    return [f"growth per layer  {name:<25}  {growth_text(growth)}" for name, growth in found if growth]


def _calls_lines(lines: Sequence[ProbeLine]) -> list[str]:
    """Return a line on layers that are called several times in a pass, since one row stands for all of their calls."""
    by_number: dict[int, list[str]] = {}
    for line in lines:
        by_number.setdefault(round(line.figures.get("calls", 1)), []).append(line.layer)
    return [f"{number} calls in one row: {name_some(layers)}" for number, layers in by_number.items() if number > 1]


def growth_text(growth: Growth) -> str:
    """Return a growth as text: factor, interval, numbers of layers and seeds, and its word.

    Example:
        >>> growth_text(Growth(1.2154, 1.213, 1.2178, num_layers=50, num_seeds=8))
        'x 1.215 [1.213, 1.218] over 50 layers, 8 seeds: explodes'
    """
    seeds = "1 seed" if growth.num_seeds == 1 else f"{growth.num_seeds} seeds"
    factor, low, high = (f"{number:#.4g}".rstrip(".") for number in (growth.factor, growth.low, growth.high))
    return f"x {factor} [{low}, {high}] over {growth.num_layers} layers, {seeds}: {growth.word}"
