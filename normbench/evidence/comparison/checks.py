"""Reads off study.json how the verdicts of its arms are made: once, at planned checks, or at any time.

The rules are in docs/methods.md, "4. Verdicts of a comparison", under planned checks.
"""

from collections.abc import Collection, Sequence

from normbench.evidence.statistics.seed_plan import SeedPlan
from normbench.storage.contents.study import StudyContent
from normbench.storage.seed_history import Asked, read_history


def read_seed_plan(content: StudyContent, identities: Collection[str]) -> SeedPlan:
    """Return how the seeds of some arms were asked for, from the content of study.json.

    Args:
        content: The content of study.json.
        identities: sha256 of the arms' identities; what was asked of other arms was no look at these.
    """
    return seed_plan([one for one in read_history(content) if set(one.arms).intersection(identities)])


def seed_plan(asked: Sequence[Asked]) -> SeedPlan:
    """Return the plan that a history makes.

    A count within the plan adds nothing to it: it is a check, or is not judged. A count before the plan was a look.
    """
    order = tuple(dict.fromkeys(seed for one in asked for seed in one.seeds))
    plans = list(dict.fromkeys(one.check_after for one in asked if one.check_after))
    if len(plans) == 1 and asked[0].check_after and all(_is_within(one, plans[0]) for one in asked):
        return SeedPlan("checks", plans[0], order)
    counts = tuple(len(one.seeds) for one in asked)
    return SeedPlan("once" if len(asked) < 2 and not plans else "any time", counts, order)


def _is_within(asked: Asked, check_after: Sequence[int]) -> bool:
    return set(asked.seeds) == set(range(min(len(asked.seeds), check_after[-1])))
