"""The right to make a run: one process at a time has it, and publishes only while it does."""

import errno
import os
import secrets
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from threading import Event, Thread
from typing import Self

from filelock import FileLock

from normbench.errors import RunFolderError
from normbench.storage.files.atomic import PART, naming, way_out
from normbench.storage.files.links import refuse_links
from normbench.storage.owners import MY_TOKENS, Owner
from normbench.storage.run_folder import (
    CHECKPOINT,
    CHECKPOINT_BEFORE,
    CLAIM_JSON,
    CONFIG_YAML,
    ENVIRONMENT_JSON,
    ERROR_TXT,
    STUDY_JSON,
    SUMMARY_JSON,
    is_finished,
    problem_with,
)

HEARTBEAT_S = 5.0
"""Between two signs of life of a process that makes a run."""
LOCK = ".lock"
"""In an arm's folder; held for the moments in which claims are read and changed."""


class Busy(Exception):  # noqa: N818 - no error: the run is in other hands
    """Another process makes this run."""


class Claim:
    """This process's right to make one run, with a sign of life every few seconds inside its block.

    Args:
        folder: The run's.
        owner: What its claim.json says.
        note: What happened to what lay there before, if a user should know.
    """

    def __init__(self, folder: Path, owner: Owner, note: str = "") -> None:
        self.folder, self.owner, self.note = folder, owner, note
        self._is_over = Event()
        self._heart = Thread(target=self._beat, daemon=True)

    def __enter__(self) -> Self:
        try:
            self._heart.start()
        except RuntimeError:
            MY_TOKENS.discard(self.owner.token)
            raise
        return self

    def __exit__(self, *_: object) -> None:
        MY_TOKENS.discard(self.owner.token)
        self._is_over.set()
        self._heart.join()

    @contextmanager
    def held(self) -> Iterator[None]:
        """Inside the block the run is surely this process's: for what others will read.

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
        """Say how an attempt ended that is no result."""
        with suppress(RunFolderError, OSError), self.held():  # who cannot write this is found dead by others
            replace(self.owner, status=status, error=error).write(self.folder)

    def finish(self) -> None:
        """Leave a finished run; what it would have been continued from goes."""
        with suppress(RunFolderError, OSError), self.held():  # and is tidied up by whoever asks next
            tidy(self.folder)

    def _beat(self) -> None:
        while not self._is_over.wait(HEARTBEAT_S):
            with suppress(OSError):
                os.utime(self.folder / CLAIM_JSON)


Stamp = tuple[int, int]
"""Tells what lies in a run's folder from what lies there later."""


def stamp(folder: Path) -> Stamp | None:
    """Return the stamp of what lies in a run's folder now; None if there is none."""
    try:
        summary = folder / SUMMARY_JSON
        return folder.stat().st_ino, summary.stat().st_mtime_ns if is_finished(folder) else 0
    except OSError:
        return None


def claim(
    folder: Path,
    *,
    outdated: Stamp | None = None,
    silent_owners: Collection[str] = (),
    find_problem: Callable[[], str] | None = None,
) -> Claim | None:
    """Take a run that nobody makes; None if it is finished. What an unfinished attempt left stays.

    A damaged result is set aside, as is what is outdated: it is then called ``seed-<n>.old-<k>``.

    Args:
        folder: The run's.
        outdated: Of what is to be made again, if it still lies there: what was made since then counts.
        silent_owners: Tokens of owners that have given no sign of life for long.
        find_problem: Says what keeps a result from counting; by default that its files are not as they were written.

    Raises:
        Busy: Another process makes it.
        RunFolderError: The folder cannot be written, or a link leads there.
    """
    refuse_links(folder, levels=_levels(folder))
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with locked(folder.parent):
            return _claim(folder, outdated, silent_owners, find_problem or (lambda: problem_with(folder)))
    except OSError as error:
        rule, place = "must be a folder this user may write", folder if error.errno != errno.EINVAL else error.filename
        raise RunFolderError(f"{place}: {rule}, got: {error.strerror}. {way_out(error)}") from None


def _levels(folder: Path) -> int:
    """Return how many folders of a run's path lie in the runs folder: seed, arm, study, and tuning where it is one."""
    around = folder.parents[1]
    return 4 if around.name == "tuning" and not (around / STUDY_JSON).exists() else 3


def _claim(
    folder: Path, outdated: Stamp | None, silent_owners: Collection[str], find_problem: Callable[[], str]
) -> Claim | None:
    known = Owner.of(folder)
    is_over = is_finished(folder)  # whoever claimed it then has nothing left to do but to tidy up
    if known and known.is_alive and not is_over and known.token not in silent_owners:
        raise Busy
    problem = find_problem() if is_over else ""
    is_outdated = outdated is not None and stamp(folder) == outdated
    if is_over and not problem and not is_outdated:
        tidy(folder)
        return None
    note = ""
    if problem or is_outdated:
        aside = _free_name(folder)
        folder.rename(aside)
        note = f"{problem} It is kept as {aside.name} and made again." if problem else ""
    folder.mkdir(exist_ok=True)
    owner = Owner(secrets.token_hex(8), started_at=time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()))
    MY_TOKENS.add(owner.token)
    owner.write(folder)
    return Claim(folder, owner, note)


def _free_name(folder: Path) -> Path:
    number = 1
    while os.path.lexists(name := folder.with_name(f"{folder.name}.old-{number}")):
        number += 1
    return name


def clear(folder: Path) -> None:
    """Remove what an unfinished attempt left, but for the claim, and nothing that no run writes."""
    sweep(folder)
    for pattern in ("*.csv", "events.*", CHECKPOINT, CHECKPOINT_BEFORE, ERROR_TXT, CONFIG_YAML, ENVIRONMENT_JSON):
        for path in folder.glob(pattern):
            path.unlink()


def tidy(folder: Path) -> None:
    """Remove what only an unfinished run needs, the claim last."""
    sweep(folder)
    for name in (CHECKPOINT, CHECKPOINT_BEFORE, ERROR_TXT, CLAIM_JSON):
        (folder / name).unlink(missing_ok=True)


def sweep(folder: Path) -> None:
    """Remove what a process that died was writing; whoever else writes there must be kept out meanwhile."""
    for path in folder.glob(f"{PART}*"):
        path.unlink()


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Keep other processes out of claims and removals in a folder for a moment."""
    lock = FileLock(folder / LOCK)
    refuse_links(folder / LOCK)
    with naming(folder):
        lock.acquire()
    try:
        yield
    finally:
        lock.release()
