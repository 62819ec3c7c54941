"""Makes what `normbench compare --pool` shows: the blocks, the content of the JSON, the rows of the CSV."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from normbench.errors import ComparisonError
from normbench.evidence.comparison.comparison import StudyComparison
from normbench.evidence.comparison.effects import with_effects
from normbench.evidence.comparison.pool import Pool, pool_studies
from normbench.report.blocks.block import Block, Line
from normbench.report.blocks.comparison import notes
from normbench.report.blocks.pool import pool_blocks
from normbench.report.figures.profiles import save_profiles
from normbench.report.pages.csv_rows import pooled_rows
from normbench.report.pages.documents.pool import DOCUMENT
from normbench.report.pages.formats.base import Result
from normbench.report.pages.json_text import blocks_mapping
from normbench.report.pages.pool_methods import pool_paragraph
from normbench.storage.study_folder import StudyFolder


@dataclass(frozen=True)
class PoolPage:
    """The result of `normbench compare --pool`.

    Attributes:
        pool: The arms over all tasks.
        notes: What the studies lack.
        paragraph: The paragraph on methods, with ``--methods``.
        figure: Path of the picture, with ``--plot``.
    """

    pool: Pool
    notes: Sequence[str] = ()
    paragraph: str = ""
    figure: str = ""


def check_options(metrics: Sequence[str], by: Sequence[str], margin: float | None, fail_if: Sequence[str]) -> None:
    """Refuse several metrics, and options that say nothing of several tasks together.

    Raises:
        ComparisonError: One of them is given.
    """
    for name, is_given in (("--by", bool(by)), ("--margin", margin is not None), ("--fail-if", bool(fail_if))):
        if is_given:
            raise ComparisonError(f"--pool: must stand without {name}, got both. Leave one out.")
    if len(metrics) > 1:
        raise ComparisonError(f"--pool: must be of one metric, got {', '.join(metrics)}. Write one --metric.")


def make_pool_page(
    read: Sequence[tuple[StudyFolder, StudyComparison]],
    baseline: str | None = None,
    plot: Path | None = None,
    *,
    with_methods: bool = False,
) -> PoolPage:
    """Pool studies, and draw their performance profiles if asked for.

    Args:
        read: Each study with its comparison, without effects.
        baseline: What arms are judged against; by default what the studies say.
        plot: File of the picture.
        with_methods: Whether to write the paragraph on methods.

    Raises:
        ComparisonError: They cannot be pooled, or the picture cannot be drawn.
        RunFolderError: A file is missing or was changed.
    """
    comparisons = [comparison for _, comparison in read]
    pool = pool_studies([(study, with_effects(comparison, baseline)) for study, comparison in read])
    if plot:
        save_profiles(plot, pool)
    paragraph = pool_paragraph(pool, comparisons) if with_methods else ""
    return PoolPage(pool, _notes(comparisons, pool.metric), paragraph, str(plot or ""))


def _notes(comparisons: Sequence[StudyComparison], metric: str) -> list[str]:
    """Return the notes on each study, of metrics only on this one."""
    named = len(comparisons) > 1
    found = [
        replace(one, rows=[replace(row, figures={metric: row.figures[metric]}) for row in one.rows])
        for one in comparisons
    ]
    return [f"{f'{one.study}: ' * named}{note}" for one in found for note in notes(one)]


def page_blocks(page: PoolPage, *, details: bool = False) -> list[Block]:
    """Return the page's blocks; ``details`` adds each task."""
    blocks = pool_blocks(page.pool, page.notes, details=details)
    blocks += [Block(lines=[Line(page.paragraph, is_paragraph=True)])] if page.paragraph else []
    return blocks + ([Block(figure=page.figure)] if page.figure else [])


def pool_result(page: PoolPage, *, details: bool = False) -> Result:
    """Return the page for a format."""

    def pages() -> list[list[Block]]:
        return [page_blocks(page, details=details)]

    def content() -> dict[str, Any]:
        found: dict[str, Any] = asdict(page.pool) | {"notes": page.notes, "blocks": blocks_mapping(pages()[0])}
        return found | ({"methods": page.paragraph} if page.paragraph else {})

    return Result(DOCUMENT, content, pages, partial(pooled_rows, page.pool, details=details))
