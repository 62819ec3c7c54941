"""Attempt: trains one run from its newest checkpoint or from its start, saves checkpoints, and stops on request."""

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol, Self

import torch

from normbench.random_streams import noise_seed, seed_globally
from normbench.storage.identity import RunIdentity
from normbench.storage.lock import remove_attempt
from normbench.study.config import RunConfig
from normbench.training.build import build_training
from normbench.training.checkpoints import (
    CheckpointDamaged,
    load_checkpoint,
    restore_training,
    save_checkpoint,
    training_state,
)
from normbench.training.found_result import describe_recording
from normbench.training.loop import train
from normbench.training.recorders.csv import CsvRecorder
from normbench.training.recorders.memory import Recorders
from normbench.training.run_hooks import RunHooks
from normbench.training.training_objects import Outcome, Recorder, SliceRecorder, TrainingProgress

REPORT_S = 0.25
"""Seconds between two reports of a run's progress."""


class Interrupted(Exception):  # noqa: N818 - no error: the user requested it
    """Training was stopped between two steps, and its state saved."""


class BoardRecorder(Recorder, SliceRecorder, Protocol):
    """Writes the files of TensorBoard and histograms.npz; a context manager that closes them."""

    def __enter__(self) -> Self: ...

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None: ...

    def describe_run(self, settings: Mapping[str, Any], group: str) -> None:
        """Write the settings."""

    def state(self) -> dict[str, Any]:
        """Return what a checkpoint must hold for ``restore``."""

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on after the frames that were recorded before a checkpoint."""

    def finish(self, *, succeeded: bool) -> None:
        """Write what is written once, at the end."""


class Attempt:
    """Trains one run, continued from its newest checkpoint, or from the start in a folder that is cleared first.

    Args:
        config: All settings.
        seed: Seed of data, order, weights and dropout.
        folder: The run's folder, with the files of an unfinished attempt if there was one.
        hooks: Callbacks during the run.
        identity: The config's identity; a checkpoint with another identity is not used.
        place: Its place in a stack of runs; a checkpoint of another place is not used. "" for a run alone.
        from_step: The updates made in the checkpoint that it goes on from, 0 for none; None takes the newest.
    """

    def __init__(
        self,
        config: RunConfig,
        seed: int,
        folder: Path,
        hooks: RunHooks,
        identity: RunIdentity,
        *,
        place: str = "",
        from_step: int | None = None,
    ) -> None:
        self.config, self.seed, self.folder, self.hooks = config, seed, folder, hooks
        self._identity, self._from_step = checkpoint_identity(config, seed, identity, place), from_step
        self._next_save = time.monotonic() + hooks.checkpoint_s
        self._next_report = 0.0
        self._build()
        self.progress, self._recorded = self._restore_checkpoint() or (TrainingProgress(), {})
        if not self.continues:
            remove_attempt(folder)

    @property
    def continues(self) -> bool:
        """Whether an earlier attempt is continued."""
        return bool(self._recorded)

    def train(self, files: CsvRecorder, board: BoardRecorder) -> Outcome:
        """Make the remaining updates.

        Raises:
            Interrupted: It was asked to stop; the folder holds a checkpoint.
        """
        self.hand_over(files, board)
        return train(
            self.training,
            self.config.total_steps,
            self.config.every_steps,
            Recorders([files, board]),
            progress=self.progress,
            slices=board,
            between_steps=lambda progress: self._between_steps(progress, files, board),
        )

    def hand_over(self, files: CsvRecorder, board: BoardRecorder) -> None:
        """Tell the recorders what an attempt that is continued had recorded."""
        if self.continues:
            files.last_metrics = self._recorded["last_metrics"]
            board.restore(self._recorded["board"])

    def _build(self) -> None:
        seed_globally(noise_seed(self.seed, self.config.replica))
        self.training, self.dataset = build_training(self.config, self.seed)

    def _restore_checkpoint(self) -> tuple[TrainingProgress, dict[str, Any]] | None:
        """Restore the newest usable checkpoint; return the progress and the recorders' state, None if there is none."""
        try:
            checkpoint = load_checkpoint(self.folder, self._identity, self.hooks.note, from_step=self._from_step)
            if checkpoint is None:
                return None
            recorded = {key: dict(checkpoint["recorded"][key]) for key in ("last_metrics", "board")}
            return restore_training(self.training, checkpoint), recorded
        except CheckpointDamaged as damaged:
            self.hooks.note(f"{damaged} The run is made from its beginning.")
        except (AttributeError, LookupError, RuntimeError, TypeError, ValueError):
            self._build()  # a checkpoint of another version does not fit these objects
        return None

    def _between_steps(self, progress: TrainingProgress, files: CsvRecorder, board: BoardRecorder) -> None:
        now = time.monotonic()
        if now >= self._next_report:
            self._next_report = now + REPORT_S
            self.hooks.report_step(progress.step, self.config.total_steps)
        stops = self.hooks.should_stop()
        if stops or now >= self._next_save:
            self.save(progress, files, board)
        if stops:
            raise Interrupted

    def save(self, progress: TrainingProgress, files: CsvRecorder, board: BoardRecorder) -> None:
        """Save a checkpoint."""
        recorded = {"last_metrics": files.last_metrics, "board": board.state()}
        content = training_state(self.training, progress) | {"identity": self._identity, "recorded": recorded}
        with self.hooks.owned():
            files.check()
            save_checkpoint(self.folder, content)
        self._next_save = time.monotonic() + self.hooks.checkpoint_s


def checkpoint_identity(config: RunConfig, seed: int, identity: RunIdentity, place: str = "") -> str:
    """Return what a checkpoint must hold to be one of this run, in words."""
    of_run = f"{identity.sha256} seed {seed} recorded {describe_recording(config)} torch {torch.__version__}"
    return f"{of_run} {place}" if place else of_run
