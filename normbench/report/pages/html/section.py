"""Section: a part of a page with a heading; what stands in it: blocks, charts, folded parts, texts to copy."""

from collections.abc import Iterable, Sequence
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
class ChartsPart:
    """Charts side by side, which name themselves: the markup of each, in which all text of files is escaped."""

    kind: ClassVar[str] = "charts"
    svgs: Sequence[str]


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


Part = BlockPart | ChartsPart | CopyPart | FoldedPart


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


def charts_parts(svgs: Iterable[str]) -> list[Part]:
    """Return the charts that show something as one part; nothing where none does."""
    drawn = [svg for svg in svgs if svg]
    return [ChartsPart(drawn)] if drawn else []


def block_parts(blocks: Sequence[Block], caption: str = "") -> list[Part]:
    """Return a part for each block."""
    return [BlockPart(block, caption) for block in blocks]
