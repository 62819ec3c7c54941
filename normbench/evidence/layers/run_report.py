"""All that one run's folder tells: its state, settings, numbers, files, and the command that goes on with it."""

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from normbench.errors import RunFolderError
from normbench.evidence.layers.last_frames import FrameLine, last_frames
from normbench.evidence.layers.layer_report import LayerReport, report_layers
from normbench.storage.choices import Choice, read_choices
from normbench.storage.files.json_files import read_json
from normbench.storage.files.plain_text import command_line
from normbench.storage.files.reading import open_regular
from normbench.storage.resolved_settings import flatten, settings_of_run
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
UNLIKE_OURS = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)
"""What reading raises where a file is whole, but another version or somebody else wrote it."""


@dataclass(frozen=True)
class RunReport:
    """One run.

    Attributes:
        state: What it is in; damaged also where a CSV file is not as the run wrote it.
        arm: Its settings, with this run alone.
        step: Updates made, as far as its files tell.
        total_steps: Updates to make, where they tell.
        files: Name and bytes of each.
        command: Completes it or makes it again; "" of a result, and where nothing says what it was run from.
        metrics: Rows of metrics.csv of a result.
        layers: Std per layer of a result.
        last_frames: Of a diverged run: each layer at the last recorded steps.
        error_lines: The end of error.txt of a failed run.
        choice: What tuning chose for it.
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
        """Whether there is something to go on from."""
        return CHECKPOINT in self.files or CHECKPOINT_BEFORE in self.files


def report_run(state: RunState) -> RunReport:
    """Read everything that one run's folder tells; a result's files are checked against their digests."""
    folder = state.folder
    arm, total = _arm(state)
    report = RunReport(state, arm, _last_step(folder / METRICS_CSV), total, _files(folder))
    if state.status in RESULTS:
        try:
            return _with_numbers(report, arm.runs[0])
        except RunFolderError as error:
            problem = str(error)
        except UNLIKE_OURS as error:
            rule = "must be a result as this version writes it"
            problem = f"{folder}: {rule}, got {type(error).__name__}: {error}. Delete it and run its study again."
        report = replace(report, state=replace(state, status=RunStatus.DAMAGED, problem=problem))
    lines = _tail(folder / ERROR_TXT).splitlines()[-NUM_ERROR_LINES:] if report.state.status == RunStatus.FAILED else ()
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
        choice=_choice(report),
        environment=run.environment,
    )


def _arm(state: RunState) -> tuple[Arm, int | None]:
    """Return an arm's settings from arm.json, of a tuning run from config.yaml, and the updates to make."""
    folder = Path(state.arm.path)
    try:
        said = read_json(folder / ARM_JSON)
        settings, changed = dict(said["settings"]), list(said["changed"])
    except (RunFolderError, *UNLIKE_OURS):
        said, settings = {}, settings_of_run(state.folder)
        changed = list(settings)
    name, _, digits = state.arm.name.rpartition("-")
    total = said.get("total_steps", settings.get("num_steps"))
    arm = Arm(folder, name, str(said.get("identity", digits)), settings, changed, (Run(state.folder, state.seed),))
    return arm, total if type(total) is int else None


def _last_step(path: Path) -> int | None:
    """Return the step of the last whole row: a run under way may be in the middle of one."""
    whole = _tail(path).rpartition("\n")[0].splitlines()
    steps = [cells[0] for cells in csv.reader(whole[-1:]) if cells]
    return int(steps[0]) if steps and steps[0].isdecimal() else None


def _tail(path: Path) -> str:
    """Return the end of a text file; nothing where there is none."""
    try:
        with open_regular(path) as file:
            file.seek(max(0, path.stat().st_size - TAIL_BYTES))
            return file.read(TAIL_BYTES).decode("utf-8", "replace")
    except OSError:
        return ""


def _files(folder: Path) -> dict[str, int]:
    try:
        found = {path.name: path.lstat().st_size for path in folder.iterdir() if path.is_file()}
    except OSError:  # of a run under way files come and go
        return {}
    return dict(sorted(found.items()))


def _choice(report: RunReport) -> Choice | None:
    study = report.state.arm.study_folder
    said = _study_json(study)
    folders, entries = arm_folders(said, study / STUDY_JSON), arm_entries(said, study / STUDY_JSON)
    mine = [entries[arm] for arm, folder in folders.items() if folder == report.state.arm.name]
    tuned = [entry.with_settings(report.arm.settings).id for entry in mine if entry.tuned]
    found = [choice for arm in tuned for choice in read_choices(arm, study)]
    return next((one for one in found if flatten(one.chosen).items() <= report.arm.settings.items()), None)


def _study_json(study: Path) -> dict[str, Any]:
    try:
        return read_json(study / STUDY_JSON)
    except RunFolderError:
        return {}


def _command(state: RunState) -> str:
    """Return the command that ran it, if the study still names it so; else the one for its own config.yaml."""
    words = _words_of_the_study(state)
    if not words and not state.arm.is_tuning and (state.folder / CONFIG_YAML).is_file():
        words = [str(state.folder / CONFIG_YAML)]
    return command_line("run", *words, runs_dir=state.arm.runs_dir) if words else ""


def _words_of_the_study(state: RunState) -> list[str]:
    study = state.arm.study_folder
    said = _study_json(study)
    try:
        folders = arm_folders(said, study / STUDY_JSON).values()
        is_named = state.arm.is_tuning or (state.arm.name in folders and state.seed in said["seeds"])
        words = [str(said["source"]), *_option_words(said.get("options") or {})]
        return words if is_named and Path(words[0]).is_file() else []
    except (RunFolderError, *UNLIKE_OURS):
        return []


def _option_words(options: Mapping[str, Any]) -> list[str]:
    words: list[str] = []
    for option, said in options.items():
        values = said if isinstance(said, list) else [said]
        words += [word for value in values for word in ([option] if value is True else [option, str(value)])]
    return words
