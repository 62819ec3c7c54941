"""Writes all pictures that a study has into its folder, each by rename."""

from collections.abc import Sequence
from pathlib import Path

from normbench.errors import ComparisonError
from normbench.evidence.comparison.comparison import compare_study
from normbench.evidence.comparison.effects import with_first_baseline
from normbench.report.figures.kinds.base import ShownStudy, find_kinds
from normbench.report.figures.writing import SUFFIXES, picture_bytes
from normbench.storage.files.atomic import make_folder, os_error_line, replacing
from normbench.storage.files.links import refuse_links
from normbench.storage.run_folder import PICTURES
from normbench.storage.study_folder import StudyFolder


def write_pictures(study: StudyFolder, suffixes: Sequence[str]) -> list[Path]:
    """Write each kind of picture that the study has into its folder ``pictures/``, and take away what it no longer has.

    All are drawn before the first is written. Equal runs give equal bytes.

    Args:
        study: The study.
        suffixes: Of the files: ".png", ".svg", ".pdf".

    Returns:
        The files, one for each kind and suffix.

    Raises:
        ComparisonError: Another suffix, or a folder that cannot be written.
        RunFolderError: A run's file is missing or was changed, or the folder is a link.
    """
    unknown = next((suffix for suffix in suffixes if suffix not in SUFFIXES), None)
    if unknown is not None:
        raise ComparisonError(f"pictures: must be {', '.join(SUFFIXES[:-1])} or {SUFFIXES[-1]}, got {unknown!r}.")
    folder = study.folder / PICTURES
    refuse_links(folder, levels=2)
    drawn = _draw(study, suffixes)
    try:
        make_folder(folder)
        for name, content in drawn.items():
            with replacing(folder / name) as part:
                part.write_bytes(content)
        for name in {f"{kind}{suffix}" for kind in find_kinds() for suffix in suffixes}.difference(drawn):
            (folder / name).unlink(missing_ok=True)
    except OSError as error:
        raise ComparisonError(os_error_line(error, folder)) from None
    return [folder / name for name in drawn]


def _draw(study: StudyFolder, suffixes: Sequence[str]) -> dict[str, bytes]:
    """Return the content of each file by its name; a picture is drawn once for all suffixes."""
    comparison = with_first_baseline(compare_study(study, keeps_runs=not study.is_large))
    if not comparison.rows:
        return {}
    shown = ShownStudy(study, comparison)
    drawn: dict[str, bytes] = {}
    for kind, draw in find_kinds().items():
        picture = draw(shown)
        if picture is not None:
            drawn |= {f"{kind}{suffix}": picture_bytes(picture, suffix) for suffix in dict.fromkeys(suffixes)}
    return drawn
