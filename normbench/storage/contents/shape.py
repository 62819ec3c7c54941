"""Shape: reads JSON files of one kind, and checks keys, types, bounds and sizes while they are parsed."""

import reprlib
from functools import cached_property
from pathlib import Path
from typing import Any, Generic, TypeVar

from pydantic import TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from normbench.errors import ContentError, RunFolderError
from normbench.storage.files.json_files import DELETE_AND_RERUN, read_raw, seal_matches

T = TypeVar("T")

MANY, MOST = 200_000, 3_000_000
"""Most values in a file of one run or arm, and in one of a whole study; more are refused before they are parsed."""
MAX_SHOWN = 60
"""Letters of a wrong value that a message shows."""
_SHORT = reprlib.Repr()
_SHORT.maxstring = _SHORT.maxother = _SHORT.maxlong = MAX_SHOWN
_KEY = "[key]"
"""How pydantic marks that a mapping's key is wrong, and not its value."""


class Shape(Generic[T]):
    """Reads JSON files of one kind: an object of the keys that a TypedDict names, of its types; others are kept.

    Args:
        kind: The TypedDict, perhaps annotated.
        most_values: Most values in such a file.
        writer: Who wrote it, for the message on a file that was changed: "must be as the run wrote it".
    """

    def __init__(self, kind: Any, most_values: int = MANY, writer: str = "it was written") -> None:
        self.kind, self._most_values, self._writer = kind, most_values, writer

    @cached_property
    def adapter(self) -> TypeAdapter[T]:
        """Checks values; built when a file of the kind is first read, since most commands read few kinds."""
        return TypeAdapter(self.kind)

    def read(self, path: str | Path, way_out: str = DELETE_AND_RERUN) -> T:
        """Read a file.

        Raises:
            ContentError: It is of another shape.
            RunFolderError: It is missing, no regular file, or changed since it was sealed.
        """
        return self.parse(path, read_raw(path, way_out), way_out)

    def parse(self, path: str | Path, raw: bytes, way_out: str = DELETE_AND_RERUN) -> T:
        """Read a file's bytes; ``path`` is its name for messages.

        Raises:
            ContentError: It is of another shape.
            RunFolderError: It is no JSON, or was changed since it was sealed.
        """
        num_values = raw.count(b",") + raw.count(b"[") + raw.count(b"{") if len(raw) > self._most_values else 0
        if num_values > self._most_values:
            rule = f"must hold at most {self._most_values:,} values"
            raise RunFolderError(f"{path}: {rule}, got {num_values:,}. {way_out}")
        problem: RunFolderError | None = None
        try:
            content: T = self.adapter.validator.validate_json(raw, strict=True)
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            problem = ContentError(f"{path}: {_with_key(first)}. {way_out}")
            if first["type"] == "json_invalid":
                raise RunFolderError(str(problem)) from None
        if not seal_matches(raw):
            raise RunFolderError(f"{path}: must be as {self._writer}, got another sha256. {way_out}")
        if problem:
            raise problem
        return content


def _with_key(mistake: ErrorDetails) -> str:
    """Return a mistake as "<key>: must ..., got ..."; the key is left out where it is the whole file."""
    key = ".".join(str(step) for step in mistake["loc"] if step != _KEY)
    return f"{key:.{MAX_SHOWN}}{': ' * bool(key)}{_told(mistake)}"


def _told(mistake: ErrorDetails) -> str:
    got = f"got {_SHORT.repr(mistake['input']):.{MAX_SHOWN}}"
    match mistake["type"]:
        case "json_invalid":
            return f"must be readable JSON, got: {mistake['ctx']['error']}"
        case "missing":
            return "must be given, got nothing"
        case "dict_type":
            return f"must be a JSON object, {got}"
        case "list_type" | "tuple_type":
            return f"must be a list, {got}"
        case "too_short":
            return f"must hold {mistake['ctx']['min_length']:,} entries or more, {got}"
        case "too_long":
            return f"must hold at most {mistake['ctx']['max_length']:,} entries, got more"
        case _:
            return f"{mistake['msg']}, {got}"
