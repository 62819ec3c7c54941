"""Finds norms that mix positions of a causal network where that was allowed."""

from collections.abc import Iterator

from normbench.findings import Finding
from normbench.inspection.checks.base import Setup
from normbench.study.own_norm_refusals import leak_text
from normbench.study.own_norms import own_norms


def find(setup: Setup) -> Iterator[Finding]:
    """Warn of mixed positions under ``swap: {mix_positions: true}``; without it they are refused."""
    leak = own_norms(setup.config).leak if setup.is_own else None
    if leak is not None:
        yield Finding(
            "warning",
            (),
            f"{setup.config.norm.name} mixes positions of a causal network",
            figure=leak_text(leak),
            why="What is predicted at a position may have seen what comes after it; such a score is too good.",
            way_out="Use norm: {name: layer_norm, over: position}, or rms_norm with over: position.",
        )
