"""Refuses links in paths of run folders, since the folder behind one may belong to someone else."""

import os
from pathlib import Path

from normbench.errors import RunFolderError


def is_in_without_links(folder: Path, root: Path) -> bool:
    """Return whether a folder lies in ``root`` and no part of the path between the two is a link.

    Example:
        >>> is_in_without_links(Path("runs/a/b"), Path("runs")), is_in_without_links(Path("runs"), Path("runs"))
        (True, False)
    """
    found, top = real_path(folder), real_path(root)
    return top in found.parents and found == top / folder.absolute().relative_to(root.absolute())


def real_path(path: Path) -> Path:
    """Return a path without links; unlike ``Path.resolve`` also where links lead in a circle."""
    return Path(os.path.realpath(path))


def refuse_links(folder: Path, *, levels: int = 1, name: str = "") -> None:
    """Refuse a folder that is a link, before anything is written or deleted behind it.

    Args:
        folder: The innermost folder.
        levels: Number of folders to check: the folder, the one around it, and so on.
        name: Name for the message; by default the path.

    Raises:
        RunFolderError: One of them is a link.
    """
    for path in (folder, *folder.parents)[:levels]:
        if path.is_symlink():
            raise link_refusal(path, name)


def link_refusal(path: Path, name: str = "") -> RunFolderError:
    """Return the error for a link in place of a folder; ``name`` is its name for the message, by default its path."""
    rule = f"must be a folder, got a link to {real_path(path)}"
    return RunFolderError(f"{name or path}: {rule}. Name that folder, or remove the link.")
