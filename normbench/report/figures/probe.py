"""Draws a probe: std over the layers with a band over seeds, output on the left, output gradient on the right."""

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from normbench.errors import ComparisonError
from normbench.evidence.probe.lines import ProbeLine
from normbench.evidence.probe.probe_report import ProbeReport
from normbench.evidence.statistics.growth import Spread
from normbench.report.figures.comparison import COLORS, MAX_LINES, STYLES, check_path, write_picture

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MAX_NAMES = 24
"""As many layers have room for their names under an axis."""
PANELS: dict[str, Callable[[ProbeLine], Spread | None]] = {
    "output, forward": lambda line: line.std,
    "output gradient, backward": lambda line: line.grad_std,
}


def save_probe_figure(path: Path, reports: Sequence[ProbeReport], title: str) -> None:
    """Draw one line per arm over the layers with weights into a file; equal probes give equal bytes.

    Raises:
        ComparisonError: Another suffix than .png or .svg, too many arms, or a file that cannot be written.
    """
    check_path(path)
    if len(reports) > MAX_LINES:
        raise ComparisonError(f"--plot {path}: must hold at most {MAX_LINES} arms, got {len(reports)}. Leave out some.")
    from matplotlib.figure import Figure as Picture  # a second to import; only where a picture is drawn

    picture = Picture(figsize=(11, 4.8 + 0.2 * len(reports)), dpi=120, layout="constrained")
    for axes, (name, read) in zip(picture.subplots(1, len(PANELS)), PANELS.items(), strict=True):
        _draw(axes, reports, read)
        axes.set(title=name, ylabel="std" if name.startswith("output") else "")
    handles, labels = axes.get_legend_handles_labels()
    if len(reports) > 1:
        picture.legend(handles, labels, loc="outside lower center", ncols=4, fontsize=8, frameon=False)
    picture.suptitle(title, fontsize=11, wrap=True)
    write_picture(picture, path)


def _draw(axes: "Axes", reports: Sequence[ProbeReport], read: Callable[[ProbeLine], Spread | None]) -> None:
    axes.set_yscale("log")
    names: list[str] = []
    for i, report in enumerate(reports):
        lines = [line for line in report.lines if line.reading.role == "weights"] or list(report.lines)
        names = max(names, [line.layer for line in lines], key=len)
        spreads = [read(line) or Spread(math.nan) for line in lines]
        color, style = COLORS[i % len(COLORS)], STYLES[i // len(COLORS) % len(STYLES)]
        x = list(range(1, len(lines) + 1))
        axes.plot(x, _drawn(spreads, "value"), style, color=color, lw=1.6, marker=".", ms=4, label=report.name)
        axes.fill_between(x, _drawn(spreads, "low"), _drawn(spreads, "high"), color=color, alpha=0.2, lw=0)
    if len(names) <= MAX_NAMES:
        axes.set_xticks(range(1, len(names) + 1), names, rotation=60, ha="right", fontsize=7)
    axes.set_xlabel("layer with weights, in order of execution")
    axes.grid(alpha=0.25, lw=0.6)


def _drawn(spreads: Sequence[Spread], end: str) -> list[float]:
    """Return numbers for a logarithmic axis, nan where there is none."""
    values = [getattr(spread, end) for spread in spreads]
    return [value if value is not None and 0 < value < math.inf else math.nan for value in values]
