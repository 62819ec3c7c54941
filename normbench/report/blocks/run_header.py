"""What is being run, in three lines: what the config says, what it left open, the size."""

from collections.abc import Mapping
from typing import Any

from normbench.storage.run_folder import Arm

# Settings of the first line, said or not; the second line has what was left at its default.
FIRST = ("weight_decay", "dropout", "batch_size")


def header(study: str, arm: Arm) -> str:
    """Return the lines a plain run's report begins with."""
    run = arm.runs[0]
    return "\n".join(
        [
            _first_line(study, arm.settings, run.summary, run.seed),
            _defaults_line(arm, run.summary, run.environment),
            _size_line(arm.settings, run.summary),
        ]
    )


def _first_line(study: str, settings: Mapping[str, Any], summary: Mapping[str, Any], seed: int) -> str:
    said = [f"{key} {_number(settings[key])}" for key in FIRST]
    if settings["weight_decay"]:
        said[0] += f" ({summary['decay_kind']})"
    parametrization = settings.get("weight_parametrization", "none")
    weights = "" if parametrization == "none" else f" + {parametrization}"
    what = f"{settings['model']} + {settings['norm']}{weights} on {settings['dataset']}"
    return " · ".join([study, what, *said, f"seed {seed}"])


def _defaults_line(arm: Arm, summary: Mapping[str, Any], environment: Mapping[str, Any]) -> str:
    settings, said = arm.settings, set(arm.changed)
    steps = summary["total_steps"]
    epochs = f" ({_number(steps / summary['steps_per_epoch'])} epochs of {summary['num_train']})" if steps else ""
    threads = environment.get("num_threads", 1)
    parts = {
        "optimizer": _with_settings("optimizer", settings),
        "num_steps": f"{steps:,} step{'' if steps == 1 else 's'}{epochs}",
        "init": f"init {settings['init']}",
        "decay_on": f"decay on {settings['decay_on']}" if settings["weight_decay"] or settings["l1"] else "",
    }
    if settings.get("num_epochs"):
        said.add("num_steps")
    device = f"{settings['device']}, {threads} thread{'' if threads == 1 else 's'}"
    left_open = [text for key, text in parts.items() if text and not any(s.partition(".")[0] == key for s in said)]
    chosen = [text for key, text in parts.items() if text and any(s.partition(".")[0] == key for s in said)]
    given = f"  with {' · '.join(chosen)}\n" if chosen else ""
    return f"{given}  defaults: {' · '.join([*left_open, device])}"


def _with_settings(part: str, settings: Mapping[str, Any]) -> str:
    inner = {key.removeprefix(f"{part}."): value for key, value in settings.items() if key.startswith(f"{part}.")}
    shown = [f"{key} {_number(value)}" for key, value in inner.items() if key in ("lr", "momentum", "beta1", "beta2")]
    return " ".join([str(settings[part]), *shown])


def _size_line(settings: Mapping[str, Any], summary: Mapping[str, Any]) -> str:
    norms = f" ({summary['num_norm_parameters']:,} in norms)" if summary["num_norm_parameters"] else ""
    momentum = settings.get("norm.momentum") if _moves_statistics(settings) else None
    keep = "" if momentum is None else f" · running statistics keep {100 * (1 - momentum):.3g} % per step"
    return f"  {summary['num_parameters']:,} parameters{norms}{keep}"


def _moves_statistics(settings: Mapping[str, Any]) -> bool:
    """Whether the norm's momentum is in use: not without running statistics, nor where all batches count alike."""
    keeps = settings.get("norm.track_running_stats", True) is not False
    return keeps and settings.get("norm.average", "moving") == "moving"


def _number(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
