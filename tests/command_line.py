"""The command as a user starts it, in this process: exit code, stdout and stderr."""

import sys
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from typing import NamedTuple
from unittest.mock import patch

from normbench.cli import main


class Answer(NamedTuple):
    """What a command leaves on the terminal."""

    code: int
    out: str
    err: str


def normbench(*words):
    """Run ``normbench WORDS`` through main(), the edge that catches and prints."""
    out, err = StringIO(), StringIO()
    with patch.object(sys, "argv", ["normbench", *map(str, words)]), redirect_stdout(out), redirect_stderr(err):
        try:
            main()
        except SystemExit as stop:
            return Answer(int(stop.code or 0), out.getvalue(), err.getvalue())
    return Answer(0, out.getvalue(), err.getvalue())
