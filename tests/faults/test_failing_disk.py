"""A call of the system that fails costs time and no result: a line tells it, and asking again completes the study."""

import errno
import os
from functools import partial
from pathlib import Path

import pytest
from failed_commands import (
    ONE_ARM,
    Undisturbed,
    complaints_of_failed,
    complaints_of_repeated,
    emptied,
    run_command,
    run_here,
)
from faults.failing_calls import FailingCalls

NUM_PLACES = 12
"""Of the calls of a command; `make soak` tries all, and what libraries in C call."""
ERRORS = (errno.ENOSPC, errno.EIO, errno.EACCES)
OPTIONS = ("--checkpoint-every", "0")


@pytest.fixture(scope="module")
def calm(tmp_path_factory):
    """The number of calls of the command where none fails, and what it leaves."""
    folder, calls = tmp_path_factory.mktemp("calm").resolve(), FailingCalls()
    assert run_here(emptied(folder, ONE_ARM)).code == 0  # forked processes need import nothing
    assert run_command(emptied(folder, ONE_ARM), OPTIONS, partial(calls.begin, 0, 0, folder)).code == 0
    return calls.found()[0], Undisturbed.of(folder)


@pytest.mark.parametrize("place", range(NUM_PLACES))
def test_a_call_that_fails_loses_nothing(place, calm):
    count, undisturbed = calm
    number, error = 1 + place * count // NUM_PLACES, ERRORS[place % len(ERRORS)]
    folder, calls = emptied(Path("failing").resolve(), ONE_ARM), FailingCalls()
    answer = run_command(folder, OPTIONS, partial(calls.begin, number, error, folder))
    reached, path = calls.found()
    assert reached == number
    what = f"{os.strerror(error)} on {path}: {answer.err}"
    assert list(complaints_of_failed(answer, folder, path, undisturbed)) == [], what
    again = run_command(folder, OPTIONS)
    assert list(complaints_of_repeated(again, folder, undisturbed)) == [], f"{what}\n{again.err}"
