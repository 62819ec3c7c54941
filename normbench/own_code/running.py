"""Runs code of the user's: finds its modules from the study file's folder, and leaves the process as it was."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from normbench.any_module.process_settings import keeping_process_settings
from normbench.own_code.import_path import load_object
from normbench.own_code.loaded_modules import importing_for


@contextmanager
def running_own_code(folder: Path, *, draws: bool = False) -> Iterator[None]:
    """Run code of the user's inside the block, so that nothing of the process is different after it.

    Args:
        folder: The study file's folder, from which modules are found.
        draws: Whether the block may move the random states for good, as the steps of a training do.
    """
    with keeping_process_settings(draws=draws), importing_for(folder):
        yield


def load_own(text: str, folder: Path, key: str) -> Any:
    """Import what a path names, as ``load_object``; code that seeds or prints on import changes nothing.

    Raises:
        SettingError: It is no such path, there is no such module or name, or the module fails.
    """
    with running_own_code(folder):
        return load_object(text, folder, key)
