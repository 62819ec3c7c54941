"""Keeps the folder of the study file, from which the user's own modules and data are found."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path

from pydantic import BaseModel, PrivateAttr

_FOLDER: ContextVar[Path | None] = ContextVar("_FOLDER", default=None)


@contextmanager
def reading_from(folder: Path) -> Iterator[None]:
    """Let the settings that are read inside the block find modules and files below this folder."""
    token = _FOLDER.set(folder.resolve())
    try:
        yield
    finally:
        _FOLDER.reset(token)


def source_folder() -> Path:
    """Return the folder of the study file that is being read; outside of one, the current folder."""
    return _FOLDER.get() or Path.cwd()


class Rooted(BaseModel):
    """A mixin for settings that name modules or files: remembers the folder that they are found from.

    The folder is no setting: neither YAML nor a run's identity holds it, and it goes along to worker processes.
    """

    _folder: Path = PrivateAttr(default_factory=source_folder)

    @property
    def folder(self) -> Path:
        """The folder of the study file."""
        return self._folder
