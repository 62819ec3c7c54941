"""What study.json keeps of the seeds that commands asked for: each count, list or plan of checks once, with its arms.

A study that is looked at again and again until it pleases has more false verdicts than it says. So each command writes
what it asks for before it trains; whoever judges can tell a planned check from a second look.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from normbench.errors import RunFolderError
from normbench.storage.files.json_files import DELETE_AND_RERUN

SEED_HISTORY = "seed_history"
"""Its key in study.json."""


@dataclass(frozen=True)
class Asked:
    """Seeds that a command asked for.

    Attributes:
        seeds: The seeds in the order in which they are added; with planned checks those up to the last check at least.
        check_after: Numbers of seeds after which checks are planned; empty for a study that is judged once.
        arms: sha256 of the identity of each arm that it asked for.
    """

    seeds: tuple[int, ...]
    check_after: tuple[int, ...] = ()
    arms: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return its entry in study.json: a count for the seeds 0 to count - 1, as in a study file, else the list."""
        listed = list(self.seeds)
        seeds = len(listed) if listed == list(range(len(listed))) else listed
        return {"seeds": seeds, "check_after": list(self.check_after) or None, "arms": list(self.arms)}


def add_to_history(history: Sequence[Asked], asked: Asked) -> list[Asked]:
    """Return the history with one more entry; where the same was asked for before, its arms are added to that entry.

    Example:
        >>> found = add_to_history([Asked((0, 1), arms=("a",))], Asked((0, 1), arms=("b",)))
        >>> found == [Asked((0, 1), arms=("a", "b"))]
        True
    """
    same = [i for i, one in enumerate(history) if _is_same(one, asked)]
    if not same:
        return [*history, asked]
    known = history[same[0]]
    merged = replace(known, arms=tuple(dict.fromkeys((*known.arms, *asked.arms))))
    return [*history[: same[0]], merged, *history[same[0] + 1 :]]


def with_arms(content: Mapping[str, Any], arms: Sequence[str], path: Path) -> dict[str, Any]:
    """Return the content of study.json as if everything had been asked for of some more arms, too.

    Raises:
        RunFolderError: Its history is damaged.
    """
    entries = [replace(one, arms=(*one.arms, *arms)).to_json() for one in read_history(content, path)]
    return {**content, SEED_HISTORY: entries}


def _is_same(one: Asked, other: Asked) -> bool:
    return set(one.seeds) == set(other.seeds) and one.check_after == other.check_after


def read_history(content: Mapping[str, Any], path: Path) -> list[Asked]:
    """Read the history from the content of study.json; empty where an older version wrote none.

    Raises:
        RunFolderError: It is no list of seeds, check_after and arms; ``path`` is its name for the message.
    """
    given = content.get(SEED_HISTORY, [])
    try:
        return [_read_entry(entry) for entry in given]
    except (AttributeError, KeyError, TypeError, ValueError):
        rule = f"{SEED_HISTORY}: must be a list of seeds, check_after and arms"
        raise RunFolderError(f"{path}: {rule}, got {given!r:.60}. {DELETE_AND_RERUN}") from None


def _read_entry(entry: Mapping[str, Any]) -> Asked:
    seeds = entry["seeds"]
    listed = range(seeds) if isinstance(seeds, int) else map(int, seeds)
    arms = tuple(map(str, entry["arms"]))
    return Asked(tuple(listed), tuple(map(int, entry["check_after"] or ())), arms)
