"""The JSON of `normbench run`: an object per study, with its runs, layers, comparison and claims."""

from collections.abc import Sequence

from typing_extensions import TypedDict

from normbench.evidence.comparison.comparison import StudyComparison
from normbench.evidence.layers.layer_report import LayerReport
from normbench.evidence.layers.surface_report import Surface
from normbench.evidence.tuning.sensitivity import Sensitivity
from normbench.findings import Finding
from normbench.report.pages.documents.base import Document, Patches, WithBlocks
from normbench.report.pages.documents.claims import MAY_LACK, SEEDS, ClaimEntry
from normbench.storage.choices import Choice

NOT_LEARNED: Patches = {
    ("StudyComparison", "not_learned"): {
        "type": "string",
        "description": 'Why there is no verdict where more than half of all runs collapsed; else "".',
    }
}


class AskedRun(TypedDict):
    """A run that was asked for.

    Attributes:
        folder: Its folder.
        arm: Its arm's label.
        seed: Its seed.
        status: finished or diverged; skipped where it was there already; failed, interrupted or waiting.
    """

    folder: str
    arm: str
    seed: int
    status: str


class CheckedEnd(TypedDict):
    """Why no more seeds were added to a study that is run check by check.

    Attributes:
        why: decided, unlikely, open, failed or nothing.
        after: After how many seeds.
        last: After how many seeds the last check would be.
    """

    why: str
    after: int
    last: int


class StudyResult(TypedDict):
    """A study after it was run.

    Attributes:
        runs: The runs that were asked for.
        tuning: What tuning chose for each arm.
        tuning_sensitivity: What verdicts become at second-best values; null where these were not run.
        layers: Std per layer of each arm.
        standouts: Findings in its layers.
        surfaces: The loss surface along the gradient of each arm that recorded it.
        comparison: The comparison of its arms, with the keys of normbench/compare up to not_learned.
        claims: The verdicts of its claims.
        end: Why no more seeds were added; null for a study that is not run check by check.
    """

    runs: Sequence[AskedRun]
    tuning: Sequence[Choice]
    tuning_sensitivity: Sensitivity | None
    layers: Sequence[LayerReport]
    standouts: Sequence[Finding]
    surfaces: Sequence[Surface]
    comparison: StudyComparison
    claims: Sequence[ClaimEntry]
    end: CheckedEnd | None


DOCUMENT = Document(
    "run",
    "normbench run",
    "A study after it was run.",
    (StudyResult, WithBlocks),
    is_list=True,
    patched=SEEDS | NOT_LEARNED,
    may_lack=MAY_LACK,
)
