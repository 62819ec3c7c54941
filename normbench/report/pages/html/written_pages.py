"""Writes the page of each study, and an index where there are several; says which files were written."""

from collections.abc import Sequence
from pathlib import Path

from normbench.errors import ComparisonError
from normbench.report.pages.html.asked_arms import read_arms
from normbench.report.pages.html.index_page import Entry, index_entry, write_index
from normbench.report.pages.html.study_page import write_study_page
from normbench.report.pages.html.study_report import read_report
from normbench.storage.run_folder import REPORT_HTML
from normbench.storage.study_folder import StudyFolder


def write_pages(studies: Sequence[StudyFolder], out: Path | None, arms: Sequence[str], runs_dir: Path) -> list[Path]:
    """Write the page of each study into its folder, and an index of several; return the files, the index first.

    Args:
        studies: The studies.
        out: Where the page of a single study is written, of several the index.
        arms: What ``--arms`` names; only with a single study.
        runs_dir: The runs folder, in which the index is written without ``out``.

    Raises:
        ComparisonError: A page cannot be written, or there is no such arm.
        RunFolderError: A run's file is missing or was changed.
    """
    if out is not None and out.suffix != ".html":
        raise ComparisonError(f"--out {out}: must end in .html, got {out.suffix!r}. Example: --out which_norm.html")
    if len(studies) == 1:
        return [_write_one(studies[0], out or studies[0].folder / REPORT_HTML, arms)]
    if arms:
        raise ComparisonError(f"--arms {arms[0]}: must go with one study, got {len(studies)}. Name one study.")
    index = out or runs_dir / REPORT_HTML
    pages = {study.folder / REPORT_HTML: study for study in studies}
    entries = [_write_listed(study, page, index) for page, study in pages.items()]
    write_index(entries, index)
    return [index, *pages]


def _write_one(study: StudyFolder, page: Path, arms: Sequence[str]) -> Path:
    report = read_report(study)
    asked = read_arms(arms, report.comparison)
    write_study_page(report.with_arms(asked), page)
    return page


def _write_listed(study: StudyFolder, page: Path, index: Path) -> Entry:
    """Write a study's page; return what the index says of it, and forget what was read of its runs."""
    report = read_report(study)
    write_study_page(report, page)
    entry = index_entry(report, page, index)
    for arm in study.arms:
        arm.release()
    return entry
