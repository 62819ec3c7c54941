"""Whether a folder really lies where its path says: what a link leads to belongs to somebody else."""

from pathlib import Path

from normbench.errors import RunFolderError


def is_really_in(folder: Path, root: Path) -> bool:
    """Return whether a folder lies in ``root``, and no link between the two leads there.

    Example:
        >>> is_really_in(Path("runs/a/b"), Path("runs")), is_really_in(Path("runs"), Path("runs"))
        (True, False)
    """
    found, top = folder.resolve(), root.resolve()
    return top in found.parents and found == top / folder.absolute().relative_to(root.absolute())


def refuse_links(folder: Path, *, levels: int = 1, name: str = "") -> None:
    """Refuse a folder that is a link, before anything is written or deleted behind it.

    Args:
        folder: The innermost.
        levels: So many are looked at: the folder, the one around it ...
        name: What the user calls it; its path if not said.

    Raises:
        RunFolderError: One of them is a link.
    """
    for path in (folder, *folder.parents)[:levels]:
        if path.is_symlink():
            rule = f"must be a folder, got a link to {path.resolve()}"
            raise RunFolderError(f"{name or path}: {rule}. Name that folder, or remove the link.")
