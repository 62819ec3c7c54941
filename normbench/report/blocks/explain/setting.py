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
    """Return the page of one variant that is not measured; ``found`` is a VariantPage as nested mappings."""
    labels = {"good_for": "use it", "bad_for": "not", "example": "example", "source": "source"}
    lines = [Line(found[key], label) for key, label in labels.items() if found[key]]
    return [
        caption_block(f"{found['name']} · {found['part']}", found),
        settings_block(found["settings"]),
        Block(lines=[*lines, Line("docs/parts.md", "more")], label_width=LABEL_WIDTH),
    ]
