"""Writes comparisons as CSV for programs: a line per arm, or per cell of tables by settings."""

import csv
import io
from collections.abc import Mapping, Sequence
from typing import Any

from normbench.evidence.comparison.comparison import StudyComparison
from normbench.evidence.comparison.pivot import Pivot
from normbench.evidence.comparison.rows import Row, SeedSummary
from normbench.evidence.statistics.paired_effect import Effect


def as_csv(comparisons: Sequence[StudyComparison]) -> str:
    """Return one line per arm: study, arm, seeds, of each metric n, mean, std and interval, then the settings."""
    return _csv([_line(comparison.study, row) for comparison in comparisons for row in comparison.rows])


def pivots_csv(pivots: Sequence[Pivot]) -> str:
    """Return one line per cell of tables by settings."""
    return _csv([line for pivot in pivots for line in _cells(pivot)])


def _csv(lines: Sequence[Mapping[str, Any]]) -> str:
    text = io.StringIO()
    columns = list(dict.fromkeys(column for line in lines for column in line))
    writer = csv.DictWriter(text, columns, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(lines)
    return text.getvalue()


def _line(study: str, row: Row) -> dict[str, Any]:
    figures: dict[str, Any] = {}
    for metric, figure in row.figures.items():
        figures |= _figure(f"{metric}_", figure)
    failed = {"num_diverged": row.num_diverged, "num_collapsed": row.num_collapsed}
    counts = {"num_seeds": len(row.seeds), **failed, "num_parameters": row.num_parameters}
    line = {"study": study, "arm": row.arm, **counts, "cpu_ms_per_step": row.cpu_ms_per_step, **figures}
    return line | _effect(row.effect) | dict(row.settings)


def _figure(prefix: str, figure: SeedSummary) -> dict[str, Any]:
    return {f"{prefix}{key}": getattr(figure, key) for key in ("n", "mean", "std", "low", "high")}


def _effect(effect: Effect | None) -> dict[str, Any]:
    names = {"value": "effect", "low": "effect_low", "high": "effect_high", "p_corrected": "p", "verdict": "verdict"}
    return {name: getattr(effect, key) for key, name in names.items()} if effect else {}


def _cells(pivot: Pivot) -> list[dict[str, Any]]:
    return [
        {"study": pivot.study, "metric": pivot.metric, **pivot.fixed}
        | dict(zip(pivot.by, (line.label, column), strict=False))
        | {"arm": cell.arm, "num_diverged": cell.num_diverged, "num_collapsed": cell.num_collapsed}
        | _figure("", cell.figure)
        | _effect(cell.effect)
        for line in pivot.lines
        for column, cell in zip(pivot.columns, line.cells, strict=True)
        if cell
    ]
