"""Writes the result of `normbench compare` as JSON, CSV, markdown or blocks for a terminal."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from normbench.errors import ComparisonError
from normbench.evidence.claims.verdict import ClaimVerdict
from normbench.evidence.comparison.comparison import StudyComparison
from normbench.evidence.comparison.pivot import Pivot
from normbench.evidence.tuning.sensitivity import Sensitivity
from normbench.findings import Finding
from normbench.report.blocks.block import Block, Line
from normbench.report.blocks.claims import claims_blocks
from normbench.report.blocks.comparison import comparison_blocks
from normbench.report.blocks.layers import standouts_block
from normbench.report.blocks.tuning import sensitivity_blocks
from normbench.report.pages.csv_text import as_csv, pivots_csv
from normbench.report.pages.json_text import blocks_mapping, claim_mappings, comparisons_json
from normbench.report.pages.markdown import blocks_markdown

FORMATS = ("--json", "--csv", "--markdown")


@dataclass(frozen=True)
class ComparedStudy:
    """The result of `normbench compare` for one study.

    Attributes:
        comparison: The comparison of its arms.
        pivots: Its tables by settings, with ``--by``.
        verdicts: The verdicts of its claims.
        sensitivity: What its verdicts become at second-best values; None where it was not run at these.
        standouts: Findings in its layers; None where no diagnostics were recorded.
        paragraph: The paragraph on methods, with ``--methods``.
    """

    comparison: StudyComparison
    pivots: Sequence[Pivot] = ()
    verdicts: Sequence[ClaimVerdict] = ()
    sensitivity: Sensitivity | None = None
    standouts: Sequence[Finding] | None = None
    paragraph: str = ""


def chosen_format(*, json: bool, csv: bool, markdown: bool, with_methods: bool) -> str:
    """Return the format of the options, one of FORMATS or "text".

    Raises:
        ComparisonError: There is more than one, or ``--methods`` with CSV.
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
    """Return the blocks of one study."""
    blocks = comparison_blocks(study.comparison, study.pivots, details=details)
    blocks += sensitivity_blocks(study.sensitivity)
    blocks += [standouts_block(study.standouts, details=details)] if study.standouts is not None else []
    blocks += claims_blocks(study.verdicts) if study.verdicts else []
    blocks += [Block(lines=[Line(study.paragraph)])] if study.paragraph else []
    return blocks + ([Block(figure=figure)] if figure else [])


def page_text(studies: Sequence[ComparedStudy], chosen: str, *, details: bool = False, figure: str = "") -> str:
    """Return the studies as JSON, CSV or markdown.

    Args:
        studies: The compared studies.
        chosen: One of FORMATS.
        details: Whether to add parameters, CPU time and every setting that differs.
        figure: Path of the picture of all studies.
    """
    blocks = [study_blocks(study, details=details, figure=figure if study is studies[-1] else "") for study in studies]
    if chosen == "--markdown":
        return "\n\n".join(map(blocks_markdown, blocks)) + "\n"
    if chosen == "--csv":
        cells = [(pivot, study.comparison.answer) for study in studies for pivot in study.pivots]
        if cells:
            return pivots_csv([pivot for pivot, _ in cells], [answer for _, answer in cells])
        return as_csv([study.comparison for study in studies])
    more = [_json_extras(study) | {"blocks": blocks_mapping(of)} for study, of in zip(studies, blocks, strict=True)]
    return comparisons_json([study.comparison for study in studies], more) + "\n"


def _json_extras(study: ComparedStudy) -> dict[str, Any]:
    content: dict[str, Any] = {"pivots": [asdict(table) for table in study.pivots]} if study.pivots else {}
    content |= {"claims": claim_mappings(study.verdicts)} if study.verdicts else {}
    content |= {"tuning_sensitivity": asdict(study.sensitivity)} if study.sensitivity else {}
    content |= {"standouts": [asdict(found) for found in study.standouts]} if study.standouts is not None else {}
    return content | ({"methods": study.paragraph} if study.paragraph else {})
