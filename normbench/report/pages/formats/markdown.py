"""Markdown as GitHub shows it: the tables with the interval of every mean, and the lines below them."""

from normbench.report.pages.formats.base import Result
from normbench.report.pages.markdown import blocks_markdown


def write(result: Result) -> str:
    """Return the blocks as markdown."""
    return "\n\n".join(map(blocks_markdown, result.pages()))
