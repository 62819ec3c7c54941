"""Labels the arms of several tasks: by the one setting in question, else by name or settings."""

from collections.abc import Mapping

from normbench.evidence.comparison.pool_tasks import Place, Tasks, value_label
from normbench.evidence.comparison.rows import Row
from normbench.storage.arm_id import ABSENT, TUNED
from normbench.storage.arm_labels import label_words, short_keys


def label_key(tasks: Tasks) -> str:
    """Return the one setting by whose values the arms are called; "" where it takes more words than one value."""
    return "" if len(tasks.shown_keys) != 1 or _has_names(tasks) else tasks.shown_keys[0]


def arm_labels(tasks: Tasks) -> dict[Place, str]:
    """Return a label for each arm, in the order of the first task."""
    rows, key = tasks.tasks[0].rows, label_key(tasks)
    if key:
        return {place: ", ".join([value_label(row, key), *_mark(row)]) for place, row in rows.items()}
    has_names, short = _has_names(tasks), short_keys(tasks.shown_keys)
    return {place: ",".join([*_words(row, short, has_names=has_names), *_mark(row)]) for place, row in rows.items()}


def _has_names(tasks: Tasks) -> bool:
    """Return whether arms have names under ``arms:``, the same in every task."""
    names = [{task.rows[place].name for task in tasks.tasks} for place in tasks.places]
    return all(len(of) == 1 for of in names) and any(any(of) for of in names)


def _words(row: Row, short: Mapping[str, str], *, has_names: bool) -> list[str]:
    """Return an arm's name with what a grid sets in it; without a name all that is in question."""
    name = row.name if has_names else ""
    values = {key: row.labelled.id.value(key) for key in short if not name or key in row.sets}
    return label_words(name, {key: value for key, value in values.items() if value is not ABSENT}, short)


def _mark(row: Row) -> list[str]:
    return [str(TUNED)] if row.is_tuned else []
