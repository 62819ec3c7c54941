"""Draws one picture per study: each claim's effect with its seeds, its interval and its margin."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from normbench.evidence.claims.claim import NEW_DATA
from normbench.evidence.claims.margin_test import ExpectationResult
from normbench.evidence.claims.verdict import ClaimVerdict
from normbench.evidence.claims.words import DEPENDS, HOLDS, OPPOSITE, SMALLER
from normbench.evidence.statistics.corrections import ALPHA
from normbench.evidence.statistics.student import exp
from normbench.report.blocks.checks import level_text
from normbench.report.blocks.claim_numbers import effect_with_interval, has_interval, measured
from normbench.report.blocks.numbers import metric_title
from normbench.report.figures.axis_scale import PER_CENT, AxisScale
from normbench.report.figures.dots import Seeds
from normbench.report.figures.looks import Look
from normbench.report.figures.rows import BAND, Row, RowPanel, draw_rows
from normbench.report.figures.sheet import Sheet, drawing
from normbench.report.figures.words import seeds_text
from normbench.report.figures.writing import picture_bytes

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Picture

BLUE, RED, ORANGE, PURPLE = "#0072B2", "#D55E00", "#E69F00", "#CC79A7"
COLOURS = {HOLDS: BLUE, OPPOSITE: RED, SMALLER: ORANGE, DEPENDS: PURPLE, "supported": BLUE, "refuted": RED}
MARKERS = {HOLDS: "o", OPPOSITE: "X", SMALLER: "v", DEPENDS: "s", "supported": "o", "refuted": "X"}
"""Kept verdicts of version 0.1.0 are supported or refuted."""
OTHER = Look("#666666", "-", "D")
BETWEEN = "#CFE8DC"
"""Colour of the band between two margins, and of what a margin allows on the other side of no effect."""
EMPTY = (7.0, 0.2)
"""Width and height in inches where nothing was tested."""


def draw_claims(verdicts: Sequence[ClaimVerdict]) -> bytes:
    """Return an SVG with a row per tested expectation; equal verdicts give equal bytes."""
    with drawing():
        return picture_bytes(claims_picture(verdicts), ".svg")


def claims_picture(verdicts: Sequence[ClaimVerdict]) -> "Picture":
    """Return the picture: rows whose effects can be compared share an axis. Use it inside ``drawing()``."""
    groups: dict[AxisScale, list[Row]] = {}
    parts = [(verdict, part) for verdict in verdicts for part in verdict.parts]
    for verdict, part in parts:
        groups.setdefault(_scale(part), []).append(_row(verdict, part))
    if not groups:
        sheet = Sheet(verdicts[0].study, f"{len(verdicts)} claims: {verdicts[0].verdict}.", EMPTY)
        sheet.place(sheet.axes[0], (0, 0, *EMPTY))
        sheet.axes[0].remove()
        return sheet.finished()
    panels = [RowPanel(scale, rows) for scale, rows in groups.items()]
    return draw_rows(verdicts[0].study, _says(groups, parts), panels)


def _scale(part: ExpectationResult) -> AxisScale:
    """Return the scale of an effect: one for all ratios, one for points, one for each other metric."""
    if part.is_share:
        return AxisScale("ratio; 1 is no effect", (0.0, math.inf), is_log=True, neutral=1.0)
    if part.is_points:
        return AxisScale("difference in points", (-PER_CENT, PER_CENT), PER_CENT, is_log=False, neutral=0.0)
    if part.kind == "trend":
        return AxisScale("Kendall's tau", (-1.0, 1.0), is_log=False, neutral=0.0)
    title, is_value = metric_title(part.metric), part.kind == "range"
    return AxisScale(title if is_value else f"effect: {title}", is_log=False, neutral=None if is_value else 0.0)


def _row(verdict: ClaimVerdict, part: ExpectationResult) -> Row:
    read = exp if part.is_share else float
    values = [read(value) for value in part.by_seed.values() if not math.isnan(value)]
    look = Look(COLOURS.get(part.verdict, OTHER.colour), "-", MARKERS.get(part.verdict, OTHER.marker))
    low, high = (part.low, part.high) if has_interval(part) else (None, None)
    said = verdict.says if len(verdict.parts) == 1 else part.expectation
    metrics = part.metric.split(", ")
    others = f" and {len(metrics) - 1} more" * (len(metrics) > 1)
    says = f"{verdict.id}  {said}\n{measured(replace(part, metric=metrics[0]))}{others}"
    text = f"{effect_with_interval(part)}\n{part.verdict}"
    return Row(says, [Seeds(look, values, part.effect, low, high, count=part.n)], text, *_band(part))


def _band(part: ExpectationResult) -> tuple[tuple[float, float] | None, str]:
    """Return the effects that fall short of the margin, or what lies between two, or is allowed; and a colour."""
    if len(part.margins) == 2:
        return (part.margins[0], part.margins[1]), BETWEEN
    neutral = 1.0 if part.is_share else 0.0
    margin = part.margins[0] if part.margins else neutral
    if margin == neutral:
        return None, BAND
    return ((neutral, margin), BAND) if margin > neutral else ((margin, neutral), BETWEEN)


def _says(groups: Mapping[AxisScale, Sequence[Row]], parts: Sequence[tuple[ClaimVerdict, ExpectationResult]]) -> str:
    """Return the caption: seeds, interval, and what the bands are."""
    rows = [row for of in groups.values() for row in of]
    words = [f"{_estimate(parts)} over {seeds_text([part.n for _, part in parts])}, {_interval(parts)}"]
    words += ["dots are seeds"] * any(item.values for row in rows for item in row.items)
    words += ["grey: an effect smaller than claimed"] * any(row.band and row.band_colour == BAND for row in rows)
    words += ["green: within the margins asked for"] * any(row.band and row.band_colour == BETWEEN for row in rows)
    return "; ".join(words) + "."


def _estimate(parts: Sequence[tuple[ClaimVerdict, ExpectationResult]]) -> str:
    """Return what a row's large mark is: a median, about new data a mean."""
    found = dict.fromkeys("mean" if verdict.about == NEW_DATA else "median" for verdict, _ in parts)
    return " or ".join(found).capitalize()


def _interval(parts: Sequence[tuple[ClaimVerdict, ExpectationResult]]) -> str:
    """Return which intervals are drawn: of 95 %, or at the level of a planned check."""
    levels = sorted({part.level for _, part in parts if part.level})
    if levels[-1:] in ([], [ALPHA]):
        return "95 % interval"
    return f"interval at level {' to '.join(map(level_text, dict.fromkeys((levels[0], levels[-1]))))}"
