"""Reads and sets what modules of the user's keep in plain attributes between steps, which no state_dict holds."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from normbench.any_module.random_states import TORCHS_OWN, is_foreign

PLAIN = (bool, int, float, str, type(None))
Attributes = dict[str, dict[str, Any]]
"""By the module's name, then by the attribute's."""


def own_attributes(model: nn.Module) -> Attributes:
    """Return numbers, texts and tensors, alone or in lists, tuples and dicts, of modules whose class is the user's.

    A network may count its steps or keep a moving average there; other objects are left out.
    """
    found = {name: _plain_attributes(module) for name, module in model.named_modules() if is_foreign(module)}
    return {name: attributes for name, attributes in found.items() if attributes}


@torch.no_grad()
def set_own_attributes(model: nn.Module, attributes: Mapping[str, Mapping[str, Any]]) -> None:
    """Set attributes to what ``own_attributes`` returned.

    Raises:
        AttributeError: The model has no such module.
    """
    for name, values in attributes.items():
        known = vars(model.get_submodule(name))
        for key, value in values.items():
            if isinstance(value, Tensor) and _takes(known.get(key), value):
                known[key].copy_(value)  # it may be a view of a parameter
            else:
                known[key] = value


def _takes(known: Any, value: Tensor) -> bool:
    return isinstance(known, Tensor) and (known.shape, known.dtype) == (value.shape, value.dtype)


def _plain_attributes(module: nn.Module) -> dict[str, Any]:
    return {name: value for name, value in vars(module).items() if name not in TORCHS_OWN and _is_plain(value)}


def _is_plain(value: Any) -> bool:
    """Return whether ``torch.load`` reads a value without running code."""
    if isinstance(value, Tensor):
        return type(value) is Tensor and not value.requires_grad and value.layout == torch.strided
    if type(value) in (list, tuple):
        return all(map(_is_plain, value))
    if type(value) is dict:
        return all(map(_is_plain, [*value, *value.values()]))
    return type(value) in PLAIN
