"""Writes the pages of `normbench explain` for a name, or the list of all names."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from normbench.report.blocks.block import Block, Line
from normbench.report.blocks.explain.norm import all_norms_blocks, norm_blocks
from normbench.report.blocks.explain.regularizer import regularizer_blocks
from normbench.report.blocks.explain.setting import choices_blocks, setting_blocks, variant_blocks
from normbench.report.blocks.explain.weights import weight_parametrization_blocks

SHORT = {"weight_parametrization": "weights"}
"""Labels of parts whose names would leave the lists of names too little room."""


def explain_blocks(pages: Sequence[Mapping[str, Any]]) -> list[Block]:
    """Return all pages; the ``kind`` of a page decides how it is written."""
    return [block for page in pages for block in BLOCKS[page["kind"]](page)]


def overview_blocks(found: Mapping[str, Any]) -> list[Block]:
    """Return all names by kind."""
    parts = [Line(", ".join(names), SHORT.get(key, key)) for key, names in found["parts"].items()]
    settings = [Line(", ".join(names), kind) for kind, names in found["settings"].items()]
    asked = [
        Line("normbench explain batch_norm", "a part", is_command=True, remark="with its settings"),
        Line("normbench explain norm", "a key", is_command=True, remark="or a setting: optimizer.lr, or lr alone"),
    ]
    return [Block(heading="What can be explained", lines=[*parts, *settings]), Block(lines=asked)]


BLOCKS: Mapping[str, Callable[[Mapping[str, Any]], list[Block]]] = {
    "norm": norm_blocks,
    "weight_parametrization": weight_parametrization_blocks,
    "variant": variant_blocks,
    "regularizer": regularizer_blocks,
    "setting": setting_blocks,
    "choices": choices_blocks,
    "all_norms": all_norms_blocks,
    "overview": overview_blocks,
}
