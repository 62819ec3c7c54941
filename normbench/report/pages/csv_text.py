"""Writes comparisons as CSV for programs: a line per arm, per cell of tables by settings, or per arm over tasks."""

import csv
import io
from collections.abc import Mapping, Sequence
from typing import Any

from normbench.evidence.comparison.comparison import StudyComparison
from normbench.evidence.comparison.pivot import Pivot
from normbench.evidence.comparison.pool import Pool, PooledArm
from normbench.evidence.comparison.rows import Row, SeedSummary
from normbench.evidence.statistics.paired_effect import Effect


def as_csv(comparisons: Sequence[StudyComparison]) -> str:
    """Return one line per arm: study, arm, seeds, of each metric n, mean, std and interval, then the settings."""
    return _csv([_line(comparison.study, row) for comparison in comparisons for row in comparison.rows])


def pivots_csv(pivots: Sequence[Pivot]) -> str:
    """Return one line per cell of tables by settings."""
    return _csv([line for pivot in pivots for line in _cells(pivot)])


def pool_csv(pool: Pool, *, details: bool) -> str:
    """Return one line per arm over all tasks, whose task is empty; with ``details`` also one per arm and task."""
    tasks = [
        {"arm": arm.arm, "task": task, "num_seeds": effect.n} | _effect(effect)
        for arm in pool.judged
        for task, effect in zip(pool.tasks, arm.by_task, strict=True)
        if details
    ]
    return _csv([*(_pooled_line(arm, pool) for arm in pool.arms), *tasks])


def _pooled_line(arm: PooledArm, pool: Pool) -> dict[str, Any]:
    counts = {"num_tasks": len(pool.tasks), "num_runs": arm.num_runs}
    counts |= {"num_diverged": arm.num_diverged, "num_collapsed": arm.num_collapsed}
    line = {"arm": arm.arm, "task": "", "metric": pool.metric, "baseline": arm.baseline, **counts}
    seeds = {"num_seeds": arm.effect.n} if arm.effect else {}
    line |= seeds | _effect(arm.effect) | ({"verdict": arm.verdict} if arm.effect else {})
    other, score = arm.other_tasks, arm.score
    line |= {"other_tasks_verdict": other.verdict, "other_tasks_p": other.p_corrected} if other else {}
    return line | (
        {f"score{end}": getattr(score, end.strip("_") or "value") for end in ("", "_low", "_high")} if score else {}
    )


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
