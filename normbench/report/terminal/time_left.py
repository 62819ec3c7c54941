"""TimeLeft: estimates when runs under way and all runs of a study are made, once enough of them is."""

import time
from collections.abc import Sequence
from dataclasses import dataclass

ENOUGH_SHARE = 0.02
"""Of a run's steps: its first are slow, and what comes before them is no step at all."""
ENOUGH_S = 5.0
"""Fewest seconds from which others are foretold."""


@dataclass
class _Pace:
    """How far a run was when it was first heard of, and how far it is now, as shares of its steps."""

    began: float
    first: float
    share: float

    @property
    def made(self) -> float:
        """What was made since, without what a checkpoint held."""
        return self.share - self.first

    def left_s(self, now: float) -> float | None:
        """Return the seconds until its end; None while that cannot be told."""
        if self.made < ENOUGH_SHARE or now - self.began < ENOUGH_S:
            return None
        return (now - self.began) * (1.0 - self.share) / self.made


class TimeLeft:
    """Estimates the time left from the runs that this command has made, and those under way in all its processes."""

    def __init__(self) -> None:
        self._started = time.monotonic()
        self._first_step: float | None = None
        self._under_way: dict[str, _Pace] = {}
        self._num_ended, self._made = 0, 0.0

    @property
    def share_under_way(self) -> float:
        """Sum of the shares of all runs under way that are made, as a number of runs."""
        return sum(pace.share for pace in self._under_way.values())

    def step(self, labels: Sequence[str], share: float) -> None:
        """Note how far a run is, or each run of a stack."""
        now = time.monotonic()
        self._first_step = now if self._first_step is None else self._first_step
        for label in labels:
            self._under_way.setdefault(label, _Pace(now, share, share)).share = share

    def end(self, label: str, *, is_made: bool) -> None:
        """Note that a run has ended; ``is_made`` says whether this command has made it."""
        pace = self._under_way.pop(label, None)
        if is_made:
            self._num_ended += 1
            self._made += 1.0 - (pace.first if pace else 0.0)

    def of_run(self, label: str) -> float | None:
        """Return the seconds until a run under way is made; None while that cannot be told."""
        pace = self._under_way.get(label)
        return pace.left_s(time.monotonic()) if pace else None

    def of_all(self, num_left: float) -> float | None:
        """Return the seconds until so many runs are made, the shares under way not counted; None while unknown.

        It is never less than the longest run under way takes, with which others cannot help.
        """
        now = time.monotonic()
        began = self._started if self._first_step is None or self._num_ended else self._first_step
        made = self._made + sum(pace.made for pace in self._under_way.values())
        longest = [left for pace in self._under_way.values() if (left := pace.left_s(now)) is not None]
        if not (self._num_ended or longest) or made <= 0 or now - began < ENOUGH_S:
            return None
        return max([(now - began) * num_left / made, *longest])
