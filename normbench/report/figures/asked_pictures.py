"""Reads which pictures --pictures asks for, and draws those of each study into its folder."""

from collections.abc import Sequence
from pathlib import Path

from normbench.errors import ComparisonError
from normbench.report.figures.study_pictures import write_pictures
from normbench.report.figures.writing import SUFFIXES
from normbench.storage.study_folder import StudyFolder


def read_suffixes(text: str | None) -> list[str]:
    """Return the endings of the files that ``--pictures`` asks for; none without it.

    Raises:
        ComparisonError: There are no such pictures.

    Example:
        >>> read_suffixes("png, svg"), read_suffixes(None)
        (['.png', '.svg'], [])
    """
    words = [word.strip() for word in (text or "").split(",") if word.strip()]
    unknown = next((word for word in words if f".{word}" not in SUFFIXES), None)
    if unknown is not None or (text is not None and not words):
        known = ", ".join(suffix.removeprefix(".") for suffix in SUFFIXES)
        raise ComparisonError(f"--pictures {text}: must be of {known}, got {unknown or text!r}.")
    return [f".{word}" for word in words]


def write_all_pictures(studies: Sequence[StudyFolder], suffixes: Sequence[str]) -> list[Path]:
    """Draw the pictures of each study into its folder; return the files.

    Raises:
        ComparisonError: A folder cannot be written.
        RunFolderError: A run's file is missing or was changed.
    """
    return [path for study in studies for path in write_pictures(study, suffixes)] if suffixes else []
