"""What study.json keeps of the seeds that commands asked for: each count, list or plan of checks once, with its arms.

A study that is looked at again and again until it pleases has more false verdicts than it says. So each command writes
what it asks for before it trains; whoever judges can tell a planned check from a second look.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from normbench.storage.contents.study import AskedContent, StudyContent

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

    def to_json(self) -> AskedContent:
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


def with_arms(content: StudyContent, arms: Sequence[str]) -> StudyContent:
    """Return the content of study.json as if everything had been asked for of some more arms, too."""
    entries = [replace(one, arms=(*one.arms, *arms)).to_json() for one in read_history(content)]
    return {**content, "seed_history": entries}


def _is_same(one: Asked, other: Asked) -> bool:
    return set(one.seeds) == set(other.seeds) and one.check_after == other.check_after


def read_history(content: StudyContent) -> list[Asked]:
    """Read the history from the content of study.json; empty where an older version wrote none."""
    return [_read_entry(entry) for entry in content.get("seed_history", ())]


def _read_entry(entry: AskedContent) -> Asked:
    seeds = entry["seeds"]
    listed = range(seeds) if isinstance(seeds, int) else seeds
    return Asked(tuple(listed), tuple(entry["check_after"] or ()), tuple(entry["arms"]))
