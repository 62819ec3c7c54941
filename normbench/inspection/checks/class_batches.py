"""Finds norms that take statistics of batches of one class each."""

from collections.abc import Iterator

from normbench.findings import Finding
from normbench.inspection.checks.base import Setup


def find(setup: Setup) -> Iterator[Finding]:
    """Warn of each norm with batch statistics under ``sampling: by_class``."""
    if setup.config.sampling != "by_class":
        return
    for norm in setup.norms:
        if norm.takes_batch_statistics:
            yield Finding(
                "warning",
                (norm.name,),
                "takes statistics over batches of one class or group each (sampling: by_class)",
                why="In training every class is centred on itself, which removes what tells them apart; evaluation is "
                "another function, with statistics over all of them.",
                way_out="Write sampling: shuffled, or use a norm that does not look at the batch (layer_norm, "
                "group_norm).",
            )
