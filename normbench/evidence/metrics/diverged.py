"""Marks what is read off a diverged run, which counts as the worst possible in every test.

The rules are in docs/methods.md, "5. Diverged and collapsed runs".
"""

from normbench.storage.run_folder import Run
from normbench.storage.run_status import RunStatus


class Diverged(float):
    """A number read off a diverged run: tables show it, tests count the worst possible instead."""


def is_diverged(run: Run) -> bool:
    """Return whether a run ended because its numbers became infinite."""
    return run.summary.get("status") == RunStatus.DIVERGED
