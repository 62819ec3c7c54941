"""Knows which modules of the user's were imported, from which folder and with which code, and forgets them."""

import sys
import sysconfig
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from importlib import invalidate_caches
from pathlib import Path
from types import ModuleType

INSTALLED = ("site-packages", "dist-packages")
"""Folders of installed packages; one may lie in an environment below the study file's folder."""


@dataclass(frozen=True)
class OwnModule:
    """A module of the user's as it was imported.

    Attributes:
        name: Its full name: ``nets.blocks``.
        file: Its file; None of a package without one.
        folder: The study file's folder for which it was imported.
        code: The file's bytes when it was imported; None without a file.
    """

    name: str
    file: Path | None
    folder: Path
    code: bytes | None


_known: dict[str, tuple[ModuleType, OwnModule]] = {}
_read: dict[Path, bytes] = {}
"""Files of all modules of the user's since the last change, with their content at the first import."""
_searched: set[Path] = set()
_changes = [0]


def generation() -> int:
    """Return how often code of the user's was found changed in this process, for what is kept of that code."""
    return _changes[0]


def own_modules() -> Mapping[str, OwnModule]:
    """Return the modules of the user's that are loaded, by name."""
    return {name: own for name, (module, own) in _known.items() if sys.modules.get(name) is module}


@contextmanager
def importing_for(folder: Path) -> Iterator[None]:
    """Find modules below a folder first inside the block, and note which of the user's it imports.

    After it the search path is in its old order, so that no file of the user's hides a module of Python's; what the
    block added stands behind. No bytecode is written: Python would take it for that of a file changed in that second.
    """
    _forget_other_folders(folder)
    known, path, writes = set(sys.modules), list(sys.path), sys.dont_write_bytecode
    sys.path[:] = [str(folder), *(entry for entry in path if entry != str(folder))]
    sys.dont_write_bytecode = True
    invalidate_caches()  # a file may be new
    try:
        yield
    finally:
        sys.dont_write_bytecode = writes
        sys.path[:] = [*path, *(entry for entry in sys.path if entry not in path)]
        _note(set(sys.modules) - known, folder)


def forget_changed_modules() -> None:
    """Let all modules of the user's be imported anew if the file of one has other content than when it was imported.

    Files of modules that were forgotten count too, since what was made with them may be kept. It is asked where a study
    file is read: during a command code stays as it was then.
    """
    if any(code_of(file) != code for file, code in _read.items()):
        forget_modules()
        _read.clear()
        _changes[0] += 1


def forget_modules(folder: Path | None = None) -> dict[str, ModuleType]:
    """Let all modules of the user's be imported anew; return those of a folder, for ``put_back_modules``."""
    loaded = {name: (sys.modules.pop(name), own) for name, own in own_modules().items()}
    _known.clear()
    return {name: module for name, (module, own) in loaded.items() if own.folder == folder}


def put_back_modules(loaded: Mapping[str, ModuleType], folder: Path) -> None:
    """Let modules that were forgotten be the loaded ones again."""
    sys.modules.update(loaded)
    _note(loaded, folder)


def code_of(file: Path) -> bytes:
    """Return a file's bytes; none of one that cannot be read."""
    try:
        return file.read_bytes()
    except OSError:
        return b""


def is_installed(path: Path) -> bool:
    """Return whether a file belongs to Python, to an installed package or to normbench."""
    return bool(set(path.parts) & set(INSTALLED)) or any(path.is_relative_to(root) for root in _roots())


@cache
def _roots() -> tuple[Path, ...]:
    of_python = [Path(sysconfig.get_paths()[name]).resolve() for name in ("stdlib", "platstdlib")]
    return (*of_python, Path(__file__).resolve().parents[1])


def _note(names: Iterable[str], folder: Path) -> None:
    for name in names:
        module = sys.modules.get(name)
        place = _place(module)
        if module is None or place is None or is_installed(place):
            continue
        file = place if place.is_file() else None
        code = code_of(file) if file else None
        _known[name] = (module, OwnModule(name, file, folder, code))
        if file and code is not None:
            _read.setdefault(file, code)


def _place(module: ModuleType | None) -> Path | None:
    """Return a module's file, or the first folder of a package without one."""
    file = getattr(module, "__file__", None)
    found = file or next(iter(getattr(module, "__path__", ())), None)
    return Path(str(found)).resolve() if found else None


def _forget_other_folders(folder: Path) -> None:
    """Let a module of the same name beside another study file be imported anew, and none be found there."""
    for name in [name for name, own in own_modules().items() if own.folder != folder]:
        del sys.modules[name]
        del _known[name]
    sys.path[:] = [entry for entry in sys.path if entry not in {str(other) for other in _searched - {folder}}]
    _searched.clear()
    _searched.add(folder)
