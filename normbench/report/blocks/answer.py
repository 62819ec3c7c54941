"""Writes the answer of a comparison in words: the best arm, and the verdicts against the baseline."""

from collections.abc import Mapping, Sequence
from typing import Any

from normbench.evidence.comparison.comparison import StudyComparison
from normbench.evidence.comparison.rows import Row
from normbench.evidence.metrics.directions import direction
from normbench.evidence.statistics.verdict_rule import INCOMPLETE, NOT_AT_CHECK
from normbench.report.blocks.block import Block, Line
from normbench.report.blocks.numbers import CANNOT_TELL, TOO_FEW, metric_title, metric_value

MAX_NAMED = 4
UNLEARNED_WAY_OUT = "No verdict. More num_steps, or --tune optimizer.lr, may help."


def answer_block(comparison: StudyComparison) -> list[Block]:
    """Return the answer as a block; empty where there is none."""
    text = answer(comparison)
    return [Block(lines=[Line(text, label="ANSWER")])] if text else []


def answer(comparison: StudyComparison) -> str:
    """Return the arm that is best on average, and the verdict of each other arm against the baseline.

    Where most runs collapsed there is neither.
    """
    rows = comparison.rows
    if comparison.not_learned:
        return f"{comparison.not_learned} {UNLEARNED_WAY_OUT}"
    effects = [row.effect for row in rows if row.effect]
    if not effects:
        return "Cannot tell: one seed each is no evidence." if len(rows) > 1 and not comparison.is_evidence else ""
    names = arm_names(comparison)
    return " ".join(part for part in (_best(rows, effects[0].metric, names), _verdicts(comparison, names)) if part)


def _best(rows: Sequence[Row], metric: str, names: Mapping[str, str]) -> str:
    better = direction(metric)
    known = [row for row in rows if row.figures[metric].mean == row.figures[metric].mean]
    if better is None or not known:
        return ""
    best = (max if better == "higher" else min)(known, key=lambda row: row.figures[metric].mean)
    value = metric_value(metric, best.figures[metric].mean)
    return f"Best {metric_title(metric)} on average: {names[best.arm]}, {value}."


def _verdicts(comparison: StudyComparison, names: Mapping[str, str]) -> str:
    baseline = baseline_name(comparison)
    is_grid = all(row.arm != comparison.baseline for row in comparison.rows)
    against = f"{baseline} with the same other settings" if is_grid else baseline
    by_verdict: dict[str, list[Row]] = {}
    for row in comparison.rows:
        if row.effect:
            by_verdict.setdefault(row.effect.verdict, []).append(row)
    return " ".join(_sentence(verdict, rows, names, against) for verdict, rows in by_verdict.items())


def _sentence(verdict: str, rows: Sequence[Row], names: Mapping[str, str], against: str) -> str:
    effects = [row.effect for row in rows if row.effect]
    who, verb = listed([names[row.arm] for row in rows]), "is" if len(rows) == 1 else "are"
    if verdict == TOO_FEW:
        needed = max(effect.seeds_needed or 0 for effect in effects)
        return f"Too few seeds for a verdict on {who} against {against}: {needed} are needed."
    if verdict == NOT_AT_CHECK:
        return f"No verdict on {who} against {against} yet: these seeds are not at a check."
    if verdict == INCOMPLETE:
        return f"No verdict on {who} against {against} yet: some of the seeds are missing."
    if verdict == CANNOT_TELL:
        return f"{who} cannot be told apart from {against}."
    return f"{who} {verb} {verdict} than {against}."


def listed(names: Sequence[str]) -> str:
    """Return names as text: "a, b and c"; of many the first ones and how many more."""
    if len(names) > MAX_NAMED:
        return f"{', '.join(names[:MAX_NAMED])} and {len(names) - MAX_NAMED} more"
    return f"{', '.join(names[:-1])} and {names[-1]}" if len(names) > 1 else names[0]


def has_own_names(comparison: StudyComparison) -> bool:
    """Return whether arms have names under ``arms:``, or differ in no setting."""
    return not comparison.differing or (any(row.name for row in comparison.rows))


def baseline_name(comparison: StudyComparison) -> str:
    """Return the baseline's name in the table: its value where arms differ in one setting."""
    label = comparison.baseline or ""
    names = arm_names(comparison)
    return names.get(label, label)


def arm_names(comparison: StudyComparison) -> Mapping[str, str]:
    """Return the name of each arm's row: the value of the one setting that differs, else the arm's label."""
    if has_own_names(comparison) or len(comparison.differing) != 1:
        return {row.arm: row.arm for row in comparison.rows}
    key = comparison.differing[0]
    tuned = {row.arm: ", tuned" * row.is_tuned for row in comparison.rows}
    return {row.arm: f"{setting_text(row.settings.get(key))}{tuned[row.arm]}" for row in comparison.rows}


def setting_text(value: Any) -> str:
    """Return a setting's value as text; a dash for a part that does not have it."""
    return "-" if value is None else str(value)
