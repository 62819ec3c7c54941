"""Subject: what a claim on finite data is about, these rows or new data, and how its seeds are judged accordingly.

The rules are in docs/methods.md, "10. Finite data".
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from normbench.evidence.claims.claim import THESE_ROWS, Claim
from normbench.evidence.comparison.split_data import (
    IN_STEPS,
    ONE_SPLIT,
    OTHER_DATA,
    SplitData,
    new_data_plan,
    read_split_data,
    why_not_new,
)
from normbench.evidence.statistics.seed_plan import SeedPlan
from normbench.storage.run_folder import Arm

REASONS = {
    ONE_SPLIT: "one split says nothing of other splits; about: these_rows asks of this one",
    OTHER_DATA: "its arms have different data; about: these_rows asks of these",
    IN_STEPS: "its numbers move in steps, so nothing is said of new data; about: these_rows asks of these",
}


@dataclass(frozen=True)
class Subject:
    """What a claim is about.

    Attributes:
        plan: How its seeds are judged.
        about: these_rows or new_data; "" where each seed draws new data.
        data: The finite data in words: "400 images".
        why_not: Why nothing can be said, where it is about new data; else "".
    """

    plan: SeedPlan
    about: str = ""
    data: str = ""
    why_not: str = ""

    @property
    def is_of_new_data(self) -> bool:
        """Whether means over splits are judged, from which new data are told."""
        return self.plan.overlap is not None


def claim_subject(claim: Claim, arms: Sequence[Arm], plan: SeedPlan) -> Subject:
    """Return what a claim is about.

    Args:
        claim: The claim.
        arms: The arms that it reads.
        plan: How the seeds were asked for.

    Raises:
        RunFolderError: A summary says something else of its data.
    """
    data = [read_split_data(arm) for arm in arms]
    if not any(data):
        return Subject(plan)
    found = Subject(plan, claim.about, data_words([one for one in data if one]))
    if claim.about == THESE_ROWS:
        return found
    metrics = [term.metric for expectation in claim.expectations for term, _ in expectation.terms]
    new = new_data_plan(data, metrics, plan)
    return replace(found, plan=new) if new else replace(found, why_not=REASONS[why_not_new(data, metrics)])


def data_words(data: Sequence[SplitData]) -> str:
    """Return what finite data consist of.

    Example:
        >>> data_words([SplitData(400, "images", "folds", 8), SplitData(400, "images", "folds", 8)])
        '400 images'
        >>> data_words([SplitData(n, "rows", "folds", 8) for n in (569, 178, 442)])
        '569 rows, 178 rows and 442 rows'
    """
    found = list(dict.fromkeys(f"{one.num_rows:,} {one.unit}" for one in data))
    return " and ".join(filter(None, (", ".join(found[:-1]), *found[-1:])))
