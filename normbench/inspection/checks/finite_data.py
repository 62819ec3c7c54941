"""Finds in the user's data what makes a score say less: repeated rows, uneven classes, filled gaps."""

from collections.abc import Iterator

from normbench.findings import Finding
from normbench.inspection.checks.base import Setup


def find(setup: Setup) -> Iterator[Finding]:
    """Tell what reading and splitting finite data found; nothing of data that seeds draw."""
    yield from setup.config.dataset.findings()
