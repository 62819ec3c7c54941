"""Reads everything in one run's folder: state, settings, numbers, files, and the command that continues it."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from normbench.errors import RunFolderError
from normbench.evidence.layers.last_frames import FrameLine, last_frames
from normbench.evidence.layers.layer_report import LayerReport, report_layers
from normbench.storage.choices import Choice, choice_of, read_choices
from normbench.storage.contents.arm import ARM, ArmContent
from normbench.storage.contents.csv_table import MAX_DIGITS, CsvTable
from normbench.storage.contents.environment import EnvironmentContent
from normbench.storage.contents.study import STUDY, StudyContent
from normbench.storage.contents.tables import NO_ROWS
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
        metrics: The table metrics.csv of a result.
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
    metrics: CsvTable = NO_ROWS
    layers: LayerReport | None = None
    last_frames: Sequence[FrameLine] = ()
    error_lines: Sequence[str] = ()
    choice: Choice | None = None
    environment: EnvironmentContent = field(default_factory=EnvironmentContent)

    @property
    def has_checkpoint(self) -> bool:
        """Whether the folder holds a checkpoint."""
        return CHECKPOINT in self.files or CHECKPOINT_BEFORE in self.files


def report_run(state: RunState) -> RunReport:
    """Read everything in one run's folder; the files of a result are checked against their sha256."""
    folder = state.folder
    arm, total, problem = _read_arm(state)
    state = replace(state, problem=state.problem or problem)
    report = RunReport(state, arm, _last_step(folder / METRICS_CSV), total, _file_sizes(folder))
    if state.status in RESULTS:
        try:
            return _with_numbers(report, arm.runs[0])
        except RunFolderError as error:
            report = replace(report, state=replace(state, status=RunStatus.DAMAGED, problem=str(error)))
    lines = (
        _read_tail(folder / ERROR_TXT).splitlines()[-NUM_ERROR_LINES:]
        if report.state.status == RunStatus.FAILED
        else ()
    )
    return replace(report, command=_command(state), error_lines=lines)


def _with_numbers(report: RunReport, run: Run) -> RunReport:
    run.check_files()
    return replace(
        report,
        step=run.summary["step"],
        total_steps=run.summary["total_steps"],
        metrics=run.table(METRICS_CSV),
        layers=report_layers(report.arm) if run.summary["layers"] else None,
        last_frames=last_frames(run) if report.state.status == RunStatus.DIVERGED else (),
        choice=_find_choice(report),
        environment=run.environment,
    )


def _read_arm(state: RunState) -> tuple[Arm, int | None, str]:
    """Read an arm from arm.json, or else from config.yaml.

    Returns:
        The arm; the number of updates to make; why arm.json cannot be read, "" where it can or a tuning run has none.
    """
    folder, run, problem = Path(state.arm.path), Run(state.folder, state.seed), ""
    name, _, digits = state.arm.name.rpartition("-")
    said: ArmContent = {"arm": name, "settings": {}, "changed": []}
    try:
        said = ARM.read(folder / ARM_JSON)
    except RunFolderError as error:
        problem = str(error) if os.path.lexists(folder / ARM_JSON) else ""
        said["settings"] = settings_of_run(state.folder)
        said["changed"] = list(said["settings"])
    settings = said["settings"]
    declare_own_metrics([settings], str(folder))
    arm = Arm(folder, name, said.get("identity", digits), settings, said["changed"], (run,))
    num_steps = settings.get("num_steps")
    return arm, said.get("total_steps", num_steps if isinstance(num_steps, int) else None), problem


def _last_step(path: Path) -> int | None:
    """Return the step of the last complete row; a run under way may be writing another."""
    last = _read_tail(path).rpartition("\n")[0].rpartition("\n")[2]
    step = last.partition(",")[0]
    return int(step) if step.isdecimal() and len(step) <= MAX_DIGITS else None


def _read_tail(path: Path) -> str:
    """Return the end of a text file; "" where there is none."""
    try:
        with open_regular(path, follows_links=False) as file:
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
    entries = arm_entries(content)
    mine = [entries[arm] for arm, folder in arm_folders(content).items() if folder == report.state.arm.name]
    settings, tune = report.arm.settings, content.get("tune") or {}
    tuned = [entry.with_settings(settings) for entry in mine if entry.tuned]
    stored = read_choices(study) if tuned else {}
    return next(filter(None, (choice_of(arm, settings, tune, stored) for arm in tuned)), None)


def _study_json(study: Path) -> StudyContent:
    """Return the content of study.json; nothing where it cannot be read, since a run is shown without it too."""
    try:
        return STUDY.read(study / STUDY_JSON)
    except RunFolderError:
        return {}


def _command(state: RunState) -> str:
    """Return the study's command if study.json still lists the run, else the command for its own config.yaml."""
    words = _study_command_words(state)
    if not words and not state.arm.is_tuning and (state.folder / CONFIG_YAML).is_file():
        words = [str(state.folder / CONFIG_YAML)]
    return command_line("run", *words, runs_dir=state.arm.runs_dir) if words else ""


def _study_command_words(state: RunState) -> list[str]:
    content = _study_json(state.arm.study_folder)
    is_named = state.arm.name in arm_folders(content).values() and state.seed in content.get("seeds", ())
    source = content.get("source", "")
    is_known = (is_named or state.arm.is_tuning) and os.path.isfile(source)  # noqa: PTH113 - no error for odd names
    return [source, *option_words(content.get("options", {}))] if is_known else []
