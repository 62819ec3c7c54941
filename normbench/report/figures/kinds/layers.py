"""Std per layer before and after training: outputs, forward, and their gradients, backward."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from normbench.evidence.layers.layer_spreads import OUTPUT, OUTPUT_GRADIENT, ArmLayers, arm_layers
from normbench.report.figures.kinds.base import ShownStudy
from normbench.report.figures.layer_panels import LayerLine, LayerPanel, draw_layers
from normbench.report.figures.looks import MAX_LOOKS, arm_looks
from normbench.report.figures.panels import own_words

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Picture

WHAT = {OUTPUT: "output, forward", OUTPUT_GRADIENT: "output gradient, backward"}


def draw(shown: ShownStudy) -> "Picture | None":
    """Return the picture; None where no layer was recorded, or for more arms than can be told apart."""
    if len(shown.comparison.rows) > MAX_LOOKS:
        return None
    _, words = own_words(shown.comparison)
    rows = shown.comparison.rows
    names, looks = dict(zip((row.arm for row in rows), words, strict=True)), arm_looks(shown.comparison)
    by_name = {arm.name: arm for arm in shown.study.arms}
    arms = [found for name in names if name in by_name and (found := arm_layers(by_name[name]))]
    if not arms:
        return None
    panels = [panel for kind in WHAT for panel in _panels(kind, arms, names)]
    called = {names[arm.arm]: looks[arm.arm] for arm in arms}
    return draw_layers(shown.title, panels, called, [arm.num_seeds for arm in arms])


def _panels(kind: str, arms: Sequence[ArmLayers], names: dict[str, str]) -> list[LayerPanel]:
    """Return a panel for the start and, if a step was made, one for the end; none where nothing was recorded."""
    ends = [(0, "at the start"), (-1, f"after {max(arm.steps[-1] for arm in arms)} steps")]
    found = []
    for end, when in ends[: max(len(arm.steps) for arm in arms)]:
        lines = [_line(names[arm.arm], arm, kind, end) for arm in arms]
        if any(math.isfinite(spread.value) for line in lines for spread in line.spreads.values()):
            found.append(LayerPanel(kind, f"{WHAT[kind]}\n{when}", lines))
    return found


def _line(name: str, arm: ArmLayers, kind: str, end: int) -> LayerLine:
    lines = arm.lines[kind, arm.steps[end]]
    return LayerLine(name, {line.layer: line.spread for line in lines}, {line.layer: line.values for line in lines})
