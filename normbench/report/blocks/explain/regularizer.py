"""Writes the page of dropout or weight decay."""

from collections.abc import Mapping
from typing import Any

from normbench.report.blocks.block import Block, Column, Line, Table, keys
from normbench.report.blocks.explain.by_hand import by_hand_blocks
from normbench.report.blocks.explain.parts import LABEL_WIDTH


def regularizer_blocks(found: Mapping[str, Any]) -> list[Block]:
    """Return the page of dropout or weight decay: rules, example numbers, notes and the paper."""
    notes = [Line(note, "note") for note in found["notes"]]
    return [
        Block(heading=f"{found['name']} · regularizer", lines=[Line(text, label) for label, text in found["rules"]]),
        Block(heading=found["table"]["caption"], table=_table(found["table"])),
        *by_hand_blocks(found["by_hand"]),
        Block(lines=[*notes, Line(f"{found['paper']}. {found['url']}", "paper")], label_width=LABEL_WIDTH),
    ]


def _table(table: Mapping[str, Any]) -> Table:
    rows = [[_number(number) for number in numbers] for _, numbers in table["rows"]]
    columns = zip(table["columns"], zip(*rows, strict=True), strict=True)
    return Table([keys("", [name for name, _ in table["rows"]]), *(Column(title, values) for title, values in columns)])


def _number(number: float) -> str:
    return f"{number:,.4f}" if abs(number) < 10 else f"{number:,.1f}"
