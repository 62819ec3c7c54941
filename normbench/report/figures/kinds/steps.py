"""The first metric over the steps: each arm's mean with its interval, and its seeds at the last step."""

from typing import TYPE_CHECKING

from normbench.errors import ComparisonError
from normbench.report.figures.comparison import over_steps
from normbench.report.figures.kinds.base import ShownStudy
from normbench.report.figures.looks import MAX_LOOKS, arm_looks
from normbench.report.figures.panels import panel_over_steps

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Picture


def draw(shown: ShownStudy) -> "Picture | None":
    """Return the picture; None for a metric without steps, or for more arms than can be told apart."""
    if len(shown.comparison.rows) > MAX_LOOKS:
        return None
    try:
        panel = panel_over_steps(shown.comparison, shown.metric)
    except ComparisonError:
        return None
    return over_steps(shown.title, [panel], arm_looks(shown.comparison).values(), shown.metric)
