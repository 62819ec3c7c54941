"""Finds norms in the user's own network that take positions for channels."""

from collections.abc import Iterator

from normbench.findings import Finding
from normbench.inspection.checks.base import Setup


def find(setup: Setup) -> Iterator[Finding]:
    """Warn of each norm with its channels on another axis than the dense layer right before it has its features."""
    for norm in setup.norms:
        if norm.made_on_last_axis:
            yield Finding(
                "warning",
                (norm.name,),
                f"takes {norm.feature_shape[0]} positions for channels: {norm.made_on_last_axis} before it puts its "
                "features on the last axis",
                why="torch's norms over a batch have channels on axis 1, dense layers features on the last; both run.",
                way_out="Move the axes around it in the network: x.mT, norm, x.mT.",
            )
