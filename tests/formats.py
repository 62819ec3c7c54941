"""Comparisons as the formats of --format write them."""

from normbench.report.pages.comparison_page import ComparedStudy, comparison_result
from normbench.report.pages.formats.base import write_result


def in_format(chosen, comparisons, pivots=()):
    """Return comparisons, each with the same tables by settings, in a format."""
    return write_result(comparison_result([ComparedStudy(one, pivots) for one in comparisons]), chosen)
