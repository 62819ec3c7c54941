"""The JSON of `normbench compare --pool`: the arms over several tasks."""

from typing import NotRequired

from typing_extensions import TypedDict

from normbench.evidence.comparison.pool import Pool
from normbench.report.pages.documents.base import Document, WithBlocks


class PoolExtras(TypedDict):
    """What a pool is told with.

    Attributes:
        notes: What the studies lack.
        methods: The paragraph on methods, with --methods.
    """

    notes: list[str]
    methods: NotRequired[str]


DOCUMENT = Document(
    "pool",
    "normbench compare --pool",
    "The arms of several tasks, datasets of a study or several studies, judged together.",
    (Pool, PoolExtras, WithBlocks),
)
