"""Imports what package.module:name says, from the study file's folder or from what is installed."""

import sys
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from normbench.errors import SettingError, did_you_mean
from normbench.own_code.error_lines import in_one_line, missing_module_line
from normbench.own_code.loaded_modules import importing_for

EXAMPLE = "my_net:build"
NAMES_CODE = "names code of the user's"
ImportPath = Annotated[str, Field(json_schema_extra={"means": NAMES_CODE})]
"""A field for a path to code of the user's, such as my_net:build; its modules become part of a run's identity."""


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
    if _as_module(module_name) != module_name:
        rule = "must name its module as an import does, with dots and without .py"
        raise SettingError(key, rule, text, f"Write {_as_module(module_name)}:{name}.")
    found: Any = _module(text, module_name, folder, key)
    for part in name.split("."):
        if not hasattr(found, part):
            known = [word for word in vars(found) if not word.startswith("_")] if hasattr(found, "__dict__") else []
            rule = f"must name something in {module_name}, which has no {part!r}"
            raise SettingError(key, rule, text, did_you_mean(part, known).strip() or "Check the name.")
        found = getattr(found, part)
    return found


def _as_module(file: str) -> str:
    """Return a file's name as that of a module.

    Example:
        >>> _as_module("./nets/unet.py")
        'nets.unet'
    """
    return file.removesuffix(".py").replace("\\", "/").replace("/", ".").strip(".") or "my_net"


def _module(text: str, name: str, folder: Path, key: str) -> Any:
    try:
        with importing_for(folder):
            module = import_module(name)
    except ModuleNotFoundError as error:
        rule, way_out = missing_module_line(error, name, folder)
        raise SettingError(key, rule, text, way_out) from None
    except (Exception, SystemExit) as error:  # a script may end itself
        rule = f"must be importable, importing it ended with {in_one_line(error, folder)}"
        raise SettingError(key, rule, text, "Import it in Python to see where.") from error
    _refuse_hidden(text, name, folder, key)
    return module


def _refuse_hidden(text: str, name: str, folder: Path, key: str) -> None:
    """Refuse a file beside the study whose name belongs to a module that was imported from elsewhere before."""
    top = name.partition(".")[0]
    beside = next((path for path in (folder / f"{top}.py", folder / top / "__init__.py") if path.is_file()), None)
    file = getattr(sys.modules[top], "__file__", None)
    if beside and not (file and Path(file).resolve().is_relative_to(folder)):
        rule = f"must have a name of its own, {beside.relative_to(folder)} is hidden by the module {top} that is loaded"
        raise SettingError(key, rule, text, "Rename the file.")
