"""Reads everything in one run's folder: state, settings, numbers, files, and the command that continues it."""

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from normbench.errors import RunFolderError
from normbench.evidence.layers.last_frames import FrameLine, last_frames
from normbench.evidence.layers.layer_report import LayerReport, report_layers
from normbench.storage.choices import Choice, choice_of, read_choices
from normbench.storage.files.json_files import read_json
from normbench.storage.files.plain_text import command_line, option_words
from normbench.storage.files.reading import open_regular
from normbench.storage.own_metric import declare_own_metrics
from normbench.storage.resolved_settings import settings_of_run
from normbench.storage.run_folder import (
    ARM_JSON,
    CHECKPOINT,
    CHECKPOINT_BEFORE,
    CONFIG_YAML,
    ERROR_TXT,
    METRICS_CSV,
    STUDY_JSON,
    Arm,
    Run,
)
from normbench.storage.run_states import RunState
from normbench.storage.run_status import RESULTS, RunStatus
from normbench.storage.study_folder import arm_entries, arm_folders

TAIL_BYTES = 16_384
NUM_ERROR_LINES = 8
FOREIGN_FORMAT_ERRORS = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)
"""Errors that reading raises where a file is undamaged, but was not written by this version."""


@dataclass(frozen=True)
class RunReport:
    """Everything that one run's folder holds.

    Attributes:
        state: The run's state; damaged also where the sha256 of a CSV file is wrong.
        arm: The arm with its settings, and this run alone.
        step: Number of updates made; None if no file holds it.
        total_steps: Number of updates to make; None if no file holds it.
        files: Size of each file in bytes, by name.
        command: Command that completes it or makes it again; "" for a result, and where its config is unknown.
        metrics: Rows of metrics.csv of a result.
        layers: Std per layer of a result.
        last_frames: Each layer at the last recorded steps of a diverged run.
        error_lines: Last lines of error.txt of a failed run.
        choice: The values that tuning chose for its arm.
        environment: When, where and how long a result was made.
    """

    state: RunState
    arm: Arm
    step: int | None
    total_steps: int | None
    files: Mapping[str, int]
    command: str = ""
    metrics: Sequence[Mapping[str, str]] = ()
    layers: LayerReport | None = None
    last_frames: Sequence[FrameLine] = ()
    error_lines: Sequence[str] = ()
    choice: Choice | None = None
    environment: Mapping[str, Any] = field(default_factory=dict)

    @property
    def has_checkpoint(self) -> bool:
        """Whether the folder holds a checkpoint."""
        return CHECKPOINT in self.files or CHECKPOINT_BEFORE in self.files


def report_run(state: RunState) -> RunReport:
    """Read everything in one run's folder; the files of a result are checked against their sha256."""
    folder = state.folder
    arm, total = _read_arm(state)
    report = RunReport(state, arm, _last_step(folder / METRICS_CSV), total, _file_sizes(folder))
    if state.status in RESULTS:
        try:
            return _with_numbers(report, arm.runs[0])
        except RunFolderError as error:
            problem = str(error)
        except FOREIGN_FORMAT_ERRORS as error:
            rule = "must be a result as this version writes it"
            problem = f"{folder}: {rule}, got {type(error).__name__}: {error}. Delete it and run its study again."
        report = replace(report, state=replace(state, status=RunStatus.DAMAGED, problem=problem))
    lines = (
        _read_tail(folder / ERROR_TXT).splitlines()[-NUM_ERROR_LINES:]
        if report.state.status == RunStatus.FAILED
        else ()
    )
    return replace(report, command=_command(state), error_lines=lines)


def _with_numbers(report: RunReport, run: Run) -> RunReport:
    for name in run.summary.get("files", {}):
        run.raw(name)
    return replace(
        report,
        step=int(run.summary["step"]),
        total_steps=int(run.summary["total_steps"]),
        metrics=run.rows(METRICS_CSV),
        layers=report_layers(report.arm) if run.summary["layers"] else None,
        last_frames=last_frames(run) if report.state.status == RunStatus.DIVERGED else (),
        choice=_find_choice(report),
        environment=run.environment,
    )


def _read_arm(state: RunState) -> tuple[Arm, int | None]:
    """Read an arm from arm.json, or from config.yaml for a tuning run, and the number of updates to make."""
    folder = Path(state.arm.path)
    try:
        content = read_json(folder / ARM_JSON)
        settings, changed = dict(content["settings"]), list(content["changed"])
    except (RunFolderError, *FOREIGN_FORMAT_ERRORS):
        content, settings = {}, settings_of_run(state.folder)
        changed = list(settings)
    declare_own_metrics([settings], str(folder))
    name, _, digits = state.arm.name.rpartition("-")
    total = content.get("total_steps", settings.get("num_steps"))
    arm = Arm(folder, name, str(content.get("identity", digits)), settings, changed, (Run(state.folder, state.seed),))
    return arm, total if type(total) is int else None


def _last_step(path: Path) -> int | None:
    """Return the step of the last complete row; a run under way may be writing another."""
    whole = _read_tail(path).rpartition("\n")[0].splitlines()
    steps = [cells[0] for cells in csv.reader(whole[-1:]) if cells]
    return int(steps[0]) if steps and steps[0].isdecimal() else None


def _read_tail(path: Path) -> str:
    """Return the end of a text file; "" where there is none."""
    try:
        with open_regular(path) as file:
            file.seek(max(0, path.stat().st_size - TAIL_BYTES))
            return file.read(TAIL_BYTES).decode("utf-8", "replace")
    except OSError:
        return ""


def _file_sizes(folder: Path) -> dict[str, int]:
    try:
        found = {path.name: path.lstat().st_size for path in folder.iterdir() if path.is_file()}
    except OSError:  # of a run under way files come and go
        return {}
    return dict(sorted(found.items()))


def _find_choice(report: RunReport) -> Choice | None:
    study = report.state.arm.study_folder
    content = _study_json(study)
    folders, entries = arm_folders(content, study / STUDY_JSON), arm_entries(content, study / STUDY_JSON)
    mine = [entries[arm] for arm, folder in folders.items() if folder == report.state.arm.name]
    settings, tune = report.arm.settings, content.get("tune") or {}
    tuned = [entry.with_settings(settings) for entry in mine if entry.tuned]
    stored = read_choices(study) if tuned else {}
    return next(filter(None, (choice_of(arm, settings, tune, stored) for arm in tuned)), None)


def _study_json(study: Path) -> dict[str, Any]:
    try:
        return read_json(study / STUDY_JSON)
    except RunFolderError:
        return {}


def _command(state: RunState) -> str:
    """Return the study's command if study.json still lists the run, else the command for its own config.yaml."""
    words = _study_command_words(state)
    if not words and not state.arm.is_tuning and (state.folder / CONFIG_YAML).is_file():
        words = [str(state.folder / CONFIG_YAML)]
    return command_line("run", *words, runs_dir=state.arm.runs_dir) if words else ""


def _study_command_words(state: RunState) -> list[str]:
    study = state.arm.study_folder
    content = _study_json(study)
    try:
        folders = arm_folders(content, study / STUDY_JSON).values()
        is_named = state.arm.is_tuning or (state.arm.name in folders and state.seed in content["seeds"])
        words = [str(content["source"]), *option_words(content.get("options") or {})]
        return words if is_named and Path(words[0]).is_file() else []
    except (RunFolderError, *FOREIGN_FORMAT_ERRORS):
        return []
