"""JSON that is never read half-written: by rename, sealed with its own sha256 where a verdict rests on it."""

import json
import math
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

from normbench.errors import RunFolderError
from normbench.storage.files.atomic import replacing
from normbench.storage.files.reading import read_bytes

AGAIN = "Delete this file and run its config again."
"""The way out of a damaged JSON file: what is there is trusted, what is missing is made anew."""
_SEAL, _END = ',\n  "sha256": "', '"\n}\n'


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write JSON by rename, so that no one reads half of it; equal content gives equal bytes."""
    write_text(path, json.dumps(json_ready(content), indent=2) + "\n")


def write_sealed_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write JSON as ``write_json`` does, its own sha256 as its last entry: that of the bytes before this entry."""
    body = json.dumps(json_ready(content), indent=2).removesuffix("\n}")
    write_text(path, f"{body}{_SEAL}{sha256(body.encode()).hexdigest()}{_END}")


def write_text(path: Path, text: str) -> None:
    """Write a file by rename, so that no one reads half of it."""
    with replacing(path) as part:
        part.write_text(text, encoding="utf-8")


def is_sealed(raw: bytes) -> bool:
    """Return whether a file names its own sha256."""
    return _SEAL.encode() in raw


def is_unbroken(raw: bytes) -> bool:
    """Return whether a sealed file is as it was written; one without a seal, from before there were any, may be."""
    body, seal, end = raw.rpartition(_SEAL.encode())
    return not seal or end == f"{sha256(body).hexdigest()}{_END}".encode()


def json_ready(value: Any) -> Any:
    """Replace numbers that JSON cannot say, inf and nan, by null."""
    if isinstance(value, Mapping):
        return {key: json_ready(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [json_ready(inner) for inner in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON object.

    Raises:
        RunFolderError: Missing or damaged.
    """
    try:
        raw = read_bytes(path)
    except OSError as error:
        raise unreadable(path, error) from None
    content = json_object(path, raw)
    if not is_unbroken(raw):
        raise RunFolderError(f"{path}: must be as it was written, got another sha256. {AGAIN}")
    return content


def json_object(path: str | Path, raw: bytes) -> dict[str, Any]:
    """Return the JSON object that a file's bytes say; ``path`` is its name for messages.

    Raises:
        RunFolderError: Not a JSON object.
    """
    try:
        content = json.loads(raw.decode("utf-8"))
    except ValueError as error:
        raise unreadable(path, error) from None
    except RecursionError:  # nothing that was written here is nested so deep
        raise unreadable(path, ValueError("brackets in brackets")) from None
    if not isinstance(content, dict):
        raise RunFolderError(f"{path}: must be a JSON object, got a {type(content).__name__}. {AGAIN}")
    return content


def unreadable(path: str | Path, error: OSError | ValueError) -> RunFolderError:
    """Return the refusal of a file that cannot be read as JSON."""
    problem = getattr(error, "strerror", None) or str(error)
    return RunFolderError(f"{path}: must be readable JSON, got: {problem}. {AGAIN}")
