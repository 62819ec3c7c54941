"""normbench audit: list the norms of your own network, and what becomes of them in each arm."""

from pathlib import Path
from typing import Annotated

import typer

from normbench.cli._format import AsJson, Format, chosen_format, print_result

GROUP = "Your network"
PLACE = 2


def command(
    config: Annotated[Path, typer.Argument(readable=False, metavar="CONFIG", help="A study file with model: own.")],
    set_: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Change a setting of every arm.")
    ] = None,
    details: Annotated[bool, typer.Option("--details", help="A row for each norm, with its whole path.")] = False,
    format_: Format = None,
    json_: AsJson = False,
) -> None:
    """List the norms of your own network, and what becomes of them.

    A table for each arm whose norms are replaced: calls of a pass, shape with the channels in brackets, settings taken
    over, groups and their size; then what is left as it is, and whether normbench's norms of the same kinds give the
    very same bits.

    Example: normbench audit my_study.yaml --details
    """
    from normbench.cli._torch import import_torch
    from normbench.report.blocks.audit import audit_blocks
    from normbench.report.blocks.block import Block, as_lines
    from normbench.report.pages.documents.audit import DOCUMENT
    from normbench.report.pages.formats.base import Result
    from normbench.report.pages.json_text import blocks_mapping
    from normbench.report.terminal.console import make_console
    from normbench.report.terminal.render import print_blocks
    from normbench.storage.files.yaml_file import read_study_file

    chosen = chosen_format(format_, json=json_)
    read_study_file(config)  # a mistyped path is told before torch is imported
    import_torch()
    from normbench.study.audits import study_audits
    from normbench.study.load import load_study

    study = load_study(config, set_=set_ or [])
    found = [one.as_mapping() for one in study_audits(study)]
    blocks = audit_blocks(found, details=details)
    if not found:
        rule = "its networks are normbench's own, built with the norm that is named: nothing is swapped"
        blocks = [Block(lines=as_lines([f"{study.name}: {rule}. normbench probe {config} shows them."]))]
    if chosen:
        content = {"study": study.name, "audits": found, "blocks": blocks_mapping(blocks)}
        print_result(Result(DOCUMENT, lambda: content, lambda: [blocks]), chosen)
    else:
        print_blocks(make_console(), blocks)
