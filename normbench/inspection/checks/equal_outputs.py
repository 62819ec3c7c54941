"""Finds norms that make the output of the user's own network the same for all samples."""

from collections.abc import Iterator

from normbench.findings import Finding
from normbench.inspection.checks.base import Setup
from normbench.study.own_norms import own_norms


def find(setup: Setup) -> Iterator[Finding]:
    """Warn where the network puts out the same for all samples, and did not with its own norms."""
    found = own_norms(setup.config).equal_outputs if setup.is_own else None
    if found is not None:
        spreads = f"std over samples {found.spread:.1g} (its own norms: {found.spread_before:.2g})"
        yield Finding(
            "warning",
            (),
            f"outputs are the same for all samples with {setup.config.norm.name}",
            figure=spreads,
            why="A norm of one channel per sample takes away its mean, which is all that a mean over positions keeps.",
            way_out="Use groups of several channels, or a norm over the batch.",
        )
