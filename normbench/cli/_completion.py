"""Completes words of a command line in a shell: configs and folders of runs; what the words mean is not looked at."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import typer

ASKED_BY = "_NORMBENCH_COMPLETE"
"""The variable by which a shell asks for words in place of a command's work."""


def asked_words() -> list[str]:
    """Return the words of the command line that a shell asks to complete; none where a command is to work."""
    if ASKED_BY not in os.environ:
        return []
    return (os.environ.get("_TYPER_COMPLETE_ARGS") or os.environ.get("COMP_WORDS", "")).split()


def shipped_words(incomplete: str) -> list[str]:
    """Return the names of shipped configs that begin so."""
    from normbench.storage.shipped_configs import shipped_names

    return [name for name in shipped_names() if name.startswith(incomplete)]


def config_words(incomplete: str) -> list[str]:
    """Return the YAML files and the names of shipped configs that begin so."""
    try:
        here = sorted(str(path) for path in Path().glob("*.yaml") if path.name.startswith(incomplete))
    except OSError:
        here = []
    return [*here, *shipped_words(incomplete)]


def folder_words(ctx: typer.Context, incomplete: str) -> list[str]:
    """Return the folders that begin so: studies of the runs folder, and below one that is typed its arms, their runs.

    Where there are none, the shell itself completes paths.
    """
    runs_dir = Path(ctx.params.get("runs_dir") or "runs")
    above, slash, begun = incomplete.rpartition("/")
    folder = Path(above) if slash and Path(above).is_dir() else runs_dir / above
    try:
        names = sorted(entry.name for entry in os.scandir(folder) if entry.is_dir() and entry.name[0] != ".")
    except OSError:
        return []
    return [f"{above}{slash}{name}" for name in names if name.startswith(begun)]


BY_METAVAR: dict[str, Callable[..., Any]] = {
    "CONFIG": config_words,
    "PATH": folder_words,
    "STUDY": folder_words,
    "RUN": folder_words,
}
"""What completes an argument, by the word that stands for it in the help."""
