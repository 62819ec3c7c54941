"""Imports every Python file of a folder on its own, so that one unfinished file does not break the others."""

import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType
from typing import Any, Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True)
class Parts(Generic[T]):
    """The objects that the files of a folder define.

    Attributes:
        found: One object per file, by the file's name, sorted.
        unfinished: A line per unfinished file that names what is missing, by the file's name.
    """

    found: dict[str, T]
    unfinished: dict[str, str]


class UnfinishedError(Exception):
    """A file lacks something; the text holds the rule and what was found."""


def is_variant(file: str) -> bool:
    """Return whether a file defines a variant: any but ``base`` and those that begin with ``_``, which only help.

    Example:
        >>> is_variant("group_norm"), is_variant("base"), is_variant("_drawing")
        (True, False, False)
    """
    return file != "base" and not file.startswith("_")


def import_parts(package: str, read: Callable[[ModuleType, str], T]) -> Parts[T]:
    """Import every file of a package, and read the object that it defines.

    Args:
        package: The package's name, such as ``normbench.norms``.
        read: Gets a module and its name, returns its object; raises ``UnfinishedError`` where something is missing.
    """
    folder = importlib.import_module(package)
    parts: Parts[T] = Parts({}, {})
    for name in sorted(module.name for module in pkgutil.iter_modules(folder.__path__) if is_variant(module.name)):
        file = f"{package.replace('.', '/')}/{name}.py"
        try:
            module = importlib.import_module(f"{package}.{name}")
            _check_caption(module)
            parts.found[name] = read(module, name)
        except UnfinishedError as error:
            parts.unfinished[name] = f"{file}: {error}. {HOW_TO_FINISH}"
        except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever is wrong in one file, the others are whole
            parts.unfinished[name] = f"{file}: {_import_failure(error)}. {HOW_TO_FINISH}"
    return parts


HOW_TO_FINISH = "Finish it, or let its name begin with _."


def _check_caption(module: ModuleType) -> None:
    if not module.__doc__:
        raise UnfinishedError("must begin with a docstring that says in a line what it is, got none")


def _import_failure(error: BaseException) -> str:
    if isinstance(error, SyntaxError):
        return f"must be Python, got {type(error).__name__} in line {error.lineno}: {error.msg}"
    text = " ".join(f"{type(error).__name__}: {error}".split())
    return f"must be importable, got {text[:200]}"


def require_function(module: ModuleType, name: str) -> Callable[..., object]:
    """Return the module's function of this name.

    Raises:
        UnfinishedError: There is none, or it has no docstring.
    """
    found = vars(module).get(name)
    if not callable(found):
        raise UnfinishedError(f"must define the function {name}, got none")
    if not found.__doc__:
        raise UnfinishedError(f"{name} must have a docstring, got none")
    return found  # type: ignore[no-any-return]


def require_class(module: ModuleType, base: type) -> Any:
    """Return the one class that a module derives from a base, with nothing left to define.

    Raises:
        UnfinishedError: There is none, there are several, or something of it is missing.
    """
    kinds = [thing for thing in vars(module).values() if isinstance(thing, type) and issubclass(thing, base)]
    own = [kind for kind in kinds if kind.__module__ == module.__name__]
    if len(own) != 1:
        raise UnfinishedError(
            f"must define one {base.__name__}, got {', '.join(kind.__name__ for kind in own) or 'none'}"
        )
    missing = sorted(getattr(own[0], "__abstractmethods__", ()))
    if missing:
        raise UnfinishedError(f"{own[0].__name__} must define {', '.join(missing)}, got nothing of that name")
    return own[0]
