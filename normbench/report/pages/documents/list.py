"""The JSON of `normbench list`: an object per arm."""

from collections.abc import Mapping, Sequence

from typing_extensions import TypedDict

from normbench.report.pages.documents.base import Document
from normbench.storage.owners import Owner


class ArmEntry(TypedDict):
    """An arm's folder, and the states of its runs.

    Attributes:
        study: The study's name.
        arm: Name of the arm's folder.
        is_tuning: Whether its runs are tuning runs.
        folder: Its folder.
        counts: Number of runs by status.
        age_s: Seconds since the newest sign of life of its runs.
        owners: The processes that make some of its runs.
    """

    study: str
    arm: str
    is_tuning: bool
    folder: str
    counts: Mapping[str, int]
    age_s: float
    owners: Sequence[Owner]


DOCUMENT = Document("list", "normbench list", "The runs of an arm, counted by status.", (ArmEntry,), is_list=True)
