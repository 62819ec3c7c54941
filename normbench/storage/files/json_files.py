"""Reads and writes JSON files, by rename and, where verdicts need it, with the file's own sha256 as a seal."""

import json
import math
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

from normbench.errors import RunFolderError
from normbench.storage.files.atomic import replacing
from normbench.storage.files.flushing import Flush
from normbench.storage.files.reading import read_bytes

DELETE_AND_RERUN = "Delete this file and run its config again."
"""Way out of a damaged JSON file: the next command writes a missing file again, and trusts one that is there."""
_SEAL, _END = ',\n  "sha256": "', '"\n}\n'


def write_json(path: Path, content: Mapping[str, Any], flush: Flush = Flush.CONTENT_AND_NAME) -> None:
    """Write JSON by rename, so that no process reads half of it; equal content gives equal bytes."""
    write_text(path, json.dumps(json_ready(content), indent=2) + "\n", flush)


def write_sealed_json(path: Path, content: Mapping[str, Any], flush: Flush = Flush.CONTENT_AND_NAME) -> None:
    """Write JSON by rename with a seal as its last entry: the sha256 of the bytes before it."""
    body = json.dumps(json_ready(content), indent=2).removesuffix("\n}")
    write_text(path, f"{body}{_SEAL}{sha256(body.encode()).hexdigest()}{_END}", flush)


def write_text(path: Path, text: str, flush: Flush = Flush.CONTENT_AND_NAME) -> None:
    """Write a text file by rename, so that no process reads half of it."""
    with replacing(path, flush) as part:
        part.write_text(text, encoding="utf-8")


def has_seal(raw: bytes) -> bool:
    """Return whether a file's bytes contain a seal."""
    return _SEAL.encode() in raw


def seal_matches(raw: bytes) -> bool:
    """Return whether a file's seal is the sha256 of the bytes before it; True for a file without a seal."""
    body, seal, end = raw.rpartition(_SEAL.encode())
    return not seal or end == f"{sha256(body).hexdigest()}{_END}".encode()


def json_ready(value: Any) -> Any:
    """Replace inf and nan, which JSON does not have, by null."""
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
        raise json_refusal(path, error) from None
    content = parse_json_object(path, raw)
    if not seal_matches(raw):
        raise RunFolderError(f"{path}: must be as it was written, got another sha256. {DELETE_AND_RERUN}")
    return content


def parse_json_object(path: str | Path, raw: bytes) -> dict[str, Any]:
    """Parse a file's bytes as a JSON object; ``path`` is its name for messages.

    Raises:
        RunFolderError: Not a JSON object.
    """
    try:
        content = json.loads(raw.decode("utf-8"))
    except ValueError as error:
        raise json_refusal(path, error) from None
    except RecursionError:  # normbench writes no file nested so deep
        raise json_refusal(path, ValueError("brackets in brackets")) from None
    if not isinstance(content, dict):
        raise RunFolderError(f"{path}: must be a JSON object, got a {type(content).__name__}. {DELETE_AND_RERUN}")
    return content


def json_refusal(path: str | Path, error: OSError | ValueError) -> RunFolderError:
    """Return the error for a file that cannot be read as JSON."""
    problem = getattr(error, "strerror", None) or str(error)
    return RunFolderError(f"{path}: must be readable JSON, got: {problem}. {DELETE_AND_RERUN}")
