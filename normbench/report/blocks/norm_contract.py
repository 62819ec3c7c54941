"""Writes what was measured of a norm: a line for each property, faults marked."""

from collections.abc import Mapping, Sequence
from typing import Any

from normbench.report.blocks.block import Block, Line, Table, keys, words

FAULT = "!"
"""Marks a property that training relies upon and the norm does not have."""
WIDTH = 80
"""Of a line; a longer figure is cut, since JSON holds all of it."""


def norm_contract_block(name: str, shape: Sequence[int], properties: Sequence[Mapping[str, Any]]) -> Block:
    """Return a heading and a line per property.

    Args:
        name: The norm as the user named it.
        shape: (C, *) of the samples it was measured on.
        properties: Each with name, holds, figure and is_fault.
    """
    behind = max(len(one["name"]) for one in properties) + 2
    lines = [Line(_cut(f"{_mark(one)} {one['name']:<{behind}}{_answer(one)}")) for one in properties]
    faults = sum(one["is_fault"] for one in properties)
    told = f"{faults} marked {FAULT}, to be mended" if faults else "it can be trained with"
    return Block(f"{name} · samples of {'x'.join(map(str, shape))} · {told}", lines=lines)


def norm_contract_table(properties: Sequence[Mapping[str, Any]]) -> Table:
    """Return a row per property, as ``norm_contract_block`` has lines."""
    named = keys("property", [one["name"] for one in properties])
    faults = words("to be mended", [FAULT if one["is_fault"] else "" for one in properties])
    return Table([named, *(words(key, [one[key] for one in properties]) for key in ("holds", "figure")), faults])


def _mark(one: Mapping[str, Any]) -> str:
    return FAULT if one["is_fault"] else " "


def _answer(one: Mapping[str, Any]) -> str:
    return ": ".join(part for part in (one["holds"], one["figure"]) if part)


def _cut(text: str) -> str:
    return text.rstrip() if len(text) <= WIDTH else f"{text[: WIDTH - 4].rpartition(' ')[0].rstrip(' ,:')} ..."
