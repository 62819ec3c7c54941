"""Finds the user's own code in a run's settings, and runs it so that nothing of the process is different afterwards."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from normbench.errors import RunFailedError
from normbench.own_code.error_lines import in_one_line
from normbench.own_code.import_path import NAMES_CODE
from normbench.own_code.running import running_own_code
from normbench.own_code.source_folder import Rooted
from normbench.study.config import RunConfig


def import_paths(settings: BaseModel) -> list[tuple[str, Path]]:
    """Return every path to code of the user's in some settings, as my_net:build, with the folder it is found from."""
    found: list[tuple[str, Path]] = []
    for key, info in type(settings).model_fields.items():
        value = getattr(settings, key)
        if isinstance(value, BaseModel):
            found += import_paths(value)
        elif isinstance(settings, Rooted) and names_code(info) and value:
            found += [(one, settings.folder) for one in _texts(value)]
    return found


def names_code(info: FieldInfo) -> bool:
    """Return whether a setting holds a path to code of the user's."""
    extra: Any = info.json_schema_extra
    return isinstance(extra, dict) and extra.get("means") == NAMES_CODE


def own_folder(config: RunConfig) -> Path | None:
    """Return the folder from which the user's own code is found; None where a run has none."""
    return next((folder for _, folder in import_paths(config)), None)


@contextmanager
def running_code_of(config: RunConfig) -> Iterator[None]:
    """Run a network, which may be code of the user's, so that nothing of the process is different after the block.

    Raises:
        RunFailedError: The user's code ends the program.
    """
    folder = own_folder(config)
    if folder is None:
        yield
        return
    try:
        with running_own_code(folder):
            yield
    except SystemExit as error:
        rule = "must not end the program. Take that line out."
        raise RunFailedError(f"{in_one_line(error, folder)}: {rule}") from error


def _texts(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    return [text for one in (value.values() if isinstance(value, dict) else value) for text in _texts(one)]
