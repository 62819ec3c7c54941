"""Finds biases that the norm right behind them takes away again."""

from collections.abc import Iterator

from normbench.findings import Finding
from normbench.inspection.checks.base import Setup

WITHOUT = "Leave it, or write model.bias: false, which leaves out the output's bias too."


def find(setup: Setup) -> Iterator[Finding]:
    """Note each norm that ignores a constant per feature and gets its input from an operation that adds a bias."""
    has_setting = "bias" in setup.config.model.setting_names()
    for norm in setup.norms:
        if norm.bias and norm.properties.feature_shift:
            yield Finding(
                "note",
                (norm.name,),
                "takes away the bias that is added right before it",
                why="Whatever that bias is, the output is the same; its gradient is 0. It is torch's habit, and does "
                "no harm but for the memory.",
                way_out=WITHOUT if has_setting else "Leave it, so that an arm without norms has one too.",
            )
