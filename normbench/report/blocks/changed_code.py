"""Writes what changed in code and data of the user's since runs were made, and what becomes of these runs."""

from collections.abc import Sequence
from typing import Protocol

from normbench.findings import name_some


class Change(Protocol):
    """What changed since earlier runs of some arms."""

    @property
    def arms(self) -> Sequence[str]:
        """Labels of the arms."""

    @property
    def num_runs(self) -> int:
        """Number of their finished runs."""

    @property
    def of_code(self) -> Sequence[str]:
        """Changes of code: "blocks.py changed"."""

    @property
    def of_data(self) -> Sequence[str]:
        """First digits of the data's digests: "ab12 -> cd34"; empty where they are the same."""

    @property
    def is_accepted(self) -> bool:
        """Whether the earlier runs count as runs of the code as it is now."""


def change_text(change: Change) -> str:
    """Return one sentence without its full stop."""
    is_one = change.num_runs == 1
    runs = "the run" if is_one else f"the {change.num_runs} runs"
    changes = name_some([*change.of_code, *(["data changed"] if change.of_data else [])])
    digests = f" (digest {', '.join(change.of_data)})" if change.of_data else ""
    what = f"{changes} since {runs} of {name_some(change.arms)}{digests}"
    if change.is_accepted:
        counts = "it counts as a run" if is_one else "they count as runs"
        return f"{what}: accepted, {counts} of the code as it is"
    stays = "it stays in its folder, and a new one is made"
    stays = stays if is_one else "they stay in their folder, and new ones are made"
    keeps = "" if change.of_data else f"; --accept-code keeps {'it' if is_one else 'them'}"
    return f"{what}: {stays}{keeps}"
