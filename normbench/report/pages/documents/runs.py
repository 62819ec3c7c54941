"""The JSON of `normbench list --runs`: an object per run."""

from typing_extensions import TypedDict

from normbench.report.pages.documents.base import Document
from normbench.storage.owners import Owner


class RunEntry(TypedDict):
    """A run's folder, and its state.

    Attributes:
        study: The study's name.
        arm: Name of the arm's folder.
        is_tuning: Whether it is a tuning run.
        folder: Its folder.
        seed: Its seed.
        status: finished, diverged, running, interrupted, failed, stopped or damaged.
        age_s: Seconds since its newest sign of life.
        problem: What it failed of, or what is damaged; "" without any.
        owner: The process that makes it, or made it last.
    """

    study: str
    arm: str
    is_tuning: bool
    folder: str
    seed: int
    status: str
    age_s: float
    problem: str
    owner: Owner | None


DOCUMENT = Document("runs", "normbench list --runs", "The state of a run.", (RunEntry,), is_list=True)
