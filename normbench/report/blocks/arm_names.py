"""Names arms in sentences and tables: by the value of what differs where that is one setting, else by their labels."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from normbench.evidence.comparison.answer import Answer
from normbench.evidence.comparison.comparison import StudyComparison
from normbench.evidence.comparison.rows import Row
from normbench.evidence.comparison.selectors import ARM
from normbench.storage.arm_labels import TUNED_MARK

MAX_NAMED = 4
Names = Mapping[str, str]
"""What an arm is called, by its label."""


def listed(names: Sequence[str]) -> str:
    """Return names as the words of a sentence: "a, b and c"; of many the first four, and how many more.

    Example:
        >>> listed(["a"]), listed(["a", "b", "c"]), listed(list("abcdef"))
        ('a', 'a, b and c', 'a, b, c, d and 2 more')
    """
    if len(names) > MAX_NAMED:
        return f"{', '.join(names[:MAX_NAMED])} and {len(names) - MAX_NAMED} more"
    return f"{', '.join(names[:-1])} and {names[-1]}" if len(names) > 1 else names[0]


def has_own_names(comparison: StudyComparison) -> bool:
    """Return whether arms have names under ``arms:``, or differ in no setting."""
    return not comparison.differing or (any(row.name for row in comparison.rows))


def baseline_name(comparison: StudyComparison) -> str:
    """Return the baseline's name in the table: its value where arms differ in one setting."""
    label = comparison.baseline or ""
    return arm_names(comparison).get(label, label)


def arm_names(comparison: StudyComparison) -> Names:
    """Return the name of each arm's row: the value of the one setting that differs, else the arm's label."""
    if has_own_names(comparison) or len(comparison.differing) != 1:
        return {row.arm: row.arm for row in comparison.rows}
    key = comparison.differing[0]
    tuned = {row.arm: ", tuned" * row.is_tuned for row in comparison.rows}
    return {row.arm: f"{setting_text(row.settings.get(key))}{tuned[row.arm]}" for row in comparison.rows}


def spoken_names(comparison: StudyComparison) -> Names:
    """Return what arms are called in sentences, in which "none is beaten" and "take 0.1" would say nothing."""
    key = comparison.differing[0] if len(comparison.differing) == 1 and not has_own_names(comparison) else ARM
    return {arm: spoken(key, name) for arm, name in arm_names(comparison).items()}


def spoken(key: str, name: str) -> str:
    """Return a name for a sentence: with its setting where it is a number or a word that means something else.

    Example:
        >>> spoken("norm", "batch_norm"), spoken("norm", "none"), spoken("optimizer.lr", "0.1"), spoken("arm", "none")
        ('batch_norm', 'norm=none', 'lr=0.1', 'arm none')
        >>> spoken("norm", "kept")  # the network's own
        'norm=kept'
    """
    value = name.split(",", maxsplit=1)[0]
    if value[:1].isalpha() and value.lower() not in ("none", "kept", "true", "false"):
        return name
    return f"arm {name}" if key == ARM else f"{key.rsplit('.', 1)[-1]}={name}"


def answer_names(comparison: StudyComparison, answer: Answer) -> Names:
    """Return what the arms of an answer are called: what is in question, where it tells the arms of each cell apart.

    An answer says by itself which settings its arms share, and whether they were tuned.
    """
    rows = {row.arm: row for row in comparison.rows}
    cells = [[rows[arm] for arm in cell.arms] for cell in answer.cells]
    for called in (_own_name, partial(_in_question, question=answer.question)):
        if all(all(map(called, cell)) and len(set(map(called, cell))) == len(cell) for cell in cells):
            return {row.arm: called(row) for cell in cells for row in cell}
    labels = spoken_names(comparison)
    return {row.arm: labels[row.arm].removesuffix(TUNED_MARK) for cell in cells for row in cell}


def _own_name(row: Row) -> str:
    return spoken(ARM, row.name) if row.name else ""


def _in_question(row: Row, *, question: Sequence[str]) -> str:
    """Return the value of the one setting in question; "" if there are several."""
    return spoken(question[0], setting_text(row.settings.get(question[0]))) if len(question) == 1 else ""


def setting_text(value: Any) -> str:
    """Return a setting's value as text; a dash for a part that does not have it."""
    return "-" if value is None else str(value)
