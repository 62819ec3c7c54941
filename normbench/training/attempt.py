"""Attempt: trains one run from its newest checkpoint or from its beginning, saves it on the way, stops when asked."""

import time
from pathlib import Path
from typing import Any, Protocol

import torch

from normbench.random_streams import derive_seed, replica_seed
from normbench.storage.identity import RunIdentity
from normbench.storage.lock import remove_attempt
from normbench.study.config import RunConfig
from normbench.training.build import build_training
from normbench.training.checkpoints import Damaged, load_checkpoint, restore, save_checkpoint, state_of
from normbench.training.found_result import recorded
from normbench.training.loop import train
from normbench.training.recorders.csv import CsvRecorder
from normbench.training.recorders.memory import Recorders
from normbench.training.run_hooks import RunHooks
from normbench.training.training_objects import Outcome, Recorder, TrainingProgress

REPORT_S = 0.25
"""Between two reports of how far a run is."""


class Interrupted(Exception):  # noqa: N818 - no error: somebody asked for it
    """Training was stopped between two steps, and its state saved."""


class Board(Recorder, Protocol):
    """Writes TensorBoard files, and counts the frames it has taken."""

    num_seen: int


class Attempt:
    """The objects of a run in the state of its newest checkpoint; without one at their beginning, the folder cleared.

    Args:
        config: All settings.
        seed: Seed of data, order, weights and dropout.
        folder: The run's folder, with what an unfinished attempt left there.
        hooks: What it asks and reports on the way.
        identity: The config's; a checkpoint of another one is not gone on from.
    """

    def __init__(self, config: RunConfig, seed: int, folder: Path, hooks: RunHooks, identity: RunIdentity) -> None:
        self.config, self.seed, self.folder, self.hooks = config, seed, folder, hooks
        self._identity = f"{identity.sha256} seed {seed} recorded {recorded(config)} torch {torch.__version__}"
        self._next_save = time.monotonic() + hooks.checkpoint_s
        self._next_report = 0.0
        self._build()
        self._progress, self._recorded = self._go_on() or (TrainingProgress(), {})
        if not self.goes_on:
            remove_attempt(folder)

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
            progress=self._progress,
            between_steps=lambda progress: self._between_steps(progress, files, board),
        )

    def _build(self) -> None:
        torch.manual_seed(derive_seed(replica_seed(self.seed, self.config.replica), "dropout"))
        self.training, self.dataset = build_training(self.config, self.seed)

    def _go_on(self) -> tuple[TrainingProgress, dict[str, Any]] | None:
        """Put the objects where the newest usable checkpoint was; return how far, and what the recorders knew."""
        try:
            known = load_checkpoint(self.folder, self._identity, self.hooks.note)
            if known is None:
                return None
            last_metrics, num_seen = dict(known["recorded"]["last_metrics"]), known["recorded"]["num_seen"]
            return restore(self.training, known), {"last_metrics": last_metrics, "num_seen": num_seen}
        except Damaged as damaged:
            self.hooks.note(f"{damaged} The run is made from its beginning.")
        except (AttributeError, LookupError, RuntimeError, TypeError, ValueError):
            self._build()  # another version's checkpoint: its objects have other states
        return None

    def _between_steps(self, progress: TrainingProgress, files: CsvRecorder, board: Board) -> None:
        now = time.monotonic()
        if now >= self._next_report:
            self._next_report = now + REPORT_S
            self.hooks.report_step(progress.step, self.config.total_steps)
        stops = self.hooks.should_stop()
        if stops or now >= self._next_save:
            self._save(progress, files, board)
        if stops:
            raise Interrupted

    def _save(self, progress: TrainingProgress, files: CsvRecorder, board: Board) -> None:
        recorded = {"last_metrics": files.last_metrics, "num_seen": board.num_seen}
        content = state_of(self.training, progress) | {"identity": self._identity, "recorded": recorded}
        with self.hooks.owned():
            files.check()
            save_checkpoint(self.folder, content)
        self._next_save = time.monotonic() + self.hooks.checkpoint_s
