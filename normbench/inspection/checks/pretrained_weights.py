"""Finds networks of the user's own that have the same weights in every seed, as pretrained ones."""

from collections.abc import Iterator

from normbench.findings import Finding
from normbench.inspection.checks.base import Setup
from normbench.study.own_kept import starts_alike


def find(setup: Setup) -> Iterator[Finding]:
    """Warn of other norms in a network whose weights are the same in two seeds; note its own norms there."""
    if not setup.is_own or not starts_alike(setup.config):
        return
    maker = setup.config.model.setting("build")
    why = f"Seeds 0 and 1 make equal weights: {maker} returns trained ones, or seeds them itself."
    if setup.config.norm.name == "kept":
        yield Finding(
            "note",
            (),
            "all seeds start from the same weights",
            why=f"{why} Seeds then differ in their data and order alone.",
            way_out="Leave the weights to the run's seed, unless that is meant.",
        )
    else:
        yield Finding(
            "warning",
            (),
            "pretrained weights: kept has weights trained with its norm, the others do not; this compares fine-tuning, "
            "not norms",
            why=why,
            way_out="Make the network without trained weights, and leave them to the run's seed.",
        )
