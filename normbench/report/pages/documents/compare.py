"""The JSON of `normbench compare`: an object per study."""

from typing import NotRequired

from typing_extensions import TypedDict

from normbench.evidence.comparison.comparison import StudyComparison
from normbench.evidence.comparison.pivot import Pivot
from normbench.evidence.tuning.sensitivity import Sensitivity
from normbench.findings import Finding
from normbench.report.pages.documents.base import Document, WithBlocks
from normbench.report.pages.documents.claims import MAY_LACK, SEEDS, ClaimEntry


class CompareExtras(TypedDict):
    """What a comparison is told with.

    Attributes:
        not_learned: Why there is no verdict where more than half of all runs collapsed; else "".
        pivots: Its tables by settings, with --by.
        claims: The verdicts of its claims, where it makes any and neither metric nor arms were chosen.
        tuning_sensitivity: What verdicts become at second-best values; where runs of these are there.
        standouts: Findings in its layers; where diagnostics were recorded.
        methods: The paragraph on methods, with --methods.
    """

    not_learned: str
    pivots: NotRequired[list[Pivot]]
    claims: NotRequired[list[ClaimEntry]]
    tuning_sensitivity: NotRequired[Sensitivity]
    standouts: NotRequired[list[Finding]]
    methods: NotRequired[str]


DOCUMENT = Document(
    "compare",
    "normbench compare",
    "The arms of a study: the figures of each, its effect against the baseline, and which arm to take.",
    (StudyComparison, CompareExtras, WithBlocks),
    is_list=True,
    patched=SEEDS,
    may_lack=MAY_LACK,
)
