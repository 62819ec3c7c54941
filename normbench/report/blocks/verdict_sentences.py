"""Writes the verdict on each arm against the baseline as a sentence."""

import math
from collections.abc import Sequence
from dataclasses import replace

from normbench.evidence.comparison.comparison import StudyComparison
from normbench.evidence.comparison.rows import Row
from normbench.evidence.comparison.selectors import ARM
from normbench.evidence.metrics.directions import direction
from normbench.evidence.statistics.corrections import ALPHA
from normbench.evidence.statistics.paired_effect import Effect
from normbench.evidence.statistics.verdict_rule import INCOMPLETE, NOT_AT_CHECK
from normbench.evidence.statistics.verdict_words import NO_VERDICT, ON_THESE_ROWS
from normbench.evidence.statistics.verdicts.power import findable_effect
from normbench.report.blocks.arm_names import Names, listed, spoken, spoken_names
from normbench.report.blocks.checks import not_judged_text
from normbench.report.blocks.effect_text import effect_text, ends_text
from normbench.report.blocks.finite_words import is_of_new_data, on_new, on_these
from normbench.report.blocks.numbers import CANNOT_TELL, TOO_FEW

NOTHING_FOUND = ("Cannot tell ", "Too few seeds ", "No verdict ")
OFTEN, EVEN = 0.9, 0.5
"""Shares of studies in which a difference is found: nine out of ten, one in two."""


def verdict_sentences(comparison: StudyComparison) -> list[str]:
    """Return a sentence or two on each arm that has a verdict; on finite data on new data, and on these rows."""
    names, against = spoken_names(comparison), against_words(comparison)
    judged = [row for row in comparison.rows if row.effect]
    found = [
        sentence
        for row in judged
        for sentence in (new_data_sentence(row, names[row.arm], against), _over_seeds(row, names, against, len(judged)))
    ]
    return [sentence for sentence in found if sentence]


def rows_sentences(comparison: StudyComparison) -> list[str]:
    """Return a sentence on each arm of what holds on the rows that there are."""
    names, against = spoken_names(comparison), against_words(comparison)
    judged = [row for row in comparison.rows if row.effect]
    found = [_over_seeds(row, names, against, len(judged)) for row in judged]
    return [sentence for sentence in found if sentence]


def _over_seeds(row: Row, names: Names, against: str, num_comparisons: int) -> str:
    """Return the verdict over the seeds, on finite data with the rows that it is about."""
    if row.data is None or row.effect is None:
        return verdict_sentence(row, names[row.arm], against, num_comparisons)
    plain = replace(row.effect, verdict=row.effect.verdict.removesuffix(ON_THESE_ROWS), new_data=None)
    sentence = verdict_sentence(replace(row, effect=plain), names[row.arm], against, num_comparisons)
    where = on_these(row.data)
    rest = sentence[:1].lower() + sentence[1:] if sentence.startswith(NOTHING_FOUND) else sentence
    return f"{where[:1].upper()}{where[1:]}: {rest}" if sentence else ""


def new_data_sentence(row: Row, arm: str, against: str) -> str:
    """Return the verdict on one arm on new data; "" on generated data, and where nothing is said of new data."""
    new = row.effect.new_data if row.effect else None
    if row.effect is None or row.data is None or new is None or new.why_not or new.verdict == NO_VERDICT:
        return ""
    where = on_new(row.data)
    if new.verdict == TOO_FEW:
        return f"Too few seeds for a verdict on {arm} against {against} {where}: {new.seeds_needed} are needed."
    if new.rule.why_not:
        return f"No verdict on {arm} against {against} {where} yet: {not_judged_text(new.num_splits, new.rule)}."
    text = ends_text(row.effect.metric, (new.value, new.low, new.high), is_ratio=new.is_ratio)
    if new.verdict == CANNOT_TELL:
        lost = " after correcting for all comparisons" * new.is_lost_to_correction
        return f"Cannot tell {arm} from {against} {where}{lost}: {text} on average."
    return f"{arm} is {new.verdict} than {against} {where}: {text} on average."


def against_words(comparison: StudyComparison) -> str:
    """Return what the arms are compared with; in a grid each has its own arm with the baseline's value."""
    label = comparison.baseline or ""
    baseline = spoken_names(comparison).get(label) or spoken(ARM, label)
    is_grid = all(row.arm != comparison.baseline for row in comparison.rows)
    return f"{baseline} with the same other settings" if is_grid else baseline


def verdict_sentence(row: Row, arm: str, against: str, num_comparisons: int = 1) -> str:
    """Return the verdict on one arm against the baseline, with its numbers."""
    effect = row.effect
    if effect is None or effect.verdict == NO_VERDICT:
        return ""
    if effect.verdict == TOO_FEW:
        return f"Too few seeds for a verdict on {arm} against {against}: {effect.seeds_needed} are needed."
    if effect.rule.why_not:
        return f"No verdict on {arm} against {against} yet: {not_judged_text(effect.n, effect.rule)}."
    if effect.verdict == CANNOT_TELL:
        return cannot_tell_sentence(effect, arm, against, num_comparisons)
    return decided_sentence(effect, arm, against) + _collapse_words(row, arm, against)


def decided_sentence(effect: Effect, arm: str, against: str) -> str:
    """Return a verdict that names a side, and what the mean adds to it."""
    seeds = f"{_seeds_with(effect)} of {effect.n} seeds"
    if effect.mean_word == "MIXED":
        first = f"{arm} is {effect.verdict} than {against} on the typical seed ({effect_text(effect)}, {seeds})"
        return f"{first}, but on average it is the other way round ({mean_of_effect(effect)}): MIXED."
    start = f"{arm} is {effect.verdict} than {against} on the typical seed: {effect_text(effect)}, {seeds}"
    if effect.mean_word == "and on average":
        return f"{start}, and on average."
    if effect.mean_word == "average open":
        return f"{start}; whether also on average is open: {mean_of_effect(effect)}."
    return f"{start}; no average, as runs diverged."


def _seeds_with(effect: Effect) -> int:
    return effect.num_above if effect.side == "above" else effect.num_below


def mean_of_effect(effect: Effect) -> str:
    """Return the mean effect with its interval."""
    return ends_text(effect.metric, (effect.mean, effect.mean_low, effect.mean_high), is_ratio=effect.is_ratio)


def _collapse_words(row: Row, arm: str, against: str) -> str:
    """Return how many runs of both collapsed, where any did."""
    found = row.collapses
    if found is None or not (found.first or found.second):
        return ""
    return f" {found.first} of {found.n} runs of {arm} collapsed, {found.second} of {against}."


def cannot_tell_sentence(effect: Effect, arm: str, against: str, num_comparisons: int) -> str:
    """Return why there is no verdict, and what so many seeds can find."""
    cannot_tell = f"Cannot tell {arm} from {against}"
    if effect.is_lost_to_correction:
        alone = f"alone it would have been (p {effect.p:.2g})"
        return f"{cannot_tell} after correcting for {num_comparisons} comparisons; {alone}."
    favoured, num_for = _favoured(effect, arm, against)
    if effect.failed == "signs":
        return f"{cannot_tell}: the sizes favour {favoured}, but only {num_for} of {effect.n} seeds do."
    if effect.failed == "sizes":
        return f"{cannot_tell}: {num_for} of {effect.n} seeds favour {favoured}, but {_other_seeds(effect, num_for)}."
    found = f"{cannot_tell} at {effect.n} seeds: {effect_text(effect)} on the typical seed."
    return f"{found} {power_of(effect, num_comparisons)}".rstrip()


def _other_seeds(effect: Effect, num_for: int) -> str:
    """Return what is with the seeds that do not favour the arm which most of them favour."""
    others, against = effect.n - num_for, effect.num_above + effect.num_below - num_for
    both = sum(map(math.isnan, effect.by_seed.values()))
    the_others = "the other one" if others == 1 else f"the {others} others"
    if not both:
        return f"{the_others} by far more the other way"
    return (
        f"{against} by far more the other way, and in {both} both diverged"
        if against
        else (f"in {the_others} both diverged")
    )


def _favoured(effect: Effect, arm: str, against: str) -> tuple[str, int]:
    """Return the arm that the effect favours, or that is higher where neither way is better, and its seeds."""
    is_above = effect.num_above > effect.num_below if effect.failed == "sizes" else _is_above(effect)
    is_for_arm = is_above is (direction(effect.metric) != "lower")
    return (arm if is_for_arm else against), effect.num_above if is_above else effect.num_below


def _is_above(effect: Effect) -> bool:
    return effect.value > (1.0 if effect.is_ratio else 0.0)


def power_of(effect: Effect, num_comparisons: int = 1) -> str:
    """Return which differences the seeds of an effect find, at its level; "" where seeds were added without a plan."""
    return "" if effect.rule.kind == "any time" else power_sentence(effect.n, effect.rule.level / num_comparisons)


def power_sentence(n: int, alpha: float = ALPHA) -> str:
    """Return which differences so many seeds find; "" where they can find none.

    Example:
        >>> power_sentence(8)
        '8 seeds find 1.5 sd of the differences nine times out of ten, 0.9 sd one time in two.'
    """
    often, even = (findable_effect(n, power, alpha) for power in (OFTEN, EVEN))
    if not often < float("inf"):
        return ""
    return f"{n} seeds find {often:.1f} sd of the differences nine times out of ten, {even:.1f} sd one time in two."


def baseline_sentence(comparison: StudyComparison) -> str:
    """Return the verdicts against the baseline in short: who is better, worse, or cannot be told apart."""
    names, against = spoken_names(comparison), against_words(comparison)
    by_verdict: dict[str, list[Row]] = {}
    for row in comparison.rows:
        if row.effect:
            found = row.effect.verdict_on_new if is_of_new_data(row.effect) else row.effect.verdict
            by_verdict.setdefault(found, []).append(row)
    called = {verdict: [names[row.arm] for row in rows] for verdict, rows in by_verdict.items()}
    return " ".join(_in_short(verdict, rows, called[verdict], against) for verdict, rows in by_verdict.items())


def _seeds_needed(effect: Effect) -> int:
    judged = effect.new_data if effect.new_data and is_of_new_data(effect) else effect
    return judged.seeds_needed or 0


def _in_short(verdict: str, rows: Sequence[Row], names: Sequence[str], against: str) -> str:
    who, verb = listed(names), "is" if len(rows) == 1 else "are"
    if verdict == TOO_FEW:
        needed = max(_seeds_needed(row.effect) for row in rows if row.effect)
        return f"Too few seeds for a verdict on {who} against {against}: {needed} are needed."
    if verdict in (NOT_AT_CHECK, INCOMPLETE):
        why = {NOT_AT_CHECK: "these seeds are not at a check", INCOMPLETE: "some of the seeds are missing"}[verdict]
        return f"No verdict on {who} against {against} yet: {why}."
    if verdict == CANNOT_TELL:
        return f"{who} cannot be told apart from {against}."
    return f"{who} {verb} {verdict} than {against}."
