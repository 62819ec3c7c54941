"""Finds which arms a study's answer compares: by lr family, by what is in question, one answer per other setting.

The rules are in docs/methods.md, "4. Verdicts of a comparison".
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import combinations

import numpy as np

from normbench.errors import ComparisonError
from normbench.evidence.comparison.answer import Answer, CellAnswer, answer_of_arms
from normbench.evidence.comparison.baselines import NOT_COMPARED
from normbench.evidence.comparison.comparable_arms import comparable_arms
from normbench.evidence.comparison.comparison import StudyComparison
from normbench.evidence.comparison.effects import main_metric, without_verdict
from normbench.evidence.comparison.rows import Row
from normbench.evidence.comparison.selection import setting_text
from normbench.evidence.comparison.selectors import ARM
from normbench.evidence.statistics.corrections import holm
from normbench.evidence.statistics.seed_plan import SeedPlan
from normbench.evidence.statistics.verdict_rule import judge_side
from normbench.evidence.statistics.verdicts.typical_seed import Side
from normbench.storage.arm_id import ABSENT, ArmSet, comparable, is_at_or_below

LR = "optimizer.lr"


def with_answer(comparison: StudyComparison, by: Sequence[str] = (), margin: float | None = None) -> StudyComparison:
    """Return the comparison with its answer, where it has one.

    Args:
        comparison: The comparison of a study's arms.
        by: Settings of ``--by``; the first is then what is in question.
        margin: The smallest difference that matters; by default what the study states.

    Raises:
        ComparisonError: The margin is not a number above 0.
    """
    if margin is not None and not 0 < margin < math.inf:
        raise ComparisonError(f"--margin {margin}: must be a number above 0, got {margin}. Example: --margin 0.01")
    stated = comparison.margin if margin is None else margin
    is_late = comparison.is_margin_late if margin is None else margin != comparison.margin
    answer = study_answer(comparison, by, stated)
    rows = [_without_verdict(row) if _is_unlearned(row, answer) else row for row in comparison.rows]
    return replace(comparison, rows=rows, margin=stated, is_margin_late=is_late, answer=answer)


def _is_unlearned(row: Row, answer: Answer | None) -> bool:
    """Return whether most runs of the arms beside which this one stands collapsed."""
    return answer is not None and any(cell.not_learned and row.arm in cell.arms for cell in answer.all_cells)


def _without_verdict(row: Row) -> Row:
    return replace(row, effect=without_verdict(row.effect)) if row.effect else row


def study_answer(comparison: StudyComparison, by: Sequence[str] = (), margin: float | None = None) -> Answer | None:
    """Return which arm to take; None without several arms, a metric with a better direction, or runs that learned."""
    metric = main_metric(comparison)
    if metric is None or not comparison.is_evidence or comparison.not_learned:
        return None
    tuned, given = ([row for row in comparison.rows if row.is_tuned is kind] for kind in (True, False))
    answers = [_family_answer(comparison, rows, metric, by, margin) for rows in (tuned, given)]
    found = [answer for answer in answers if answer]
    return replace(found[0], other=found[1]) if len(found) > 1 else next(iter(found), None)


def _family_answer(
    comparison: StudyComparison,
    rows: Sequence[Row],
    metric: str,
    by: Sequence[str],
    margin: float | None,
) -> Answer | None:
    """Return the answer among arms that were all tuned, or all not; None where no cell has two."""
    if len(rows) < 2:
        return None
    question = question_keys(comparison, by)
    keys = cell_keys(rows, question, comparison.tuned_keys)
    cells = rows_by_cell(rows, keys)
    made = {place: answer_of_arms(of, metric, margin=margin, plan=comparison.seed_plan) for place, of in cells.items()}
    found = {place: replace(cell, settings=dict(zip(keys, place, strict=True))) for place, cell in made.items() if cell}
    if not found:
        return None
    depends = _depends_on(found, cells, metric, question, comparison.seed_plan) if len(found) > 1 else ()
    return Answer(metric, tuple(found.values()), tuple(question), _family(rows, comparison), depends, margin)


def _family(rows: Sequence[Row], comparison: StudyComparison) -> str:
    """Return "own lr" for tuned arms, "same lr" for arms that share it; "" where they do not."""
    tuned = [key.rsplit(".", 1)[-1] for key in comparison.tuned_keys]
    if rows[0].is_tuned:
        return f"own {' and '.join(tuned)}"
    return "same lr" if len({comparable(row.settings.get(LR)) for row in rows}) == 1 else ""


def question_keys(comparison: StudyComparison, by: Sequence[str] = ()) -> list[str]:
    """Return the keys that are in question: the first of ``--by``, else what the baseline fixes, or the first axis.

    Empty where all arms are compared with each other, however they differ.
    """
    if by:
        return [] if by[0] == ARM else [by[0]]
    against = comparison.against
    if against and not comparison.is_first_baseline and (against.settings or against.name):
        return [*against.settings, *(comparison.named if against.name else ())]
    if comparison.named:
        return list(comparison.named)
    return list(comparison.axes[:1])


def cell_keys(rows: Sequence[Row], question: Sequence[str], tuned: Sequence[str] = ()) -> list[str]:
    """Return the other settings by whose values the arms are split, without those that follow from others."""
    arms = ArmSet([row.labelled for row in rows])
    free = [*question, *tuned, *NOT_COMPARED]
    if not question:
        return []
    inside = [key for key in arms.differing if is_at_or_below(key, question)]
    others = [key for key in arms.differing if not is_at_or_below(key, free) and not _follows(rows, key, inside)]
    return [key for i, key in enumerate(others) if not i or not _follows(rows, key, others[:i])]


def _follows(rows: Sequence[Row], key: str, others: Sequence[str]) -> bool:
    """Return whether arms that are equal in the other keys are equal in this one."""
    found: dict[object, object] = {}
    for row in rows:
        value = _value(row, key)
        if found.setdefault(tuple(_value(row, other) for other in others), value) != value:
            return False
    return True


def _value(row: Row, key: str) -> object:
    return comparable(row.labelled.id.value(key))


def rows_by_cell(rows: Sequence[Row], keys: Sequence[str]) -> dict[tuple[str, ...], list[Row]]:
    """Return the arms by their values of the keys, as text."""
    cells: dict[tuple[str, ...], list[Row]] = {}
    for row in rows:
        cells.setdefault(tuple(_text(row, key) for key in keys), []).append(row)
    return cells


def _text(row: Row, key: str) -> str:
    value = row.labelled.id.value(key)
    return "-" if value is ABSENT else setting_text(value)


def _depends_on(
    answers: Mapping[tuple[str, ...], CellAnswer],
    cells: Mapping[tuple[str, ...], Sequence[Row]],
    metric: str,
    question: Sequence[str],
    plan: SeedPlan,
) -> tuple[str, ...]:
    """Return the keys along which some pair of arms is above in one cell and below in another (Holm over all)."""
    inside = [key for key in _differing(cells) if is_at_or_below(key, question)]
    tests = {
        (place, *pair): found for place in answers for pair, found in _pairs(cells[place], metric, inside, plan).items()
    }
    corrected = holm([p for p, _ in tests.values()])
    rules = {
        place: comparable_arms(cells[place], metric, plan).plan.rule(answer.seeds, len(tests))
        for place, answer in answers.items()
    }
    sides: dict[tuple[object, object], dict[Side, list[Mapping[str, str]]]] = {}
    for ((place, one, other), (_, side)), p in zip(tests.items(), corrected, strict=True):
        if rules[place].decides(p):
            sides.setdefault((one, other), {}).setdefault(side, []).append(answers[place].settings)
    turned: list[list[str]] = [
        [key for key in here if here[key] != there[key]]
        for found in sides.values()
        for here in found.get("above", ())
        for there in found.get("below", ())
    ]
    return tuple(sorted(turned, key=len)[0]) if turned else ()


def _differing(cells: Mapping[tuple[str, ...], Sequence[Row]]) -> Sequence[str]:
    return ArmSet([row.labelled for rows in cells.values() for row in rows]).differing


def _pairs(
    rows: Sequence[Row], metric: str, inside: Sequence[str], plan: SeedPlan
) -> dict[tuple[object, object], tuple[float, Side]]:
    """Return p and side of each pair of arms, by what an arm is called in every cell."""
    arms = comparable_arms(rows, metric, plan)
    rule = arms.plan.rule(arms.seeds)
    names = [(row.name, *(str(_value(row, key)) for key in inside)) for row in arms.rows]
    found: dict[tuple[object, object], tuple[float, Side]] = {}
    for i, j in combinations(sorted(range(len(names)), key=lambda i: names[i]), 2):
        with np.errstate(invalid="ignore"):  # inf - inf, where both diverged, counts for no side
            differences = arms.values[i] - arms.values[j]
        found[names[i], names[j]] = judge_side(differences, 0.0, rule)
    return found
