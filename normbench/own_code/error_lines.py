"""Writes an error that code of the user's raised as one line, with the place in their file."""

import traceback
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from normbench.own_code.loaded_modules import is_installed

MISMATCHED = "operator torchvision::"
"""How an import of torchvision ends that was built for another torch."""


def in_one_line(error: BaseException, folder: Path | None = None, length: int = 300) -> str:
    """Write an error as one line: the last place in the user's own files, its class and the text.

    Args:
        error: The error.
        folder: Files are named from there; without it no place is told.
        length: Most characters of the text.

    Example:
        >>> in_one_line(KeyError("two   spaces"))
        "KeyError: 'two spaces'"
    """
    if MISMATCHED in str(error):
        found = " ".join(f"torchvision {_version('torchvision')} does not match torch {_version('torch')}".split())
        return f"{place_of(error, folder)}{found}: install both from one index"
    text = " ".join(_message(error).split()).rstrip(".")
    shown = text if len(text) <= length else f"{text[:length]}..."
    named = f"{type(error).__name__}: {shown}" if shown else type(error).__name__
    return f"{place_of(error, folder)}{named}"


def place_of(error: BaseException, folder: Path | None) -> str:
    """Return "my_net.py line 12: ", the last line of the user's own code that an error came through; "" without one."""
    if folder is None:
        return ""
    frames = [(frame.filename, frame.lineno) for frame in traceback.extract_tb(error.__traceback__)]
    if isinstance(error, SyntaxError) and error.filename:
        frames.append((error.filename, error.lineno))
    own = [
        (Path(file), line) for file, line in frames if Path(file).is_file() and not is_installed(Path(file).resolve())
    ]
    if not own:
        return ""
    file, line = own[-1]
    return f"{_named_from(file.resolve(), folder)} line {line}: "


def missing_module_line(error: ModuleNotFoundError, asked: str, folder: Path) -> tuple[str, str]:
    """Return what is wrong where a module was not found, and the way out: the one asked for, or one that it imports."""
    is_asked = error.name is not None and (asked == error.name or asked.startswith(f"{error.name}."))
    if is_asked:
        rule = f"must be a module that Python finds, and there is no module {error.name!r}"
        return rule, f"Put it into {folder}, or install it."
    rule = f"must be importable, {place_of(error, folder)}there is no module {error.name!r}"
    return rule, "Install it."


def _message(error: BaseException) -> str:
    return error.msg if isinstance(error, SyntaxError) else str(error)


def _named_from(file: Path, folder: Path) -> str:
    return str(file.relative_to(folder)) if file.is_relative_to(folder) else str(file)


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""
