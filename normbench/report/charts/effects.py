"""Draws the effect of every arm on a metric: a dot for each seed, the interval of the verdict, the margin as a band."""

import math
from collections.abc import Sequence

from normbench.evidence.comparison.comparison import StudyComparison
from normbench.evidence.comparison.effects import effects_on, margin_ends
from normbench.evidence.comparison.rows import Row
from normbench.evidence.metrics.directions import direction
from normbench.evidence.metrics.scales import is_accuracy, is_share
from normbench.evidence.statistics.paired_effect import Effect
from normbench.evidence.statistics.student import exp
from normbench.evidence.statistics.verdict_words import NO_VERDICT
from normbench.report.blocks.arm_names import arm_names, baseline_name
from normbench.report.blocks.checks import level_words
from normbench.report.blocks.effect_text import effect_text, new_effect_text, verdict_word
from normbench.report.blocks.finite_words import is_of_new_data, on_new, study_data
from normbench.report.blocks.numbers import metric_title, short
from normbench.report.charts.scales import ANYTHING
from normbench.report.charts.strip_chart import better_words, interval_words, strip_axis, strip_chart
from normbench.report.charts.strips import FEWEST_SEEDS, Dot, Strip, Tone
from normbench.report.charts.value_strips import draw_values
from normbench.report.figures.words import seeds_text

MAX_NAME = 40
"""Letters of a baseline's name in the title; its strip has all of it."""
TONES: dict[str, Tone] = {"better": "better", "worse": "worse"}


def draw_effects(comparison: StudyComparison, metric: str) -> str:
    """Draw a strip for each arm: differences or ratios to the baseline, seed by seed; else the values themselves.

    Args:
        comparison: With its baseline and effects, if there are any.
        metric: Which metric.

    Returns:
        The chart; "" without arms that have the metric.
    """
    rows = [row for row in comparison.rows if metric in row.figures]
    effects = effects_on(comparison, metric) if rows else []
    if any(effects):
        return _draw(comparison, metric, effects)
    names = arm_names(comparison)
    title = f"{metric_title(metric).capitalize()} of each arm"
    return (
        draw_values(title, metric, {names[row.arm]: (row.seeds, row.figures[metric]) for row in rows}) if rows else ""
    )


def _draw(comparison: StudyComparison, metric: str, effects: Sequence[Effect | None]) -> str:
    known = [effect for effect in effects if effect]
    is_ratio = all(effect.is_ratio for effect in known)
    names = arm_names(comparison)
    strips = [
        _strip(effect, names[row.arm], is_ratio=is_ratio) if effect else _bare(comparison, row, names[row.arm])
        for row, effect in zip(comparison.rows, effects, strict=True)
    ]
    ends, neutral = margin_ends(comparison, metric, is_ratio=is_ratio), 1.0 if is_ratio else 0.0
    margin = ends and (_shown(ends[0], known[0]), _shown(ends[1], known[0]))
    possible = (-100.0, 100.0) if _is_in_points(known[0]) else ANYTHING
    scale = strip_axis(strips, [neutral, *(margin or ())], possible=possible, is_log=is_ratio)
    unit = "ratio" if is_ratio else "points" if is_accuracy(metric) else "difference"
    counts, interval = seeds_text([effect.n for effect in known]), _interval(comparison, strips, known)
    about = [f"{counts} an arm, a dot each, paired by seed. {interval}"]
    about += [f"Grey band: smaller than the margin, {_margin_text(comparison, metric)}."] * bool(margin)
    is_lost = any(not math.isfinite(found) for effect in known for found in effect.by_seed.values())
    about += ["Crosses: seeds of which a run diverged."] * is_lost
    baseline = baseline_name(comparison)
    against = baseline if len(baseline) <= MAX_NAME else "the baseline"
    title = f"{metric_title(metric).capitalize()} against {against}"
    axis = f"{metric_title(metric)}, {unit}{better_words(metric)}"
    return strip_chart(title, about, strips, scale, axis=axis, band=margin, neutral=neutral)


def _strip(effect: Effect, name: str, *, is_ratio: bool) -> Strip:
    of_new = effect.new_data if is_of_new_data(effect) else None
    judged = of_new or effect
    told = new_effect_text(effect, is_whole=True) if of_new else effect_text(effect)
    word = effect.verdict_on_new if of_new else verdict_word(effect)
    note = " · ".join(words for words in (told, word) if words and word != NO_VERDICT) or told
    if effect.is_ratio is not is_ratio:  # an axis of differences has no place for ratios
        return Strip(name, note)
    has_interval = judged.has_interval and effect.n >= FEWEST_SEEDS
    ends = (_shown(judged.low, effect), _shown(judged.high, effect)) if has_interval else None
    dots = [_dot(seed, found, effect) for seed, found in effect.by_seed.items()]
    tone = TONES.get(effect.verdict_on_new.partition(" ")[0], "open")
    return Strip(name, note, dots, _shown(judged.value, effect), ends, tone)


def _dot(seed: int, found: float, effect: Effect) -> Dot:
    """Return a seed's dot; inf and -inf are runs that diverged, nan two of them."""
    if math.isnan(found):
        return Dot(seed, math.nan, f"seed {seed}: both diverged")
    if math.isinf(found):
        is_of_arm = (found > 0) is (direction(effect.metric) != "higher")
        return Dot(seed, found, f"seed {seed}: {'diverged' if is_of_arm else 'baseline diverged'}")
    value = _shown(exp(found) if effect.is_ratio else found, effect)
    return Dot(seed, value, f"seed {seed}: {f'x {short(value)}' if effect.is_ratio else f'{value:+.3g}'}")


def _shown(value: float, effect: Effect) -> float:
    """Return a number as it stands on the axis: differences of accuracies in points."""
    return 100 * value if _is_in_points(effect) else value


def _is_in_points(effect: Effect) -> bool:
    return is_accuracy(effect.metric) and not effect.is_ratio


def _bare(comparison: StudyComparison, row: Row, name: str) -> Strip:
    is_baseline = comparison.against is not None and comparison.against.matches(row.labelled.id)
    return Strip(name, "baseline" if is_baseline else "no baseline arm to compare with")


def _margin_text(comparison: StudyComparison, metric: str) -> str:
    margin = comparison.margin or 0.0
    if is_share(metric):
        return f"{100 * margin:g} %"
    return f"{100 * margin:g} points" if is_accuracy(metric) else short(margin)


def _interval(comparison: StudyComparison, strips: Sequence[Strip], effects: Sequence[Effect]) -> str:
    """Return what the bars are: on finite data the intervals on new data, from which the verdicts follow."""
    data = study_data(comparison)
    if data and any(map(is_of_new_data, effects)):
        return interval_words(strips, f"the mean {on_new(data)}")
    return interval_words(strips, "the typical seed", level_words(effects))
