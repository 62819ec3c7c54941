"""One run's report: losses, std per layer, what it is in, what became of it, and what to do next."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from rich.console import Console

from normbench.evidence.layers.run_report import UNLIKE_OURS, RunReport
from normbench.report.blocks.numbers import size_text
from normbench.report.blocks.run_header import header
from normbench.report.blocks.tables import print_layers, print_losses
from normbench.report.terminal.layers import print_last_frames
from normbench.report.terminal.states import age_text, owner_text, run_entry
from normbench.report.terminal.tuning import choice_text
from normbench.storage.files.json_files import json_ready
from normbench.storage.files.plain_text import one_line
from normbench.storage.run_states import RESULTS


def print_run(console: Console, report: RunReport, *, all_layers: bool) -> None:
    """Print what one run's folder tells."""
    console.print(_head(report), soft_wrap=True)
    if report.metrics:
        print_losses(console, report.metrics)
    if report.layers:
        console.print()
        print_layers(console, report.layers, show_all=all_layers)
    if report.last_frames:
        console.print()
        console.print("std per layer at the last recorded steps")
        print_last_frames(console, report.last_frames, show_all=all_layers)
    if report.error_lines:
        console.print(
            "\n".join(["", "error.txt ends with", *(f"  {line}" for line in report.error_lines)]), soft_wrap=True
        )
    console.print()
    console.print("\n".join(_lines(report)), soft_wrap=True)


def run_json(report: RunReport) -> str:
    """Return what one run's folder tells as JSON."""
    content: dict[str, Any] = {
        **run_entry(report.state),
        "step": report.step,
        "total_steps": report.total_steps,
        "settings": report.arm.settings,
        "metrics": report.metrics,
        "layers": asdict(report.layers) if report.layers else None,
        "last_frames": [asdict(one) for one in report.last_frames],
        "error_lines": report.error_lines,
        "environment": report.environment,
        "files": report.files,
        "choice": asdict(report.choice) if report.choice else None,
        "command": report.command,
    }
    return json.dumps(json_ready(content), indent=2, default=str)


def _head(report: RunReport) -> str:
    state = report.state
    if state.status in RESULTS:
        try:
            return header(state.arm.study, report.arm)
        except UNLIKE_OURS:  # settings that another version wrote
            pass
    said = [f"{key} {report.arm.settings[key]}" for key in report.arm.changed if key in report.arm.settings]
    settings = f"\n  {' · '.join(said)}" if said else ""
    return f"{state.arm.study} · {state.arm.name} · seed {state.seed}{' · tuning' * state.arm.is_tuning}{settings}"


def _lines(report: RunReport) -> list[str]:
    state, owner = report.state, report.state.owner
    told = [
        ("status", f"{state.status}{_when(report)}"),
        ("", _what_went_wrong(report)),
        ("owner", f"{owner_text(owner)}{f', since {owner.started_at}' * bool(owner.started_at)}" if owner else ""),
        ("made", _made(report.environment)),
        ("tuned", choice_text(asdict(report.choice)) if report.choice else ""),
        ("folder", str(state.folder)),
        ("files", ", ".join(f"{name} {size_text(size)}" for name, size in report.files.items())),
        ("again" if state.status == "damaged" else "go on", report.command),
    ]
    return [f"{label:8} {one_line(text)}" for label, text in told if text]


def _what_went_wrong(report: RunReport) -> str:
    if report.state.status == "diverged":
        return f"The loss of step {report.step} was not finite. A smaller optimizer.lr may help."
    return report.state.problem


def _when(report: RunReport) -> str:
    """Return how long ago, how far, and where it would go on."""
    state, far = report.state, ""
    if report.step is not None:
        of = "" if report.total_steps is None else f" of {report.total_steps:,}"
        far = f" · step {report.step:,}{of}{'' if state.status in RESULTS else ' recorded'}"
    ago = f" · {'last sign of life ' * (state.status == 'running')}{age_text(state.age_s)} ago"
    if state.status in (*RESULTS, "running", "damaged"):
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
