"""Draws the values of a metric themselves, as strips: each arm's seeds, their mean and its interval."""

from collections.abc import Mapping, Sequence

from normbench.evidence.comparison.rows import SeedSummary
from normbench.evidence.metrics.bounds import possible_range
from normbench.evidence.metrics.diverged import Diverged
from normbench.evidence.metrics.scales import is_accuracy
from normbench.report.blocks.numbers import mean_text, metric_title, metric_value
from normbench.report.charts.strip_chart import Ends, better_words, interval_words, strip_axis, strip_chart
from normbench.report.charts.strips import FEWEST_SEEDS, Dot, Strip
from normbench.report.figures.words import seeds_text

Seeds = Sequence[int]
LOST = "Crosses: runs that diverged, at what they count as."


def draw_values(title: str, metric: str, arms: Mapping[str, tuple[Seeds, SeedSummary]], about: str = "") -> str:
    """Draw a strip for each arm.

    Args:
        title: What the chart shows.
        metric: The metric.
        arms: Each arm's seeds and values, by its name.
        about: A further sentence.
    """
    strips = [_strip(metric, name, *arm) for name, arm in arms.items()]
    low, high = (percent_of(metric) * end for end in possible_range(metric))
    counts = seeds_text([figure.n for _, figure in arms.values()])
    said = [f"{counts} an arm, a dot each. {interval_words(strips, 'the mean')}", *[about] * bool(about)]
    said += [f"{LOST} A mean with * holds them."] * any(figure.num_diverged for _, figure in arms.values())
    axis = f"{metric_title(metric)}{better_words(metric)}"
    unit = "%" * is_accuracy(metric)
    return strip_chart(title, said, strips, strip_axis(strips, possible=(low, high)), axis=axis, unit=unit)


def percent_of(metric: str) -> float:
    """Return by what values of a metric are multiplied on an axis: shares are drawn in percent."""
    return 100.0 if is_accuracy(metric) else 1.0


def _value_words(metric: str, seed: int, value: float) -> str:
    """Return what a seed's dot says."""
    return f"seed {seed}: {metric_value(metric, value)}{', diverged' * isinstance(value, Diverged)}"


def _ends(metric: str, figure: SeedSummary) -> Ends | None:
    """Return the interval of a mean as it stands on the axis; None where there is none, or of fewer than four seeds."""
    if figure.low is None or figure.high is None or figure.n < FEWEST_SEEDS:
        return None
    return percent_of(metric) * figure.low, percent_of(metric) * figure.high


def _strip(metric: str, name: str, seeds: Seeds, figure: SeedSummary) -> Strip:
    percent = percent_of(metric)
    pairs = zip(seeds, figure.values, strict=True)
    dots = [
        Dot(seed, percent * float(value), _value_words(metric, seed, value), isinstance(value, Diverged))
        for seed, value in pairs
    ]
    return Strip(name, mean_text(metric, figure), dots, percent * figure.mean, _ends(metric, figure))
