"""Block, Line, Table and Column: the elements of a result, independent of its output format."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, is_dataclass
from typing import Any, Literal

WIDE_LABEL = 9
"""Width of the label "verdict", to which "saved" and "next" are aligned."""
Align = Literal["left", "right"]


@dataclass(frozen=True)
class Column:
    """One column of a table; numbers are formatted only when they are written.

    Attributes:
        title: The column's title.
        values: One value per row: text, a number, a shape, a ``SeedSummary``, an ``Effect``; None where there is none.
        what: The metric of the values, which decides their format; "verdict" for the verdict of an effect.
        group: A title over neighbouring columns that share it.
        align: Alignment; right for numbers.
        is_key: Whether it names the row, and is repeated where a table is split.
        may_drop: Whether it may be left out where the table is too wide; never for results.
    """

    title: str
    values: Sequence[Any]
    what: str = ""
    group: str = ""
    align: Align = "right"
    is_key: bool = False
    may_drop: bool = False


@dataclass(frozen=True)
class Table:
    """Columns of equal length.

    Attributes:
        columns: The columns.
        num_seeds: Numbers of seeds behind its values, where these are texts that do not hold them.
    """

    columns: Sequence[Column]
    num_seeds: Sequence[int] = ()

    @property
    def rows(self) -> list[tuple[Any, ...]]:
        """The values, row by row."""
        return list(zip(*(column.values for column in self.columns), strict=True))


@dataclass(frozen=True)
class Line:
    """One line of text.

    Attributes:
        text: A sentence, facts between " · ", or a command.
        label: A word before it, such as "saved"; the texts of a block's lines are aligned behind their labels.
        is_command: Whether it can be copied into a shell.
        remark: The purpose of a command, written behind it.
        is_paragraph: Whether it is a paragraph for a paper.
        verdict: The verdict that its label tells in capitals.
    """

    text: str
    label: str = ""
    is_command: bool = False
    remark: str = ""
    is_paragraph: bool = False
    verdict: str = ""


@dataclass(frozen=True)
class Block:
    """A section of a report: a heading, a table, lines and a picture, in this order.

    Attributes:
        heading: The section's subject.
        table: The numbers.
        lines: Their meaning, and next steps.
        figure: Path of a picture.
        is_joined: Whether no empty line separates it from the block before.
        indent: Number of spaces before its lines.
        label_width: Least width of labels, by which several blocks are aligned.
    """

    heading: str = ""
    table: Table | None = None
    lines: Sequence[Line] = ()
    figure: str = ""
    is_joined: bool = False
    indent: int = 0
    label_width: int = 0


def keys(title: str, values: Sequence[Any], **options: Any) -> Column:
    """Return a column that names the rows."""
    return Column(title, values, align="left", is_key=True, **options)


def words(title: str, values: Sequence[Any], **options: Any) -> Column:
    """Return a column of words."""
    return Column(title, values, align="left", **options)


def as_lines(texts: Sequence[str], label: str = "") -> list[Line]:
    """Return a line per text, with the label before the first."""
    return [Line(text, "" if i else label) for i, text in enumerate(texts)]


def block_mapping(block: Block) -> dict[str, Any]:
    """Return a block for JSON: values without formatting, empty fields left out."""
    table = block.table and [_column_mapping(column) for column in block.table.columns]
    lines = [{key: found for key, found in asdict(line).items() if found} for line in block.lines]
    fields = {"heading": block.heading, "columns": table, "lines": lines, "figure": block.figure}
    return {key: found for key, found in fields.items() if found}


def _column_mapping(column: Column) -> Mapping[str, Any]:
    values = [
        asdict(value) if is_dataclass(value) and not isinstance(value, type) else value for value in column.values
    ]
    named = {"title": column.title, "group": column.group, "what": column.what}
    return {key: found for key, found in named.items() if found or key == "title"} | {"values": values}
