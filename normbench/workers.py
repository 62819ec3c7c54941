"""Runs handed out: one after another in this process, or to several processes of one thread each."""

import multiprocessing
import os
import signal
import traceback
from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.process import BaseProcess
from pathlib import Path
from threading import Thread
from typing import Self

from normbench.evidence.run_folder import claim, is_finished
from normbench.study import RunConfig
from normbench.training.experiment import run_experiment


@dataclass(frozen=True)
class PlannedRun:
    """One arm with one seed, and where it belongs."""

    study: str
    arm: str
    config: RunConfig
    seed: int
    folder: Path

    @property
    def is_finished(self) -> bool:
        """Whether its result is there."""
        return is_finished(self.folder)


@dataclass(frozen=True)
class Ended:
    """What became of a run: "finished", "diverged" or "failed"."""

    run: PlannedRun
    status: str
    error: str = ""


GRACE_S = 3.0
"""How long an ended process has to go."""


class Workers:
    """Makes runs, ``num_jobs`` at a time; with one, in this process.

    The processes live as long as the block, since importing torch takes each of them seconds.
    """

    def __init__(self, num_jobs: int = 1) -> None:
        self.num_jobs = num_jobs
        self._pool: ProcessPoolExecutor | None = None
        self._others: set[int | None] = set()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if self._pool is None:
            return
        self._pool.shutdown(wait=kind is None, cancel_futures=True)
        self._pool = None
        if kind:
            self._end_mine()

    def run(self, runs: Sequence[PlannedRun], *, force: bool = False) -> Iterator[Ended]:
        """Make the runs; each is handed back when it is done, with several processes in whatever order.

        Where a process dies, what was under way is made again alone, to know which run kills, then the rest goes on.

        Raises:
            RunFolderError: A folder cannot be written.
        """
        if self.num_jobs == 1 or len(runs) < 2:
            yield from (make(run, force=force) for run in runs)
            return
        rest, num_vain = list(runs), 0
        while rest and num_vain < 2:
            lost = yield from self._hand_out(rest, force=force)
            begun = [run for run in lost if run.folder.exists() and not run.is_finished]
            for run in begun:
                died = yield from self._hand_out([run])
                yield from map(_died, died)
            rest = [run for run in lost if run not in begun]
            num_vain = 0 if begun else num_vain + 1
        yield from map(_died, rest)

    def _hand_out(self, runs: list[PlannedRun], *, force: bool = False) -> Generator[Ended, None, list[PlannedRun]]:
        """Make runs in the pool; return those that were lost with it."""
        if self._pool is None:
            self._others = {process.pid for process in multiprocessing.active_children()}
            self._pool = _new_pool(self.num_jobs)
        futures: dict[Future[Ended], PlannedRun] = {}
        with suppress(BrokenProcessPool):
            for run in runs:
                futures[self._pool.submit(make, run, force=force)] = run
        lost = runs[len(futures) :]
        for future in as_completed(futures):
            if isinstance(future.exception(), BrokenProcessPool):
                lost.append(futures[future])
            else:
                yield future.result()
        if lost:
            self._pool.shutdown()
            self._pool = None
            self._end_mine()  # one that was being started while the pool broke is not the pool's any more
        return lost

    def _end_mine(self) -> None:
        while mine := [p for p in multiprocessing.active_children() if p.pid not in self._others]:
            _end(mine)


def _end(processes: Sequence[BaseProcess]) -> None:
    """End processes at once, those that do not hear by force."""
    for process in processes:
        process.terminate()
    for process in processes:
        process.join(GRACE_S)
        process.kill()
        process.join()


def make(run: PlannedRun, *, force: bool = False) -> Ended:
    """Make one run; whatever it dies of is written into its folder and told."""
    claim(run.folder, force=force)
    try:
        summary = run_experiment(run.config, run.seed, run.folder, study=run.study, arm=run.arm)
    except Exception as error:  # noqa: BLE001 - whatever one run dies of, the others go on
        (run.folder / "error.txt").write_text(traceback.format_exc(), encoding="utf-8")
        return Ended(run, "failed", f"{type(error).__name__}: {error}".splitlines()[0])
    return Ended(run, str(summary["status"]))


def _died(run: PlannedRun) -> Ended:
    return Ended(run, "failed", "its process died, perhaps for want of memory; the same command tries again")


def _new_pool(num_jobs: int) -> ProcessPoolExecutor:
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # read when the worker imports torch
    spawned = multiprocessing.get_context("spawn")  # a forked torch may hang
    return ProcessPoolExecutor(num_jobs, mp_context=spawned, initializer=_begin)


def _begin() -> None:
    import torch

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent stops the work
    torch.set_num_threads(1)
    Thread(target=_end_with_the_parent, daemon=True).start()


def _end_with_the_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
