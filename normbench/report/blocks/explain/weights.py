"""Writes the page of a weight parametrization."""

from collections.abc import Mapping
from typing import Any

from normbench.report.blocks.block import Block, Column, Line, Table, keys
from normbench.report.blocks.explain.by_hand import by_hand_blocks
from normbench.report.blocks.explain.norm import tensors_text
from normbench.report.blocks.explain.parts import (
    LABEL_WIDTH,
    caption_block,
    example_lines,
    settings_block,
    source_lines,
)
from normbench.report.blocks.numbers import short


def weight_parametrization_blocks(found: Mapping[str, Any]) -> list[Block]:
    """Return the page of one weight parametrization; ``found`` is a WeightExplanation as nested mappings."""
    lines = [
        Line(found["formula"], "formula"),
        Line(tensors_text(found["learned"]), "learned"),
        Line(", ".join(found["unchanged_by"]) or "nothing that is done to v", "unchanged by"),
        *example_lines(found["example"], "three filters of four weights -> the weight after v was doubled"),
    ]
    return [
        caption_block(f"{found['name']} · weight parametrization", found),
        settings_block(found["settings"]),
        Block(lines=lines, label_width=LABEL_WIDTH),
        *by_hand_blocks(found["by_hand"]),
        _figures_block(found),
        Block(lines=source_lines(found), label_width=LABEL_WIDTH),
    ]


def _figures_block(found: Mapping[str, Any]) -> Block:
    rows = found["figures"]
    columns = [
        keys("weight", [row["what"] for row in rows]),
        Column("std", [row["std"] for row in rows]),
        Column("filters' mean", [_range(row["mean"]) for row in rows]),
        Column("filters' std", [_range(row["filter_std"]) for row in rows]),
        Column("singular value", [row["largest_singular_value"] for row in rows]),
    ]
    return Block(heading=f"measured on {found['layer']}", table=Table(columns))


def _range(ends: tuple[float, float]) -> str:
    return f"{short(ends[0])} to {short(ends[1])}"
