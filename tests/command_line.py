"""The command as a user starts it, in this process: exit code, stdout and stderr."""

import sys
from contextlib import redirect_stderr, redirect_stdout
from functools import cache
from io import StringIO
from typing import NamedTuple
from unittest.mock import patch

import typer.main

from normbench.cli import main

COMMANDS = cache(typer.main.get_command)
"""A process that runs many commands reads their signatures once, not each time."""


class Answer(NamedTuple):
    """What a command leaves on the terminal."""

    code: int
    out: str
    err: str


def normbench(*words):
    """Run ``normbench WORDS`` through main(), the edge that catches and prints."""
    out, err = StringIO(), StringIO()
    argv = patch.object(sys, "argv", ["normbench", *map(str, words)])
    with argv, patch("typer.main.get_command", COMMANDS), redirect_stdout(out), redirect_stderr(err):
        try:
            main()
        except SystemExit as stop:
            return Answer(int(stop.code or 0), out.getvalue(), err.getvalue())
    return Answer(0, out.getvalue(), err.getvalue())
