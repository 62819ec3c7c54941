"""Reads and writes JSON files, by rename and, where verdicts need it, with the file's own sha256 as a seal."""

import json
import math
from collections.abc import Mapping
from contextlib import suppress
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
_SEAL_BYTES = _SEAL.encode()


def write_json(path: Path, content: Mapping[str, Any], flush: Flush = Flush.CONTENT_AND_NAME) -> None:
    """Write JSON by rename, so that no process reads half of it; equal content gives equal bytes."""
    write_text(path, json.dumps(json_ready(content), indent=2) + "\n", flush)


def write_sealed_json(path: Path, content: Mapping[str, Any], flush: Flush = Flush.CONTENT_AND_NAME) -> None:
    """Write JSON by rename with a seal as its last entry: the sha256 of the bytes before it."""
    body = json.dumps(json_ready(content), indent=2).removesuffix("\n}")
    write_text(path, sealed(body), flush)


def sealed(body: str) -> str:
    """Return JSON without its last brace with a seal, and the brace, after it."""
    return f"{body}{_SEAL}{sha256(body.encode()).hexdigest()}{_END}"


def write_text(path: Path, text: str, flush: Flush = Flush.CONTENT_AND_NAME) -> None:
    """Write a text file by rename, so that no process reads half of it."""
    with replacing(path, flush) as part:
        part.write_text(text, encoding="utf-8")


def has_seal(raw: bytes) -> bool:
    """Return whether a file's bytes contain a seal."""
    return raw.rfind(_SEAL_BYTES) >= 0  # it is the last entry


def seal_matches(raw: bytes) -> bool:
    """Return whether a file's seal is the sha256 of the bytes before it; True for a file without a seal."""
    body, seal, end = raw.rpartition(_SEAL_BYTES)
    return not seal or end == f"{sha256(body).hexdigest()}{_END}".encode()


def json_ready(value: Any) -> Any:
    """Replace inf and nan, which JSON does not have, by null."""
    if isinstance(value, Mapping):
        return {key: json_ready(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [json_ready(inner) for inner in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def read_raw(path: str | Path, way_out: str = DELETE_AND_RERUN) -> bytes:
    """Return the bytes of a JSON file.

    Raises:
        RunFolderError: It is missing, cannot be read, or is no regular file.
    """
    try:
        return read_bytes(path)
    except OSError as error:
        raise json_refusal(path, error, way_out) from None


def json_refusal(path: str | Path, error: OSError, way_out: str = DELETE_AND_RERUN) -> RunFolderError:
    """Return the error for a JSON file that cannot be read."""
    return RunFolderError(f"{path}: must be readable JSON, got: {error.strerror or error}. {way_out}")


def file_holds(path: Path, content: Mapping[str, Any]) -> bool:
    """Return whether a JSON file is undamaged and holds all of this content, as it would be written."""
    with suppress(RunFolderError):
        return bool(read_json(path).items() >= json_ready(content).items())
    return False


def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON object of whatever keys and types; what is computed with is read by its ``Shape``.

    Raises:
        RunFolderError: Missing or damaged.
    """
    raw = read_raw(path)
    if not seal_matches(raw):
        raise RunFolderError(f"{path}: must be as it was written, got another sha256. {DELETE_AND_RERUN}")
    try:
        content = json.loads(raw.decode("utf-8"))
    except (ValueError, RecursionError) as error:  # normbench writes no file nested so deep
        raise RunFolderError(f"{path}: must be readable JSON, got: {error}. {DELETE_AND_RERUN}") from None
    if not isinstance(content, dict):
        raise RunFolderError(f"{path}: must be a JSON object, got a {type(content).__name__}. {DELETE_AND_RERUN}")
    return content
