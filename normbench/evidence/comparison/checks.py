"""Reads off study.json how the verdicts of its arms are made: once, at planned checks, or at any time.

The rules are in docs/methods.md, "Planned checks".
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from normbench.evidence.statistics.verdict_rule import ANY_TIME, FIXED, VerdictRule, rule_at_checks, rule_once
from normbench.storage.seed_history import Asked, read_history


@dataclass(frozen=True)
class SeedPlan:
    """How the seeds of some arms were asked for.

    Attributes:
        kind: once: one count of seeds. checks: planned checks. any time: seeds were added without a plan, or the plan
            was changed.
        counts: The one count, or the checks; of any time the counts in the order asked; empty where nobody wrote it.
        order: Seeds in the order in which they were added.
    """

    kind: Literal["once", "checks", "any time"] = "once"
    counts: tuple[int, ...] = ()
    order: tuple[int, ...] = ()

    def rule(self, seeds: Collection[int], num_comparisons: int = 1) -> VerdictRule:
        """Return the rule for verdicts on these seeds, in a table of so many comparisons.

        Of seeds that were asked for one after the other none may be missing: to leave some out is to choose.
        """
        if self.kind == "any time" or len(seeds) > max(self.counts, default=len(seeds)):
            return ANY_TIME
        if not self.counts:
            return FIXED
        n = self._num_in_order(seeds)
        if self.kind == "once":
            return rule_once(n, self.counts[0])
        return rule_at_checks(n, self.counts, num_comparisons, is_whole=n == len(seeds))

    def _num_in_order(self, seeds: Collection[int]) -> int:
        """Return how many of the seeds were added before the first one that is missing."""
        return next((n for n, seed in enumerate(self.order) if seed not in seeds), len(self.order))

    def in_order(self, seeds: Iterable[int]) -> list[int]:
        """Return seeds in the order in which they were added; those that nobody asked for come last."""
        place = {seed: i for i, seed in enumerate(self.order)}
        return sorted(seeds, key=lambda seed: (place.get(seed, len(place)), seed))


def read_seed_plan(content: Mapping[str, Any], identities: Collection[str], path: Path) -> SeedPlan:
    """Return how the seeds of some arms were asked for, from the content of study.json.

    Args:
        content: The content of study.json.
        identities: sha256 of the arms' identities; what was asked of other arms was no look at these.
        path: Its name for messages.

    Raises:
        RunFolderError: study.json has a damaged history.
    """
    return seed_plan([one for one in read_history(content, path) if set(one.arms).intersection(identities)])


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
