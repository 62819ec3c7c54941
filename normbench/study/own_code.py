"""Finds the user's own code in a run's settings, and runs it so that nothing of the process is different afterwards."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pydantic.fields import FieldInfo

from normbench.errors import RunFailedError
from normbench.own_code.error_lines import in_one_line
from normbench.own_code.import_path import NAMES_CODE
from normbench.own_code.running import running_own_code
from normbench.parts import Spec
from normbench.study.config import RunConfig


def import_paths(config: RunConfig) -> tuple[str, ...]:
    """Return every path to code of the user's in a run's settings, as my_net:build; found from ``config.folder``."""
    of_parts = [path for part in (config.model, config.norm, config.dataset) for path in paths_of(part)]
    return (*of_parts, *config.own_functions.values())


def paths_of(part: Spec) -> list[str]:
    """Return the paths to code of the user's among the settings of a part."""
    return [str(getattr(part, key)) for key, info in type(part).model_fields.items() if _names_code(info)]


def own_folder(config: RunConfig) -> Path | None:
    """Return the folder from which the user's own code is found; None where a run has none."""
    return config.folder if import_paths(config) else None


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


def _names_code(info: FieldInfo) -> bool:
    extra: Any = info.json_schema_extra
    return isinstance(extra, dict) and extra.get("means") == NAMES_CODE
