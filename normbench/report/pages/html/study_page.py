"""Writes the page of one study: question and answer, then the sections in order of what is asked first."""

from pathlib import Path

from normbench.report.blocks.answer import answer_lines
from normbench.report.blocks.comparison import headline, notes_blocks
from normbench.report.blocks.next_steps import evidence_block
from normbench.report.pages.html.evidence_sections import evidence_sections
from normbench.report.pages.html.layer_sections import layer_sections
from normbench.report.pages.html.rendering import rendered, write_page
from normbench.report.pages.html.result_sections import result_sections
from normbench.report.pages.html.section import Section, block_parts
from normbench.report.pages.html.study_report import StudyReport


def study_page(report: StudyReport) -> str:
    """Return the page as HTML; equal folders give equal pages."""
    comparison = report.comparison
    facts = headline(comparison).split("\n")[-1].strip()
    return rendered(
        "study.html.j2",
        title=comparison.study,
        question=comparison.question,
        facts=facts,
        answers=answer_lines(comparison) if comparison.rows else [],
        sections=_sections(report),
    )


def _sections(report: StudyReport) -> list[Section]:
    comparison = report.comparison
    if not comparison.rows:
        blocks = [*notes_blocks(comparison), *evidence_block(comparison)]
        return [Section("nothing", "No finished run", block_parts(blocks))]
    return [*result_sections(report), *layer_sections(report), *evidence_sections(report)]


def write_study_page(report: StudyReport, path: Path) -> None:
    """Write the page of a study.

    Raises:
        ComparisonError: The file cannot be written.
        RunFolderError: A run's file is missing or was changed.
    """
    write_page(path, study_page(report))
