"""Writes the page of a setting or a study's key, and of a model, dataset or optimizer."""

from collections.abc import Mapping
from typing import Any

from normbench.report.blocks.block import Block, Line
from normbench.report.blocks.explain.parts import LABEL_WIDTH, caption_block, settings_block


def setting_blocks(found: Mapping[str, Any]) -> list[Block]:
    """Return the page of one setting; ``found`` is a SettingPage as a mapping."""
    first, *others = found["example"]
    lines = [
        Line(found["meaning"], "meaning"),
        Line(found["type"], "takes"),
        Line(found["default"], "default"),
        Line(found["where"], "written"),
        Line(first, "example"),
        *(Line(text) for text in others),
        Line(found["docs"], "more"),
    ]
    kind = "key" if found["belongs_to"] == "a study" else "setting"
    heading = f"{found['key']} · {kind} of {found['belongs_to']}"
    return [Block(heading=heading, lines=lines, label_width=LABEL_WIDTH)]


def choices_blocks(found: Mapping[str, Any]) -> list[Block]:
    """Return a line for each key that is allowed below a key."""
    return [settings_block(found["choices"], f"under {found['key']}:")]


def variant_blocks(found: Mapping[str, Any]) -> list[Block]:
    """Return the page of one model, dataset or optimizer; ``found`` is a VariantPage as nested mappings."""
    lines = [Line(found["example"], "example"), Line(found["source"], "source"), Line("docs/parts.md", "more")]
    return [
        caption_block(f"{found['name']} · {found['part']}", found),
        settings_block(found["settings"]),
        Block(lines=lines, label_width=LABEL_WIDTH),
    ]
