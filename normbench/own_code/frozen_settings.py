"""FrozenSettings: the settings that a user's own callable is given, as a mapping that can be hashed."""

import json
from collections.abc import Mapping
from copy import deepcopy
from typing import Annotated, Any

from pydantic import AfterValidator, Field


class FrozenSettings(dict[str, Any]):
    """A mapping of plain YAML values that stays as it is.

    Example:
        >>> hash(FrozenSettings(width=8)) == hash(FrozenSettings(width=8))
        True
    """

    def __hash__(self) -> int:  # type: ignore[override]
        return hash(json.dumps(self, sort_keys=True, default=str))


def arguments(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return settings as arguments of a callable, which may change what it is given."""
    return deepcopy(dict(settings))


def _frozen(settings: Mapping[str, Any]) -> FrozenSettings:
    return FrozenSettings(settings)


OwnSettings = Annotated[
    dict[str, Any],
    AfterValidator(_frozen),
    Field(default_factory=FrozenSettings, examples=[{"width": 8}]),
]
"""A field for the settings of a user's own callable; by default there are none."""
