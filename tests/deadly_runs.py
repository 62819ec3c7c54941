"""Runs that kill the process they arrive at; a module of its own, since processes import what they are sent."""

import os
import signal
from dataclasses import dataclass
from pathlib import Path

from normbench.scheduling.planned_run import PlannedRun


@dataclass(frozen=True)
class Deadly(PlannedRun):
    """A run that kills the process it arrives at, so many times."""

    num_deaths: int = 1

    def __reduce__(self):
        """Die where it arrives, or arrive as what it is."""
        values = (self.study, self.arm, self.config, self.seed, self.folder, self.identity)
        return die, (self.num_deaths, values)


def die(num_deaths, values):
    tally = Path("deaths.txt")
    died = len(tally.read_text()) if tally.exists() else 0
    if died < num_deaths:
        tally.write_text("x" * (died + 1))
        os.kill(os.getpid(), signal.SIGKILL)
    return Deadly(*values, num_deaths=num_deaths)
