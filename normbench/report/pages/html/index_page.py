"""Writes the index over several studies: of each its question, its answer, its verdicts and a link to its page."""

import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from normbench.evidence.comparison.comparison import StudyComparison
from normbench.evidence.statistics.verdict_words import NO_VERDICT
from normbench.report.blocks.answer import answer_lines
from normbench.report.blocks.claims import summary_line
from normbench.report.blocks.comparison import headline
from normbench.report.pages.html.rendering import rendered, write_page
from normbench.report.pages.html.study_report import StudyReport


@dataclass(frozen=True)
class Entry:
    """What the index says of one study.

    Attributes:
        name: The study's name.
        link: Path of its page, relative to the index.
        question: The question that its file asks.
        facts: Its arms, seeds, model and data.
        answers: Its answer, in one or several sentences.
        counts: How many arms, and how many claims, have which verdict.
    """

    name: str
    link: str
    question: str
    facts: str
    answers: Sequence[str]
    counts: Sequence[str]


def index_entry(report: StudyReport, page: Path, index: Path) -> Entry:
    """Return what the index says of a study whose page lies at ``page``."""
    comparison = report.comparison
    link = quote(os.fsencode(Path(os.path.relpath(page, index.parent)).as_posix()))
    answers = answer_lines(comparison) if comparison.rows else ["No finished run."]
    claims = [summary_line(report.verdicts)] if report.verdicts else []
    facts = headline(comparison).split("\n")[-1].strip()
    counts = [*_arm_counts(comparison), *claims]
    return Entry(comparison.study, link, comparison.question, facts, answers, counts)


def write_index(entries: Sequence[Entry], path: Path) -> None:
    """Write the index.

    Raises:
        ComparisonError: The file cannot be written.
    """
    facts = f"{len(entries)} studies, each with its own page"
    write_page(path, rendered("index.html.j2", title="Studies", facts=facts, entries=entries))


def _arm_counts(comparison: StudyComparison) -> list[str]:
    """Return how many arms have which verdict against the baseline."""
    words = Counter(row.effect.verdict_on_new for row in comparison.rows if row.effect)
    counted = [f"{number} {word}" for word, number in words.items() if word != NO_VERDICT]
    return [f"Against {comparison.baseline}: {', '.join(counted)}."] if counted else []
