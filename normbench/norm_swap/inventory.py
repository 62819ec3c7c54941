"""Lists what a network has: its norms, those computed outside of norm modules, and what is only called a norm."""

from collections.abc import Collection, Sequence

from torch import nn

from normbench.norm_swap.audit import LooseNorm
from normbench.norm_swap.sites import Found
from normbench.norm_swap.trace import Trace


def loose_norms(network: nn.Module, found: Sequence[Found], trace: Trace) -> tuple[LooseNorm, ...]:
    """Return the norms that are computed outside of norm modules, by the module whose forward does."""
    names = {module: name for name, module in network.named_modules()}
    inside = {one.module for one in found}
    outside = [one for one in trace.operations if not inside.intersection(one.stack)]
    groups: dict[tuple[nn.Module | None, bool], list[str]] = {}
    for one in outside:
        module = one.stack[-1] if one.stack else None
        groups.setdefault((module, one in trace.on_weights), []).append(one.name)
    return tuple(
        LooseNorm(
            path=names.get(module, "") if module else "",
            class_name=type(module).__name__,
            names=tuple(kinds),
            is_on_weights=on_weights,
        )
        for (module, on_weights), kinds in groups.items()
    )


def num_parameters(network: nn.Module) -> int:
    """Return the number of learned values, each counted once."""
    return sum(parameter.numel() for parameter in network.parameters())


def not_touched(found: Sequence[Found], swapped: Collection[nn.Module]) -> dict[str, str]:
    """Return the classes of modules that have the name of a norm and are none that is known, by name."""
    return {
        one.site.path: one.site.class_name
        for one in found
        if one.site.is_called and not one.is_norm and one.module not in swapped
    }
