"""Writes the report of one run: settings, losses, std per layer, status, files, errors and next steps."""

from collections.abc import Mapping, Sequence
from typing import Any

from normbench.evidence.layers.run_report import RunReport
from normbench.report.blocks.block import WIDE_LABEL, Block, Column, Line, Table, as_lines
from normbench.report.blocks.layers import LONG, STD, frames_block, layers_block
from normbench.report.blocks.numbers import size_text
from normbench.report.blocks.part_words import SOURCES, data_words, model_words
from normbench.report.blocks.states import age_text, owner_text
from normbench.report.blocks.tuning import choice_text
from normbench.storage.contents.csv_table import CsvTable
from normbench.storage.contents.environment import EnvironmentContent
from normbench.storage.contents.summary import SummaryContent
from normbench.storage.own_metric import own_metric_of
from normbench.storage.run_folder import Arm
from normbench.storage.run_status import RESULTS, RunStatus

COMMANDS = ("again", "go on")
LOSSES = ("train_loss", "test_loss", "test_dice", "test_accuracy")
FIRST = ("weight_decay", "dropout", "batch_size")
"""Settings that are told whether the config says them or not."""
PARTS = ("model", "norm", "dataset", "device", "num_steps", "num_epochs", "model.build", "norm.layer")
"""Settings that have a place of their own."""
SHOWN = ("lr", "momentum", "beta1", "beta2")
"""What is told of an optimizer."""


def header_block(study: str, arm: Arm, *, details: bool = False) -> Block:
    """Return the first block of one run's report: its name, settings, steps and parameters.

    Args:
        study: The study's name.
        arm: The arm, with this run alone.
        details: Whether to add settings at their defaults, and parameters in norms.
    """
    run, settings = arm.runs[0], arm.settings
    lines = [
        _first_line(study, settings, run.seed),
        f"  {' · '.join(_settings(arm))}",
        f"  {_steps(run.summary)} · {_parameters(run.summary, details=details)}",
    ]
    return Block(lines=as_lines([*lines, *([f"  {_defaults(arm)}"] if details else [])]))


def _first_line(study: str, settings: Mapping[str, Any], seed: int) -> str:
    parametrization = settings.get("weight_parametrization", "none")
    norm = "no norm" if settings.get("norm", "none") == "none" else settings["norm"]
    norm = "its own norms" if norm == "kept" else settings.get("norm.layer") or norm
    parts = [model_words(settings), str(norm), *([str(parametrization)] if parametrization != "none" else [])]
    return f"{study} · {', '.join(parts)} on {data_words(settings)} · seed {seed} · {settings.get('device', '')}"


def _settings(arm: Arm) -> list[str]:
    """Return the most important settings, then all others that are not at their default."""
    settings = arm.settings
    inner = [
        f"{key} {number_text(settings[f'optimizer.{key}'])}"
        for key in SHOWN
        if settings.get(f"optimizer.{key}") is not None
    ]
    optimizer = f"{settings.get('optimizer', '')} {', '.join(inner)}".strip()
    listed = {
        *FIRST,
        *PARTS,
        *(f"dataset.{key}" for key in SOURCES),
        "optimizer",
        "weight_parametrization",
        *(f"optimizer.{key}" for key in SHOWN),
    }
    others = [key for key in arm.changed if key not in listed and not key.startswith("recording")]
    changed = [f"{key} {number_text(settings[key])}" for key in others if key in settings]
    return [*(f"{key} {number_text(settings[key])}" for key in FIRST if key in settings), optimizer, *changed]


def _steps(summary: SummaryContent) -> str:
    steps, per_epoch = summary["total_steps"], summary.get("steps_per_epoch", 1)
    epochs = f" ({number_text(steps / per_epoch)} epochs of {summary.get('num_train', 0)} samples)"
    return f"{steps:,} step{'' if steps == 1 else 's'}{epochs if steps else ''}"


def _parameters(summary: SummaryContent, *, details: bool) -> str:
    norms = summary.get("num_norm_parameters", 0)
    return f"{summary['num_parameters']:,} parameters{f' ({norms:,} in norms)' if details and norms else ''}"


def _defaults(arm: Arm) -> str:
    """Return settings that are shown only with details: decay, initialization, running statistics, threads."""
    settings, run = arm.settings, arm.runs[0]
    threads = run.environment.get("num_threads", 1)
    decay = f"decay {run.summary.get('decay_kind', '')} on {settings.get('decay_on', '')}"
    has_decay = settings.get("weight_decay") or settings.get("l1")
    momentum = settings.get("norm.momentum") if _uses_momentum(settings) else None
    keep = "" if momentum is None else f"running statistics keep {100 * (1 - momentum):.3g} % per step"
    parts: Sequence[str] = (
        f"init {settings.get('init', '')}",
        decay if has_decay else "",
        keep,
        f"{threads} thread{'' if threads == 1 else 's'}",
    )
    return " · ".join(part for part in parts if part)


def _uses_momentum(settings: Mapping[str, Any]) -> bool:
    """Return whether the norm uses its momentum: not without running statistics, nor if they average all batches."""
    keeps = settings.get("norm.track_running_stats", True) is not False
    return keeps and settings.get("norm.average", "moving") == "moving"


def number_text(value: Any) -> str:
    """Return a setting's value as text without needless digits."""
    return f"{value:g}" if isinstance(value, float) else str(value)


def losses_blocks(metrics: CsvTable) -> list[Block]:
    """Return losses and accuracy at the start, at about a quarter and half of the steps, and at the end."""
    own = [column for column in metrics.columns if column.startswith("test_") and own_metric_of(column)]
    columns = [column for column in (*LOSSES, *own) if metrics.numbers(column)[:1] not in ([], [None])]
    last = len(metrics) - 1
    shown = sorted({0, last // 4, last // 2, last}) if columns else []
    figures = [
        Column(name.replace("_", " "), [metrics.numbers(name)[row] for row in shown], what=name) for name in columns
    ]
    steps = Column("step", [str(metrics.steps[row]) for row in shown], is_key=True)
    return [Block(table=Table([steps, *figures]))] if shown else []


def diverged_blocks(arm: Arm) -> list[Block]:
    """Return the step at which a run diverged, and its last recorded steps."""
    summary = arm.runs[0].summary
    if summary["status"] != RunStatus.DIVERGED:
        return []
    text = f"Diverged: the loss of step {summary['step']} was not finite. A smaller optimizer.lr may help."
    return [Block(lines=as_lines([text]), is_joined=True)]


def one_run_blocks(report: RunReport, max_layers: int | None = LONG) -> list[Block]:
    """Return the report of one run's folder; ``max_layers`` None shows all layers."""
    return [
        _head(report),
        *losses_blocks(report.metrics),
        *([layers_block(report.layers, max_layers)] if report.layers else []),
        *(
            [frames_block(f"{STD} at the last recorded steps", report.last_frames, max_layers)]
            * bool(report.last_frames)
        ),
        *([Block("error.txt ends with", lines=as_lines(report.error_lines), indent=2)] if report.error_lines else []),
        Block(lines=_lines(report), label_width=WIDE_LABEL),
    ]


def _head(report: RunReport) -> Block:
    state = report.state
    if state.status in RESULTS and report.arm.settings:
        return header_block(state.arm.study, report.arm, details=True)
    settings = [f"{key} {report.arm.settings[key]}" for key in report.arm.changed if key in report.arm.settings]
    first = f"{state.arm.study} · {state.arm.name} · seed {state.seed}{' · tuning' * state.arm.is_tuning}"
    return Block(lines=as_lines([first, *([f"  {' · '.join(settings)}"] if settings else [])]))


def _lines(report: RunReport) -> list[Line]:
    state, owner = report.state, report.state.owner
    labelled = [
        ("status", f"{state.status}{_age_and_progress(report)}"),
        ("", _problem_lines(report)),
        ("owner", f"{owner_text(owner)}{f', since {owner.started_at}' * bool(owner.started_at)}" if owner else ""),
        ("made", _environment_text(report.environment)),
        ("tuned", choice_text(report.choice) if report.choice else ""),
        ("folder", str(state.folder)),
        ("files", ", ".join(f"{name} {size_text(size)}" for name, size in report.files.items())),
        ("again" if state.status == RunStatus.DAMAGED else "go on", report.command),
    ]
    return [Line(text, label, is_command=label in COMMANDS) for label, text in labelled if text]


def _problem_lines(report: RunReport) -> str:
    if report.state.status == RunStatus.DIVERGED:
        return f"The loss of step {report.step} was not finite. A smaller optimizer.lr may help."
    return report.state.problem


def _age_and_progress(report: RunReport) -> str:
    """Return a run's age, its number of steps, and the step at which it would continue."""
    state, far = report.state, ""
    if report.step is not None:
        of = "" if report.total_steps is None else f" of {report.total_steps:,}"
        far = f" · step {report.step:,}{of}{'' if state.status in RESULTS else ' recorded'}"
    ago = f" · {'last sign of life ' * (state.status == RunStatus.RUNNING)}{age_text(state.age_s)} ago"
    if state.status in (*RESULTS, RunStatus.RUNNING, RunStatus.DAMAGED):
        return f"{ago}{far}"
    return f"{ago}{far} · {'goes on from its checkpoint' if report.has_checkpoint else 'begins again'}"


def _environment_text(environment: EnvironmentContent) -> str:
    torch, commit = environment.get("versions", {}).get("torch"), environment.get("git_commit")
    parts = [
        environment.get("started_at", ""),
        _seconds(environment.get("duration_s"), "s"),
        _seconds(environment.get("cpu_s"), "CPU-seconds"),
        environment.get("device", ""),
        f"torch {torch}" if torch else "",
        environment.get("place", ""),
        f"commit {commit[:12]}" if commit else "",
    ]
    return " · ".join(part for part in parts if part)


def _seconds(value: float | None, unit: str) -> str:
    return "" if value is None else f"{value:.1f} {unit}"
