"""Finds norms in the user's own network that put out one number per channel, whatever they get."""

from collections.abc import Iterator

from normbench.findings import Finding
from normbench.inspection.checks.base import Setup
from normbench.study.own_norms import own_norms


def find(setup: Setup) -> Iterator[Finding]:
    """Warn of each norm whose output does not depend on its input, as of one that has one value per statistic."""
    for name in own_norms(setup.config).dead if setup.is_own else ():
        yield Finding(
            "warning",
            (name,),
            "puts out the same whatever it gets: each of its statistics has one value",
            why="A value less its own mean is 0, so that the branch carries nothing, forward or backward.",
            way_out="Use groups of several channels, or leave it out by swap: {where: [...]}.",
        )
