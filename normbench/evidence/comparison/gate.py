"""Reads the conditions of --fail-if and finds the rows of a comparison that meet them, without eval."""

import math
import operator
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from normbench.errors import ComparisonError, did_you_mean, known_names
from normbench.evidence.comparison.comparison import StudyComparison
from normbench.evidence.comparison.rows import Row

RULE = "must be NAME OP VALUE, joined by and / or, OP one of < <= > >= == !="
EXAMPLE = "Example: --fail-if 'test_loss>0.5 or verdict==worse'"
VERDICT = "verdict"
VERDICTS = ("better", "worse", "higher", "lower", "cannot tell", "too few seeds")
COUNTS: dict[str, Callable[[Row], float | None]] = {
    "num_diverged": lambda row: row.num_diverged,
    "num_collapsed": lambda row: row.num_collapsed,
    "num_seeds": lambda row: len(row.seeds),
    "num_parameters": lambda row: row.num_parameters,
    "cpu_ms_per_step": lambda row: row.cpu_ms_per_step,
}
OPERATORS: dict[str, Callable[[Any, Any], Any]] = {
    "<=": operator.le,
    ">=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    ">": operator.gt,
}
_CONDITION = re.compile(r"^\s*(.*?)\s*(<=|>=|==|!=|<|>)\s*(.*?)\s*$", re.DOTALL)


@dataclass(frozen=True)
class Limit:
    """One condition: a metric's mean compared with a number, or the verdict compared with a word."""

    name: str
    op: str
    value: float | str


@dataclass(frozen=True)
class Gate:
    """One ``--fail-if``: groups of conditions; a row fails if all conditions of any group hold."""

    text: str
    groups: tuple[tuple[Limit, ...], ...]


def read_gate(text: str) -> Gate:
    """Read the text of ``--fail-if``; ``and`` binds before ``or``.

    Example:
        >>> [len(group) for group in read_gate("test_loss>0.5 and num_diverged>0 or verdict==worse").groups]
        [2, 1]

    Raises:
        ComparisonError: The text is no such expression.
    """
    either = re.split(r"\s+or\s+", text)
    return Gate(
        text, tuple(tuple(_read_condition(part, text) for part in re.split(r"\s+and\s+", one)) for one in either)
    )


def _read_condition(part: str, text: str) -> Limit:
    found = _CONDITION.match(part)
    if not found or not found[1] or not found[3]:
        raise ComparisonError(f"--fail-if {text}: {RULE}, got {part.strip()!r}. {EXAMPLE}")
    name, op, value = found[1], found[2], found[3].strip("'\"")
    if name == VERDICT:
        return Limit(name, op, _read_verdict(op, value, text))
    try:
        number = float(value)
    except ValueError:
        number = math.nan
    if math.isnan(number):
        raise ComparisonError(f"--fail-if {text}: {name}: must be compared with a number, got {value!r}. {EXAMPLE}")
    return Limit(name, op, number)


def _read_verdict(op: str, value: str, text: str) -> str:
    if op not in ("==", "!=") or value not in VERDICTS:
        rule = f"must be == or != and a verdict, got {op}{value}"
        raise ComparisonError(f"--fail-if {text}: verdict: {rule}. {known_names(value, VERDICTS, 'Verdicts')}")
    return value


def failing_rows(comparisons: Sequence[StudyComparison], gate: Gate) -> list[str]:
    """Return a line for every row that fails; empty if none does.

    A row with a number that is not finite fails, as does a comparison without rows, and one whose verdict is asked for
    and that has none because most of its runs collapsed.

    Raises:
        ComparisonError: No table has a name, or there is a condition on verdicts and no verdict.
    """
    _check_names(comparisons, gate)
    empty = [comparison.study for comparison in comparisons if not comparison.rows]
    lines = [f"{study}: --fail-if {gate.text}: no finished run to judge" for study in empty]
    unlearned = _unlearned(comparisons, gate)
    lines += [f"{one.study}: --fail-if {gate.text}: no verdict. {one.not_learned}" for one in unlearned]
    for comparison in comparisons:
        for row in comparison.rows:
            lines += [f"{comparison.study}: {row.arm}: {why}" for why in _row_failures(row, gate)]
    return lines


def _unlearned(comparisons: Sequence[StudyComparison], gate: Gate) -> list[StudyComparison]:
    """Return the comparisons that have no verdict, where the gate asks for one."""
    asks = any(condition.name == VERDICT for group in gate.groups for condition in group)
    return [comparison for comparison in comparisons if asks and comparison.not_learned]


def _row_failures(row: Row, gate: Gate) -> list[str]:
    values = {c.name: _value(row, c) for group in gate.groups for c in group}
    broken = [f"{name} is {value}" for name, value in values.items() if isinstance(value, float) and math.isnan(value)]
    if broken:
        return [f"--fail-if {gate.text}: cannot be judged, {', '.join(broken)}"]
    for group in gate.groups:
        if all(_holds(values[condition.name], condition) for condition in group):
            reason = ", ".join(f"{c.name} is {_value_text(values[c.name])}" for c in group)
            return [f"--fail-if {gate.text}: {reason}"]
    return []


def _value(row: Row, condition: Limit) -> float | str | None:
    """Return the row's number or verdict; None where it has none, such as the verdict of a baseline."""
    if condition.name == VERDICT:
        return row.effect.verdict_on_new if row.effect else None
    if condition.name in COUNTS:
        return COUNTS[condition.name](row)
    return row.figures[condition.name].mean if condition.name in row.figures else None


def _holds(value: float | str | None, condition: Limit) -> bool:
    return value is not None and bool(OPERATORS[condition.op](value, condition.value))


def _value_text(value: float | str | None) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _check_names(comparisons: Sequence[StudyComparison], gate: Gate) -> None:
    rows = [row for comparison in comparisons for row in comparison.rows]
    known = list(dict.fromkeys([*(metric for row in rows for metric in row.figures), *COUNTS, VERDICT]))
    for condition in (condition for group in gate.groups for condition in group):
        if rows and condition.name not in known:
            rule = f"must be a metric that is compared, got {condition.name!r}"
            meant = did_you_mean(condition.name, known).strip() or "Name it with --metric."
            raise ComparisonError(f"--fail-if {gate.text}: {rule}. {known_names('', known, hint=meant)}")
        is_unlearned = any(comparison.not_learned for comparison in comparisons)
        if rows and condition.name == VERDICT and not is_unlearned and not any(row.effect for row in rows):
            rule = "verdict: must have a baseline that is named, in the file or by --baseline, got none"
            raise ComparisonError(f"--fail-if {gate.text}: {rule}. Add --baseline ARM.")
