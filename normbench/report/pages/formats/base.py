"""Result: what a command shows, for the formats to write; finds these, and the one that a command's options ask for."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from normbench.errors import ConfigError, known_names
from normbench.report.blocks.block import Block
from normbench.report.pages.documents.base import Document
from normbench.storage.files.part_files import Parts, import_parts, require_function

Write = Callable[["Result"], str]
CsvRow = Mapping[str, Any]


@dataclass(frozen=True)
class Result:
    """What a command shows. Each part is made when a format asks for it.

    Attributes:
        document: Which JSON it is.
        content: Makes the content of the JSON: an object, or a list of them.
        pages: Makes the blocks, a list for each study.
        rows: Makes the lines of the CSV; None where these are the rows of the blocks' tables.
        command: The command that shows it, as it was typed.
    """

    document: Document
    content: Callable[[], Any]
    pages: Callable[[], Sequence[Sequence[Block]]]
    rows: Callable[[], Sequence[CsvRow]] | None = None
    command: str = "normbench"


def joined(document: Document, results: Sequence[Result]) -> Result:
    """Return several results as one, of which the JSON is a list."""
    return Result(
        document,
        lambda: [result.content() for result in results],
        lambda: [page for result in results for page in result.pages()],
        lambda: [row for result in results for row in (result.rows or list)()],
    )


def find_formats() -> dict[str, Write]:
    """Import every file of this folder and return its function ``write`` by the file's name."""
    return _parts().found


@cache
def _parts() -> Parts[Write]:
    package = __name__.rpartition(".")[0]
    return import_parts(package, lambda module, _: require_function(module, "write"))  # type: ignore[arg-type,return-value]


def chosen_format(asked: str | None, **short: bool) -> str:
    """Return the format that options ask for; "" for the terminal.

    Args:
        asked: The value of ``--format``.
        short: Whether each option that is short for a format is given, such as ``json`` for ``--json``.

    Raises:
        ConfigError: There is no such format, or more than one is asked for.
    """
    known = find_formats()
    if asked is not None and asked not in known:
        line = f"--format {asked}: must be a known format, got {asked!r}. {known_names(asked, known, 'Formats')}"
        raise ConfigError([line, *_parts().unfinished.values()])
    names = [name for name, is_given in short.items() if is_given]
    found = dict.fromkeys([*([] if asked is None else [asked]), *names])
    if len(found) > 1:
        options = [*([f"--format {asked}"] if asked else []), *(f"--{name}" for name in names)]
        raise ConfigError([f"{' '.join(options)}: must be one format, got {len(found)}. Leave one out."])
    return next(iter(found), "")


def write_result(result: Result, chosen: str) -> str:
    """Return what a command shows in a format, with a line break at its end."""
    return find_formats()[chosen](result).rstrip("\n") + "\n"
