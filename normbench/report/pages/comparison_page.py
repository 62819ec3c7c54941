"""Writes what `normbench compare` found in the format that was asked for."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from normbench.errors import ComparisonError
from normbench.evidence.claims.verdict import ClaimVerdict
from normbench.evidence.comparison.comparison import StudyComparison
from normbench.evidence.comparison.pivot import Pivot
from normbench.findings import Finding
from normbench.report.blocks.block import Block, Line
from normbench.report.blocks.claims import claims_blocks
from normbench.report.blocks.comparison import comparison_blocks
from normbench.report.blocks.layers import standouts_block
from normbench.report.pages.csv_text import as_csv, pivots_csv
from normbench.report.pages.json_text import blocks_mapping, claim_mapping, comparisons_json
from normbench.report.pages.markdown import blocks_markdown

FORMATS = ("--json", "--csv", "--markdown")


@dataclass(frozen=True)
class ComparedStudy:
    """All that is told of one study.

    Attributes:
        comparison: Its arms.
        pivots: Its tables by settings, where they were asked for.
        verdicts: Of its claims.
        standouts: What stands out in its layers; None where nothing was recorded.
        paragraph: On methods, where it was asked for.
    """

    comparison: StudyComparison
    pivots: Sequence[Pivot] = ()
    verdicts: Sequence[ClaimVerdict] = ()
    standouts: Sequence[Finding] | None = None
    paragraph: str = ""


def chosen_format(*, json: bool, csv: bool, markdown: bool, with_methods: bool) -> str:
    """Return which of FORMATS was asked for, or "text".

    Raises:
        ComparisonError: More than one was, or a paragraph among the lines of a CSV.
    """
    chosen = [name for name, is_asked in zip(FORMATS, (json, csv, markdown), strict=True) if is_asked]
    if len(chosen) > 1:
        raise ComparisonError(f"{' '.join(chosen)}: must be one format, got {len(chosen)}. Leave one out.")
    if csv and with_methods:
        raise ComparisonError(
            "--csv --methods: must be lines of numbers, got a paragraph too. Use --json or --markdown."
        )
    return chosen[0] if chosen else "text"


def study_blocks(study: ComparedStudy, *, details: bool = False, figure: str = "") -> list[Block]:
    """Return the blocks of one study, which terminal, markdown and JSON share."""
    blocks = comparison_blocks(study.comparison, study.pivots, details=details)
    blocks += [standouts_block(study.standouts)] if study.standouts is not None else []
    blocks += claims_blocks(study.verdicts) if study.verdicts else []
    blocks += [Block(lines=[Line(study.paragraph)])] if study.paragraph else []
    return blocks + ([Block(figure=figure)] if figure else [])


def page_text(studies: Sequence[ComparedStudy], chosen: str, *, details: bool = False, figure: str = "") -> str:
    """Return the studies as JSON, CSV or markdown.

    Args:
        studies: What was compared.
        chosen: One of FORMATS.
        details: Also parameters, CPU time and every setting that differs.
        figure: Path of the picture that was drawn of all of them.
    """
    blocks = [study_blocks(study, details=details, figure=figure if study is studies[-1] else "") for study in studies]
    if chosen == "--markdown":
        return "\n\n".join(map(blocks_markdown, blocks)) + "\n"
    if chosen == "--csv":
        cells = [pivot for study in studies for pivot in study.pivots]
        return pivots_csv(cells) if cells else as_csv([study.comparison for study in studies])
    more = [_more(study) | {"blocks": blocks_mapping(of)} for study, of in zip(studies, blocks, strict=True)]
    return comparisons_json([study.comparison for study in studies], more) + "\n"


def _more(study: ComparedStudy) -> dict[str, Any]:
    said: dict[str, Any] = {"pivots": [asdict(table) for table in study.pivots]} if study.pivots else {}
    said |= {"claims": [claim_mapping(verdict) for verdict in study.verdicts]} if study.verdicts else {}
    said |= {"standouts": [asdict(found) for found in study.standouts]} if study.standouts is not None else {}
    return said | ({"methods": study.paragraph} if study.paragraph else {})
