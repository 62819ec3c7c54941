"""Finds norms that end with an activation of their own before another one, or where the network has none."""

from collections.abc import Iterator

from normbench.findings import Finding
from normbench.inspection.checks.base import Setup
from normbench.inspection.forward_pass import NormCall

OTHER_NORM = "use a norm without an activation (group_norm)"


def find(setup: Setup) -> Iterator[Finding]:
    """Warn of each norm with an activation of its own that another takes, or that stands in the place of none."""
    for norm in setup.norms:
        if norm.spec.own_activation and norm.activation_behind:
            yield _before_another(norm)
        elif norm.spec.own_activation and not norm.is_in_place_of_activation:
            yield _where_none_was(norm, setup)


def _before_another(norm: NormCall) -> Finding:
    return Finding(
        "warning",
        (norm.name,),
        f"stands before another activation, {norm.activation_behind}",
        why=f"{norm.spec.name} is norm and activation in one (its {norm.spec.own_activation}); its paper has no other "
        "behind it.",
        way_out="Give your network a setting that leaves the other out, and set it in the arms of this norm "
        f"(model.settings), or {OTHER_NORM}.",
    )


def _where_none_was(norm: NormCall, setup: Setup) -> Finding:
    is_moved = getattr(setup.config.model, "norm_position", "") == "after_activation"
    fix = "Write norm_position: before_activation" if is_moved else "Take it as part of what is compared"
    return Finding(
        "warning",
        (norm.name,),
        f"puts an activation where the network has none: its {norm.spec.own_activation}",
        why=f"{norm.spec.name} is norm and activation in one; arms with other norms have one activation fewer there.",
        way_out=f"{fix}, or {OTHER_NORM}.",
    )
