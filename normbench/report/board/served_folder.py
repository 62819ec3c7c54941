"""ServedFolder: a folder of links to the runs that TensorBoard shows, by their short names, which follows new runs."""

import os
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from threading import Event, Thread

from normbench.errors import RunFolderError
from normbench.report.board.about_run import write_about_run
from normbench.report.board.columns import choose_columns
from normbench.report.board.run_names import served_folders, study_names
from normbench.report.board.study_page import study_page
from normbench.storage.contents.arm import ARM, ArmContent
from normbench.storage.run_folder import ARM_JSON
from normbench.storage.run_search import find_runs
from normbench.storage.run_states import ArmFolder, RunState
from normbench.storage.run_status import RunStatus

EVERY_S = 5.0
"""Seconds between two looks for new runs, as between two of TensorBoard's."""
MAX_SHARE = 0.1
"""Share of the time that looking takes at most, where there are very many runs."""
ABOUT = "about"
"""Name of the run with the pages of the studies; a later one has a number, as TensorBoard keeps a run's columns."""


class ServedFolder:
    """Keeps a folder as TensorBoard is to show it.

    Args:
        folder: An empty folder.
        find: Returns the runs that are to be shown now.
    """

    def __init__(self, folder: Path, find: Callable[[], Sequence[RunState]]) -> None:
        self.folder, self._find = folder, find
        self._links: dict[str, Path] = {}
        self._about: Path | None = None
        self._num_about = 0
        self._shown: object = None
        self._pages: dict[Path, tuple[object, str]] = {}

    @property
    def num_shown(self) -> int:
        """How many runs TensorBoard lists: linked folders, and the one about the studies."""
        return len(self._links) + (self._about is not None)

    def update(self) -> None:
        """Show the runs that there are now, and no others.

        Raises:
            RunFolderError: No link can be made.
        """
        runs = self._find()
        self._link(served_folders(runs))
        self._write_about(runs)

    def follow(self, stopped: Event) -> None:
        """Update until it is stopped; what cannot be read at one look may be at the next."""
        pause_s = EVERY_S
        while not stopped.wait(pause_s):
            started = time.monotonic()
            with suppress(OSError, RunFolderError):
                self.update()
            pause_s = max(EVERY_S, (time.monotonic() - started) / MAX_SHARE)

    def _link(self, wanted: Mapping[str, Path]) -> None:
        for name in self._links.keys() - {name for name, path in wanted.items() if self._links.get(name) == path}:
            (self.folder / name).unlink(missing_ok=True)
            del self._links[name]
        for name in wanted.keys() - self._links.keys():
            _make_link(self.folder / name, wanted[name])
            self._links[name] = wanted[name]

    def _write_about(self, runs: Sequence[RunState]) -> None:
        by_arm = {run.arm: run for run in runs}
        arms = {arm: content for arm in by_arm if not arm.is_tuning and (content := _read_arm(arm))}
        names = study_names(arm.study_folder for arm in by_arm)
        pages = {name: self._page(folder, runs, arms) for folder, name in names.items()}
        settings = [content["settings"] for content in arms.values()]
        columns = choose_columns(settings, [run.folder for arm, run in by_arm.items() if arm in arms])
        if self._shown != (pages, columns):
            self._replace_about(lambda folder: write_about_run(folder, pages, columns))
            self._shown = pages, columns

    def _page(self, folder: Path, runs: Sequence[RunState], arms: Mapping[ArmFolder, ArmContent]) -> str:
        """Return a study's page, written anew where a run has changed."""
        states = [(run.path, run.status) for run in runs if run.arm.study_folder == folder]
        own = [content for arm, content in arms.items() if arm.study_folder == folder]
        known = self._pages.get(folder)
        if known is None or known[0] != (states, own):
            is_over = all(status != RunStatus.RUNNING for _, status in states)
            self._pages[folder] = (states, own), study_page(folder, own, is_over=is_over)
        return self._pages[folder][1]

    def _replace_about(self, write: Callable[[Path], None]) -> None:
        """Write the pages into a run of another name: TensorBoard keeps what it once read of one."""
        self._num_about += 1
        folder = self.folder / (ABOUT if self._num_about == 1 else f"{ABOUT} ({self._num_about})")
        folder.mkdir()
        write(folder)
        if self._about:
            for path in self._about.iterdir():
                path.unlink()
            self._about.rmdir()
        self._about = folder


def start_following(served: ServedFolder) -> Event:
    """Update a served folder in a thread of its own, until the event is set or the process ends."""
    stopped = Event()
    Thread(target=served.follow, args=[stopped], name="new runs", daemon=True).start()
    return stopped


def runs_of(paths: Sequence[Path], seed: int | None = None) -> list[RunState]:
    """Return the runs at or under some folders that are not damaged; with a seed those of this one alone."""
    found = [run for run in find_runs(*paths).runs if run.status != RunStatus.DAMAGED]
    return [run for run in found if seed in (None, run.seed)]


def _make_link(link: Path, target: Path) -> None:
    try:
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(os.path.abspath(target), target_is_directory=True)  # noqa: PTH100 - links in it were refused
    except OSError as error:
        rule = "must be a folder in which links can be made"
        way_out = "Set TMPDIR to another folder."
        raise RunFolderError(f"{link.parent}: {rule}, got: {error.strerror}. {way_out}") from None


def _read_arm(arm: ArmFolder) -> ArmContent | None:
    with suppress(RunFolderError):
        return ARM.read(f"{arm.path}/{ARM_JSON}")
    return None
