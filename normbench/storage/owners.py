"""Owner: the process that has claimed a run; whether it is still at work, or silent for long."""

import json
import os
import platform
import time
from dataclasses import asdict, dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Self

from normbench.storage.files.json_files import write_json
from normbench.storage.files.reading import read_bytes
from normbench.storage.run_folder import CLAIM_JSON, is_finished
from normbench.storage.run_status import RunStatus

SILENCE_S = 60.0
"""Without a sign of life for so long, an owner is taken for dead where nothing tells it sooner."""
MY_TOKENS: set[str] = set()
"""Of the claims that this process holds."""


@cache
def _sight() -> str:
    try:
        start = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        return f"{start[:8]}-{Path('/proc/self/ns/pid').stat().st_ino}"
    except OSError:
        return ""


@dataclass(frozen=True)
class Owner:
    """What claim.json says.

    Attributes:
        token: Of this claim and no other.
        pid: The process.
        host: Name of its machine.
        sight: Stands for the processes that can be seen from there: machine, its start, container; "" if unknown.
        born: What tells it from a later process of the same number; "" where the system does not say.
        started_at: In UTC.
        status: Running, or how an attempt ended that is no result: interrupted or failed.
        error: Why it failed.
    """

    token: str
    pid: int = field(default_factory=os.getpid)
    host: str = field(default_factory=platform.node)
    sight: str = field(default_factory=_sight)
    born: str = field(default_factory=lambda: _birth(os.getpid()))
    started_at: str = ""
    status: str = RunStatus.RUNNING
    error: str = ""

    @classmethod
    def of(cls, folder: Path) -> Self | None:
        """Return who has claimed a run; None if nobody has.

        Raises:
            OSError: There is a claim that cannot be read now.
        """
        try:
            said: dict[str, Any] = json.loads(read_bytes(folder / CLAIM_JSON))
            owner, pid = cls(**said), said.pop("pid")
        except (FileNotFoundError, NotADirectoryError):
            return None
        except (ValueError, TypeError, AttributeError, KeyError, RecursionError):
            return None  # claims are written by rename: one that is damaged is nobody's
        is_whole = type(pid) is int and pid > 0 and all(isinstance(value, str) for value in said.values())
        return owner if is_whole else None  # to the system, -1 means all processes

    def write(self, folder: Path) -> None:
        """Write claim.json."""
        write_json(folder / CLAIM_JSON, asdict(self))

    @property
    def is_alive(self) -> bool:
        """Whether it may still be at work: its process is there, or out of sight, on another machine say."""
        if self.status != RunStatus.RUNNING:
            return False
        if (self.host, self.sight) != (platform.node(), _sight()):
            return True
        if self.pid == os.getpid():
            return self.token in MY_TOKENS
        return _is_running(self.pid) and _birth(self.pid) == self.born


def _is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True
    return True


def _birth(pid: int) -> str:
    """Return when a process began, in the system's own count; "" where it does not say, "gone" of one that ended."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    except OSError:
        return ""
    return "gone" if fields[0] in ("Z", "X") else fields[19]


class OwnerWatch:
    """Tells which owners have given no sign of life for long, by this process's own clock.

    Times in files are compared with each other only, never with a clock: clocks differ between machines, and jump.
    """

    def __init__(self, silence_s: float = SILENCE_S) -> None:
        self.silence_s = silence_s
        self.silent_owners: set[str] = set()
        self._seen: dict[Path, tuple[tuple[str, int], float]] = {}

    def is_free(self, folder: Path) -> bool:
        """Return whether a run that was busy can be claimed, or is finished."""
        try:
            owner = Owner.of(folder)
        except OSError:  # whoever claims it will be told
            return True
        if owner is None or not owner.is_alive or is_finished(folder):
            return True
        sign, now = (owner.token, _last_sign(folder)), time.monotonic()
        known, since = self._seen.get(folder, (None, now))
        if known != sign:
            self._seen[folder] = (sign, now)
        elif now - since > self.silence_s:
            self.silent_owners.add(owner.token)
            return True
        return False


def _last_sign(folder: Path) -> int:
    try:
        return (folder / CLAIM_JSON).stat().st_mtime_ns
    except OSError:
        return 0
