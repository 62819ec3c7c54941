"""Formats effects for people: on the typical seed with interval, in points for accuracies, and their verdicts."""

import math

from normbench.evidence.metrics.directions import direction
from normbench.evidence.metrics.scales import is_accuracy
from normbench.evidence.statistics.paired_effect import Effect
from normbench.evidence.statistics.verdict_words import NO_VERDICT
from normbench.report.blocks.numbers import TOO_FEW, short

DUST = 1e-9
"""Points below which a difference of accuracies is a rounding error, and the share of the seeds' largest difference."""
ONE_DECIMAL_FROM = 0.95
FACTOR_FROM = 2.0
"""Ratios from which a distance is told as a factor, not in percent."""


def points(value: float) -> str:
    """Return a difference of shares in points, with its sign; a rounding error of floats is 0.

    Example:
        >>> points(0.042), points(-0.0004), points(1.4e-17), points(0.125)
        ('+4.2', '-0.04', '0', '+12.5')
    """
    scaled = 100 * value
    if abs(scaled) < DUST:
        return "0"
    return f"{scaled:+.1f}" if abs(scaled) >= ONE_DECIMAL_FROM else f"{scaled:+.2g}"


def effect_text(effect: Effect | None, *, with_unit: bool = True) -> str:
    """Return an effect with its 95 % interval: a ratio of losses as "x 0.80", a difference with its sign.

    Args:
        effect: None for the baseline itself.
        with_unit: Whether to write "points" after a difference of accuracies; not where a column's title says so.
    """
    if effect is None:
        return "baseline"
    low, high = (effect.low, effect.high) if effect.has_interval else (-math.inf, math.inf)
    value, low, high = (_without_dust(number, effect) for number in (effect.value, low, high))
    return ends_text(effect.metric, (value, low, high), is_ratio=effect.is_ratio, with_unit=with_unit)


def _without_dust(value: float, effect: Effect) -> float:
    """Return 0 for a difference that is a rounding error beside the seeds' own."""
    known = [abs(found) for found in effect.by_seed.values() if math.isfinite(found)]
    return 0.0 if not effect.is_ratio and abs(value) <= DUST * max(known, default=0.0) else value


def ends_text(metric: str, numbers: tuple[float, float, float], *, is_ratio: bool, with_unit: bool = True) -> str:
    """Return a value with the ends of its interval as text, without these where nothing is excluded.

    Example:
        >>> ends_text("test_accuracy", (0.042, 0.01, 0.071), is_ratio=False)
        '+4.2 points [+1.0, +7.1]'
        >>> ends_text("test_loss", (0.9, 0.8, 1.1), is_ratio=True)
        'x 0.900 [0.800, 1.10]'
        >>> ends_text("test_accuracy", (-math.inf, -math.inf, -math.inf), is_ratio=False)
        'diverged'
        >>> ends_text("test_loss", (0.0, 0.0, 0.5), is_ratio=True)
        'baseline diverged'
    """
    value, low, high = numbers
    if math.isnan(value):
        return "-"
    if math.isinf(value) or (is_ratio and value == 0.0):  # of the typical seed one run diverged, the other did not
        return "diverged" if (value <= 0) is (direction(metric) == "higher") else "baseline diverged"
    write = short if is_ratio else points if is_accuracy(metric) else _signed
    unit = " points" if with_unit and write is points else ""
    is_open = (high == math.inf and low == (0.0 if is_ratio else -math.inf)) or low == -math.inf
    ends = "" if is_open else f" [{write(low)}, {write(high)}]"
    return f"{'x ' * is_ratio}{write(value)}{unit}{ends}"


def _signed(value: float) -> str:
    return f"{value:+.3g}" if value else "0"


def distance_text(metric: str, distance: float, *, is_ratio: bool) -> str:
    """Return how far an arm is behind, or ahead of, the best: points of accuracy, percent of a loss, else the number.

    Args:
        metric: The metric's name.
        distance: A difference, or of ratios a ratio, as ``CellAnswer.behind`` has them.
        is_ratio: Which of the two it is.

    Example:
        >>> distance_text("test_accuracy", 0.019, is_ratio=False), distance_text("test_loss", 1.042, is_ratio=True)
        ('1.9 points', '4.2 %')
        >>> distance_text("test_loss", 0.9, is_ratio=True), distance_text("test_loss", 4.5, is_ratio=True)
        ('10.0 %', 'a factor of 4.50')
    """
    if is_ratio and distance >= FACTOR_FROM:
        return f"a factor of {short(distance)}"
    size = abs(distance - 1 if is_ratio else distance)
    if is_ratio:
        return f"{points(size).lstrip('+')} %"
    return f"{points(size).lstrip('+')} points" if is_accuracy(metric) else short(size)


def verdict_text(effect: Effect | None) -> str:
    """Write the verdict with its corrected p, and what the mean or the correction changes."""
    if effect is None or effect.verdict in (TOO_FEW, NO_VERDICT) or effect.rule.why_not:
        return verdict_word(effect)
    word, *more = verdict_word(effect).split(", ", 1)
    return ", ".join([f"{word} (p {effect.p_corrected:.2g})", *more])


def verdict_word(effect: Effect | None) -> str:
    """Write the verdict, and what the mean or the correction changes."""
    if effect is None:
        return ""
    if effect.verdict == TOO_FEW:
        return f"{TOO_FEW}, {effect.seeds_needed} needed"
    if effect.is_lost_to_correction:
        return f"{effect.verdict}, not after correction"
    shown = effect.mean_word in ("MIXED", "average open")
    return f"{effect.verdict}, {effect.mean_word}" if shown else effect.verdict


def new_effect_text(effect: Effect, *, is_whole: bool = False) -> str:
    """Return the interval of an effect on new data, or why there is none; ``is_whole`` adds the mean before it."""
    new = effect.new_data
    if new is None or new.why_not or not new.has_interval:
        return new_verdict_text(effect)
    text = ends_text(effect.metric, (new.value, new.low, new.high), is_ratio=new.is_ratio, with_unit=False)
    return text if is_whole else f"{'x ' * new.is_ratio}{text.partition(' [')[1].strip()}{text.partition(' [')[2]}"


def new_verdict_text(effect: Effect) -> str:
    """Return the verdict on new data with its corrected p, or why there is none."""
    new = effect.new_data
    if new is None:
        return ""
    if new.seeds_needed:
        return f"{new.verdict}, {new.seeds_needed} needed"
    if new.why_not or new.verdict == NO_VERDICT:
        return new.verdict
    lost = ", not after correction" * new.is_lost_to_correction
    return f"{new.verdict} (p {new.p_corrected:.2g}){lost}"
