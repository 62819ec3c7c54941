"""What is told of runs under way where no terminal is: lines now and then, failures at once."""

from io import StringIO

import pytest
from rich.console import Console

from normbench.report.terminal import progress
from normbench.report.terminal.progress import StudyProgress
from normbench.report.terminal.starting import starting_workers


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


def made(total=1000, **options):
    return StudyProgress("s", total, console=Console(file=StringIO(), width=200), **options)


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


def test_the_start_of_the_first_stack_foretells_nothing(clock):
    labels = [f"a, seed {seed}" for seed in range(32)]
    with made() as bar:
        clock[0] = 299.0  # what comes before the first step is no step
        bar.step(labels, 1, 1000)
        clock[0] = 300.0
        bar.step(labels, 2, 1000)
        clock[0] = 320.0
        bar.step(labels, 22, 1000)
        clock[0] = 400.0
        bar.step(labels, 101, 1000)
    assert lines_of(bar) == [
        "s: 0 of 1000 runs",
        "s: 0 of 1000 runs, about 520 min left",
        "s: 0 of 1000 runs, about 524 min left",
    ]


def test_what_a_checkpoint_held_was_not_made_now(clock):
    with made(total=2) as bar:
        bar.step(["a, seed 0"], 800, 1000)
        clock[0] = 10.0
        bar.step(["a, seed 0"], 900, 1000)
    assert lines_of(bar) == ["s: 0 of 2 runs, about 110 s left"]


def test_others_do_not_help_with_the_last_run(clock):
    with made(total=4) as bar:
        for seed in range(3):
            bar.step([f"a, seed {seed}"], 0, 100)
        clock[0] = 8.0
        for seed in range(3):
            bar.advance(seed + 1, f"a, seed {seed}", "finished")
        bar.step(["b, seed 0"], 0, 100)
        clock[0] = 18.0
        bar.step(["b, seed 0"], 10, 100)
    assert lines_of(bar) == ["s: 3 of 4 runs, about 90 s left"]


def test_bars_tell_the_time_left_once_there_is_something_to_tell_it_from(clock):
    with made() as bar:
        told = []
        for step in (0, 1, 50):
            clock[0] = float(step)
            bar.step(["a, seed 0"], step, 100)
            told.append([bar._bars.columns[-1].render(task).plain for task in bar._bars.tasks])
    assert told == [["-:--:--", "-:--:--"], ["-:--:--", "-:--:--"], ["1 day, 3:45:50", "0:00:50"]]


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


def on_terminal():
    return Console(file=StringIO(), width=60, force_terminal=True, color_system=None)


def test_workers_that_start_are_told_until_one_is_heard_of():
    with made(total=4, num_workers=3) as bar:
        (task,) = bar._bars.tasks
        assert task.description == "s: starting 3 workers"
        bar.advance(1, "a, seed 0", "skipped")
        assert task.description == "s: starting 3 workers"
        bar.step(["a, seed 1"], 0, 100)
        assert task.description == "s"
        bar.advance(2, "a, seed 1", "finished")
        assert (task.description, task.completed) == ("s", 2)
    assert lines_of(bar) == []


@pytest.mark.parametrize("options", [{}, {"num_workers": 1}, {"num_workers": 2, "total": 0}])
def test_one_process_and_nothing_to_do_start_no_workers(options):
    with made(**options) as bar:
        assert [task.description for task in bar._bars.tasks] == ["s"]


def test_the_bar_is_there_before_anything_is_heard_of_and_gone_at_the_end():
    console = on_terminal()
    with StudyProgress("s", 4, num_workers=2, console=console):
        assert "s: starting 2 workers" in console.file.getvalue()
    assert console.file.getvalue().endswith("\x1b[?25h\r\x1b[1A\x1b[2K"), "the cursor is back, the bar's line is clear"


def test_a_line_tells_of_workers_while_the_command_imports():
    console = on_terminal()
    with starting_workers(2, console=console):
        assert "starting 2 workers" in console.file.getvalue()
    assert console.file.getvalue().endswith("\x1b[?25h\r\x1b[1A\x1b[2K")
    for quietly in ({"quiet": True}, {"num_workers": 1}):
        silent = on_terminal()
        with starting_workers(**{"num_workers": 2, "console": silent} | quietly):
            pass
        assert silent.file.getvalue() == ""


def test_where_no_terminal_is_nothing_tells_of_workers():
    console = Console(file=StringIO(), width=60)
    with starting_workers(2, console=console), StudyProgress("s", 4, num_workers=2, console=console):
        pass
    assert console.file.getvalue() == ""
