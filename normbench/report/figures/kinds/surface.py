"""The loss surface along the gradient over the steps: how far the loss ranges, the gradient moves, and how smoothly."""

from dataclasses import replace
from typing import TYPE_CHECKING

from normbench.evidence.layers.probe_table import NETWORK
from normbench.evidence.layers.surface_report import SIZES
from normbench.report.figures.comparison import over_steps
from normbench.report.figures.kinds.base import ShownStudy
from normbench.report.figures.looks import MAX_LOOKS, arm_looks
from normbench.report.figures.panels import panel_over_steps

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Picture


def draw(shown: ShownStudy) -> "Picture | None":
    """Return the picture; None where no run recorded its loss surface, or for too many arms."""
    arms = [arm for arm in shown.study.arms if arm.settings.get("recording.loss_surface")]
    if not arms or len(arms) < len(shown.comparison.rows) or len(arms) > MAX_LOOKS:
        return None
    metrics = [f"probe.{size}@{NETWORK}" for size in SIZES]
    panels = [panel_over_steps(shown.comparison, metric) for metric in metrics]
    if not all(series.x for panel in panels for series in panel.series):
        return None
    titled = [replace(panel, title=size.replace("_", " ")) for panel, size in zip(panels, SIZES, strict=True)]
    return over_steps(shown.title, titled, arm_looks(shown.comparison).values(), metrics[0])
