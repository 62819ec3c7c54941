"""Finds momenta that look like the share of the old value, as TensorFlow and some papers count it."""

from collections.abc import Iterator

from normbench.findings import Finding
from normbench.inspection.checks.base import Setup

SMALLEST_SUSPECT = 0.9
"""Common in the other convention, where it is 0.1 here; in this one it forgets all but the last batch or two."""


def find(setup: Setup) -> Iterator[Finding]:
    """Warn of running statistics that take 0.9 or more from the newest batch."""
    for norm in setup.norms:
        if norm.momentum is not None and norm.momentum >= SMALLEST_SUSPECT:
            yield Finding(
                "warning",
                (norm.name,),
                f"keeps {100 * (1 - norm.momentum):.3g} % of its running statistics per step "
                f"({norm.momentum_key} {norm.momentum:g})",
                why="momentum is the share of the NEW batch here and in torch, and of the OLD value in TensorFlow and "
                "some papers. Evaluation then depends on the last batch or two.",
                way_out=f"Write {norm.momentum_key}: {_other(norm.momentum)}"
                + (", if the share of the old value was meant." if norm.momentum < 1 else "."),
            )


def _other(momentum: float) -> str:
    return f"{1 - momentum:.3g}" if momentum < 1 else "0.1"
