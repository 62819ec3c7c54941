"""What must hold of every command, whatever the study holds: a table or a line that names a file, and no harm."""

import io
import re
import sys
from pathlib import Path
from unittest.mock import patch

from command_line import normbench
from forging.commands import MAKING, MAKING_ANEW, words_of
from forging.finished_study import CONFIG
from forging.forgery import MARKER, OUTSIDE, RUNS, STUDY
from forging.places import remove
from forging.watching import Hangs, at_most, contents, opened_outside

STEERING = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
CODES = (0, 1, 2, 3, 130)
CPU_S, WAIT_S = 5.0, 20.0
"""Seconds after which a command hangs: of computing, and of waiting for a pipe."""
DETAIL = " | "
"""Between the kind of a fault and what differs from case to case."""
NO_FILE_READ = ("tensorboard", "rm")
"""Commands that may refuse what they were asked before they read a file."""


class Terminal(io.StringIO):
    """Standard input of a user who says no."""

    def __init__(self):
        super().__init__("n\n")

    def isatty(self):
        return True


def faults_of(commands):
    """Run commands on the forged study, the reading ones first; return pairs of a command and what it may not do."""
    outside, runs = contents(OUTSIDE), contents(RUNS)
    reading = [command for command in commands if command not in MAKING]
    found = [(command, fault) for command in reading for fault in faults_of_one(command)]
    found += [(reading, "changes runs")] if contents(RUNS) != runs else []
    found += [(command, fault) for command in commands if command in MAKING for fault in faults_of_one(command)]
    if contents(OUTSIDE) != outside:
        found.append((commands, "changes what is outside"))
        remove(OUTSIDE)  # the next forged folder gets a new one
    return found


def faults_of_one(command):
    """Run a command; return what is wrong with what it says and opens."""
    with opened_outside() as opened:
        try:
            with at_most(CPU_S, WAIT_S), patch.object(sys, "stdin", Terminal()):
                answer = normbench(*words_of(command))
            found = answer_faults(answer, command)
        except Hangs as error:
            return [f"hangs {error}"]
        except BaseException as error:  # noqa: BLE001 - what the user sees as a traceback
            return [f"traceback {place_of(error)}"]
    found += [f"reads outside {path.name}" for path in opened]
    return [*found, *(["executes code"] if MARKER.exists() else []), *stray_files()]


def answer_faults(answer, command):
    """Return what is wrong with exit code and text."""
    text = answer.out + answer.err
    found = [] if answer.code in CODES else [f"exit code {answer.code}"]
    found += ["traceback printed"] if "Traceback (most recent" in text and command[0] != "show" else []
    found += [f"steers the terminal {STEERING.findall(text)[0]!r}"] if STEERING.search(text) else []
    if command in MAKING_ANEW and answer.code == 0 and (compared := normbench("compare", STUDY)).code:
        found.append(f"trusts what compare refuses{DETAIL}{compared.err}")
    found += ["warns of its own source"] if "Warning:" in answer.err else []
    if answer.code == 0 and not answer.out.strip() and "--markdown" not in command:
        found.append("says nothing")
    if answer.code in (1, 2) and command[0] not in NO_FILE_READ and not names_a_place(answer):
        found.append(f"names no file{DETAIL}{answer.err.strip()[:150]!r}")
    return found


def names_a_place(answer):
    """Return whether a line names a folder or file of the runs, the study file, or the study.

    A failed run is named by its study, arm and seed; a study that an option does not fit, by its name.
    """
    by_name = answer.code == 1 or answer.err.startswith(("--pool: ", f"{STUDY.name}: --"))
    places = [f"{RUNS}/", f"{CONFIG}:", *([f"{STUDY.name} ", f"{STUDY.name}: "] if by_name else [])]
    return any(place in answer.err for place in places)


def place_of(error):
    """Return an exception with the innermost line of normbench's that it passed."""
    place, frame = "", error.__traceback__
    while frame:
        code = frame.tb_frame.f_code
        if "/normbench/" in code.co_filename:
            place = f"{code.co_filename.rpartition('/normbench/')[2]}:{frame.tb_lineno} {code.co_name}"
        frame = frame.tb_next
    return f"{place} {type(error).__name__}{DETAIL}{str(error)[:100]!r}"


def stray_files():
    """Return what no command should leave beside the runs; what one may write is removed."""
    expected = {RUNS.name, OUTSIDE.name, CONFIG.name}
    for path in [path for path in Path().iterdir() if path.name.partition(".")[0] in ("page", "figure")]:
        remove(path)
    return [f"leaves {path.name!r}" for path in Path().iterdir() if path.name not in expected]
