"""Locks a run's folder for the one process that makes the run, by claim.json and its signs of life."""

import errno
import os
import secrets
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from threading import Event, Thread
from typing import TYPE_CHECKING, Self

from normbench.errors import RunFolderError
from normbench.storage.digests import find_damage
from normbench.storage.files.atomic import PART_PREFIX, make_folder, name_in_errors, rename, way_out
from normbench.storage.files.links import refuse_links
from normbench.storage.owners import MY_TOKENS, Owner
from normbench.storage.run_folder import (
    CHECKPOINT,
    CHECKPOINT_BEFORE,
    CLAIM_JSON,
    CONFIG_YAML,
    ENVIRONMENT_JSON,
    ERROR_TXT,
    HISTOGRAMS_NPZ,
    SUMMARY_JSON,
    is_finished,
    num_levels,
)

if TYPE_CHECKING:
    from filelock import BaseFileLock

HEARTBEAT_S = 5.0
"""Seconds between two touches of claim.json by the process that makes a run."""
LOCK = ".lock"
"""Lock file in an arm's folder, held only while claims are read and changed."""


class RunBusy(Exception):  # noqa: N818 - no error: another process makes the run
    """Another process makes this run."""


class RunClaim:
    """This process's lock on one run; inside its block, claim.json is touched every few seconds.

    Args:
        folder: The run's folder.
        owner: The content of claim.json.
        note: A line for the user if an earlier result was set aside, else "".
        before: What claim.json said before; None where there was none.
    """

    def __init__(self, folder: Path, owner: Owner, note: str = "", before: Owner | None = None) -> None:
        self.folder, self.owner, self.note, self.before = folder, owner, note, before
        self._is_over = Event()
        self._heartbeat = Thread(target=self._send_heartbeats, daemon=True)

    def __enter__(self) -> Self:
        try:
            self._heartbeat.start()
        except RuntimeError:
            MY_TOKENS.discard(self.owner.token)
            raise
        return self

    def __exit__(self, *_: object) -> None:
        MY_TOKENS.discard(self.owner.token)
        self._is_over.set()
        self._heartbeat.join()

    @contextmanager
    def owned(self) -> Iterator[None]:
        """Check that this process still owns the run, and keep it so inside the block; used around each published file.

        Raises:
            RunFolderError: The folder was removed, or another process has taken the run over.
        """
        rule = "must stay this command's until the run is over, got it removed or taken over"
        lost = RunFolderError(f"{self.folder}: {rule}. Ask again to complete it.")
        try:
            with locked(self.folder.parent):
                known = Owner.of(self.folder)
                if known is None or known.token != self.owner.token:
                    raise lost
                yield
        except FileNotFoundError:
            raise lost from None

    def end(self, status: str, error: str = "") -> None:
        """Write into claim.json how an attempt ended that gave no result."""
        with suppress(RunFolderError, OSError), self.owned():  # without it others find the process gone
            replace(self.owner, status=status, error=error).write(self.folder)

    def finish(self) -> None:
        """Remove the checkpoints and the claim of a finished run."""
        with suppress(RunFolderError, OSError), self.owned():  # what stays is removed by the next command
            remove_unfinished_files(self.folder)

    def release(self) -> None:
        """Give back a run that was not begun, as it was found."""
        with suppress(RunFolderError, OSError), self.owned():
            if self.before:
                self.before.write(self.folder)
                return
            (self.folder / CLAIM_JSON).unlink()
            self.folder.rmdir()  # unless an attempt without a claim has left something

    def _send_heartbeats(self) -> None:
        while not self._is_over.wait(HEARTBEAT_S):
            with suppress(OSError):
                os.utime(self.folder / CLAIM_JSON)


Stamp = tuple[int, int]
"""Inode of a run's folder and modification time of its summary: another result has another stamp."""


def read_stamp(folder: Path) -> Stamp | None:
    """Return the stamp of a run's folder; None if there is no folder."""
    try:
        summary = folder / SUMMARY_JSON
        return folder.stat().st_ino, summary.stat().st_mtime_ns if is_finished(folder) else 0
    except OSError:
        return None


def claim_run(
    folder: Path,
    *,
    outdated: Stamp | None = None,
    silent_owners: Collection[str] = (),
    find_problem: Callable[[], str] | None = None,
) -> RunClaim | None:
    """Lock a run for this process; return None if it is finished. The files of an unfinished attempt are kept.

    A damaged or outdated result is renamed to ``seed-<n>.old-<k>``.

    Args:
        folder: The run's folder.
        outdated: Stamp of a result to make again; a result with another stamp is newer and is kept.
        silent_owners: Tokens of owners without a sign of life for long.
        find_problem: Returns why a result does not count, "" if it does; by default checks its files' sha256.

    Raises:
        RunBusy: Another process makes it.
        RunFolderError: The folder cannot be written, or a link leads there.
    """
    try:
        refuse_links(folder, levels=num_levels(folder))
        make_folder(folder.parent)
        with locked(folder.parent):
            return _claim_locked(folder, outdated, silent_owners, find_problem or (lambda: find_damage(folder)))
    except OSError as error:
        rule, place = "must be a folder this user may write", folder if error.errno != errno.EINVAL else error.filename
        raise RunFolderError(f"{place}: {rule}, got: {error.strerror}. {way_out(error)}") from None


def runs_dir_of(folder: Path) -> Path:
    """Return the runs folder in which a run's folder lies."""
    return folder.parents[num_levels(folder) - 1]


def _claim_locked(
    folder: Path, outdated: Stamp | None, silent_owners: Collection[str], find_problem: Callable[[], str]
) -> RunClaim | None:
    known = Owner.of(folder)
    is_over = is_finished(folder)  # an owner that is left then only removes its files
    if known and known.is_alive and not is_over and known.token not in silent_owners:
        raise RunBusy
    problem = find_problem() if is_over else ""
    is_outdated = outdated is not None and read_stamp(folder) == outdated
    if is_over and not problem and not is_outdated:
        remove_unfinished_files(folder)
        return None
    note = ""
    if problem or is_outdated:
        aside, known = _next_old_name(folder), None
        rename(folder, aside)
        note = f"{problem} It is kept as {aside.name} and made again." if problem else ""
    make_folder(folder)
    owner = Owner(secrets.token_hex(8), started_at=time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()))
    MY_TOKENS.add(owner.token)
    owner.write(folder)
    return RunClaim(folder, owner, note, known)


def _next_old_name(folder: Path) -> Path:
    number = 1
    while os.path.lexists(name := folder.with_name(f"{folder.name}.old-{number}")):
        number += 1
    return name


def remove_attempt(folder: Path) -> None:
    """Remove the files that an unfinished attempt wrote; keep the claim, and every file that no run writes."""
    remove_part_files(folder)
    names = (HISTOGRAMS_NPZ, CHECKPOINT, CHECKPOINT_BEFORE, ERROR_TXT, CONFIG_YAML, ENVIRONMENT_JSON)
    for pattern in ("*.csv", "events.*", *names):
        for path in folder.glob(pattern):
            path.unlink()


def remove_unfinished_files(folder: Path) -> None:
    """Remove the checkpoints, the error text and, last, the claim of a run."""
    remove_part_files(folder)
    for name in (CHECKPOINT, CHECKPOINT_BEFORE, ERROR_TXT, CLAIM_JSON):
        (folder / name).unlink(missing_ok=True)


def remove_part_files(folder: Path) -> None:
    """Remove half-written files of killed processes; the caller must hold the folder's lock."""
    for path in folder.glob(f"{PART_PREFIX}*"):
        path.unlink()


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold a folder's lock inside the block, so that no other process claims or removes runs there."""
    from filelock import FileLock  # most commands that only read lock nothing

    lock = FileLock(folder / LOCK)
    refuse_links(folder / LOCK)
    with name_in_errors(folder):
        try:
            lock.acquire()
        except RuntimeError:  # this process could not release it before
            raise OSError(errno.EDEADLK, os.strerror(errno.EDEADLK)) from None
    try:
        yield
    finally:
        with name_in_errors(folder):
            _release(lock)


def _release(lock: "BaseFileLock") -> None:
    """Release a lock; where the system fails, once more, since nobody else could ever hold it."""
    try:
        lock.release()
    except OSError:
        lock.release()
