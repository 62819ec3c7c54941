"""Reads one number per seed for an expectation: a weighted sum of metrics, or a trend along a setting.

The rules are in docs/methods.md, "6. Claims".
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

from normbench.evidence.claims.expectations import Expectation
from normbench.evidence.claims.terms import Term
from normbench.evidence.comparison.collapses import CollapseRule
from normbench.evidence.metrics.bounded import bounded
from normbench.evidence.metrics.differences import worst_possible
from normbench.evidence.metrics.diverged import Diverged
from normbench.evidence.metrics.group_metrics import is_of_settings, read_by_seed, read_metric, settings_along
from normbench.evidence.metrics.scales import is_share
from normbench.evidence.statistics.trends import kendall_tau
from normbench.evidence.statistics.verdicts.ties import sum_or_tie
from normbench.storage.run_folder import Arm, Run

SMALLEST_LOSS = 1e-300
"""Smaller losses are raised to it, since 0 has no logarithm."""


def number_by_seed(
    expectation: Expectation, arms: Sequence[Arm], seeds: Sequence[int], bounding: CollapseRule | None = None
) -> dict[int, float]:
    """Return the expectation's number for each seed.

    Args:
        expectation: What is expected.
        arms: The arms that the claim reads.
        seeds: The seeds of all of them.
        bounding: By which rule runs collapsed that count as the constant predictor, as where means over splits are
            judged. Else a diverged run is the worst possible, of which two may cancel.
    """
    if expectation.kind == "trend":
        return _trend_by_seed(expectation, arms, seeds, bounding)
    weighted = [(w, of) for term, w in expectation.terms if w for of in _values_of(expectation, term, arms, bounding)]
    return {seed: sum_or_tie([weight * of[seed] for weight, of in weighted]) for seed in seeds}


def with_places(expectation: Expectation, arms: Sequence[Arm]) -> Expectation:
    """Return an expectation of a trend with the number of arms along it; any other as it is."""
    if expectation.kind != "trend":
        return expectation
    return replace(expectation, num_places=min(len(_arms_of_term(term, arms)) for term, _ in expectation.terms))


def _trend_by_seed(
    expectation: Expectation, arms: Sequence[Arm], seeds: Sequence[int], bounding: CollapseRule | None
) -> dict[int, float]:
    taus = [(weight, _taus(expectation, term, arms, seeds, bounding)) for term, weight in expectation.terms]
    return {seed: sum_or_tie([weight * of[seed] for weight, of in taus]) for seed in seeds}


def _taus(
    expectation: Expectation, term: Term, arms: Sequence[Arm], seeds: Sequence[int], bounding: CollapseRule | None
) -> dict[int, float]:
    along = settings_along(_arms_of_term(term, arms), expectation.key)
    values = _values_of(expectation, term, arms, bounding)
    return {seed: kendall_tau(along, [of[seed] for of in values]) for seed in seeds}


def _values_of(
    expectation: Expectation, term: Term, arms: Sequence[Arm], bounding: CollapseRule | None = None
) -> list[dict[int, float]]:
    """Return a term's comparable values by seed: of each of its arms along a trend, else of all of them together."""
    chosen = _arms_of_term(term, arms)
    groups = [[arm] for arm in chosen] if expectation.kind == "trend" else [chosen]
    return [_comparable(expectation, term, _read(group, term.metric, bounding)) for group in groups]


def _read(group: Sequence[Arm], metric: str, bounding: CollapseRule | None) -> dict[int, float]:
    """Return a metric by seed; each run that failed, of several arms too, counts as the constant predictor if asked."""
    if bounding is None or is_of_settings(metric):
        return read_by_seed(group, metric)

    def read(run: Run, of_run: str) -> float:
        return bounded(run, of_run, read_metric(run, of_run), is_failed=bounding.has_collapsed(run))

    return read_by_seed(group, metric, read)


def _comparable(expectation: Expectation, term: Term, values: Mapping[int, float]) -> dict[int, float]:
    take = _logarithm if is_share(term.metric) and not expectation.is_raw and not expectation.key else float
    worst = worst_possible(term.metric)
    return {seed: worst if isinstance(value, Diverged) else take(value) for seed, value in values.items()}


def _arms_of_term(term: Term, arms: Sequence[Arm]) -> list[Arm]:
    return [arm for arm in arms if term.selects(arm.labelled)]


def _logarithm(value: float) -> float:
    return math.log(max(value, SMALLEST_LOSS)) if value >= 0 else math.nan


def unreadable_metric(
    expectations: Sequence[Expectation], numbers: Sequence[Mapping[int, float]], arms: Sequence[Arm]
) -> str:
    """Return which metric has no value in some run, or ""; a seed in which both arms diverged is a tie, and has one.

    Args:
        expectations: What is expected.
        numbers: The number of each seed, for each expectation.
        arms: The arms that the claim reads.
    """
    unread = [
        ", ".join(dict.fromkeys(term.metric for term, _ in expectation.terms))
        for expectation, by_seed in zip(expectations, numbers, strict=True)
        if any(map(math.isnan, by_seed.values())) and _lacks_values(expectation, arms)
    ]
    return f"{unread[0]} has no finite value in some run" if unread else ""


def _lacks_values(expectation: Expectation, arms: Sequence[Arm]) -> bool:
    read = [values for term, _ in expectation.terms for values in _values_of(expectation, term, arms)]
    return any(math.isnan(value) for values in read for value in values.values())
