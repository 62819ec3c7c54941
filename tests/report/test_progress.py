"""What is told of runs under way where no terminal is: lines now and then, failures at once."""

from io import StringIO

import pytest
from rich.console import Console

from normbench.report.terminal import progress
from normbench.report.terminal.progress import StudyProgress


@pytest.fixture
def clock(monkeypatch):
    now = [0.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(progress, "FIRST_LINE_S", 10.0)
    return now


def test_a_study_of_less_than_five_minutes_tells_nothing(monkeypatch):
    now = [0.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    with made() as bar:
        for number in range(1, 300):
            now[0] = float(number)
            bar.advance(number, f"a, seed {number}", "finished")
    assert lines_of(bar) == []


def lines_of(bar):
    return bar.console.file.getvalue().splitlines()


def made(**options):
    return StudyProgress("s", 1000, console=Console(file=StringIO(), width=200), **options)


def test_time_left_counts_what_was_made_and_not_what_was_there(clock):
    with made() as bar:
        for number in range(1, 991):
            bar.advance(number, f"a, seed {number}", "skipped")
        clock[0] = 60.0
        bar.advance(991, "a, seed 991", "finished")
    assert lines_of(bar) == ["s: 991 of 1000 runs, about 9 min left"]


def test_runs_under_way_count_by_the_steps_they_have_made(clock):
    with made() as bar:
        bar.step(["a, seed 0"], 0, 100)
        clock[0] = 20.0
        bar.step(["a, seed 0"], 50, 100)
    assert lines_of(bar) == ["s: 0 of 1000 runs, about 666 min left"]


def test_the_runs_of_a_stack_advance_together_under_one_bar(clock):
    labels = [f"a, seed {seed}" for seed in range(8)]
    with made() as bar:
        bar.step(labels, 0, 100)
        clock[0] = 20.0
        bar.step(labels, 50, 100)
        assert [task.description for task in bar._bars.tasks] == ["s", "  a, seed 0 and 7 more"]
        for number, label in enumerate(labels, start=1):
            bar.advance(number, label, "finished")
        assert [task.description for task in bar._bars.tasks] == ["s"]
    assert lines_of(bar) == ["s: 0 of 1000 runs, about 83 min left"]


@pytest.mark.usefixtures("clock")
def test_a_failure_is_told_at_once_and_quiet_tells_nothing_else():
    with made(quiet=True) as bar:
        bar.advance(1, "a, seed 0", "finished", notes=("something",))
        bar.advance(2, "a, seed 1", "failed", "OSError: no")
    assert lines_of(bar) == ["s a, seed 1: failed: OSError: no"]


def test_lines_that_differ_in_numbers_alone_are_told_once_and_counted_at_the_end():
    with made() as bar:
        for seed in range(12):
            bar.advance(seed, f"a, seed {seed}", "finished", notes=(f"is damaged. It is kept as seed-{seed}.old-1.",))
        bar.advance(13, "b, seed 0", "failed", "RuntimeError: at step 7")
        bar.advance(14, "b, seed 1", "failed", "RuntimeError: at step 12")
        bar.advance(15, "c, seed 0", "failed", "MemoryError")
    assert lines_of(bar) == [
        "s a, seed 0: is damaged. It is kept as seed-0.old-1.",
        "s b, seed 0: failed: RuntimeError: at step 7",
        "s c, seed 0: failed: MemoryError",
        "s: 11 more runs like a, seed 0",
        "s: 1 more run like b, seed 0",
    ]
