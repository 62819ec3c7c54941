"""Writes the caption of a table for a paper: what it shows, of how many seeds, and which intervals stand in it."""

from collections.abc import Iterator

from normbench.evidence.comparison.rows import SeedSummary
from normbench.evidence.statistics.corrections import ALPHA
from normbench.evidence.statistics.paired_effect import Effect
from normbench.report.blocks.block import Table
from normbench.report.blocks.value_text import value_text
from normbench.report.pages.formats._latex_text import latex_text


def caption(title: str, table: Table) -> str:
    """Return the caption of a table under a heading or a page's first line."""
    subject = " ".join(title.replace(" · ", ": ", 1).split()).rstrip(".")
    ended = subject if subject.endswith(("?", "!")) else f"{subject}." * bool(subject)
    return " ".join(filter(None, [latex_text(ended), _seeds(table), *_intervals(table)]))


def _values(table: Table) -> Iterator[SeedSummary | Effect]:
    for column in table.columns:
        yield from (value for value in column.values if isinstance(value, SeedSummary | Effect))


def _seeds(table: Table) -> str:
    """Return how many seeds there are, in words; "" where the table does not say."""
    counts = sorted({*table.num_seeds, *(value.n for value in _values(table))})
    if not counts:
        return ""
    seeds = str(counts[0]) if len(counts) == 1 else f"{counts[0]} to {counts[-1]}"
    return f"$n = {seeds}$ seeds." if len(counts) == 1 else f"$n$: {seeds} seeds."


def _intervals(table: Table) -> Iterator[str]:
    """Yield which intervals the means have, and which the effects."""
    found = list(_values(table))
    means = [value for value in found if isinstance(value, SeedSummary)]
    if any(value.std is not None for value in means):
        yield r"Means $\pm$ standard deviations over seeds."
    if any(value.low is not None for value in means):
        yield r"Intervals $[a, b]$ of means: 95\,\%."
    levels = sorted({value.rule.level or ALPHA for value in found if isinstance(value, Effect) and value.has_interval})
    if levels:
        told = " and ".join(rf"{100 * (1 - level):.4g}\,\%" for level in levels)
        yield rf"Effects are pseudo-medians over seeds, paired by seed, with intervals $[a, b]$ at {told}."
    if any(column.what in ("new_interval", "new_points") for column in table.columns):
        yield r"On new data: means over splits with 95\,\% intervals by the corrected $t$."
    if not found and any("[" in value_text(value, column.what) for column in table.columns for value in column.values):
        yield r"Intervals $[a, b]$: 95\,\%."
