"""Draws the effect of every arm on a metric: a dot for each seed, the interval of the verdict, the margin as a band."""

import math
from collections.abc import Sequence
from itertools import accumulate

from normbench.evidence.comparison.comparison import StudyComparison
from normbench.evidence.comparison.effects import effects_on
from normbench.evidence.comparison.rows import Row, SeedSummary
from normbench.evidence.metrics.bounds import possible_range
from normbench.evidence.metrics.directions import direction
from normbench.evidence.metrics.diverged import Diverged
from normbench.evidence.metrics.scales import is_accuracy, is_share
from normbench.evidence.statistics.paired_effect import Effect
from normbench.evidence.statistics.student import exp
from normbench.evidence.statistics.verdict_words import NO_VERDICT
from normbench.report.blocks.arm_names import arm_names, baseline_name
from normbench.report.blocks.checks import level_words
from normbench.report.blocks.effect_text import effect_text, new_effect_text, verdict_word
from normbench.report.blocks.finite_words import is_of_new_data, on_new, study_data
from normbench.report.blocks.numbers import mean_text, metric_title, metric_value, short
from normbench.report.charts.axes import EDGE, Frame, heading, upright, x_axis, x_axis_height
from normbench.report.charts.scales import ANYTHING, Scale, spanning
from normbench.report.charts.strips import MAX_TITLED, RADIUS, Dot, Strip, Tone, draw_strip, strip_height, zone
from normbench.report.charts.svg import WIDTH, Markup, box, chart, path

FEWEST_SEEDS = 4
"""Of fewer there are dots alone, whatever an interval would say."""
TONES: dict[str, Tone] = {"better": "better", "worse": "worse"}
SIDE = EDGE + RADIUS


def draw_effects(comparison: StudyComparison, metric: str) -> str:
    """Draw a strip for each arm: differences or ratios to the baseline, seed by seed; else the values themselves.

    Args:
        comparison: With its baseline and effects, if there are any.
        metric: Which metric.

    Returns:
        The chart; "" without arms that have the metric.
    """
    rows = [row for row in comparison.rows if metric in row.figures]
    if not rows:
        return ""
    effects = effects_on(comparison, metric)
    if any(effects):
        return _draw_effects(comparison, metric, effects)
    strips = [_value_strip(metric, row, arm_names(comparison)[row.arm]) for row in rows]
    is_percent = is_accuracy(metric)
    low, high = (100 * end if is_percent else end for end in possible_range(metric))
    scale = spanning(_drawn(strips), SIDE, WIDTH - SIDE, possible=(low, high))
    about = [f"{_seeds([len(row.seeds) for row in rows])}, a dot each. {_interval_words(strips, 'the mean')}"]
    title = f"{metric_title(metric).capitalize()} of each arm"
    return _chart(title, about, strips, scale, axis=f"{metric_title(metric)}{_better(metric)}", unit="%" * is_percent)


def _draw_effects(comparison: StudyComparison, metric: str, effects: Sequence[Effect | None]) -> str:
    names = arm_names(comparison)
    pairs = list(zip(comparison.rows, effects, strict=True))
    strips = [
        _effect_strip(effect, names[row.arm]) if effect else _bare(comparison, row, names[row.arm])
        for row, effect in pairs
    ]
    known = [effect for effect in effects if effect]
    is_ratio, margin = known[0].is_ratio, _margin(comparison, metric, is_ratio=known[0].is_ratio)
    neutral = 1.0 if is_ratio else 0.0
    possible = (-100.0, 100.0) if is_accuracy(metric) and not is_ratio else ANYTHING
    held = [*_drawn(strips), neutral, *(margin or ())]
    scale = spanning(held, SIDE, WIDTH - SIDE, possible=possible, is_log=is_ratio)
    baseline = baseline_name(comparison)
    unit = "ratio" if is_ratio else "points" if is_accuracy(metric) else "difference"
    interval = _verdict_interval(comparison, strips, known)
    about = [f"{_seeds([effect.n for effect in known])}, a dot each, paired by seed. {interval}"]
    about += [f"Band: smaller than the margin of {_margin_text(comparison, metric)}."] * bool(margin)
    title = f"{metric_title(metric).capitalize()} against {baseline}"
    axis = f"{metric_title(metric)}, {unit}{_better(metric)}"
    return _chart(title, about, strips, scale, axis=axis, band=margin, neutral=neutral)


def _effect_strip(effect: Effect, name: str) -> Strip:
    of_new = effect.new_data if is_of_new_data(effect) else None
    judged = of_new or effect
    has_interval = judged.has_interval and effect.n >= FEWEST_SEEDS
    ends = (_shown(judged.low, effect), _shown(judged.high, effect)) if has_interval else None
    told = new_effect_text(effect, is_whole=True) if of_new else effect_text(effect)
    word = effect.verdict_on_new if of_new else verdict_word(effect)
    word = "" if word == NO_VERDICT else word
    note = " · ".join(words for words in (told, word) if words)
    dots = [_effect_dot(seed, found, effect) for seed, found in effect.by_seed.items()]
    tone = TONES.get(effect.verdict_on_new.split(" ")[0], "open")
    return Strip(name, note, dots, _shown(judged.value, effect), ends, tone)


def _effect_dot(seed: int, found: float, effect: Effect) -> Dot:
    if math.isnan(found):
        return Dot(seed, math.nan, f"seed {seed}: both diverged")
    value = _shown(exp(found) if effect.is_ratio else found, effect)
    if math.isinf(found):
        lost_by_arm = (found > 0) is (direction(effect.metric) != "higher")
        return Dot(
            seed, math.copysign(math.inf, found), f"seed {seed}: {'diverged' if lost_by_arm else 'baseline diverged'}"
        )
    said = f"x {short(value)}" if effect.is_ratio else f"{value:+.3g}"
    return Dot(seed, value, f"seed {seed}: {said}")


def _shown(value: float, effect: Effect) -> float:
    """Return a number as it stands on the axis: differences of accuracies in points."""
    return 100 * value if is_accuracy(effect.metric) and not effect.is_ratio else value


def _bare(comparison: StudyComparison, row: Row, name: str) -> Strip:
    is_baseline = comparison.against is not None and comparison.against.matches(row.labelled.id)
    return Strip(name, "baseline" if is_baseline else "no baseline arm to compare with")


def _value_strip(metric: str, row: Row, name: str) -> Strip:
    figure, share = row.figures[metric], 100 if is_accuracy(metric) else 1
    dots = [
        Dot(seed, share * float(value), _value_words(metric, seed, value))
        for seed, value in zip(row.seeds, figure.values, strict=True)
    ]
    ends = _ends(figure)
    return Strip(
        name, mean_text(metric, figure), dots, share * figure.mean, ends and (share * ends[0], share * ends[1])
    )


def _ends(figure: SeedSummary) -> tuple[float, float] | None:
    has_interval = figure.low is not None and figure.high is not None and figure.n >= FEWEST_SEEDS
    return (figure.low, figure.high) if has_interval else None  # type: ignore[return-value]


def _value_words(metric: str, seed: int, value: float) -> str:
    return f"seed {seed}: {metric_value(metric, value)}{', diverged' * isinstance(value, Diverged)}"


def _drawn(strips: Sequence[Strip]) -> list[float]:
    """Return the numbers that the axis must hold."""
    ends = [end for strip in strips for end in (strip.ends or ())]
    return [*(dot.value for strip in strips for dot in strip.dots), *(strip.middle for strip in strips), *ends]


def _margin(comparison: StudyComparison, metric: str, *, is_ratio: bool) -> tuple[float, float] | None:
    """Return the ends of the band of differences that do not matter; None where none is stated for such numbers."""
    margin = comparison.margin
    if margin is None or (is_share(metric) and not is_ratio):
        return None
    if is_ratio:
        return 1 / (1 + margin), 1 + margin
    return (-100 * margin, 100 * margin) if is_accuracy(metric) else (-margin, margin)


def _margin_text(comparison: StudyComparison, metric: str) -> str:
    margin = comparison.margin or 0.0
    if is_share(metric):
        return f"{short(100 * margin)} %"
    return f"{short(100 * margin)} points" if is_accuracy(metric) else short(margin)


def _verdict_interval(comparison: StudyComparison, strips: Sequence[Strip], effects: Sequence[Effect]) -> str:
    data = study_data(comparison)
    if data and any(map(is_of_new_data, effects)):
        return _interval_words(strips, f"the mean {on_new(data)}")
    return _interval_words(strips, "the typical seed", level_words(effects))


def _interval_words(strips: Sequence[Strip], what: str, level: str = "95 % intervals") -> str:
    if not any(strip.ends for strip in strips):
        return f"Too few seeds for an interval; diamonds: {what}."
    return f"Bars: {level.replace('at level', 'intervals at level')} of {what}, the diamonds."


def _seeds(counts: Sequence[int]) -> str:
    low, high = min(counts), max(counts)
    number_ = str(low) if low == high else f"{low} to {high}"
    return f"{number_} seed{'s' * (high != 1)}"


def _better(metric: str) -> str:
    way = direction(metric)
    return f" ({way} is better)" if way else ""


def _chart(
    title: str,
    about: Sequence[str],
    strips: Sequence[Strip],
    scale: Scale,
    *,
    axis: str,
    unit: str = "",
    band: tuple[float, float] | None = None,
    neutral: float | None = None,
) -> str:
    head = heading(title, about)
    ends = list(accumulate(map(strip_height, strips), initial=head.bottom))
    frame = Frame(SIDE, head.bottom, WIDTH - SIDE, ends[-1])
    zones = [zone(strip, top) for strip, top in zip(strips, ends, strict=False)]
    is_titled = sum(len(strip.dots) for strip in strips) <= MAX_TITLED
    drawn = [draw_strip(strip, scale, top, is_titled=is_titled) for strip, top in zip(strips, ends, strict=False)]
    behind = [*_band(scale, zones, band), *x_axis(scale, frame, axis, unit, zones)]
    if neutral is not None:
        behind.append(path(upright([scale.at(neutral)], zones), "neutral"))
    said = " ".join([*about, *(f"{strip.name}: {strip.note}." for strip in strips)])
    return chart(title, said, frame.bottom + x_axis_height(axis), [*head.body, *behind, *drawn])


def _band(scale: Scale, zones: Sequence[tuple[float, float]], band: tuple[float, float] | None) -> list[Markup]:
    ends = [scale.at(end) for end in band or ()]
    return (
        [path((box(ends[0], top, ends[1], bottom) for top, bottom in zones if bottom > top), "margin")] if ends else []
    )
