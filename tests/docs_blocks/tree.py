"""The tree of normbench/ with every file's caption, and where in it a new thing goes."""

import ast
import tomllib
from pathlib import Path

from docs_blocks.markdown import ROOT, fenced

PACKAGE = ROOT / "normbench"
WIDTH = 28


def tree() -> str:
    """Every file of normbench/ with its caption; rooms in the order of the import layers, from the top down."""
    return fenced("\n".join(["normbench/", *inside(PACKAGE, 1)]))


def rooms() -> str:
    """The same without what lies inside the rooms."""
    return fenced("\n".join(line(path, 0) for path in entries(PACKAGE) if not path.name.startswith("__")))


def inside(folder: Path, depth: int) -> list[str]:
    lines = []
    for path in entries(folder):
        lines += [line(path, depth), *(inside(path, depth + 1) if path.is_dir() else [])]
    return lines


def entries(folder: Path) -> list[Path]:
    """What lies in a folder: in the package by import layer, elsewhere base first, files before folders."""
    found = [path for path in folder.iterdir() if is_source(path)]
    if folder == PACKAGE:
        order = ["__init__", "__main__", *(name for row in layer_rows() for name in names_in(row))]
        return sorted(found, key=lambda path: (order.index(path.stem), path.name))
    return sorted(found, key=lambda path: (path.is_dir(), path.stem != "base", path.name))


def is_source(path: Path) -> bool:
    if path.name == "__init__.py":
        return path.parent == PACKAGE
    return path.suffix == ".py" or (path / "__init__.py").is_file()


def line(path: Path, depth: int) -> str:
    name = "  " * depth + path.name + "/" * path.is_dir()
    return f"{name:<{WIDTH}} {caption(path / '__init__.py' if path.is_dir() else path)}"


def caption(module: Path) -> str:
    """A module's first line."""
    return (ast.get_docstring(ast.parse(module.read_text(encoding="utf-8"))) or "").partition("\n")[0]


def layer_rows() -> list[str]:
    """The rows of the contract on import layers, the highest first."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    contracts = settings["tool"]["importlinter"]["contracts"]
    return next(one["layers"] for one in contracts if one["type"] == "layers" and one.get("exhaustive"))


def names_in(row: str) -> list[str]:
    """The names of "a", "a | b", "a : b" and "(a) : (b)"."""
    return [name.strip("() ") for name in row.replace("|", ":").split(":")]


def layer_table() -> str:
    """The import layers, a line each, the highest first."""
    return fenced("\n".join(layer_rows()))
