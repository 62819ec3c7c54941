"""The option --format and those that are short for its values; prints what a command shows in the format asked for."""

import shlex
import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from normbench.report.pages.formats.base import Result

METAVAR = "json|csv|markdown|latex"
Format = Annotated[
    str | None,
    typer.Option("--format", metavar=METAVAR, help="For programs, pages and papers; --json is short for json."),
]
AsJson = Annotated[bool, typer.Option("--json", hidden=True, help="The same as --format json.")]
AsCsv = Annotated[bool, typer.Option("--csv", hidden=True, help="The same as --format csv.")]
AsMarkdown = Annotated[bool, typer.Option("--markdown", hidden=True, help="The same as --format markdown.")]


def chosen_format(asked: str | None, **short: bool) -> str:
    """Return the format that options ask for; "" for the terminal, and then nothing of formats is loaded."""
    if asked is None and not any(short.values()):
        return ""
    from normbench.report.pages.formats.base import chosen_format

    return chosen_format(asked, **short)


def print_result(result: "Result", chosen: str) -> None:
    """Print what a command shows in a format."""
    from normbench.report.pages.formats.base import write_result

    typer.echo(write_result(replace(result, command=typed_command()), chosen), nl=False)


def typed_command() -> str:
    """Return the command as it was typed, without the path of the program."""
    return shlex.join(["normbench", *sys.argv[1:]])
