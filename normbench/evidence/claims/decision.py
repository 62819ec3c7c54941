"""Judges a study at a check: decided, open, or so that a later check hardly could decide it."""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

Outcome = Literal["open", "decided", "unlikely"]
"""What a check found: nothing yet; a verdict; that a verdict by the last check is unlikely."""


def judge_check(folder: Path, seeds: Sequence[int]) -> Outcome:
    """Judge the runs of some seeds in a study's folder."""
    return "open"
