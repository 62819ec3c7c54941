"""Owner: the process that has claimed a run; finds out whether it still runs."""

import os
import platform
import time
from dataclasses import asdict, dataclass, field
from functools import cache
from pathlib import Path
from typing import Self

from normbench.errors import RunFolderError
from normbench.storage.contents.claim import CLAIM
from normbench.storage.files.flushing import Flush
from normbench.storage.files.json_files import write_json
from normbench.storage.files.reading import read_bytes
from normbench.storage.run_folder import CLAIM_JSON, is_finished
from normbench.storage.run_status import RunStatus

SILENCE_S = 60.0
"""Seconds without a sign of life after which an owner on another machine counts as gone."""
MY_TOKENS: set[str] = set()
"""Tokens of the claims that this process holds."""


@cache
def _process_namespace() -> str:
    try:
        start = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        return f"{start[:8]}-{Path('/proc/self/ns/pid').stat().st_ino}"
    except OSError:
        return ""


@dataclass(frozen=True)
class Owner:
    """The content of claim.json: which process makes the run, or how its attempt ended.

    Attributes:
        token: Random text of this claim alone.
        pid: Number of the process.
        host: Name of its machine.
        sight: Boot id and process namespace; only processes with the same one can check each other; "" if unknown.
        born: Start time of the process, since numbers are used again; "" where the system does not tell it.
        started_at: Time of the claim, in UTC.
        status: running, interrupted or failed.
        error: Why it failed.
    """

    token: str
    pid: int = field(default_factory=os.getpid)
    host: str = field(default_factory=platform.node)
    sight: str = field(default_factory=_process_namespace)
    born: str = field(default_factory=lambda: _start_time(os.getpid()))
    started_at: str = ""
    status: str = RunStatus.RUNNING
    error: str = ""

    @classmethod
    def of(cls, folder: Path) -> Self | None:
        """Read the owner of a run from its claim.json; return None if there is none, or the folder is a link.

        Raises:
            OSError: There is a claim.json that cannot be read now.
        """
        path = folder / CLAIM_JSON
        if folder.is_symlink():  # behind it lies another's; who claims it is told
            return None
        try:
            said = CLAIM.parse(path, read_bytes(path))
        except (FileNotFoundError, NotADirectoryError):
            return None
        except RunFolderError:
            return None  # claims are written by rename: a damaged one was not written by a run
        of_process = said["token"], said["pid"], said["host"], said["sight"], said["born"]
        return cls(*of_process, said["started_at"], said["status"], said["error"])

    def write(self, folder: Path) -> None:
        """Write claim.json, which tells nothing after a power cut and need not be on disk."""
        write_json(folder / CLAIM_JSON, asdict(self), Flush.NOTHING)

    @property
    def is_alive(self) -> bool:
        """Whether its process runs; also true where that cannot be checked, such as on another machine."""
        if self.status != RunStatus.RUNNING:
            return False
        if (self.host, self.sight) != (platform.node(), _process_namespace()):
            return True
        if self.pid == os.getpid():
            return self.token in MY_TOKENS
        return _is_running(self.pid) and _start_time(self.pid) == self.born


def _is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True
    return True


def _start_time(pid: int) -> str:
    """Return a process's start time in clock ticks; "" where the system has none, "gone" if the process has ended."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    except OSError:
        return ""
    return "gone" if fields[0] in ("Z", "X") else fields[19]


class OwnerWatch:
    """Finds owners without a sign of life for ``silence_s`` seconds of this process's own clock.

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
        except OSError:  # claiming it gives the message
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
