"""Makes the rows of comparisons for CSV: one per arm, seed, cell of a table by settings, or arm of several tasks."""

from collections.abc import Sequence
from typing import Any

from normbench.evidence.comparison.answer import Answer
from normbench.evidence.comparison.comparison import StudyComparison
from normbench.evidence.comparison.pivot import Pivot
from normbench.evidence.comparison.pool import Pool, PooledArm
from normbench.evidence.comparison.rows import Row, SeedSummary
from normbench.evidence.metrics.diverged import Diverged
from normbench.evidence.statistics.paired_effect import Effect
from normbench.report.pages.formats.base import CsvRow

EFFECT_COLUMNS = {
    "effect": "value",
    "effect_low": "low",
    "effect_high": "high",
    "p": "p",
    "p_corrected": "p_corrected",
    "num_above": "num_above",
    "num_below": "num_below",
    "mean_effect": "mean",
    "mean_effect_low": "mean_low",
    "mean_effect_high": "mean_high",
    "verdict": "verdict",
    "mean_word": "mean_word",
}
"""Columns of an effect, with the attributes of ``Effect`` that they hold."""
ENDS = ("", "_low", "_high")
"""Of the names of a figure, and of the ends of its interval."""
NEW_DATA_COLUMNS = {
    "new_data_effect": "value",
    "new_data_low": "low",
    "new_data_high": "high",
    "new_data_p": "p",
    "new_data_p_corrected": "p_corrected",
    "new_data_verdict": "verdict",
}
"""Columns of an effect on new data, where the data are finite."""


def arm_rows(comparisons: Sequence[StudyComparison]) -> list[CsvRow]:
    """Return one row per arm: seeds, of each metric n, mean, std and interval, effect, answer, then the settings."""
    return [_line(comparison, row) for comparison in comparisons for row in comparison.rows]


def seed_rows(comparisons: Sequence[StudyComparison]) -> list[CsvRow]:
    """Return one row per arm, metric and seed: the value, whether the run diverged, and the settings that differ."""
    return [
        {"study": comparison.study, "arm": row.arm, "metric": metric, "seed": seed, "value": float(value)}
        | {"is_diverged": isinstance(value, Diverged)}
        | {key: row.settings.get(key) for key in comparison.differing}
        for comparison in comparisons
        for row in comparison.rows
        for metric, figure in row.figures.items()
        for seed, value in zip(row.seeds, figure.values, strict=True)
    ]


def pivot_rows(pivots: Sequence[Pivot], answers: Sequence[Answer | None] = ()) -> list[CsvRow]:
    """Return one row per cell of tables by settings, each with the answer of its study where answers are given."""
    pairs = zip(pivots, answers or [None] * len(pivots), strict=True)
    return [line for pivot, answer in pairs for line in _cells(pivot, answer)]


def pooled_rows(pool: Pool, *, details: bool) -> list[CsvRow]:
    """Return one row per arm over all tasks, whose task is empty; with ``details`` also one per arm and task."""
    tasks = [
        {"arm": arm.arm, "task": task, "num_seeds": effect.n} | _effect(effect)
        for arm in pool.judged
        for task, effect in zip(pool.tasks, arm.by_task, strict=True)
        if details
    ]
    return [*(_pooled_line(arm, pool) for arm in pool.arms), *tasks]


def _pooled_line(arm: PooledArm, pool: Pool) -> dict[str, Any]:
    counts = {"num_tasks": len(pool.tasks), "num_runs": arm.num_runs}
    counts |= {"num_diverged": arm.num_diverged, "num_collapsed": arm.num_collapsed}
    line = {"arm": arm.arm, "task": "", "metric": pool.metric, "baseline": arm.baseline, **counts}
    seeds = {"num_seeds": arm.effect.n} if arm.effect else {}
    effect = {name: found for name, found in _effect(arm.effect).items() if not name.startswith("mean_")}
    line |= seeds | effect | ({"verdict": arm.verdict} if arm.effect else {})
    other, score = arm.other_tasks, arm.score
    line |= {"other_tasks_verdict": other.verdict, "other_tasks_p": other.p_corrected} if other else {}
    return line | ({f"score{end}": getattr(score, end.strip("_") or "value") for end in ENDS} if score else {})


def _line(comparison: StudyComparison, row: Row) -> dict[str, Any]:
    figures: dict[str, Any] = {}
    for metric, figure in row.figures.items():
        figures |= _figure(f"{metric}_", figure)
    failed = {"num_diverged": row.num_diverged, "num_collapsed": row.num_collapsed}
    counts = {"num_seeds": len(row.seeds), **failed, "num_parameters": row.num_parameters}
    line = {"study": comparison.study, "arm": row.arm, **counts, "cpu_ms_per_step": row.cpu_ms_per_step, **figures}
    return line | _effect(row.effect) | _standing(comparison.answer, row.arm) | dict(row.settings)


def _figure(prefix: str, figure: SeedSummary) -> dict[str, Any]:
    return {f"{prefix}{key}": getattr(figure, key) for key in ("n", "mean", "std", "low", "high")}


def _effect(effect: Effect | None) -> dict[str, Any]:
    """Return the effect on the typical seed (its pseudo-median), the mean effect, their intervals, p and verdict.

    On finite data also the effect on new data.
    """
    if effect is None:
        return {}
    found = {name: getattr(effect, key) for name, key in EFFECT_COLUMNS.items()}
    new = effect.new_data
    return found | ({name: getattr(new, key) for name, key in NEW_DATA_COLUMNS.items()} if new else {})


def _standing(answer: Answer | None, arm: str) -> dict[str, Any]:
    """Return how an arm stands in the answer, and how far behind the best it is at most."""
    found = answer.standing(arm) if answer else None
    return dict(zip(("answer", "behind_at_most"), found, strict=True)) if found else {}


def _cells(pivot: Pivot, answer: Answer | None) -> list[dict[str, Any]]:
    return [
        {"study": pivot.study, "metric": pivot.metric, **pivot.fixed}
        | dict(zip(pivot.by, (line.label, column), strict=False))
        | {"arm": cell.arm, "num_diverged": cell.num_diverged, "num_collapsed": cell.num_collapsed}
        | _figure("", cell.figure)
        | _effect(cell.effect)
        | _standing(answer, cell.arm)
        for line in pivot.lines
        for column, cell in zip(pivot.columns, line.cells, strict=True)
        if cell
    ]
