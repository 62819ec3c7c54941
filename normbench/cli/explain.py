"""normbench explain: explain a part with numbers, or a setting."""

import re
from typing import TYPE_CHECKING, Annotated

import typer

from normbench.cli._format import AsJson, Format, chosen_format, print_result

if TYPE_CHECKING:
    from normbench.inspection.explain.names import Page

GROUP = "Your network"
PLACE = 4


def command(
    name: Annotated[
        str | None, typer.Argument(help="A part, a setting or a key of a study; all names if none.")
    ] = None,
    shape: Annotated[
        str | None,
        typer.Option("--shape", metavar="N,C,H,W", help="Batch, channels, positions of a norm: 32,64,14,14 if none."),
    ] = None,
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="A setting of the norm or weight parametrization."),
    ] = None,
    by_hand: Annotated[
        bool, typer.Option("--by-hand", help="Compute single numbers step by step, by their formulas.")
    ] = False,
    format_: Format = None,
    json_: AsJson = False,
) -> None:
    """Explain a part, a setting or a key of a study.

    Parts are norms, weight parametrizations, models, datasets, optimizers and schedules. Norms and weight
    parametrizations are built and measured: what they average, learn and ignore, an example with numbers, the paper;
    norms with running statistics also make two steps of training. --by-hand computes single numbers line by line. A
    setting's page has its type, default and meaning, where it is written, and a line of YAML. A word that means several
    things gets all its pages.

    Example: normbench explain group_norm --shape 32,64,14,14 --set num_groups=4
    """
    from normbench.report.blocks.explain.pages import explain_blocks
    from normbench.report.pages.documents.explain import DOCUMENT
    from normbench.report.pages.formats.base import Result
    from normbench.report.pages.json_text import blocks_mapping
    from normbench.report.terminal.console import make_console
    from normbench.report.terminal.render import print_blocks

    chosen = chosen_format(format_, json=json_)
    pages = _pages(name, _read_shape(shape), set_ or [], by_hand=by_hand)
    blocks = explain_blocks(pages)
    if chosen:
        content = {"pages": pages, "blocks": blocks_mapping(blocks)}
        print_result(Result(DOCUMENT, lambda: content, lambda: [blocks]), chosen)
    else:
        print_blocks(make_console(), blocks)


def _pages(name: str | None, shape: tuple[int, ...] | None, assignments: list[str], *, by_hand: bool) -> "list[Page]":
    from normbench.cli._torch import import_torch

    import_torch()
    from normbench.inspection.explain.names import (
        find_pages,
        overview,
        refuse_assignments,
        refuse_unused,
        unfinished_parts,
    )

    if name is None:
        refuse_assignments(name, assignments)
        refuse_unused(name, set(), shape, by_hand=by_hand)
        for _, line in unfinished_parts():
            typer.echo(line, err=True)
        return [overview()]
    return find_pages(name, shape, assignments, by_hand=by_hand)


def _read_shape(text: str | None) -> tuple[int, ...] | None:
    from normbench.errors import ConfigError

    if text is None:
        return None

    sizes = text.split(",")
    if not all(re.fullmatch(r"0*[1-9][0-9]{0,5}", size.strip()) for size in sizes) or not 2 <= len(sizes) <= 5:
        rule = "must be N,C or N,C,L or N,C,H,W or N,C,D,H,W in whole numbers"
        raise ConfigError([f"--shape {text}: {rule}, got {text!r}. Example: --shape 32,64,14,14"])
    return tuple(int(size) for size in sizes)
