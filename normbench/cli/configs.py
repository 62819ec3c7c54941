"""normbench configs: list the configs that normbench ships, and copy one."""

from typing import TYPE_CHECKING, Annotated

import typer

from normbench.cli._completion import shipped_words

if TYPE_CHECKING:
    from normbench.report.blocks.block import Block
    from normbench.storage.shipped_list import ShippedConfig

GROUP = "Folders"
PLACE = 4


def command(
    words: Annotated[
        list[str] | None,
        typer.Argument(metavar="WORD", help="Only those with it in name, question or parts; all if none."),
    ] = None,
    copy: Annotated[
        str | None,
        typer.Option(
            "--copy",
            metavar="NAME",
            autocompletion=shipped_words,
            help="Write one into this folder, as init NAME does.",
        ),
    ] = None,
) -> None:
    """List the configs that normbench ships, each with its question.

    Their names stand for files in run, claims, probe and init; a file of that name in this folder wins. Several words
    must all occur.

    Example: normbench configs group_norm
    """
    if copy is not None:
        from normbench.cli.init import command as init

        init(copy)
        return
    from normbench.report.terminal.console import make_console
    from normbench.report.terminal.render import print_blocks
    from normbench.storage.shipped_list import find_shipped

    print_blocks(make_console(), _blocks(find_shipped(words or [])))


def _blocks(found: "list[ShippedConfig]") -> "list[Block]":
    """Return a line for each config, then what can be done with one."""
    from normbench.report.blocks.block import Block, Line

    listed = Block(lines=[Line(config.question, config.name) for config in found])
    name = found[0].name
    run = Line(f"normbench run {name}", "run it", is_command=True)
    copied = Line(f"normbench configs --copy {name}", "copy it", is_command=True)
    return [listed, Block(lines=[run, copied])]
