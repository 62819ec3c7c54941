"""Finds the tasks among studies, one per dataset, and the arms that are the same in each of them.

Arms of one task differ in the settings in question. Arms of two tasks are the same if they agree in all of these,
whatever else differs between tasks. The rules are in docs/methods.md, "9. Several tasks".
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from normbench.errors import ComparisonError
from normbench.evidence.comparison.baselines import NOT_COMPARED
from normbench.evidence.comparison.comparison import StudyComparison
from normbench.evidence.comparison.pivot_axes import cell_labels
from normbench.evidence.comparison.rows import Row
from normbench.evidence.comparison.selection import setting_text
from normbench.storage.arm_id import ABSENT, comparable, is_at_or_below

DATASET = "dataset"
MAX_SHOWN = 8
Place = tuple[object, ...]
"""An arm's values of the settings in question, and which of its keys are tuned: equal for the same arm of two tasks."""


@dataclass(frozen=True)
class Task:
    """The arms of one study on one dataset.

    Attributes:
        label: The dataset, or the study where there are several studies.
        comparison: The study's comparison, with these arms only.
        rows: The arms by their place.
    """

    label: str
    comparison: StudyComparison
    rows: Mapping[Place, Row]


@dataclass(frozen=True)
class Tasks:
    """Tasks with the same arms.

    Attributes:
        tasks: The tasks, in the order of the studies.
        keys: Full keys of the settings in question: those in which arms of one task differ.
    """

    tasks: Sequence[Task]
    keys: Sequence[str]

    @property
    def places(self) -> list[Place]:
        """The arms' places, in the order of the first task."""
        return list(self.tasks[0].rows)

    @property
    def shown_keys(self) -> list[str]:
        """The settings in question that some arm has at another value than its default."""
        changed = {key for task in self.tasks for key in task.comparison.differing}
        return [key for key in self.keys if key in changed]


def find_tasks(comparisons: Sequence[StudyComparison]) -> Tasks:
    """Return the tasks of studies, and match their arms.

    Raises:
        ComparisonError: A study has no run, there are fewer than two tasks, a dataset occurs twice, or the arms are not
            the same in all.
    """
    _check_finished(comparisons)
    named = [(one, _study_name(one, comparisons)) for one in comparisons]
    split = [task for comparison, name in named for task in _by_dataset(comparison, name)]
    _check_number(split)
    keys = _keys_in_question([comparison for _, comparison in split])
    tasks = [Task(label, comparison, _rows_by_place(label, comparison, keys)) for label, comparison in split]
    for task in tasks[1:]:
        _check_arms(tasks[0], task, keys)
    return Tasks(tasks, keys)


def _check_finished(comparisons: Sequence[StudyComparison]) -> None:
    for comparison in comparisons:
        if not comparison.rows:
            rule = f"every study must have a finished run, got none in {comparison.study}"
            raise ComparisonError(f"--pool: {rule}. Run it: normbench run {comparison.source}")


def _study_name(comparison: StudyComparison, comparisons: Sequence[StudyComparison]) -> str:
    """Return what a study's tasks are called after: its folder where another is called alike; "" where it is alone."""
    names = [one.study for one in comparisons]
    if len(names) == 1:
        return ""
    return comparison.study if names.count(comparison.study) == 1 else f"{comparison.runs_dir}/{comparison.study}"


def _by_dataset(comparison: StudyComparison, name: str) -> list[tuple[str, StudyComparison]]:
    """Split a study by its datasets, with a label for each: the dataset's, the study's name, or both."""
    labels = [label for (label,) in cell_labels(comparison, [DATASET])]
    found: dict[str, list[Row]] = {}
    for label, row in zip(labels, comparison.rows, strict=True):
        found.setdefault(label, []).append(row)
    called = {label: (name if len(found) == 1 else f"{name} {label}") if name else label for label in found}
    return [(called[label], replace(comparison, rows=rows)) for label, rows in found.items()]


def _check_number(split: Sequence[tuple[str, StudyComparison]]) -> None:
    if len(split) < 2:
        named = ", ".join(label for label, _ in split) or "none"
        way_out = "Name several studies, or run one with several datasets under grid:."
        raise ComparisonError(f"--pool: must be over 2 tasks or more, got {named}. {way_out}")
    seen: dict[frozenset[tuple[str, object]], str] = {}
    for label, comparison in split:
        settings = comparison.rows[0].labelled.id.comparable.items()
        dataset = frozenset(pair for pair in settings if is_at_or_below(pair[0], [DATASET]))
        other = seen.setdefault(dataset, label)
        if other != label:
            rule = f"every task must have a dataset of its own, got the same in {other} and {label}"
            raise ComparisonError(f"--pool: {rule}. Their seeds draw the same data: name one of the two.")


def _keys_in_question(comparisons: Sequence[StudyComparison]) -> list[str]:
    """Return the keys in which arms of a task differ, but none that tuning chose, and none that changes no number."""
    sets = [comparison.arm_set for comparison in comparisons]
    left_out = {*NOT_COMPARED, *(key for arms in sets for arm in arms.arms for key in arm.id.tuned)}
    differing = dict.fromkeys(key for arms in sets for key in arms.differing)
    return [key for key in differing if not is_at_or_below(key, left_out)]


def _rows_by_place(label: str, comparison: StudyComparison, keys: Sequence[str]) -> dict[Place, Row]:
    found: dict[Place, Row] = {}
    for row in comparison.rows:
        other = found.setdefault(_place(row, keys), row)
        if other is not row:
            rule = f"the arms of a task must differ, got {other.arm} and {row.arm} with the same settings in {label}"
            raise ComparisonError(f"--pool: {rule}. Choose one with --where.")
    return found


def _place(row: Row, keys: Sequence[str]) -> Place:
    arm = row.labelled.id
    return (arm.tuned, *(comparable(arm.value(key)) for key in keys))


def _check_arms(first: Task, other: Task, keys: Sequence[str]) -> None:
    """Refuse two tasks of which one has an arm that the other does not have.

    Raises:
        ComparisonError: With that arm, and the arms of the other task or the setting in which its namesake differs.
    """
    for task, lacking in ((first, other), (other, first)):
        row = next((row for place, row in task.rows.items() if place not in lacking.rows), None)
        if row is not None:
            rule = (
                f"every task must have the same arms, got {row.arm} in {task.label} and {_instead(row, lacking, keys)}"
            )
            raise ComparisonError(f"--pool: {rule}. Run it in both, or choose arms with --where.")


def _instead(row: Row, task: Task, keys: Sequence[str]) -> str:
    """Return what a task has in place of an arm."""
    others = list(task.rows.values())
    namesake = next((other for other in others if row.name and other.name == row.name), row)
    texts = [(key, value_label(row, key), value_label(namesake, key)) for key in keys]
    differing = [f"{key} {mine} and {theirs}" for key, mine, theirs in texts if mine != theirs]
    if differing:
        return f"in {task.label} with {', '.join(differing)}"
    return f"in {task.label} only {', '.join(other.arm for other in others[:MAX_SHOWN])}"


def value_label(row: Row, key: str) -> str:
    """Return an arm's value of a setting as text; a dash where it has none."""
    found = row.labelled.id.value(key)
    return "-" if found is ABSENT else setting_text(found)
