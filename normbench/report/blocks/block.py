"""Block, Line, Table and Column: what a result is made of, whatever it is printed on."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, is_dataclass
from typing import Any, Literal

WIDE_LABEL = 9
"""As "verdict" takes, which stands beside "saved" and "next"."""
Align = Literal["left", "right"]


@dataclass(frozen=True)
class Column:
    """One column of a table; numbers stay numbers until they are written.

    Attributes:
        title: Its name.
        values: One per row: text, a number, a shape, a ``Figure`` over seeds, an ``Effect``; None where there is none.
        what: The metric that the values are of, which decides how they are written; "verdict" writes an effect's.
        group: A title over neighbours that share it.
        align: Numbers are flush right.
        is_key: It names the row, and is repeated where a table is told in several parts.
        may_drop: It is left out where there is no room; never of a figure that a run was made for.
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
    """Columns of equal length."""

    columns: Sequence[Column]

    @property
    def rows(self) -> list[tuple[Any, ...]]:
        """The values, row by row."""
        return list(zip(*(column.values for column in self.columns), strict=True))


@dataclass(frozen=True)
class Line:
    """One line of text.

    Attributes:
        text: A sentence, facts between " · ", or a command.
        label: Stands before it: "saved", "why"; lines of a block are aligned behind their labels.
        is_command: It can be copied into a shell as it stands.
        remark: What the command is for, behind it.
    """

    text: str
    label: str = ""
    is_command: bool = False
    remark: str = ""


@dataclass(frozen=True)
class Block:
    """Something that is told together: a heading, a table, lines and a figure, in this order.

    Attributes:
        heading: What it is about.
        table: Figures.
        lines: What they mean, and what to do.
        figure: Path of a picture.
        is_joined: It belongs to the block before it: no empty line between them.
        indent: Columns by which its lines are indented.
        label_width: Columns that labels take at least, so that those of several blocks are aligned.
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
    """Return a line per text; the label stands before the first."""
    return [Line(said, "" if i else label) for i, said in enumerate(texts)]


def block_mapping(block: Block) -> dict[str, Any]:
    """Return a block as JSON has it: values as they are, nothing that is empty."""
    table = block.table and [_column_mapping(column) for column in block.table.columns]
    lines = [{key: found for key, found in asdict(line).items() if found} for line in block.lines]
    told = {"heading": block.heading, "columns": table, "lines": lines, "figure": block.figure}
    return {key: found for key, found in told.items() if found}


def _column_mapping(column: Column) -> Mapping[str, Any]:
    values = [
        asdict(value) if is_dataclass(value) and not isinstance(value, type) else value for value in column.values
    ]
    named = {"title": column.title, "group": column.group, "what": column.what}
    return {key: found for key, found in named.items() if found or key == "title"} | {"values": values}
