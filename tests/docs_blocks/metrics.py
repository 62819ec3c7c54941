"""What may stand before a column in a metric, read off the files that make it."""

from docs_blocks.markdown import table
from normbench.evidence.metrics.metric_words import usages


def reducers() -> str:
    """Every word with what it takes, and the first line of its file."""
    return table(
        "before the column", "what is made of its steps", rows=[(f"`{u}`", said) for u, said in usages().items()]
    )
