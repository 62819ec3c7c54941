"""Gives a new norm what the norm in its place has learned and remembers: weight, bias, running statistics, hooks."""

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.instancenorm import _InstanceNorm

from normbench.norm_swap.kinds import tensor_of

HOOK_NAMES = ("_hooks", "_hooks_with_kwargs", "_hooks_always_called")
LEARNED = ("weight", "bias")
STATISTICS = ("running_mean", "running_var", "num_batches_tracked")


@torch.no_grad()
def transplant(
    old: nn.Module, new: nn.Module, device: torch.device | None, dtype: torch.dtype, *, is_known: bool
) -> tuple[str, ...]:
    """Give ``new`` weight and bias of ``old`` where their shapes agree, and running statistics of the same kind.

    Parameters are the very ones of ``old``: what they are tied to, an optimizer that has them, and whether they are
    frozen, stay so. Device and number format are those of ``old``. Of a norm that is not known, no parameter is taken:
    its weight may be one that is added to 1.

    Args:
        old: The norm that is replaced.
        new: The norm in its place.
        device: Where it is to lie, if ``old`` has no numbers.
        dtype: Its number format, if ``old`` has no numbers.
        is_known: Whether it is known what ``old`` computes.

    Returns:
        What was not taken over, a sentence each.
    """
    home = next((one for one in (*old.parameters(), *old.buffers()) if one.is_floating_point()), None)
    new.to(device=device if home is None else home.device, dtype=dtype if home is None else home.dtype)
    if any(True for _ in old.parameters(recurse=False)):
        frozen = not any(parameter.requires_grad for parameter in old.parameters(recurse=False))
        new.requires_grad_(not frozen)
    if not is_known:
        return ("starts anew: what the replaced norm did with its own weights is not known",)
    gone = [] if isinstance(new, nn.Identity) else [name for name in LEARNED if _is_gone(old, new, name)]
    notes = [f"has no {' and no '.join(gone)}, which the replaced norm had"] if gone else []
    notes += [note for name in LEARNED if (note := _take_over(old, new, name))]
    return (*notes, *_take_over_statistics(old, new))


def share_hooks(old: nn.Module, new: nn.Module) -> None:
    """Let the hooks of the norm that is replaced act on what stands in its place; their handles still remove them."""
    for name, hooks in vars(old).items():
        if name.endswith(HOOK_NAMES) and hooks:
            setattr(new, name, hooks)


def _is_gone(old: nn.Module, new: nn.Module, name: str) -> bool:
    has_one = any(key.split(".")[-1] == name for key, _ in new.named_parameters())
    return tensor_of(old, name) is not None and not has_one


def _take_over(old: nn.Module, new: nn.Module, name: str) -> str:
    given, wanted = tensor_of(old, name), new._parameters.get(name)  # noqa: SLF001 - torch has no other dict of them
    parts = [one for key, one in new.named_parameters() if key.endswith(f".{name}")]
    if given is None:
        return f"adds a {name}" if wanted is not None or parts else ""
    if wanted is None:
        return "" if not parts or _copy_in_parts(given, parts) else f"{name} starts anew, in several parts"
    if wanted.shape == given.shape and isinstance(given, nn.Parameter):
        new._parameters[name] = given  # noqa: SLF001
    elif wanted.numel() == given.numel() and wanted.squeeze().shape == given.squeeze().shape:
        wanted.copy_(given.reshape(wanted.shape))
    else:
        return f"{name} starts anew: {tuple(given.shape)} does not fit {tuple(wanted.shape)}"
    return ""


def _copy_in_parts(given: Tensor, parts: list[nn.Parameter]) -> bool:
    """Copy one value per channel into the norms that a new norm has for its channels, the first for the first ones."""
    if given.dim() != 1 or not parts or sum(part.numel() for part in parts) != given.numel():
        return False
    for part, values in zip(parts, given.split([part.numel() for part in parts]), strict=True):
        part.copy_(values)
    return True


def _take_over_statistics(old: nn.Module, new: nn.Module) -> list[str]:
    kept = {name: one for name in STATISTICS if isinstance(one := getattr(old, name, None), Tensor)}
    if "running_mean" not in kept:
        return []
    same_kind = any(isinstance(old, kind) and isinstance(new, kind) for kind in (_BatchNorm, _InstanceNorm))
    if same_kind and isinstance(getattr(new, "running_mean", None), Tensor):
        for name, values in kept.items():
            getattr(new, name).copy_(values)
        return []
    batches = kept.get("num_batches_tracked")
    num_batches = 0 if batches is None else int(batches)
    return [f"running statistics of {num_batches} batches are gone"] if num_batches else []
