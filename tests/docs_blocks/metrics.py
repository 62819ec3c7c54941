"""What may stand before a column in a metric, read off the files that make it."""

import sys

from docs_blocks.markdown import table
from normbench.evidence.metrics.group_reducers.base import find_group_reducers
from normbench.evidence.metrics.metric_words import usages


def reducers() -> str:
    """Every word with what it takes, and the first line of its file."""
    return table(
        "before the column", "what is made of its steps", rows=[(f"`{u}`", said) for u, said in usages().items()]
    )


def group_reducers() -> str:
    """The same of metrics that are read over several arms."""
    kinds = find_group_reducers().values()
    rows = [(f"`{kind.usage()}`", first_line(kind)) for kind in kinds]
    return table("metric of several arms", "what it is, per seed", rows=rows)


def first_line(kind: type) -> str:
    return (sys.modules[kind.__module__].__doc__ or "").partition("\n")[0]
