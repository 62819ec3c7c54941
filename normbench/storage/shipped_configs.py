"""Finds the configs that normbench ships: where they lie, their names, and the file that a command's word means."""

import os
from collections.abc import Iterable
from contextlib import suppress
from difflib import get_close_matches
from pathlib import Path

from normbench.errors import ConfigError

YAML = ".yaml"
SEE_ALL = "Shipped ones: normbench configs"
RUN_FIRST = "Run a config first: normbench run lenet_bn"
"""The way out where there are no runs yet, from any folder."""
_PACKAGE = Path(__file__).parents[1]


def shipped_folder() -> Path:
    """Return the folder of the shipped configs: in the package of a wheel, in a clone beside the package."""
    inside = _PACKAGE / "configs"
    return inside if inside.is_dir() else _PACKAGE.parent / "configs"


def translations_file() -> Path:
    """Return the file with the Chinese of all claims: in the package of a wheel, in a clone among the pages."""
    inside = _PACKAGE / "configs" / "zh"
    return (inside if inside.is_dir() else _PACKAGE.parent / "docs" / "zh") / "translations.yaml"


def shipped_names() -> list[str]:
    """Return the names of the shipped configs, which are those of their files without .yaml."""
    return sorted(path.stem for path in shipped_folder().glob(f"*{YAML}"))


def shipped_config(name: str) -> Path:
    """Return the file of a shipped config, named with or without .yaml.

    Raises:
        ConfigError: There is none of this name.
    """
    path = _shipped(Path(name))
    if path is None:
        way_out = f"{_meant(Path(name).name, shipped_names())} {SEE_ALL}".lstrip()
        raise ConfigError([f"{name}: must be the name of a shipped config, got none. {way_out}"])
    return path


def config_file(path: Path) -> Path:
    """Return the file that a path or the bare name of a config means: a file here wins over a shipped one.

    Example:
        >>> config_file(Path("lenet_bn")) == shipped_folder() / "lenet_bn.yaml"
        True
    """
    with_ending = path.with_name(path.name + YAML) if path.name.strip(".") else path
    here = next((one for one in (path, with_ending) if _may_be_file(one)), None)
    return here or _shipped(path) or path


def meant_text(path: Path) -> str:
    """Return what to give in place of a path where there is no file: the nearest config, and how to see them all."""
    with suppress(OSError, ValueError):
        meant = _meant(str(path), map(str, path.parent.glob(f"*{YAML}"))) or _meant(path.name, shipped_names())
        return f"{meant} {SEE_ALL}" if meant else f"Give the path of a config. {SEE_ALL}"
    return "Give the path of a config."


def _shipped(path: Path) -> Path | None:
    """Return the shipped config that a bare name means, if there is one."""
    found = shipped_folder() / f"{path.name.removesuffix(YAML)}{YAML}"
    return found if path.name == str(path) and _may_be_file(found) else None


def _meant(word: str, known: Iterable[str]) -> str:
    """Return "Did you mean 'x'?" for the nearest name; the .yaml at the end of one or the other does not count."""
    by_stem = {one.removesuffix(YAML): one for one in known}
    near = get_close_matches(word.removesuffix(YAML), by_stem, n=1)
    return f"Did you mean {by_stem[near[0]]!r}?" if near else ""


def _may_be_file(path: Path) -> bool:
    """Return whether there is something that is no folder; whether it is a file is told where it is read."""
    try:
        return os.path.lexists(path) and not path.is_dir()
    except (OSError, ValueError):  # a zero byte in the path, or a name longer than any file's
        return False
