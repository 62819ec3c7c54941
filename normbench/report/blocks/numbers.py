"""Formats numbers for people: three digits, percent for accuracy, effects with intervals."""

import math
from collections.abc import Callable
from functools import partial
from typing import Any

from normbench.evidence.comparison.rows import SeedSummary
from normbench.evidence.metrics.directions import direction
from normbench.evidence.metrics.scales import is_accuracy
from normbench.evidence.statistics.paired_effect import Effect

METRIC_TITLES = {
    "batch_loss_max_after_epoch_1": "batch loss, max after epoch 1",
    "output_std_lowest": "output std, lowest",
    "output_std_mean": "output std, mean",
    "output_std_highest": "output std, highest",
    "output_mean_training": "output mean, training",
    "output_mean_evaluation": "output mean, evaluation",
}
CANNOT_TELL, TOO_FEW = "cannot tell", "too few seeds"
DUST = 1e-9
"""Points below which a difference of accuracies is a rounding error, and the share of the seeds' largest difference."""
ONE_DECIMAL_FROM = 0.95
FACTOR_FROM = 2.0
"""Ratios from which a distance is told as a factor, not in percent."""


def short(value: float | None) -> str:
    """Return a number with three significant digits, or without decimals if it is large.

    Example:
        >>> short(0.058123), short(61610), short(3.2e-14), short(None)
        ('0.0581', '61,610', '3.2e-14', '-')
    """
    if value is None:
        return "-"
    if not math.isfinite(value) or value == 0:
        return f"{value:g}"
    size = abs(value)
    if size >= 999.5:
        return f"{value:,.0f}" if size < 1e7 else f"{value:.2e}"
    return f"{value:#.3g}".rstrip(".") if size >= 1e-4 else f"{value:.3g}"


def metric_title(metric: str) -> str:
    """Return what a metric is called over its column: words, but a layer's statistic as it is typed.

    Example:
        >>> metric_title("test_loss"), metric_title("best test_loss"), metric_title("last probe.weight_zeros@hidden1")
        ('test loss', 'best test loss', 'last probe.weight_zeros@hidden1')
    """
    words = [word if {".", "@"} & set(word) else word.replace("_", " ") for word in metric.split(" ")]
    return METRIC_TITLES.get(metric, " ".join(words))


def size_text(size_bytes: int) -> str:
    """Return the size of files as text with two digits or more.

    Example:
        >>> size_text(980), size_text(41_200), size_text(7_340_000)
        ('980 bytes', '41 kB', '7.3 MB')
    """
    for size, unit in ((10**9, "GB"), (10**6, "MB"), (10**3, "kB")):
        if size_bytes >= size:
            number = size_bytes / size
            return f"{number:.1f} {unit}" if number < 10 else f"{number:,.0f} {unit}"
    return f"{size_bytes} bytes"


def percent(value: float) -> str:
    """Return a share as percent.

    Example:
        >>> percent(0.9815)
        '98.2 %'
    """
    return f"{100 * value:.1f} %" if math.isfinite(value) else str(value)


def metric_value(metric: str, value: float) -> str:
    """Return a value in its metric's format: percent for accuracy, else three digits."""
    return percent(value) if metric.endswith("share") or is_accuracy(metric) else short(value)


def with_spread(metric: str, mean: float, std: float | None) -> str:
    """Return mean and std over seeds as text.

    Example:
        >>> with_spread("test_accuracy", 0.98, 0.012), with_spread("test_loss", 0.058, None)
        ('98.0 ± 1.2 %', '0.0580')
    """
    if math.isnan(mean):
        return "-"
    if std is None:
        return metric_value(metric, mean)
    if is_accuracy(metric):
        return f"{100 * mean:.1f} ± {100 * std:.1f} %"
    return f"{short(mean)} ± {float(f'{std:.2g}'):g}"


def interval_text(metric: str, figure: SeedSummary) -> str:
    """Return the 95 % interval of a mean as text; "" where there is none.

    Example:
        >>> interval_text("test_accuracy", SeedSummary.of([0.9, 0.95, 0.99, 1.0], "test_accuracy", 100))
        '[80.4, 100.0] %'
    """
    if figure.low is None or figure.high is None:
        return ""
    if is_accuracy(metric):
        return f"[{100 * figure.low:.1f}, {100 * figure.high:.1f}] %"
    return f"[{short(figure.low)}, {short(figure.high)}]"


def mean_text(metric: str, figure: SeedSummary) -> str:
    """Return a mean with its 95 % interval as text, marked where it holds diverged runs."""
    if math.isnan(figure.mean):
        return "-"
    if figure.low is None:
        return metric_value(metric, figure.mean) + diverged_mark(figure)
    mean = f"{100 * figure.mean:.1f}" if is_accuracy(metric) else short(figure.mean)
    return f"{mean} {interval_text(metric, figure)}{diverged_mark(figure)}"


def diverged_mark(figure: SeedSummary) -> str:
    """Return a star for a mean that holds what diverged runs count as; a line below the table explains it."""
    return "*" if figure.num_diverged and not math.isnan(figure.mean) else ""


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
    """
    value, low, high = numbers
    if math.isnan(value):
        return "-"
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
    if effect is None or effect.verdict == TOO_FEW or effect.rule.why_not:
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


def value_text(value: Any, what: str = "", *, with_interval: bool = False) -> str:
    """Return one value of a table as text.

    Args:
        value: A value of a ``Column``.
        what: The column's metric, or which text of an effect it holds, of EFFECT_TEXTS.
        with_interval: Whether to add the 95 % interval of a mean over seeds.

    Example:
        >>> value_text(0.9815, "test_accuracy"), value_text(61610), value_text((6, 3, 5, 5)), value_text(None)
        ('98.2 %', '61,610', '6x3x5x5', '-')
    """
    match value:
        case SeedSummary():
            spread = with_spread(what, value.mean, value.std) + diverged_mark(value)
            return f"{spread} {interval_text(what, value)}".rstrip() if with_interval else spread
        case Effect():
            return EFFECT_TEXTS.get(what, effect_text)(value)
        case float():
            return metric_value(what, value)
        case tuple():
            return "x".join(map(str, value))
        case int() if not isinstance(value, bool):
            return f"{value:,}"
    return {None: "-", True: "yes", False: "no"}.get(value, str(value))


EFFECT_TEXTS: dict[str, Callable[[Effect], str]] = {
    "verdict": verdict_text,
    "verdict_word": verdict_word,
    "points": partial(effect_text, with_unit=False),
    "better_seeds": lambda effect: f"{effect.num_seeds_on(direction(effect.metric) or 'higher')} of {effect.n}",
}
"""What a column of effects may show of them beside the effect itself, by the column's ``what``."""
