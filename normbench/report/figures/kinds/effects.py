"""Each arm's effect on the first metric against the baseline: every seed, the interval, and the margin."""

import math
from typing import TYPE_CHECKING

from normbench.evidence.comparison.effects import margin_ends
from normbench.evidence.metrics.directions import direction
from normbench.evidence.statistics.paired_effect import Effect
from normbench.evidence.statistics.student import exp
from normbench.report.blocks.arm_names import arm_names
from normbench.report.blocks.effect_text import effect_text, verdict_word
from normbench.report.figures.axis_scale import effect_scale
from normbench.report.figures.dots import Seeds
from normbench.report.figures.kinds.base import PicturedStudy
from normbench.report.figures.looks import Look, arm_looks
from normbench.report.figures.rows import Row, RowPanel, draw_rows
from normbench.report.figures.sheet import drawing
from normbench.report.figures.words import seeds_text

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Picture

MAX_ROWS = 100


def draw(shown: PicturedStudy) -> "Picture | None":
    """Return the picture; None where no arm is compared with a baseline, or there are too many for a page."""
    comparison = shown.comparison
    effects = [(row, row.effect) for row in comparison.rows if row.effect]
    if not 0 < len(effects) <= MAX_ROWS:
        return None
    names, looks = arm_names(comparison), arm_looks(comparison)
    baseline = names.get(comparison.baseline or "", comparison.baseline or "the baseline")
    is_ratio = all(effect.is_ratio for _, effect in effects)
    scale = effect_scale(shown.metric, is_ratio=is_ratio, against=baseline)
    band = margin_ends(comparison, shown.metric, is_ratio=is_ratio)
    alike = [(row.arm, effect) for row, effect in effects if effect.is_ratio is is_ratio]
    rows = [_row(effect, names[arm], looks[arm], band) for arm, effect in alike]
    with drawing():
        return draw_rows(shown.title, _says(shown, effects[0][1], rows, band), [RowPanel(scale, rows)])


def _row(effect: Effect, name: str, look: Look, band: tuple[float, float] | None) -> Row:
    read = exp if effect.is_ratio else float
    values = [read(value) for value in effect.by_seed.values() if not math.isnan(value)]
    ends = (effect.low, effect.high) if effect.has_interval else (None, None)
    items = [Seeds(look, values, effect.value, *ends)]
    new = effect.new_data
    if new and not new.why_not and new.has_interval:
        items.append(Seeds(look, (), new.value, new.low, new.high, is_open=True, count=new.num_splits))
    word = verdict_word(effect)
    return Row(name, items, f"{effect_text(effect)}\n{word}", band)


def _says(shown: PicturedStudy, effect: Effect, rows: list[Row], band: tuple[float, float] | None) -> str:
    """Return the caption: the number of seeds, the interval, which way is better, and the margin."""
    counts = [len(row.items[0].values) for row in rows]
    what = "ratios" if effect.is_ratio else "differences"
    has_interval = any(row.items[0].has_interval for row in rows)
    interval = "95 % interval" if has_interval else "no interval of so few seeds"
    words = [f"Median of the {what} over {seeds_text(counts)}, {interval}; dots are seeds"]
    words += ["open marker: mean on new data, 95 % interval"] if any(len(row.items) > 1 for row in rows) else []
    words += [f"grey: too small to matter (margin {shown.comparison.margin:g})"] if band else []
    better = {"higher": "right", "lower": "left", None: ""}[direction(shown.metric)]
    words += [f"better is {better} of the line"] if better else []
    return "; ".join(words) + "."
