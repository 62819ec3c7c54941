"""run_experiment: trains one arm with one seed and writes the run's folder, or continues an unfinished one."""

import math
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from torch import nn

from normbench.any_module.plain_execution import same_global_random_states_after, without_compiled_code
from normbench.any_module.random_states import same_random_states_after
from normbench.datasets.base import Dataset
from normbench.inspection.split_scores import quantities
from normbench.own_code.code_digests import refuse_other_code
from normbench.storage.files.flushing import Flush, flush_folder
from normbench.storage.files.json_files import write_json, write_sealed_json, write_text
from normbench.storage.identity import RunIdentity
from normbench.storage.run_folder import CONFIG_YAML, ENVIRONMENT_JSON, SUMMARY_JSON, arm_folder_name
from normbench.storage.run_status import RunStatus
from normbench.study.config import RunConfig
from normbench.study.own_code import running_code_of
from normbench.study.resolved import flat_settings, resolved_yaml
from normbench.training.attempt import Attempt, BoardRecorder
from normbench.training.build import final_readings, has_curve
from normbench.training.changed_data import refuse_changed_data
from normbench.training.environment import environment
from normbench.training.found_result import describe_recording
from normbench.training.numerics import available_device, numerics
from normbench.training.recorders.csv import CsvRecorder, write_points
from normbench.training.recorders.slices import steps_between
from normbench.training.run_hooks import RunHooks
from normbench.training.summary import summary_of
from normbench.training.training_objects import Outcome


def run_experiment(
    config: RunConfig,
    seed: int,
    folder: Path,
    *,
    study: str,
    arm: str,
    hooks: RunHooks | None = None,
    identity: RunIdentity | None = None,
    code: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """Train one arm with one seed and write all files of the run into ``folder``.

    An unfinished attempt is continued from its newest checkpoint; without one it is removed. torch is set to the
    config's numerics during the run, and restored afterwards.

    Args:
        config: All settings.
        seed: Seed of data, order, weights and dropout.
        folder: The run's folder.
        study: The study's name.
        arm: The arm's label.
        hooks: Callbacks during the run.
        identity: The config's identity; computed by default.
        code: Digests of the user's code as it was when the run was planned; other code is refused.

    Returns:
        The run's summary: equal for equal config and seed on the same machine, whether the run was continued or not.

    Raises:
        Interrupted: A stop was requested; the folder holds a checkpoint.
        RunFailedError: Another thread of this process makes a run, the data have changed, or code of the user's ends
            the program.
    """
    hooks = hooks or RunHooks()
    config = config.on(available_device())
    identity = identity or config.identity()
    refuse_changed_data(config.dataset, identity)
    with making_runs(config):
        return _train_and_write(config, seed, folder, study, arm, hooks, identity, code or {})


@contextmanager
def making_runs(config: RunConfig) -> Iterator[None]:
    """Set torch to the config's numerics inside the block; random states and the process are restored after it."""
    with (
        numerics(config.numerics),
        same_random_states_after(),
        same_global_random_states_after(),
        running_code_of(config),
    ):
        yield


def _train_and_write(
    config: RunConfig,
    seed: int,
    folder: Path,
    study: str,
    arm: str,
    hooks: RunHooks,
    identity: RunIdentity,
    code: Mapping[str, str],
) -> dict[str, Any]:
    run = OpenRun(config, seed, folder, study, arm, hooks, identity, code)
    with run, without_compiled_code():
        outcome = run.attempt.train(run.files, run.board)
        run.close(outcome)
    return run.publish(outcome)


class OpenRun:
    """One run while it is made: its objects, its recorders and, at the end, the files that make it a result.

    A context manager: the recorders' files are open inside the block.

    Args:
        config: All settings; the device is not auto.
        seed: Seed of data, order, weights and dropout.
        folder: The run's folder.
        study: The study's name.
        arm: The arm's label.
        hooks: Callbacks during the run.
        identity: The run's identity.
        code: Digests of the user's code as it was when the run was planned; other code is refused.
        place: Its place in a stack of runs, of which a checkpoint is one of the same place; "" for a run alone.
        from_step: The updates made in the checkpoint that it goes on from; None takes the newest.
    """

    def __init__(
        self,
        config: RunConfig,
        seed: int,
        folder: Path,
        study: str,
        arm: str,
        hooks: RunHooks,
        identity: RunIdentity,
        code: Mapping[str, str],
        *,
        place: str = "",
        from_step: int | None = None,
    ) -> None:
        self.config, self.seed, self.folder, self.hooks, self.identity = config, seed, folder, hooks, identity
        self._arm, self._code, self._place = arm, code, place
        self._started, self._began, self._began_cpu = time.time(), time.monotonic(), time.process_time()
        self.attempt = Attempt(config, seed, folder, hooks, identity, place=place, from_step=from_step)
        refuse_other_code(code)
        text = resolved_yaml(config, seed, study=study, arm=arm, engine=identity.engine)
        write_text(folder / CONFIG_YAML, text, Flush.CONTENT)
        write_points(folder, self.attempt.dataset)
        self.files = CsvRecorder(folder, metric_columns(self.attempt.training.model, self.attempt.dataset, config))
        self.board = _make_board(config, folder)
        self._recorders = ExitStack()

    def __enter__(self) -> Self:
        self._recorders.push(self.files)
        self._recorders.push(self.board)
        if not self.attempt.continues:
            group = arm_folder_name(self._arm, self.identity.short)
            self.board.describe_run(_hparams(self.config), group)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._recorders.__exit__(kind, error, trace)

    def close(self, outcome: Outcome) -> None:
        """Write how the run ended into the TensorBoard log."""
        self.board.finish(succeeded=outcome.status == RunStatus.FINISHED)

    def publish(self, outcome: Outcome, cpu_s: float | None = None) -> dict[str, Any]:
        """Write environment.json and, last, summary.json; return the summary.

        Args:
            outcome: How training ended.
            cpu_s: CPU seconds of the run; by default those of this process since its beginning.
        """
        summary = {"seed": self.seed, "identity": self.identity.sha256, "recorded": describe_recording(self.config)}
        summary |= summary_of(
            self.config, self.attempt.training, self.attempt.dataset, outcome, self.files.last_metrics
        )
        summary["engine"] = self.identity.engine
        used = time.process_time() - self._began_cpu if cpu_s is None else cpu_s
        durations = {"duration_s": time.monotonic() - self._began, "cpu_s": used}
        machine = environment(self.config.device, self._started, **durations, cpu_s_per_step=outcome.cpu_s_per_step)
        with self.hooks.owned():
            summary |= {"files": self.files.check()}
            more = ({"place": self._place} if self._place else {}) | ({"code": dict(self._code)} if self._code else {})
            write_json(self.folder / ENVIRONMENT_JSON, machine | more, Flush.CONTENT)
            flush_folder(self.folder)  # no summary is on disk without all that it stands for
            write_sealed_json(self.folder / SUMMARY_JSON, summary)
        return summary


def _hparams(config: RunConfig) -> dict[str, Any]:
    """Return the settings for TensorBoard's HParams page: all that decide numbers."""
    return {key: value for key, value in flat_settings(config).items() if not key.startswith("recording.")}


class _NoTensorBoard:
    """Replaces the TensorBoard recorder where ``recording.tensorboard`` is off; writes nothing."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing to close."""

    def describe_run(self, *_: object) -> None:
        """Nothing to write."""

    def record(self, *_: object) -> None:
        """Nothing to write."""

    def takes(self, _step: int) -> bool:
        """Return that no further step is wanted."""
        return False

    def record_slice(self, *_: object) -> None:
        """Nothing to write."""

    def state(self) -> dict[str, Any]:
        """Return nothing to go on from."""
        return {}

    def restore(self, *_: object) -> None:
        """Nothing to go on from."""

    def finish(self, **_: object) -> None:
        """Nothing to write."""


def _make_board(config: RunConfig, folder: Path) -> BoardRecorder:
    if not config.recording.tensorboard:
        return _NoTensorBoard()
    from normbench.training.recorders.tensorboard import TensorBoardRecorder  # imports tensorboardX: 0.1 s

    num_frames = math.ceil(config.total_steps / config.every_steps) + 1
    recording, between = config.recording, steps_between(config.every_steps, config.total_steps)
    return TensorBoardRecorder(
        folder,
        recording.histograms,
        num_frames,
        with_biases=recording.biases,
        takes=lambda step: step % config.every_steps in between,
    )


def metric_columns(model: nn.Module, dataset: Dataset, config: RunConfig) -> list[str]:
    """Return the columns of metrics.csv after ``step``."""
    if config.dataset.task == "signal":
        return ["output_mean_training", "output_mean_evaluation"]
    splits = list(dataset.splits())
    names = quantities(config.dataset.task, config.metric.name, is_finite=config.dataset.finite is not None)
    read = [f"{split}_{name}" for name in names for split in splits]
    bends = ["roughness"] if has_curve(dataset, config) else []
    more = final_readings(dataset, config).columns(model)
    rates = ["lr"] if config.lr_of_step() else []
    return ["batch_loss_mean", "batch_loss_max", *read, *bends, *rates, *more]
