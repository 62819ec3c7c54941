"""Lays out runs in stacks: which run has which slot, by seeds and settings alone, whatever has finished."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import TypeVar

from normbench.scheduling.job import Job
from normbench.scheduling.planned_run import PlannedRun
from normbench.storage.identity import STACKED
from normbench.study.study import Study
from normbench.training.stack.stackable import SIZES, SMALLEST, largest_stack, size_filled_by, stack_key

Key = TypeVar("Key")


def jobs_of_seeds(runs: Sequence[PlannedRun], check_after: Sequence[int] = ()) -> list[Job]:
    """Return the jobs of a study's runs, in their order: the seeds of each arm in aligned blocks, or each run alone.

    The seeds 8 k to 8 k + 7 are one stack of 8 slots; 16 k to 16 k + 15 are one of 16 if all are asked for together,
    and likewise 32. Seeds that a later check adds are not asked for together with those before it.

    Args:
        runs: The runs, ordered by seed.
        check_after: Numbers of seeds after which checks are planned.
    """
    if not _are_stacked(runs):
        return _alone(runs)
    seeds = list(dict.fromkeys(run.seed for run in runs))
    parts = _parts(seeds, check_after)
    jobs = [job for of_arm in _grouped(runs, _arm_of).values() for job in _blocks(of_arm, parts)]
    return _in_order_of(runs, jobs)


def jobs_of_tuning(runs: Sequence[PlannedRun]) -> list[Job]:
    """Return the jobs of tuning runs: those of an arm that differ in seed and numbers alone, 32, 16 or 8 a stack."""
    if not _are_stacked(runs):
        return _alone(runs)
    alike = _grouped(runs, lambda run: (run.arm, stack_key(run.config)))
    return _in_order_of(runs, [job for group in alike.values() for job in _filled(group)])


def num_together(study: Study) -> int:
    """Return the most runs of a study that are trained as one; 1 without stacks."""
    if study.engine != STACKED:
        return 1
    num_runs = max(len(study.seeds), len(study.tuning_seeds) * max(map(len, study.tune.values()), default=0))
    return min(num_runs, max(map(largest_stack, study.arms.values())))


def _are_stacked(runs: Sequence[PlannedRun]) -> bool:
    return any(run.identity.engine == STACKED for run in runs)


def _alone(runs: Iterable[PlannedRun]) -> list[Job]:
    return [Job((run,)) for run in runs]


def _arm_of(run: PlannedRun) -> str:
    return run.identity.sha256


def _parts(seeds: Sequence[int], check_after: Sequence[int]) -> list[Sequence[int]]:
    """Split seeds at the checks.

    Example:
        >>> _parts([0, 1, 2, 3, 4], [2, 4, 8])
        [[0, 1], [2, 3], [4]]
    """
    ends = [0, *(count for count in check_after if count < len(seeds)), len(seeds)]
    return [seeds[start:end] for start, end in pairwise(ends)]


def _blocks(runs: Sequence[PlannedRun], parts: Sequence[Sequence[int]]) -> Iterator[Job]:
    """Yield the stacks of one arm: for each part of its seeds whole blocks of the larger sizes, then the smallest."""
    by_seed = {run.seed: run for run in runs}
    largest = largest_stack(runs[0].config)
    for part in parts:
        left = set(part)
        for size in (size for size in SIZES if size <= largest):
            for first in sorted({seed - seed % size for seed in left}):
                block = range(first, first + size)
                if size == SMALLEST or left.issuperset(block):
                    yield Job(tuple(by_seed[seed] if seed in left else None for seed in block))
                    left.difference_update(block)


def _filled(runs: Sequence[PlannedRun]) -> Iterator[Job]:
    """Yield stacks of runs one after another, the last one with idle slots."""
    largest, left = largest_stack(runs[0].config), list(runs)
    while left:
        size = size_filled_by(len(left), largest)
        slots, left = left[:size], left[size:]
        yield Job((*slots, *[None] * (size - len(slots))))


def _grouped(runs: Iterable[PlannedRun], key_of: Callable[[PlannedRun], Key]) -> Mapping[Key, list[PlannedRun]]:
    groups: dict[Key, list[PlannedRun]] = {}
    for run in runs:
        groups.setdefault(key_of(run), []).append(run)
    return groups


def _in_order_of(runs: Sequence[PlannedRun], jobs: Iterable[Job]) -> list[Job]:
    """Return jobs in the order of the first run of each, so that arms can be compared early."""
    place = {run.folder: number for number, run in enumerate(runs)}
    return sorted(jobs, key=lambda job: place[job.folders[0]])
