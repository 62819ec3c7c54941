"""arm.json: an arm's label, its identity, every setting by full dotted key, and which are not at their default."""

from collections.abc import Mapping
from typing import Annotated, Any, NotRequired

from pydantic import AfterValidator, Field, TypeAdapter, with_config
from typing_extensions import TypedDict

from normbench.storage.contents.shape import Shape
from normbench.storage.contents.values import (
    KEEPS_UNKNOWN,
    MAX_ENTRIES,
    Count,
    Flag,
    Must,
    Number,
    Positive,
    Setting,
    Sha256,
    Text,
    Word,
)

_Known = TypedDict(
    "_Known",
    {
        "batch_size": Positive,
        "fix": Annotated[Text | list[Word] | None, Must("must be text, or a list of words")],
        "metric": Text | None,
        "metric.share": Flag | None,
        "norm.momentum": Number | None,
    },
    total=False,
)
_KNOWN: TypeAdapter[_Known] = TypeAdapter(_Known)
"""The settings that reports compute with; all others are only compared and shown."""


def _check_known(settings: dict[str, Setting]) -> dict[str, Setting]:
    _KNOWN.validate_python({key: settings[key] for key in _Known.__annotations__ if key in settings}, strict=True)
    return settings


Settings = Annotated[dict[Word, Setting], AfterValidator(_check_known)]
"""Settings by full dotted key."""
_SETTINGS: TypeAdapter[dict[str, Any]] = TypeAdapter(Settings)


def checked_settings(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return settings by full dotted key that another file than arm.json holds.

    Raises:
        ValidationError: One is no setting, or of another type.
    """
    return _SETTINGS.validate_python(dict(settings), strict=True)


@with_config(KEEPS_UNKNOWN)
class ArmContent(TypedDict):
    """The content of arm.json; ``identity`` is missing where version 0.1.0 wrote it."""

    arm: Word
    identity: NotRequired[Sha256]
    total_steps: NotRequired[Count]
    settings: Settings
    changed: Annotated[list[Word], Field(max_length=MAX_ENTRIES)]


ARM: Shape[ArmContent] = Shape(ArmContent)
