"""Draws a probe: std over the layers with a band over seeds, output on the left, output gradient on the right."""

import math
from collections.abc import Callable, Sequence
from pathlib import Path

from normbench.errors import ComparisonError
from normbench.evidence.probe.lines import ProbeLine
from normbench.evidence.probe.probe_report import ProbeReport
from normbench.evidence.statistics.growth import Spread
from normbench.report.figures.layer_panels import LayerLine, LayerPanel, draw_layers
from normbench.report.figures.looks import MAX_LOOKS, looks_of
from normbench.report.figures.writing import check_path, write_picture

PANELS: dict[str, Callable[[ProbeLine], Spread | None]] = {
    "output, forward": lambda line: line.std,
    "output gradient, backward": lambda line: line.grad_std,
}


def save_probe_figure(path: Path, reports: Sequence[ProbeReport], title: str) -> None:
    """Draw one line per arm over the layers with weights into a file; equal probes give equal bytes.

    Raises:
        ComparisonError: Another suffix than those of pictures, too many arms, or a file that cannot be written.
    """
    check_path(path)
    if len(reports) > MAX_LOOKS:
        raise ComparisonError(f"--plot {path}: must hold at most {MAX_LOOKS} arms, got {len(reports)}. Leave out some.")
    lines = {report.name: _with_weights(report) for report in reports}
    panels = [
        LayerPanel(name, name, [_line(arm, of, read) for arm, of in lines.items()]) for name, read in PANELS.items()
    ]
    num_seeds = [line.num_seeds for of in lines.values() for line in of]
    write_picture(draw_layers(title, panels, looks_of(lines), num_seeds), path)


def _line(arm: str, of: Sequence[ProbeLine], read: Callable[[ProbeLine], Spread | None]) -> LayerLine:
    return LayerLine(arm, {line.layer: read(line) or Spread(math.nan) for line in of})


def _with_weights(report: ProbeReport) -> list[ProbeLine]:
    return [line for line in report.lines if line.reading.role == "weights"] or list(report.lines)
