"""The first metric over the settings in question: a line where they are numbers, a row for each word."""

from typing import TYPE_CHECKING

from normbench.errors import ComparisonError
from normbench.evidence.comparison.pivot import make_pivots
from normbench.evidence.comparison.selectors import ARM
from normbench.report.figures.comparison import check_size, over_setting
from normbench.report.figures.kinds.base import ShownStudy
from normbench.report.figures.panels import panel_over_setting

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Picture


def draw(shown: ShownStudy) -> "Picture | None":
    """Return the picture; None where arms do not lie in a table, or it has too many parts to be told apart."""
    comparison = shown.comparison
    keys = [key for key in comparison.axes if key in comparison.differing] or list(comparison.differing)
    try:
        pivots = make_pivots(comparison, keys if 1 <= len(keys) <= 2 and not comparison.named else [ARM])
        panels = [panel_over_setting(pivot) for pivot in pivots]
        check_size(panels, shown.title)
    except ComparisonError:
        return None
    return over_setting(shown.title, panels, shown.metric)
