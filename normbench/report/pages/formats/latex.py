"""LaTeX: each table with booktabs and a caption, to be put into a paper; what stands around it as comments."""

from collections.abc import Iterator, Sequence
from importlib.metadata import version
from itertools import groupby

from normbench.report.blocks.block import Block, Column, Table
from normbench.report.blocks.value_text import value_text
from normbench.report.pages.bibtex import bibtex_of
from normbench.report.pages.formats._latex_caption import caption
from normbench.report.pages.formats._latex_text import is_plain, latex_text
from normbench.report.pages.formats.base import Result
from normbench.storage.files.plain_text import one_line

OTHER_LETTERS = "% It has letters that need XeLaTeX or LuaLaTeX, and a font that has them."


def write(result: Result) -> str:
    """Return the tables, each as a ``table`` of its own."""
    body = "\n\n".join(part for page in result.pages() for part in _page(page))
    head = [f"% normbench {version('normbench')}: {one_line(result.command)}", r"% Needs \usepackage{booktabs}."]
    return "\n".join([*head, *([] if is_plain(body) else [OTHER_LETTERS])]) + f"\n\n{body}"


def _page(blocks: Sequence[Block]) -> Iterator[str]:
    """Yield comments, tables and paragraphs in the order of the blocks."""
    title = next((line.text for block in blocks for line in block.lines), "")
    for block in blocks:
        if block.table:
            yield _table(block.table, caption(block.heading or title, block.table))
        elif block.heading:
            yield _comments(block.heading)
        remarks = [f"{line.label} {line.text}".strip() for line in block.lines if not line.is_paragraph]
        yield from ([_comments("\n".join(remarks))] if remarks else [])
        for line in block.lines:
            if line.is_paragraph:
                yield latex_text(line.text)
                yield _comments("BibTeX of what it names:\n" + bibtex_of(line.text).replace("\n\n", "\n"))


def _comments(text: str) -> str:
    return "\n".join(f"% {one_line(line.strip())}" for line in text.split("\n"))


def _table(table: Table, text: str) -> str:
    columns = table.columns
    align = "".join("l" if column.align == "left" else "r" for column in columns)
    cells = [[value_text(value, column.what, with_interval=True) for value in column.values] for column in columns]
    rows = [list(map(latex_text, row)) for row in zip(*cells, strict=True)]
    titles = [latex_text(column.title) for column in columns]
    groups = _groups(columns) if any(column.group for column in columns) else []
    lines = [r"\toprule", *groups, _row(titles), r"\midrule", *map(_row, rows), r"\bottomrule"]
    inner = "\n".join(f"    {line}" for line in lines)
    return (
        "\\begin{table}\n  \\centering\n"
        f"  \\caption{{{text}}}\n  \\begin{{tabular}}{{{align}}}\n{inner}\n  \\end{{tabular}}\n\\end{{table}}"
    )


def _row(cells: Sequence[str]) -> str:
    return f"{' & '.join(cells)} \\\\"


def _groups(columns: Sequence[Column]) -> list[str]:
    """Return the line of group titles, and the rules below them."""
    titles, rules, first = [], [], 1
    for group, members in groupby(columns, key=lambda column: column.group):
        last = first + len(list(members)) - 1
        titles.append(rf"\multicolumn{{{last - first + 1}}}{{c}}{{{latex_text(group)}}}")
        rules += [rf"\cmidrule(lr){{{first}-{last}}}"] if group else []
        first = last + 1
    return [_row(titles), " ".join(rules)]
