"""One run's report: its settings, losses, std per layer, status, files, what went wrong and what to do next."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from normbench.evidence.layers.run_report import FOREIGN_FORMAT_ERRORS, RunReport
from normbench.report.blocks.block import WIDE_LABEL, Block, Column, Line, Table, as_lines
from normbench.report.blocks.layers import LONG, STD, frames_block, layers_block
from normbench.report.blocks.numbers import size_text
from normbench.report.blocks.plan import choice_text
from normbench.report.blocks.states import age_text, owner_text
from normbench.storage.run_folder import Arm
from normbench.storage.run_status import RESULTS, RunStatus

COMMANDS = ("again", "go on")
LOSSES = ("train_loss", "test_loss", "test_accuracy")
FIRST = ("weight_decay", "dropout", "batch_size")
"""Settings that are told whether the config says them or not."""
PARTS = ("model", "norm", "dataset", "device", "num_steps", "num_epochs")
"""Settings that have a place of their own."""
SHOWN = ("lr", "momentum", "beta1", "beta2")
"""What is told of an optimizer."""


def header_block(study: str, arm: Arm, *, details: bool = False) -> Block:
    """Return what the report of one run begins with.

    Args:
        study: Its study's name.
        arm: With the run alone.
        details: Also what the config left at its default, and parameters in norms.
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
    norm = "no norm" if settings["norm"] == "none" else settings["norm"]
    parts = [str(settings["model"]), str(norm), *([parametrization] if parametrization != "none" else [])]
    return f"{study} · {', '.join(parts)} on {settings['dataset']} · seed {seed} · {settings['device']}"


def _settings(arm: Arm) -> list[str]:
    """Return the settings that decide most, then all else that the config changed."""
    settings = arm.settings
    inner = [
        f"{key} {number_text(settings[f'optimizer.{key}'])}"
        for key in SHOWN
        if settings.get(f"optimizer.{key}") is not None
    ]
    optimizer = f"{settings['optimizer']} {', '.join(inner)}".rstrip()
    told = {*FIRST, *PARTS, "optimizer", "weight_parametrization", *(f"optimizer.{key}" for key in SHOWN)}
    others = [key for key in arm.changed if key not in told and not key.startswith("recording")]
    changed = [f"{key} {number_text(settings[key])}" for key in others if key in settings]
    return [*(f"{key} {number_text(settings[key])}" for key in FIRST), optimizer, *changed]


def _steps(summary: Mapping[str, Any]) -> str:
    steps = summary["total_steps"]
    epochs = f" ({number_text(steps / summary['steps_per_epoch'])} epochs of {summary['num_train']} samples)"
    return f"{steps:,} step{'' if steps == 1 else 's'}{epochs if steps else ''}"


def _parameters(summary: Mapping[str, Any], *, details: bool) -> str:
    norms = summary["num_norm_parameters"]
    return f"{summary['num_parameters']:,} parameters{f' ({norms:,} in norms)' if details and norms else ''}"


def _defaults(arm: Arm) -> str:
    """Return what decides numbers, and is told on request: decay, initialization, running statistics, threads."""
    settings, run = arm.settings, arm.runs[0]
    threads = run.environment.get("num_threads", 1)
    decay = f"decay {run.summary['decay_kind']} on {settings['decay_on']}"
    has_decay = settings["weight_decay"] or settings["l1"]
    momentum = settings.get("norm.momentum") if _moves_statistics(settings) else None
    keep = "" if momentum is None else f"running statistics keep {100 * (1 - momentum):.3g} % per step"
    parts: Sequence[str] = (
        f"init {settings['init']}",
        decay if has_decay else "",
        keep,
        f"{threads} thread{'' if threads == 1 else 's'}",
    )
    return " · ".join(part for part in parts if part)


def _moves_statistics(settings: Mapping[str, Any]) -> bool:
    """Whether the norm's momentum is in use: not without running statistics, nor where all batches count alike."""
    keeps = settings.get("norm.track_running_stats", True) is not False
    return keeps and settings.get("norm.average", "moving") == "moving"


def number_text(value: Any) -> str:
    """Write a setting's value without needless digits."""
    return f"{value:g}" if isinstance(value, float) else str(value)


def losses_blocks(rows: Sequence[Mapping[str, str]]) -> list[Block]:
    """Return losses and accuracy at the start, about a quarter, half of the way, and at the end."""
    columns = [column for column in LOSSES if rows and rows[0].get(column)]
    last = len(rows) - 1
    shown = [rows[i] for i in sorted({0, last // 4, last // 2, last})] if columns else []
    figures = [Column(name.replace("_", " "), [float(row[name]) for row in shown], what=name) for name in columns]
    steps = Column("step", [row["step"] for row in shown], is_key=True)
    return [Block(table=Table([steps, *figures]))] if shown else []


def diverged_blocks(arm: Arm) -> list[Block]:
    """Return what became of a run that diverged."""
    summary = arm.runs[0].summary
    if summary["status"] != RunStatus.DIVERGED:
        return []
    said = f"Diverged: the loss of step {summary['step']} was not finite. A smaller optimizer.lr may help."
    return [Block(lines=as_lines([said]), is_joined=True)]


def one_run_blocks(report: RunReport, max_layers: int | None = LONG) -> list[Block]:
    """Return what one run's folder tells; ``max_layers`` None shows all layers."""
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
    if state.status in RESULTS:
        try:
            return header_block(state.arm.study, report.arm, details=True)
        except FOREIGN_FORMAT_ERRORS:  # settings that another version wrote
            pass
    said = [f"{key} {report.arm.settings[key]}" for key in report.arm.changed if key in report.arm.settings]
    first = f"{state.arm.study} · {state.arm.name} · seed {state.seed}{' · tuning' * state.arm.is_tuning}"
    return Block(lines=as_lines([first, *([f"  {' · '.join(said)}"] if said else [])]))


def _lines(report: RunReport) -> list[Line]:
    state, owner = report.state, report.state.owner
    told = [
        ("status", f"{state.status}{_when(report)}"),
        ("", _what_went_wrong(report)),
        ("owner", f"{owner_text(owner)}{f', since {owner.started_at}' * bool(owner.started_at)}" if owner else ""),
        ("made", _made(report.environment)),
        ("tuned", choice_text(asdict(report.choice)) if report.choice else ""),
        ("folder", str(state.folder)),
        ("files", ", ".join(f"{name} {size_text(size)}" for name, size in report.files.items())),
        ("again" if state.status == RunStatus.DAMAGED else "go on", report.command),
    ]
    return [Line(text, label, is_command=label in COMMANDS) for label, text in told if text]


def _what_went_wrong(report: RunReport) -> str:
    if report.state.status == RunStatus.DIVERGED:
        return f"The loss of step {report.step} was not finite. A smaller optimizer.lr may help."
    return report.state.problem


def _when(report: RunReport) -> str:
    """Return how long ago, how far, and where it would go on."""
    state, far = report.state, ""
    if report.step is not None:
        of = "" if report.total_steps is None else f" of {report.total_steps:,}"
        far = f" · step {report.step:,}{of}{'' if state.status in RESULTS else ' recorded'}"
    ago = f" · {'last sign of life ' * (state.status == RunStatus.RUNNING)}{age_text(state.age_s)} ago"
    if state.status in (*RESULTS, RunStatus.RUNNING, RunStatus.DAMAGED):
        return f"{ago}{far}"
    return f"{ago}{far} · {'goes on from its checkpoint' if report.has_checkpoint else 'begins again'}"


def _made(environment: Mapping[str, Any]) -> str:
    versions = environment.get("versions")
    torch = f"torch {versions['torch']}" if isinstance(versions, dict) and versions.get("torch") else ""
    commit = environment.get("git_commit")
    parts = [
        str(environment.get("started_at", "")),
        _seconds(environment.get("duration_s"), "s"),
        _seconds(environment.get("cpu_s"), "CPU-seconds"),
        str(environment.get("device", "")),
        torch,
        f"commit {str(commit)[:12]}" if commit else "",
    ]
    return " · ".join(part for part in parts if part)


def _seconds(value: object, unit: str) -> str:
    return f"{value:.1f} {unit}" if isinstance(value, int | float) else ""
