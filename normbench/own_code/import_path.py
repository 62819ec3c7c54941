"""Imports what package.module:name says, from the study file's folder or from what is installed."""

import sys
from importlib import import_module, invalidate_caches
from pathlib import Path
from typing import Any

from normbench.errors import SettingError, did_you_mean

EXAMPLE = "my_net:build"
_imported_from: dict[str, Path] = {}
"""The user's own modules that were imported here, with the folder of the study file that asked for them."""


def load_object(text: str, folder: Path, key: str) -> Any:
    """Import what a path such as my_net:build names; modules below the folder are found first.

    Args:
        text: ``package.module:name``; the name may have dots.
        folder: The study file's folder.
        key: The setting that holds the path, for the error.

    Raises:
        SettingError: It is no such path, there is no such module or name, or the module fails.
    """
    module_name, colon, name = text.partition(":")
    if not colon or not module_name or not name:
        raise SettingError(key, "must be package.module:name", text, f"Example: {EXAMPLE}")
    found: Any = _module(text, module_name, folder, key)
    for part in name.split("."):
        if not hasattr(found, part):
            known = [word for word in vars(found) if not word.startswith("_")] if hasattr(found, "__dict__") else []
            rule = f"must name something in {module_name}, which has no {part!r}"
            raise SettingError(key, rule, text, did_you_mean(part, known).strip() or "Check the name.")
        found = getattr(found, part)
    return found


def _module(text: str, name: str, folder: Path, key: str) -> Any:
    _forget_modules_of_other_folders(folder)
    known = set(sys.modules)
    _look_first_in(folder)
    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        rule = f"must be a module that Python finds, and there is no module {error.name!r}"
        raise SettingError(key, rule, text, f"Put it beside the study file, in {folder}, or install it.") from None
    except (Exception, SystemExit) as error:  # a script may end itself
        rule = f"must be importable, importing it ended with {in_one_line(error)}"
        raise SettingError(key, rule, text, "Import it in Python to see where.") from error
    finally:
        _imported_from.update({new: folder for new in set(sys.modules) - known if _lies_below(new, folder)})


def _look_first_in(folder: Path) -> None:
    """Put the folder first on Python's search path; it stays, since what is imported may import more later."""
    if sys.path[:1] != [str(folder)]:
        sys.path[:] = [str(folder), *(path for path in sys.path if path != str(folder))]
    invalidate_caches()  # the file may be new


def _forget_modules_of_other_folders(folder: Path) -> None:
    """Let a module of the same name beside another study file be imported anew."""
    for name, other in list(_imported_from.items()):
        if other != folder:
            del _imported_from[name]
            sys.modules.pop(name, None)
            sys.path[:] = [path for path in sys.path if path != str(other)]


def _lies_below(module: str, folder: Path) -> bool:
    file = getattr(sys.modules.get(module), "__file__", None)
    return bool(file) and Path(str(file)).resolve().is_relative_to(folder) and "site-packages" not in str(file)


def in_one_line(error: BaseException, length: int = 300) -> str:
    """Write an error as one line: its class and the text.

    Example:
        >>> in_one_line(KeyError("two   spaces"))
        "KeyError: 'two spaces'"
    """
    text = " ".join(str(error).split()).rstrip(".")
    shown = text if len(text) <= length else f"{text[:length]}..."
    return f"{type(error).__name__}: {shown}" if shown else type(error).__name__
