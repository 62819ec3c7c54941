"""Writes the HTML page of a study of several arms after its runs, which are no less finished where that fails."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from normbench.storage.run_folder import REPORT_HTML

if TYPE_CHECKING:
    from normbench.storage.study_folder import StudyFolder


def write_page_after_runs(study: "StudyFolder", arm_names: Sequence[str]) -> str:
    """Write the page into the study's folder; return its path, or "" where it is of one arm or cannot be written.

    Args:
        study: The study, read after its runs.
        arm_names: Names of the folders of the arms that were asked for.
    """
    from normbench.errors import NormbenchError
    from normbench.report.pages.html.study_page import write_study_page
    from normbench.report.pages.html.study_report import read_report
    from normbench.storage.files.plain_text import one_line

    page = study.folder / REPORT_HTML
    if len(arm_names) < 2:
        return ""
    try:
        write_study_page(read_report(study), page)
    except (NormbenchError, OSError) as error:  # every run is finished and shown all the same
        typer.echo(one_line(str(error)), err=True)
        return ""
    return str(page)


def known_page(folder: Path, arm_names: Sequence[str]) -> str:
    """Return the path of the page that an earlier command wrote of several arms; "" where there is none."""
    page = folder / REPORT_HTML
    return str(page) if len(arm_names) > 1 and page.is_file() else ""
