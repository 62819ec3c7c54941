"""Formats numbers for people: three digits, percent for accuracy, means with their intervals."""

import math

from normbench.evidence.comparison.rows import SeedSummary
from normbench.evidence.metrics.scales import is_accuracy

METRIC_TITLES = {
    "batch_loss_max_after_epoch_1": "batch loss, max after epoch 1",
    "output_std_lowest": "output std, lowest",
    "output_std_mean": "output std, mean",
    "output_std_highest": "output std, highest",
    "output_mean_training": "output mean, training",
    "output_mean_evaluation": "output mean, evaluation",
}
CANNOT_TELL, TOO_FEW = "cannot tell", "too few seeds"


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
