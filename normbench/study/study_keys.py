"""The keys of a study file beside the settings of its runs."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, field_validator

from normbench.errors import SettingError
from normbench.storage.names import NAME

MAX_SEEDS = 10_000
Name = Annotated[str, Field(pattern=NAME)]
Values = Annotated[list[Any], Field(min_length=1)]


class StudyKeys(BaseModel):
    """The keys of a study file beside the settings of its runs; every one is optional."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    study: Name | None = None
    seeds: Any = None
    arms: Annotated[dict[Name, dict[str, Any] | None], Field(min_length=1)] | None = None
    grid: Annotated[dict[str, Values], Field(min_length=1)] | None = None
    zip: Annotated[dict[str, Values], Field(min_length=1)] | None = None
    baseline: Any = None
    quotes: dict[str, str] | None = None
    tune: Annotated[dict[str, list[Any]], Field(min_length=1)] | None = None
    keep_given: bool | None = None
    claims: Annotated[list[dict[str, Any]], Field(min_length=1)] | None = None

    @field_validator("seeds")
    @classmethod
    def _count_or_list(cls, seeds: object) -> object:
        listed = seeds if isinstance(seeds, list) and seeds else [seeds]
        is_count = seeds is None or listed == [seeds]
        low, high = (1, MAX_SEEDS) if is_count else (0, 2**31 - 1)
        if seeds is None or all(type(seed) is int and low <= seed <= high for seed in listed):
            return seeds
        rule = f"must be a count from 1 to {MAX_SEEDS:,} or a list of seeds from 0"
        raise SettingError("seeds", rule, seeds, "Example: seeds: 8")
