"""A comparison as a table, for terminal and markdown alike."""

from collections.abc import Sequence
from typing import Any

from normbench.evidence.comparison.comparison import Figure, Row, StudyComparison
from normbench.evidence.comparison.selection import is_tuned
from normbench.report.blocks.grids import Grid
from normbench.report.blocks.numbers import effect_text, interval_text, short, verdict_text, with_spread

WIDE_HEADER = 9

METRIC_TITLES = {
    "batch_loss_max_after_epoch_1": "batch loss, max after epoch 1",
    "output_std_lowest": "output std, lowest",
    "output_std_mean": "output std, mean",
    "output_std_highest": "output std, highest",
    "output_mean_training": "output mean, training",
    "output_mean_evaluation": "output mean, evaluation",
}


def comparison_grid(comparison: StudyComparison, *, with_intervals: bool = False) -> Grid:
    """Return a study's arms as a table: what differs, means over seeds, verdicts.

    Args:
        comparison: With or without effects.
        with_intervals: Also the 95 % interval of each mean; a terminal has no room for it.
    """
    rows = comparison.rows
    metrics = list(rows[0].figures)
    label = _has_own_names(comparison)
    has_tuned = not label and len({is_tuned(row.arm) for row in rows}) > 1
    has_effects = any(row.effect for row in rows)
    has_steps = any(row.cpu_ms_per_step is not None for row in rows)
    has_diverged, has_quotes = any(row.num_diverged for row in rows), any(row.quote for row in rows)
    headers = ["arm"] * label + [*comparison.differing] + ["tuned"] * has_tuned + ["seeds"]
    headers += [metric_title(metric) for metric in metrics]
    headers += ["parameters"] + ["CPU ms/step"] * has_steps + ["diverged"] * has_diverged
    headers += [f"against {comparison.baseline}", "verdict"] * has_effects + ["the document"] * has_quotes
    num_left = label + len(comparison.differing) + has_tuned
    left = (*range(num_left), *range(len(headers) - has_effects - has_quotes, len(headers)))
    lines = []
    for row in rows:
        cells = [row.arm] * label + [_setting(row.settings.get(key)) for key in comparison.differing]
        cells += ["yes" if is_tuned(row.arm) else "no"] * has_tuned + [str(len(row.seeds))]
        cells += [_figure(metric, figure, with_intervals) for metric, figure in row.figures.items()]
        cells += [f"{row.num_parameters:,}"] + [short(row.cpu_ms_per_step)] * has_steps
        judged = [effect_text(row.effect), verdict_text(row.effect)] * has_effects
        lines.append([*cells, *[_diverged(row)] * has_diverged, *judged, *[row.quote] * has_quotes])
    return Grid(headers_in_lines(headers), lines, left)


def metric_title(metric: str) -> str:
    """Return what a metric is called over its column."""
    return METRIC_TITLES.get(metric, metric.replace("_", " "))


def headers_in_lines(headers: Sequence[str]) -> list[str]:
    """Break long headers into two lines; the others stand in the lower one."""
    lines = [_stacked(header) for header in headers]
    return lines if any(line[0] != "\n" for line in lines) else list(headers)


def _stacked(header: str) -> str:
    """Break a long header at the space nearest to its middle."""
    spaces = [i for i, letter in enumerate(header) if letter == " "]
    if len(header) <= WIDE_HEADER or not spaces:
        return f"\n{header}"
    middle = min(spaces, key=lambda i: abs(i - len(header) / 2))
    return f"{header[:middle]}\n{header[middle + 1 :]}"


def _has_own_names(comparison: StudyComparison) -> bool:
    """Whether arms have names that say more than the settings in the other columns."""
    return not comparison.differing or (any("=" not in row.arm for row in comparison.rows) and not comparison.is_plain)


def _figure(metric: str, figure: Figure, with_interval: bool) -> str:
    if metric == "output_std_lowest":
        return short(min(figure.values))
    if metric == "output_std_highest":
        return short(max(figure.values))
    spread = with_spread(metric, figure.mean, figure.std)
    return f"{spread} {interval_text(metric, figure)}".rstrip() if with_interval else spread


def _diverged(row: Row) -> str:
    return f"{row.num_diverged} of {len(row.seeds)}" if row.num_diverged else "-"


def _setting(value: Any) -> str:
    return "-" if value is None else str(value)
