"""One attempt at a run: from its beginning or from a checkpoint, saved on the way, stopped when asked."""

import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import torch

from normbench.random_streams import derive_seed, replica_seed
from normbench.storage.identity import RunIdentity
from normbench.storage.lock import clear
from normbench.study.config import RunConfig
from normbench.training.build import build_training
from normbench.training.checkpoints import Damaged, load_checkpoint, restore, save_checkpoint, state_of
from normbench.training.found_result import recorded
from normbench.training.loop import Course, Outcome, Recorder, train
from normbench.training.recorders.csv import CsvRecorder
from normbench.training.recorders.memory import Recorders

CHECKPOINT_S = 30.0
"""Between two checkpoints, so that a run shorter than that pays nothing and is simply made again."""
TELL_S = 0.25


class Interrupted(Exception):  # noqa: N818 - no error: somebody asked for it
    """Training was stopped between two steps, and its state saved."""


class Board(Recorder, Protocol):
    """Writes TensorBoard's view, and counts what it has seen."""

    num_seen: int


@dataclass(frozen=True)
class Conduct:
    """How a run is made, which decides nothing about its numbers.

    Attributes:
        owned: A block inside which the folder is surely this run's; around everything that others will read.
        checkpoint_s: Seconds between two checkpoints.
        tell: Gets the updates made and those to make, a few times a second.
        should_stop: Asked after each update.
        note: Gets what a user should know about how it went.
    """

    owned: Callable[[], AbstractContextManager[None]] = nullcontext
    checkpoint_s: float = CHECKPOINT_S
    tell: Callable[[int, int], None] = lambda *_: None
    should_stop: Callable[[], bool] = lambda: False
    note: Callable[[str], None] = lambda _: None


class Attempt:
    """The objects of a run, in the state of its newest checkpoint; without one at its beginning, the folder cleared.

    Args:
        config: All settings.
        seed: Of data, order, weights and dropout.
        folder: The run's; an unfinished attempt may lie there.
        conduct: How it is made.
        identity: The config's; a checkpoint of another one is not gone on from.
    """

    def __init__(self, config: RunConfig, seed: int, folder: Path, conduct: Conduct, identity: RunIdentity) -> None:
        self.config, self.seed, self.folder, self.conduct = config, seed, folder, conduct
        self._identity = f"{identity.sha256} seed {seed} recorded {recorded(config)} torch {torch.__version__}"
        self._next_save = time.monotonic() + conduct.checkpoint_s
        self._next_tell = 0.0
        self._build()
        self._course, self._recorded = self._go_on() or (Course(), {})
        if not self.goes_on:
            clear(folder)

    @property
    def goes_on(self) -> bool:
        """Whether an earlier attempt is continued."""
        return bool(self._recorded)

    def train(self, files: CsvRecorder, board: Board) -> Outcome:
        """Make the updates that are left.

        Raises:
            Interrupted: It was asked to stop; the folder holds a checkpoint.
        """
        if self.goes_on:
            files.last_metrics, board.num_seen = self._recorded["last_metrics"], self._recorded["num_seen"]
        return train(
            self.training,
            self.config.total_steps,
            self.config.every_steps,
            Recorders([files, board]),
            course=self._course,
            between_steps=lambda course: self._between_steps(course, files, board),
        )

    def _build(self) -> None:
        torch.manual_seed(derive_seed(replica_seed(self.seed, self.config.replica), "dropout"))
        self.training, self.dataset = build_training(self.config, self.seed)

    def _go_on(self) -> tuple[Course, dict[str, Any]] | None:
        """Put the objects where the newest usable checkpoint was; return how far, and what the recorders knew."""
        try:
            known = load_checkpoint(self.folder, self._identity, self.conduct.note)
            if known is None:
                return None
            last_metrics, num_seen = dict(known["recorded"]["last_metrics"]), known["recorded"]["num_seen"]
            return restore(self.training, known), {"last_metrics": last_metrics, "num_seen": num_seen}
        except Damaged as damaged:
            self.conduct.note(f"{damaged} The run is made from its beginning.")
        except (AttributeError, LookupError, RuntimeError, TypeError, ValueError):
            self._build()  # another version's checkpoint: its objects have other states
        return None

    def _between_steps(self, course: Course, files: CsvRecorder, board: Board) -> None:
        now = time.monotonic()
        if now >= self._next_tell:
            self._next_tell = now + TELL_S
            self.conduct.tell(course.step, self.config.total_steps)
        stops = self.conduct.should_stop()
        if stops or now >= self._next_save:
            self._save(course, files, board)
        if stops:
            raise Interrupted

    def _save(self, course: Course, files: CsvRecorder, board: Board) -> None:
        recorded = {"last_metrics": files.last_metrics, "num_seen": board.num_seen}
        content = state_of(self.training, course) | {"identity": self._identity, "recorded": recorded}
        with self.conduct.owned():
            files.check()
            save_checkpoint(self.folder, content)
        self._next_save = time.monotonic() + self.conduct.checkpoint_s
