"""Tells on a terminal that workers are being started, while the command imports what it needs."""

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.live import Live
from rich.spinner import Spinner

from normbench.report.terminal.console import make_console

SPINNER = "line"
"""Of ASCII letters, which every terminal has."""


def starting_text(num_workers: int) -> str:
    """Return the line that tells of workers that are being started.

    Example:
        >>> starting_text(4)
        'starting 4 workers'
    """
    return f"starting {num_workers} workers"


@contextmanager
def starting_workers(num_workers: int, *, quiet: bool = False, console: Console | None = None) -> Iterator[None]:
    """Tell of it in a line while the block runs; the line is gone at its end, so nothing may be printed inside.

    Nothing is shown for a single worker, which is this process, and where no terminal is.

    Args:
        num_workers: Number of workers.
        quiet: Whether to show nothing.
        console: The console to print to; by default stderr.
    """
    shown = console or make_console(stderr=True)
    if quiet or num_workers < 2 or not shown.is_terminal:
        yield
        return
    with Live(
        Spinner(SPINNER, starting_text(num_workers)),
        console=shown,
        transient=True,
        redirect_stdout=False,
        redirect_stderr=False,
    ) as line:
        line.refresh()
        yield
