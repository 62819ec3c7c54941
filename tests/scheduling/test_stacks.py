"""Which run has which slot: by seeds and settings alone, each run in one place."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from normbench.scheduling import stacks
from normbench.scheduling.planned_run import PlannedRun
from normbench.scheduling.stacks import jobs_of_seeds, jobs_of_tuning
from normbench.storage.identity import RunIdentity

MANY = (*range(32), 33, 39, 64, 1000)


@dataclass(frozen=True)
class Settings:
    """What the layout asks of a config: with which others it goes, and how large its stacks may be."""

    key: str = "mlp"
    largest: int = 32


@pytest.fixture(autouse=True)
def made_up_settings(monkeypatch):
    monkeypatch.setattr(stacks, "stack_key", lambda config: config.key)
    monkeypatch.setattr(stacks, "largest_stack", lambda config: config.largest)


def runs_of(*arms, seeds, engine="stacked", config=None):
    identities = {arm: RunIdentity({"arm": arm}, "cpu", engine=engine) for arm in arms}
    return [
        PlannedRun("study", arm, config or Settings(), seed, Path(arm, f"seed-{seed}"), identities[arm])
        for seed in seeds
        for arm in arms
    ]


def layout(jobs):
    """Return the seeds in the slots of each job, a dot in idle ones, before them the arm."""
    seeds = [[str(run.seed) if run in job.runs else "." for run in job.slots] for job in jobs]
    return [f"{job.runs[0].arm} {' '.join(of_job)}" for job, of_job in zip(jobs, seeds, strict=True)]


def test_without_stacks_each_run_is_alone_in_the_order_of_the_plan():
    runs = runs_of("a", "b", seeds=range(40), engine="loop")
    assert [job.slots for job in jobs_of_seeds(runs)] == [job.slots for job in jobs_of_tuning(runs)]
    assert [job.slots for job in jobs_of_seeds(runs)] == [(run,) for run in runs]


def test_the_seeds_of_each_arm_are_aligned_blocks_of_eight():
    assert layout(jobs_of_seeds(runs_of("a", "b", seeds=[0, 1, 2, 7, 9]))) == [
        "a 0 1 2 . . . . 7",
        "b 0 1 2 . . . . 7",
        "a . 9 . . . . . .",
        "b . 9 . . . . . .",
    ]


def test_16_or_32_seeds_in_a_row_are_one_stack_where_the_network_is_small():
    small, large = (jobs_of_seeds(runs_of("a", seeds=range(56), config=Settings(largest=n))) for n in (32, 8))
    assert [len(job.slots) for job in small] == [32, 16, 8]
    assert [len(job.slots) for job in large] == [8] * 7


def test_seeds_that_are_not_aligned_are_no_large_stack():
    assert [len(job.slots) for job in jobs_of_seeds(runs_of("a", seeds=range(8, 40)))] == [8, 16, 8]
    assert [len(job.slots) for job in jobs_of_seeds(runs_of("a", seeds=range(8, 24)))] == [8, 8]


@pytest.mark.parametrize("seeds", [MANY, range(7), [31], [5, 4, 3]])
@pytest.mark.parametrize("checks", [(), (8, 16, 32, 64), (6, 7, 8)])
def test_every_run_has_one_place_which_is_its_seeds(seeds, checks):
    runs = runs_of("a", "b", seeds=seeds)
    placed = [(run, len(job.slots), slot) for job in jobs_of_seeds(runs, checks) for slot, run in enumerate(job.slots)]
    assert sorted(run.folder for run, _, _ in placed if run) == sorted(run.folder for run in runs)
    assert all(run.seed % size == slot for run, size, slot in placed if run)


def test_seeds_that_a_check_adds_do_not_share_a_stack_with_those_before_it():
    jobs = jobs_of_seeds(runs_of("a", seeds=range(64)), check_after=(8, 16, 32, 64))
    assert [(len(job.slots), job.runs[0].seed) for job in jobs] == [(8, 0), (8, 8), (16, 16), (32, 32)]
    assert layout(jobs_of_seeds(runs_of("a", seeds=range(8)), check_after=(6, 8))) == [
        "a 0 1 2 3 4 5 . .",
        "a . . . . . . 6 7",
    ]


def test_a_study_that_grows_check_by_check_keeps_the_places_of_what_is_made():
    up_to = {count: jobs_of_seeds(runs_of("a", seeds=range(count)), (8, 16, 32)) for count in (8, 16, 32)}
    assert layout(up_to[8]) == layout(up_to[16])[:1] == layout(up_to[32])[:1]
    assert layout(up_to[16]) == layout(up_to[32])[:2]


def test_what_is_finished_leaves_its_place_idle():
    (job,) = jobs_of_seeds(runs_of("a", seeds=range(8)))
    left = job.without({Path("a/seed-0"), Path("a/seed-5"), Path("another/seed-0")})
    assert (layout([left]), left.slots) == (["a . 1 2 3 4 . 6 7"], job.slots)
    assert left.without(set(job.folders)) is None


def test_tuning_runs_of_an_arm_that_differ_in_numbers_fill_stacks_in_their_order():
    alike = [runs_of(f"lr={lr}", seeds=range(1000, 1004)) for lr in (1, 2, 3)]
    runs = [PlannedRun("study", "a", Settings(), run.seed, run.folder, run.identity) for arm in alike for run in arm]
    assert layout(jobs_of_tuning(runs)) == [
        "a 1000 1001 1002 1003 1000 1001 1002 1003",
        "a 1000 1001 1002 1003 . . . .",
    ]
    assert [len(job.slots) for job in jobs_of_tuning(runs_of("a", seeds=range(60)))] == [32, 16, 8, 8]


def test_tuning_runs_of_other_arms_or_networks_are_other_stacks():
    runs = runs_of("a", "b", seeds=(1000, 1001)) + runs_of("a", seeds=(1002,), config=Settings("deeper"))
    assert layout(jobs_of_tuning(runs)) == [
        "a 1000 1001 . . . . . .",
        "b 1000 1001 . . . . . .",
        "a 1002 . . . . . . .",
    ]
