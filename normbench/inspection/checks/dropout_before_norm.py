"""Finds dropout before norms that evaluate with running statistics."""

from collections.abc import Iterator

from normbench.findings import Finding
from normbench.inspection.checks.base import Setup


def find(setup: Setup) -> Iterator[Finding]:
    """Warn of each norm with running statistics whose inputs depend on a dropout.

    References:
        Li, Chen, Hu and Yang, Understanding the Disharmony between Dropout and Batch Normalization by Variance Shift,
        2018. https://arxiv.org/abs/1801.05134
    """
    for norm in setup.norms:
        if norm.dropouts and norm.keeps_running_statistics:
            probability = _probability(setup, norm.dropouts[0])
            yield Finding(
                "warning",
                (norm.name,),
                f"remembers statistics of what dropout {probability:g} has thinned out (first in {norm.dropouts[0]})",
                why="In evaluation nothing is dropped, and the variance is smaller than the remembered one, for "
                f"activations of mean 0 by a factor of {1 / (1 - probability):.3g}: variance shift (Li et al., 2018).",
                way_out=f"{_without(setup)}, or use a norm without running statistics (layer_norm, group_norm); "
                "reestimated_test_loss says what the shift costs.",
            )


def _probability(setup: Setup, dropout: str) -> float:
    return float(getattr(setup.network.get_submodule(dropout), "p", setup.config.dropout))


def _without(setup: Setup) -> str:
    return "Leave dropout out of the network" if setup.is_own else "Write dropout: 0"
