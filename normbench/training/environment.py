"""environment.json: where, when and how fast a run was made; may differ between two runs of the same numbers."""

import os
import platform
import subprocess
import time
from functools import cache
from importlib.metadata import version
from typing import Any

import torch


def environment(started: float, *, duration_s: float, cpu_s: float, cpu_s_per_step: float | None) -> dict[str, Any]:
    """Return what environment.json says.

    Args:
        started: Seconds since 1970.
        duration_s: Of this attempt, by a clock that nobody sets.
        cpu_s: CPU seconds of this attempt.
        cpu_s_per_step: Of one step that was only made, not watched; over all attempts.
    """
    return {
        "started_at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(started)),
        "duration_s": duration_s,
        "cpu_s": cpu_s,
        "cpu_s_per_step": cpu_s_per_step,
        **_machine(),
    }


@cache
def _machine() -> dict[str, Any]:
    return {
        "python": platform.python_version(),
        "platform": platform.platform(),
        "device": torch.cuda.get_device_name() if torch.cuda.is_available() else platform.machine(),
        "num_threads": torch.get_num_threads(),
        "num_cpus": os.cpu_count(),
        "git_commit": _git_commit(),
        "versions": {name: version(name) for name in ("torch", "numpy", "tensorboardX", "pydantic")},
    }


def _git_commit() -> str | None:
    command = ["git", "rev-parse", "HEAD"]
    try:
        found = subprocess.run(command, capture_output=True, text=True, timeout=5, check=False)  # noqa: S603
    except (OSError, subprocess.TimeoutExpired):
        return None
    return found.stdout.strip() or None
