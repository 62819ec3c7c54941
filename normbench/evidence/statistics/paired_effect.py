"""Compares two arms over the same seeds: the effect on the typical seed with its interval, p and verdict.

The rules are in docs/methods.md, "3. The typical seed" and "4. Verdicts of a comparison".
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from normbench.evidence.statistics.corrections import holm, seeds_for_a_verdict
from normbench.evidence.statistics.means import mean_of
from normbench.evidence.statistics.new_data_effect import NewDataEffect
from normbench.evidence.statistics.seed_plan import JUDGED_ONCE, SeedPlan
from normbench.evidence.statistics.student import exp
from normbench.evidence.statistics.verdict_rule import FIXED, VerdictRule, judge_differences
from normbench.evidence.statistics.verdict_words import CANNOT_TELL, TOO_FEW, Better, verdict_word
from normbench.evidence.statistics.verdicts.bootstrap_t import MeanWord, bootstrap_t_interval, mean_word
from normbench.evidence.statistics.verdicts.typical_seed import Failed, Side, typical_seed


@dataclass(frozen=True)
class Effect:
    """An arm against the baseline, paired by seed.

    Attributes:
        metric: The metric that is compared.
        is_ratio: Whether effect, mean and their intervals are ratios; else they are differences.
        n: Number of seeds that both arms have.
        value: The effect on the typical seed: the pseudo-median of the (logarithmic) differences.
        low: Lower end of its 95 % interval: the margins with p > 0.05, before any correction.
        high: Upper end of the interval.
        p: Two-sided p, max(p of signed ranks, half the p of signs), of the better supported side.
        num_above: Seeds in which the arm is higher than the baseline.
        num_below: Seeds in which it is lower.
        by_seed: The (logarithmic) difference of each seed; inf where only one arm diverged, nan where both did.
        side: The side that was found before any correction; empty where p is above the rule's level.
        failed: The part that found nothing where the other did: "signs" (few seeds carry it) or "sizes".
        p_corrected: p after Holm's correction over the table.
        verdict: better or worse (higher or lower where no direction is better), cannot tell, or too few seeds; not at a
            check, or incomplete, where so many seeds are not judged. On finite data "better on these rows".
        is_lost_to_correction: Whether p would give a verdict and the corrected p does not.
        seeds_needed: Fewest seeds with which a verdict is possible, where there are too few; the number that is judged
            next, where these are not.
        mean: The mean effect (of ratios the geometric mean); nan where a run diverged.
        mean_low: Lower end of its 95 % interval (bootstrap-t), where there is a verdict.
        mean_high: Upper end of it.
        mean_word: What the mean adds to the verdict: "and on average", "average open" or "MIXED".
        rule: How the verdict was made, which decides p and interval too.
        new_data: The effect on new data, of which the seeds are splits; None where each seed draws new data itself.
    """

    metric: str
    is_ratio: bool
    n: int
    value: float
    low: float
    high: float
    p: float
    num_above: int
    num_below: int
    by_seed: Mapping[int, float]
    side: Side
    failed: Failed = ""
    p_corrected: float = math.nan
    verdict: str = ""
    is_lost_to_correction: bool = False
    seeds_needed: int | None = None
    mean: float = math.nan
    mean_low: float = -math.inf
    mean_high: float = math.inf
    mean_word: MeanWord = ""
    rule: VerdictRule = FIXED
    new_data: NewDataEffect | None = None

    @property
    def verdict_on_new(self) -> str:
        """The verdict on new data, which on generated data each seed draws: what "better" alone stands for."""
        return self.new_data.verdict if self.new_data else self.verdict

    @property
    def has_interval(self) -> bool:
        """Whether anything is excluded; with fewer than six seeds nothing is."""
        return self.high < math.inf or self.low > (0.0 if self.is_ratio else -math.inf)

    def num_seeds_on(self, way: Literal["higher", "lower"]) -> int:
        """Return the number of seeds in which the arm is higher, or lower, than the baseline."""
        return self.num_above if way == "higher" else self.num_below


def paired_effect(metric: str, differences: Mapping[int, float], *, is_ratio: bool) -> Effect:
    """Return the effect that paired differences show, without a verdict yet.

    Args:
        metric: The metric's name.
        differences: Arm less baseline for each seed; of ratios the difference of logarithms. inf and -inf are runs
            that diverged, nan counts for no side.
        is_ratio: Whether they are differences of logarithms.
    """
    values = list(differences.values())
    found = typical_seed(values)
    write = exp if is_ratio else float
    return Effect(
        metric=metric,
        is_ratio=is_ratio,
        n=found.n,
        value=write(found.value),
        low=write(found.low),
        high=write(found.high),
        p=found.p,
        num_above=found.num_above,
        num_below=found.num_below,
        by_seed=dict(differences),
        side=found.side,
        failed=found.failed,
        mean=write(mean_of(values)),
    )


def judge_effects(effects: Sequence[Effect], better: Better, plan: SeedPlan = JUDGED_ONCE) -> list[Effect]:
    """Correct the p values of one table and give each effect its verdict.

    Args:
        effects: The effects in one table.
        better: The better direction; without one the verdict is higher or lower.
        plan: How the seeds were asked for, which decides how verdicts are made.
    """
    ruled = [_by_rule(effect, plan, len(effects)) for effect in effects]
    corrected = holm([effect.p for effect in ruled])
    fewest = seeds_for_a_verdict(len(effects))
    return [_with_verdict(effect, p, fewest, better) for effect, p in zip(ruled, corrected, strict=True)]


def _by_rule(effect: Effect, plan: SeedPlan, num_comparisons: int) -> Effect:
    """Return the effect with p, side and interval by the rule for its seeds; judged once it has them already."""
    rule = plan.rule(effect.by_seed, num_comparisons)
    if rule == FIXED:
        return effect
    found = judge_differences([effect.by_seed[seed] for seed in plan.in_order(effect.by_seed)], 0.0, rule)
    write = exp if effect.is_ratio else float
    low, high = write(found.low), write(found.high)
    return replace(effect, p=found.p, side=found.side, failed=found.failed, low=low, high=high, rule=rule)


def _with_verdict(effect: Effect, p: float, fewest: int, better: Better) -> Effect:
    found = replace(effect, p_corrected=p)
    if effect.n < fewest:
        return replace(found, verdict=TOO_FEW, seeds_needed=fewest)
    if effect.rule.why_not:
        return replace(found, verdict=effect.rule.why_not, seeds_needed=effect.rule.next_check)
    if not effect.rule.decides(p):
        return replace(found, verdict=CANNOT_TELL, is_lost_to_correction=effect.rule.decides(effect.p))
    return _with_mean(replace(found, verdict=verdict_word(effect.side, better)))


def _with_mean(effect: Effect) -> Effect:
    """Add the mean's interval, and what it adds to the verdict."""
    mean, low, high = bootstrap_t_interval(list(effect.by_seed.values()), effect.rule.level)
    word = mean_word(effect.side, 0.0, mean, low, high)
    write = exp if effect.is_ratio else float
    return replace(effect, mean_low=write(low), mean_high=write(high), mean_word=word)
