"""A rule for the number of groups where layers differ in channels: at most so many, each of so many channels."""

from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, GetCoreSchemaHandler, ValidationError
from pydantic_core import CoreSchema, core_schema

from normbench.errors import SettingError, divisors_text

EXAMPLE = "{at_most: 32, min_channels: 2}"


class GroupsAtMost(BaseModel):
    """The most groups of equal size, up to a number of groups and down to a number of channels in each.

    Example:
        >>> [GroupsAtMost().count(num_features) for num_features in (16, 24, 58, 64, 7)]
        [8, 12, 29, 32, 1]
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    at_most: int = Field(32, ge=1)
    min_channels: int = Field(2, ge=1)

    def count(self, num_features: int) -> int:
        """Return the number of groups for so many channels.

        Raises:
            SettingError: There are fewer channels than a group must have.
        """
        if num_features < self.min_channels:
            rule = f"must leave min_channels to a group of the {num_features} features"
            raise SettingError("num_groups", rule, self.model_dump(), "Use a smaller min_channels.")
        allowed = range(1, min(self.at_most, num_features // self.min_channels) + 1)
        return max(number for number in allowed if num_features % number == 0)


def refuse_no_divisor(key: str, number: int, num_features: int) -> None:
    """Refuse a number of groups, or of channels in each, into which the channels cannot be cut.

    Raises:
        SettingError: It does not divide them.
    """
    if num_features % number:
        rule = f"must divide the {num_features} features"
        raise SettingError(key, rule, number, f"Use one of {divisors_text(num_features)}.")


@dataclass(frozen=True)
class CountOrPolicy:
    """Annotates a setting that is a number of groups, or a rule for it, or null where that is allowed."""

    is_nullable: bool = True

    def __get_pydantic_core_schema__(self, _source: Any, _handler: GetCoreSchemaHandler) -> CoreSchema:
        number: CoreSchema = core_schema.int_schema(ge=1, strict=True)
        number = core_schema.nullable_schema(number) if self.is_nullable else number
        written = core_schema.plain_serializer_function_ser_schema(_written)
        return core_schema.no_info_wrap_validator_function(_read, number, serialization=written)


def _read(value: Any, read_number: core_schema.ValidatorFunctionWrapHandler) -> Any:
    if not isinstance(value, dict | GroupsAtMost):
        return read_number(value)
    try:
        return GroupsAtMost.model_validate(value)
    except ValidationError:
        rule = f"must be a whole number from 1, or a rule such as {EXAMPLE}"
        raise SettingError("norm.num_groups", rule, value, "Both are whole numbers from 1.") from None


def _written(value: Any) -> Any:
    return value.model_dump() if isinstance(value, GroupsAtMost) else value
