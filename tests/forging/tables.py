"""Forges CSV files: odd cells, columns missing, doubled, renamed and reordered, ragged rows, no rows, no table."""

import csv
import io

from forging.forgery import a_file, forgery, texts
from hypothesis import strategies as st

CELLS = [
    "",
    "x",
    "inf",
    "-inf",
    "nan",
    "1e400",
    "-1",
    "0",
    " 1",
    "1_0",
    "9" * 5_000,
    "1,2",
    '"',
    "\x00",
    "\x1b[2J",
    "1\n2",
]
NO_TABLE = [b"", b"\n", b"\n\n\n", b"\0" * 30, b"\xff\xfe", b'"', b'step,"a\n', b"step\n", b"step\r0\r", b"x" * 200_000]
NO_TABLE += [b"step,step\n0,0\n", b"," * 3_000 + b"\n", b"\xef\xbb\xbfstep\n0\n", b"step\n" + b"0\n" * 20_000]
cells = st.sampled_from(CELLS) | texts


def a_table(draw):
    """Draw a CSV file; return its path and its lines, or None and none."""
    path = a_file(draw, ".csv")
    try:
        lines = list(csv.reader(io.StringIO(path.read_text(encoding="utf-8"))))
    except (AttributeError, ValueError, csv.Error):  # forged before
        return None, []
    return (path, lines) if len(lines) > 1 and len(lines[0]) > 1 else (None, [])


def write(path, lines):
    """Write lines of cells as CSV."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(lines)
    path.write_bytes(text.getvalue().encode("utf-8", "surrogatepass"))


@forgery(weight=3)
def a_cell(draw):
    path, lines = a_table(draw)
    if path is None:
        return ""
    row = draw(st.integers(0, len(lines) - 1), label="row")
    column = draw(st.integers(0, max(len(lines[row]) - 1, 0)), label="column")
    lines[row][column : column + 1] = [draw(cells)]
    write(path, lines)
    return f"{path} line {row} cell {column} is {lines[row][column]!r:.40}"


@forgery(weight=2)
def a_column(draw):
    path, lines = a_table(draw)
    if path is None:
        return ""
    at = draw(st.integers(0, len(lines[0]) - 1), label="column")
    how = draw(st.sampled_from(["gone", "doubled", "first", "last", "odd", "empty"]))
    name = lines[0][at]
    for i, line in enumerate(lines):
        cell = line[at] if at < len(line) else ""
        rest = [*line[:at], *line[at + 1 :]]
        odd = "" if how == "empty" else draw(cells) if i < 3 else "x"
        forged = {"gone": rest, "doubled": [*line, cell], "first": [cell, *rest], "last": [*rest, cell]}
        lines[i] = forged.get(how, [*line[:at], odd if i else name, *line[at + 1 :]])
    write(path, lines)
    return f"{path} column {name!r:.40} is {how}"


@forgery
def rows(draw):
    path, lines = a_table(draw)
    if path is None:
        return ""
    row = draw(st.integers(1, len(lines) - 1), label="row")
    how = draw(
        st.sampled_from(["gone", "twice", "short", "long", "header alone", "rows alone", "reversed", "one", "swapped"])
    )
    forged = {
        "gone": [*lines[:row], *lines[row + 1 :]],
        "twice": [*lines, lines[row]],
        "short": [*lines[:row], lines[row][:-1], *lines[row + 1 :]],
        "long": [*lines[:row], [*lines[row], "1"], *lines[row + 1 :]],
        "header alone": lines[:1],
        "rows alone": lines[1:],
        "reversed": [lines[0], *reversed(lines[1:])],
        "one": [lines[0], lines[row]],
        "swapped": [lines[row], *lines[1:]],
    }
    write(path, forged[how])
    return f"{path} row {row} {how}"


@forgery
def no_table(draw):
    path = a_file(draw, ".csv")
    if path is None:
        return ""
    raw = draw(st.sampled_from(NO_TABLE) | st.binary(max_size=30))
    path.write_bytes(raw)
    return f"{path} holds {raw!r:.40}"
