"""Writes files to begin with: a norm, a model or a dataset of the user's, and a study of it beside it."""

import keyword
import re
from contextlib import suppress
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

from normbench.errors import ConfigError
from normbench.own_code.loaded_modules import is_installed
from normbench.own_code.templates.studies import STUDIES

Kind = Literal["norm", "model", "dataset"]


def write_new_files(kind: Kind, name: str, file: Path) -> tuple[Path, str]:
    """Write a file of code and the study of it, both or neither, never over a file.

    Args:
        kind: What the code is.
        name: Its name, from which that of the class is made: my_norm becomes MyNorm.
        file: Where it goes; its name without .py is that of the module.

    Returns:
        The study's file, and the import path of the class or function.

    Raises:
        ConfigError: A name is no name of a module, or belongs to one; a file exists or cannot be written.
    """
    for word, said in dict.fromkeys([(name, name), (file.stem if file.suffix == ".py" else file.name, str(file))]):
        check_name(word, said, kind)
    study = file.with_suffix(".yaml")
    texts = {file: template(kind), study: STUDIES[kind]}
    _write_all({path: renamed(text, kind, name, file.stem) for path, text in texts.items()})
    return study, f"{file.stem}:{'make' if kind == 'dataset' else class_name(name)}"


def check_name(name: str, said: str, kind: Kind) -> None:
    """Refuse a name that Python could not import a module by, or under which it would import another one.

    Args:
        name: The name.
        said: What the user said that holds it.
        kind: For the example.
    """
    if not re.fullmatch(r"[A-Za-z]\w*", name, re.ASCII) or keyword.iskeyword(name):
        rule = "must be a module's name, letters, digits and _ that begin with a letter"
    elif _is_taken(name):
        rule = "must be a name of its own, Python has a module that is called so"
    else:
        return
    raise ConfigError([f"{said}: {rule}, got {name!r}. Example: normbench new {kind} my_{kind}"])


def template(kind: Kind) -> str:
    """Return the code to begin with; it is read, not imported: torch is not needed."""
    return (files("normbench.own_code.templates") / f"{kind}.py").read_text(encoding="utf-8")


def renamed(text: str, kind: Kind, name: str, module: str) -> str:
    """Return a template's text with the user's names of class and module in place of its own."""
    return text.replace(class_name(f"my_{kind}"), class_name(name)).replace(f"my_{kind}", module)


def class_name(name: str) -> str:
    """Return the name of a module as that of a class.

    Example:
        >>> class_name("my_norm"), class_name("rmsNorm2")
        ('MyNorm', 'RmsNorm2')
    """
    return "".join(word[:1].upper() + word[1:] for word in name.split("_"))


def _is_taken(name: str) -> bool:
    found = find_spec(name)
    return found is not None and (found.origin in ("built-in", "frozen") or _is_installed_at(found.origin))


def _is_installed_at(origin: str | None) -> bool:
    return origin is not None and is_installed(Path(origin).resolve())


def _write_all(texts: dict[Path, str]) -> None:
    """Write each file; if one cannot be, remove those that were written before."""
    written: list[Path] = []
    for path, text in texts.items():
        try:
            with path.open("x", encoding="utf-8") as made:
                written.append(path)
                made.write(text)
        except OSError as error:
            for half in written:
                with suppress(OSError):
                    half.unlink()
            raise _refusal(path, error) from None


def _refusal(path: Path, error: OSError) -> ConfigError:
    if isinstance(error, FileExistsError):
        return ConfigError([f"{path}: must not exist yet, got a file. Choose another name or --path."])
    return ConfigError([f"{path}: must be writable, got: {error.strerror}. Choose another place with --path."])
