"""Collects the content of environment.json: machine, versions, time and duration of a run."""

import os
import platform
import subprocess
import time
from functools import cache
from importlib.metadata import version
from typing import Any

import torch


def environment(
    device: str, started: float, *, duration_s: float, cpu_s: float, cpu_s_per_step: float | None
) -> dict[str, Any]:
    """Return the content of environment.json.

    Args:
        device: What the run was made on, cpu or cuda.
        started: Start of this attempt in seconds since 1970.
        duration_s: Duration of this attempt in seconds, by a monotonic clock.
        cpu_s: CPU seconds of this attempt.
        cpu_s_per_step: CPU seconds of one step that is not recorded, over all attempts.
    """
    return {
        "started_at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(started)),
        "duration_s": duration_s,
        "cpu_s": cpu_s,
        "cpu_s_per_step": cpu_s_per_step,
        "device": torch.cuda.get_device_name() if device == "cuda" else platform.machine(),
        **_machine(),
    }


@cache
def _machine() -> dict[str, Any]:
    return {
        "python": platform.python_version(),
        "platform": platform.platform(),
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
