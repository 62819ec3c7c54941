"""Makes what `normbench compare` shows of each study: the blocks, the content of the JSON, the rows of the CSV."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

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
from normbench.report.pages.csv_rows import arm_rows, pivot_rows, seed_rows
from normbench.report.pages.documents.compare import DOCUMENT
from normbench.report.pages.formats.base import CsvRow, Result
from normbench.report.pages.json_text import blocks_mapping, claim_mappings, comparison_mapping


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


def study_blocks(study: ComparedStudy, *, details: bool = False, figure: str = "") -> list[Block]:
    """Return the blocks of one study."""
    blocks = comparison_blocks(study.comparison, study.pivots, details=details)
    blocks += sensitivity_blocks(study.sensitivity)
    blocks += [standouts_block(study.standouts, details=details)] if study.standouts is not None else []
    blocks += claims_blocks(study.verdicts) if study.verdicts else []
    blocks += [Block(lines=[Line(study.paragraph, is_paragraph=True)])] if study.paragraph else []
    return blocks + ([Block(figure=figure)] if figure else [])


def comparison_result(
    studies: Sequence[ComparedStudy], *, details: bool = False, figure: str = "", per_seed: bool = False
) -> Result:
    """Return the studies for a format.

    Args:
        studies: The compared studies.
        details: Whether to add parameters, CPU time and every setting that differs.
        figure: Path of the picture of all studies.
        per_seed: Whether CSV has a row per seed and metric instead of one per arm.
    """

    def pages() -> list[list[Block]]:
        return [
            study_blocks(study, details=details, figure=figure if study is studies[-1] else "") for study in studies
        ]

    def content() -> list[dict[str, Any]]:
        blocks = map(blocks_mapping, pages())
        return [_json_entry(study) | {"blocks": shown} for study, shown in zip(studies, blocks, strict=True)]

    return Result(DOCUMENT, content, pages, partial(_csv_rows, studies, per_seed=per_seed))


def _csv_rows(studies: Sequence[ComparedStudy], *, per_seed: bool) -> list[CsvRow]:
    comparisons = [study.comparison for study in studies]
    cells = [(pivot, study.comparison.answer) for study in studies for pivot in study.pivots]
    if cells and not per_seed:
        return pivot_rows([pivot for pivot, _ in cells], [answer for _, answer in cells])
    return seed_rows(comparisons) if per_seed else arm_rows(comparisons)


def _json_entry(study: ComparedStudy) -> dict[str, Any]:
    content = comparison_mapping(study.comparison)
    content |= {"pivots": [asdict(table) for table in study.pivots]} if study.pivots else {}
    content |= {"claims": claim_mappings(study.verdicts)} if study.verdicts else {}
    content |= {"tuning_sensitivity": asdict(study.sensitivity)} if study.sensitivity else {}
    content |= {"standouts": [asdict(found) for found in study.standouts]} if study.standouts is not None else {}
    return content | ({"methods": study.paragraph} if study.paragraph else {})
