"""Section: a part of a page with a heading; what stands in it: blocks, charts, folded parts, texts to copy."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from normbench.report.blocks.block import Block


@dataclass(frozen=True)
class BlockPart:
    """A block as the terminal shows it; its table may be split in two, the second part folded.

    Attributes:
        block: The block.
        caption: What its table holds.
        max_rows: Most rows of the table that are not folded.
    """

    kind: ClassVar[str] = "block"
    block: Block
    caption: str = ""
    max_rows: int | None = None


@dataclass(frozen=True)
class ChartPart:
    """A chart.

    Attributes:
        svg: Its markup, made by normbench, in which all text of files is escaped.
        caption: What it shows.
    """

    kind: ClassVar[str] = "chart"
    svg: str
    caption: str = ""


@dataclass(frozen=True)
class CopyPart:
    """Text to copy as it is: commands, BibTeX."""

    kind: ClassVar[str] = "copy"
    text: str
    caption: str = ""


@dataclass(frozen=True)
class FoldedPart:
    """Parts that are shown on a click."""

    kind: ClassVar[str] = "folded"
    summary: str
    parts: "Sequence[Part]"


Part = BlockPart | ChartPart | CopyPart | FoldedPart


@dataclass(frozen=True)
class Section:
    """A part of a page.

    Attributes:
        name: Its anchor in the page's address.
        heading: Its heading.
        parts: What stands in it, from top to bottom.
    """

    name: str
    heading: str
    parts: Sequence[Part]


def block_parts(blocks: Sequence[Block], caption: str = "") -> list[Part]:
    """Return a part for each block."""
    return [BlockPart(block, caption) for block in blocks]
