"""Digests the program itself: normbench's own files, and the versions of what it reads, computes and shows with."""

import os
import sys
from collections.abc import Iterator
from hashlib import sha256
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

PACKAGES = ("torch", "numpy", "scipy", "pydantic", "PyYAML", "rich")


def program_sha256() -> str:
    """Return a sha256 that changes with every file of normbench, and with the versions of Python and of PACKAGES."""
    digest = sha256(repr([sys.version, *((name, _version(name)) for name in PACKAGES)]).encode())
    folder = str(Path(__file__).parents[1])
    for path in _python_files(folder):
        with open(path, "rb") as file:  # noqa: PTH123 - six hundred files
            digest.update(f"\n{path.removeprefix(folder)}\n".encode() + file.read())
    return digest.hexdigest()


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""


def _python_files(folder: str) -> Iterator[str]:
    with os.scandir(folder) as entries:
        for entry in sorted(entries, key=lambda entry: entry.name):
            if entry.name.endswith(".py"):
                yield entry.path
            elif entry.is_dir() and entry.name != "__pycache__":
                yield from _python_files(entry.path)
