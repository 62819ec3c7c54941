"""Keeps in the runs folder what runs were measured to cost, for one machine and one version of all that counts."""

import os
import platform
from collections.abc import Mapping
from contextlib import suppress
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

from normbench.errors import RunFolderError
from normbench.storage.contents.timings import TIMINGS
from normbench.storage.files.atomic import make_folder
from normbench.storage.files.flushing import Flush
from normbench.storage.files.json_files import has_seal, read_raw, write_sealed_json
from normbench.storage.identity import NUMERICS

TIMINGS_JSON = ".timings.json"
MAX_KEPT = 2000
"""Entries; beyond, the oldest are left out."""
_CPUINFO = Path("/proc/cpuinfo")


def read_timings(runs_dir: Path) -> dict[str, dict[str, float]]:
    """Return what is known by key; nothing where the file is missing, damaged, or of another machine or version."""
    path = runs_dir / TIMINGS_JSON
    with suppress(RunFolderError):
        raw = read_raw(path)
        content = TIMINGS.parse(path, raw)
        if has_seal(raw) and content["measured_with"] == measured_with():
            return content["timings"]
    return {}


def add_timings(runs_dir: Path, found: Mapping[str, Mapping[str, float]]) -> None:
    """Add to what is known, by rename; a folder that cannot be written to stays as it is, and nothing is known then."""
    if not found:
        return
    known = {key: value for key, value in read_timings(runs_dir).items() if key not in found}
    newest = list({**known, **found}.items())[-MAX_KEPT:]
    with suppress(OSError):
        make_folder(runs_dir)
        content = {"measured_with": measured_with(), "timings": dict(newest)}
        write_sealed_json(runs_dir / TIMINGS_JSON, content, Flush.NOTHING)


@cache
def measured_with() -> dict[str, Any]:
    """Return machine and versions, on which timings depend."""
    return {
        "cpu": _cpu_name(),
        "num_cpus": os.cpu_count(),
        "python": platform.python_version(),
        "torch": version("torch"),
        "normbench": version("normbench"),
        "numerics": NUMERICS,
    }


def _cpu_name() -> str:
    with suppress(OSError):
        lines = _CPUINFO.read_text(encoding="utf-8").splitlines()
        names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
        if names:
            return names[0]
    return platform.processor() or platform.machine()
