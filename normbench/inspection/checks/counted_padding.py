"""Finds norms in the user's own network through which padding counts."""

from collections.abc import Iterator

from normbench.findings import Finding
from normbench.inspection.checks.base import Setup
from normbench.study.own_norms import own_norms


def find(setup: Setup) -> Iterator[Finding]:
    """Warn where outputs move with the number of padded positions, and did not with the network's own norms."""
    found = own_norms(setup.config).padding if setup.is_own else None
    if found is not None:
        positions = f"{found.num_positions} padded position{'s' * (found.num_positions > 1)} fewer"
        yield Finding(
            "warning",
            (),
            f"{setup.config.norm.name} counts padding",
            figure=f"outputs move by {found.change:.2g} with {positions} (its own norms: {found.change_before:.1g})",
            why="Its statistics are taken over padded positions too, so that a sample's output depends on how long the "
            "others are.",
            way_out="Use norm: {name: layer_norm, over: position}, or rms_norm with over: position.",
        )
