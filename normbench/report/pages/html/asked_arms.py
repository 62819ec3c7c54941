"""Reads which arms --arms names: by name, by label, or by the value in which the arms differ."""

from collections.abc import Iterator, Sequence

from normbench.errors import ComparisonError
from normbench.evidence.comparison.comparison import StudyComparison
from normbench.findings import name_some
from normbench.report.blocks.arm_names import arm_names


def read_arms(texts: Sequence[str], comparison: StudyComparison) -> list[str]:
    """Return the labels of the arms that texts name, several in one text separated by commas, in the study's order.

    Raises:
        ComparisonError: There is no such arm.
    """
    labels = _labels(comparison)
    asked = {labels[name] for text in texts for name in _names_in(text, labels, comparison)}
    return [row.arm for row in comparison.rows if row.arm in asked]


def _labels(comparison: StudyComparison) -> dict[str, str]:
    """Return each arm's label by all that it may be called."""
    in_table = {name: arm for arm, name in arm_names(comparison).items()}
    named = {row.name: row.arm for row in comparison.rows if row.name}
    return in_table | named | {row.arm: row.arm for row in comparison.rows}


def _names_in(text: str, known: Sequence[str] | dict[str, str], comparison: StudyComparison) -> Iterator[str]:
    """Yield the names in a text; a label may itself contain commas, so the longest that is known counts."""
    words = [word.strip() for word in text.split(",")]
    while words:
        found = next((n for n in range(len(words), 0, -1) if ",".join(words[:n]) in known), None)
        if found is None:
            arms = name_some([row.arm for row in comparison.rows], "; ")
            raise ComparisonError(f"--arms {text}: must be arms of {comparison.study}, got {words[0]!r}. Known: {arms}")
        yield ",".join(words[:found])
        words = words[found:]
