"""A file of tuning/: what was searched for one arm, what was tried, and what was chosen."""

from typing import Annotated, Any, Literal, NotRequired, TypeVar

from pydantic import AfterValidator, Field, with_config
from pydantic_core import PydanticCustomError
from typing_extensions import TypedDict

from normbench.storage.contents.shape import Shape
from normbench.storage.contents.values import (
    KEEPS_UNKNOWN,
    MAX_ENTRIES,
    AnySetting,
    Count,
    Flag,
    Float,
    Must,
    Nested,
    Scalar,
    Seed,
    Sha256,
    Word,
)

C = TypeVar("C", bound="ChoiceFields")


def _refuse_nameless(value: Any) -> Any:
    """Refuse settings of a part that do not name it."""
    if isinstance(value, dict) and not isinstance(value.get("name"), str):
        raise PydanticCustomError("must", "must have the part's name under name")
    return value


Tuned = Annotated[AnySetting, AfterValidator(_refuse_nameless)]
"""One value of a setting that is tuned: a number, a text, or the settings of a part with its name."""


@with_config(KEEPS_UNKNOWN)
class TrialContent(TypedDict):
    """One combination of values with its losses; null stands for one that is not finite."""

    values: dict[Word, Tuned]
    scores: Annotated[list[Float | None], Field(max_length=MAX_ENTRIES)]
    median: Float | None


TunedMark = TypedDict("TunedMark", {"is": Literal["tuned"]})


@with_config(KEEPS_UNKNOWN)
class IdContent(TypedDict):
    """The id of the tuned arm: its name, and its settings with a mark in place of each tuned value."""

    name: Word
    settings: dict[Word, Annotated[Scalar | list[Nested] | TunedMark, Must("must be a setting, or {'is': 'tuned'}")]]


@with_config(KEEPS_UNKNOWN)
class ChoiceFields(TypedDict):
    """A choice: the fields of Choice."""

    arm: Word
    chosen: dict[Word, Tuned]
    tried: Annotated[list[TrialContent], Field(min_length=1, max_length=MAX_ENTRIES)]
    widened: Count
    at_edge: Flag
    seeds: Annotated[list[Seed], Field(max_length=MAX_ENTRIES)]


def refuse_other_trials(choice: C) -> C:
    """Refuse a choice with a trial that has not one loss for each seed, or no value of a setting that was chosen."""
    for number, trial in enumerate(choice["tried"]):
        if len(trial["scores"]) != len(choice["seeds"]):
            rule = f"tried.{number}.scores: must have one for each of the {len(choice['seeds'])} seeds"
            raise PydanticCustomError("must", rule)
        if lacking := choice["chosen"].keys() - trial["values"]:
            raise PydanticCustomError("must", f"tried.{number}.values: must have one of {min(lacking)}")
    return choice


@with_config(KEEPS_UNKNOWN)
class ChoiceContent(ChoiceFields):
    """The content of a file of tuning/: a choice, with what was searched and when it was frozen.

    The searches of version 0.1.0 had no id.
    """

    given: NotRequired[Sha256]
    tune: dict[Word, list[AnySetting]]
    id: NotRequired[IdContent]
    frozen_at: NotRequired[Word]


CHOICE: Shape[ChoiceContent] = Shape(Annotated[ChoiceContent, AfterValidator(refuse_other_trials)])
