"""Remembers which code of the user's each thing was made with, by making it once with all of it imported anew."""

from collections.abc import Callable, Hashable, Iterable, Mapping
from pathlib import Path
from typing import TypeVar

from normbench.errors import NormbenchError, SettingError
from normbench.own_code.code_digests import code_digests
from normbench.own_code.loaded_modules import forget_modules, generation, own_modules, put_back_modules

T = TypeVar("T")
_records: dict[tuple[Hashable, int], dict[str, str]] = {}
_open: list[Hashable] = []


def made_anew(key: Hashable, paths: Iterable[str], folder: Path, make: Callable[[], T]) -> T:
    """Return what ``make`` returns, and remember under a key which modules of the user's that loads.

    The first time all of the user's modules are imported anew, so that what other things have loaded does not count.
    Where the code cannot be imported twice, as code that registers a name, the loaded modules are used again.

    Args:
        key: Equal for what is made with the same code.
        paths: Import paths of the user's that it names: my_net:build.
        folder: The study file's folder.
        make: Imports and calls code of the user's.
    """
    if recorded(key) is not None or _open:
        return make()
    loaded = forget_modules(folder)
    _open.append(key)
    try:
        try:
            made = make()
        except (NormbenchError, SettingError):
            if not loaded:
                raise
            put_back_modules(loaded, folder)
            made = make()
    finally:
        _open.pop()
    named = {path.partition(":")[0].partition(".")[0] for path in paths}
    _records[key, generation()] = code_digests(own_modules().values(), named)
    return made


def recorded(key: Hashable) -> Mapping[str, str] | None:
    """Return the digests of the code that was loaded to make something; None of what was not made yet."""
    return _records.get((key, generation()))
