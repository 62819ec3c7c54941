"""SeedPlan: in how many seeds, and in which order, some arms are judged; gives each table its rule of verdicts."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from typing import Literal

from normbench.evidence.statistics.verdict_rule import (
    ANY_TIME,
    FIXED,
    VerdictRule,
    rule_at_checks,
    rule_on_new_data,
    rule_once,
)


@dataclass(frozen=True)
class SeedPlan:
    """How the seeds of some arms were asked for.

    Attributes:
        kind: once: one count of seeds. checks: planned checks. any time: seeds were added without a plan, or the plan
            was changed.
        counts: The one count, or the checks; of any time the counts in the order asked; empty where nobody wrote it.
        order: Seeds in the order in which they were added.
        overlap: Where verdicts are about new data, what splits of the same rows leave of the spread, as in
            ``corrected_t``; None where they are about the seeds.
    """

    kind: Literal["once", "checks", "any time"] = "once"
    counts: tuple[int, ...] = ()
    order: tuple[int, ...] = ()
    overlap: float | None = None

    def on_new_data(self, overlap: float) -> "SeedPlan":
        """Return the plan for verdicts about new data, of which the seeds are splits of the same rows."""
        return replace(self, overlap=overlap)

    def rule(self, seeds: Collection[int], num_comparisons: int = 1) -> VerdictRule:
        """Return the rule for verdicts on these seeds, in a table of so many comparisons.

        Of seeds that were asked for one after the other none may be missing: to leave some out is to choose.
        """
        found = self._rule_of_seeds(seeds, num_comparisons)
        return found if self.overlap is None else rule_on_new_data(found, self.overlap, len(self.counts))

    def _rule_of_seeds(self, seeds: Collection[int], num_comparisons: int) -> VerdictRule:
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


JUDGED_ONCE = SeedPlan()
"""Of seeds of which nobody wrote down how they were asked for."""
