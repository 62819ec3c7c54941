"""Assigns arms to the cells of tables by settings, and finds the settings that each table must hold fixed."""

from collections.abc import Sequence
from typing import Any

from normbench.errors import ComparisonError, did_you_mean, known_names
from normbench.evidence.comparison.comparison import StudyComparison
from normbench.evidence.comparison.rows import Row
from normbench.evidence.comparison.selection import IS_TUNED, setting_text, value_of
from normbench.evidence.comparison.selectors import ARM
from normbench.storage.arm_id import is_at_or_below

MAX_KEYS = 2


def check_keys(comparison: StudyComparison, by: Sequence[str]) -> None:
    """Refuse more than two keys, equal keys, and settings that no arm has.

    Raises:
        ComparisonError: With the list of settings.
    """
    if len(by) > MAX_KEYS or len(set(by)) < len(by):
        rule = f"must be given at most {MAX_KEYS} times, for rows and for columns, each another setting"
        raise ComparisonError(f"--by: {rule}, got {', '.join(by)}. Narrow the rest with --where.")
    differing = [*comparison.differing, IS_TUNED, ARM]
    known = dict.fromkeys([*differing, *(key for row in comparison.rows for key in row.settings)])
    for key in by:
        if key not in known:
            rule = f"must be a setting of the arms, got {key!r}"
            listed = known_names(key, differing, "Those that differ", hint=did_you_mean(key, known).strip())
            raise ComparisonError(f"{comparison.study}: --by {key}: {rule}. {listed}")


def setting_value(row: Row, key: str) -> Any:
    """Return an arm's value of a key of ``--by``."""
    return value_of(row.labelled, key)


def is_number(found: Any) -> bool:
    """Return whether a setting's value is a number, not a bool."""
    return isinstance(found, int | float) and not isinstance(found, bool)


def cell_labels(comparison: StudyComparison, by: Sequence[str]) -> list[tuple[str, ...]]:
    """Return each arm's labels, one per key: "group_norm (num_groups 4)" where group_norm occurs with several."""
    return list(zip(*(_labels_of(comparison, key, by) for key in by), strict=True))


def _labels_of(comparison: StudyComparison, key: str, by: Sequence[str]) -> list[str]:
    own = _variant_keys(comparison, key, by)
    found: dict[str, dict[str, set[str]]] = {}
    for row in comparison.rows:
        values = found.setdefault(_text(row, key), {inner: set() for inner in own})
        for inner in own:
            values[inner].add(_text(row, inner))
    return [
        _label(row, key, [inner for inner in own if len(found[_text(row, key)][inner]) > 1]) for row in comparison.rows
    ]


def _label(row: Row, key: str, own: Sequence[str]) -> str:
    settings = ", ".join(f"{inner.removeprefix(f'{key}.')} {_text(row, inner)}" for inner in own)
    return f"{_text(row, key)} ({settings})" if settings else _text(row, key)


def _text(row: Row, key: str) -> str:
    found = setting_value(row, key)
    return "-" if found is None else setting_text(found)


def _variant_keys(comparison: StudyComparison, key: str, by: Sequence[str]) -> list[str]:
    """Return the differing settings below a key, such as ``norm.num_groups`` below ``norm``."""
    own = [inner for inner in comparison.differing if inner.startswith(f"{key}.")]
    return [inner for inner in own if inner not in by and not is_at_or_below(inner, comparison.tuned_keys)]


def other_keys(comparison: StudyComparison, by: Sequence[str]) -> list[str]:
    """Return the other keys in which arms differ: tuned keys first, and last whether an arm is tuned."""
    covered = {*by, *(inner for key in by for inner in _variant_keys(comparison, key, by))}
    found = [key for key in comparison.differing if key not in covered] if ARM not in by else []
    found.sort(key=lambda key: not is_at_or_below(key, comparison.tuned_keys))
    kinds = {row.is_tuned for row in comparison.rows}
    return [*found, IS_TUNED] if len(kinds) > 1 and not {IS_TUNED, ARM}.intersection(by) else found


def split_keys(comparison: StudyComparison, places: Sequence[tuple[str, ...]], others: Sequence[str]) -> list[str]:
    """Return the fewest other settings for which tables by their values have one arm per cell.

    Raises:
        ComparisonError: Two arms are equal in all of them.
    """
    needed = list(others)
    if not _has_one_arm_per_cell(comparison, places, needed):
        rule = "must tell the arms apart, got two arms in one cell"
        raise ComparisonError(f"{comparison.study}: --by: {rule}. Write --by arm, or choose with --where.")
    for key in others:
        rest = [other for other in needed if other != key]
        if _has_one_arm_per_cell(comparison, places, rest):
            needed = rest
    return needed


def _has_one_arm_per_cell(comparison: StudyComparison, places: Sequence[tuple[str, ...]], keys: Sequence[str]) -> bool:
    pairs = zip(places, comparison.rows, strict=True)
    return len({(place, *(_text(row, key) for key in keys)) for place, row in pairs}) == len(places)


def fixed_values(row: Row, keys: Sequence[str]) -> tuple[str, ...]:
    """Return a row's values of the settings that its table holds fixed, as texts."""
    return tuple(_text(row, key) for key in keys)
