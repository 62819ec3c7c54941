"""FileNames: a path in YAML, or several by name, such as train and test."""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field, PlainValidator

from normbench.errors import SettingError
from normbench.finite_data.split_rule import NAMES
from normbench.own_code.frozen_settings import FrozenSettings


def read_file_names(given: Any) -> str | FrozenSettings:
    """Return a path, or paths by name.

    Raises:
        SettingError: It is neither; the key is that below the field.
    """
    if isinstance(given, str) and given and "\0" not in given:
        return given
    if isinstance(given, Mapping) and given and all(map(_is_path, (*given, *given.values()))):
        return FrozenSettings(given)
    raise SettingError("", "must be a path, or paths by name", given, "Example: {train: train.csv, test: test.csv}")


def _is_path(text: Any) -> bool:
    return isinstance(text, str) and bool(text) and "\0" not in text


def are_parts(names: Mapping[str, str]) -> bool:
    """Return whether paths are those of train, validation and test."""
    return set(names) <= set(NAMES)


FileNames = Annotated[
    str | dict[str, str],
    PlainValidator(read_file_names),
    Field(title="a path, or a mapping of paths by name", examples=["data.csv"]),
]
"""A field for the user's files, found from the study file's folder."""
