"""Tables of any width: no cell is lost or cut, no word or number broken, and no line is wider than it need be."""

from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len

from normbench.report.blocks.block import Column, Table, keys, words
from normbench.report.blocks.value_text import value_text
from normbench.report.terminal.layout import table_rows
from normbench.report.terminal.wrapping import longest_piece, pieces

WORDS = st.lists(
    st.sampled_from(
        [
            "norm=batch_norm,optimizer.lr=0.001",
            "61,610",
            "+4.6 [+2.1, +7.0]",
            "98.2 %",
            "a",
            "runs/lenet_bn/seed-0",
            "model.norm_settings.num_groups",
            "表示",
            "cannot tell",
            "x" * 30,
            "3.2e-14",
            "1/2",
            "[0.5, 1.5] %",
        ]
    ),
    min_size=1,
    max_size=4,
).map(" ".join)
NUMBERS = st.sampled_from([0.5, 61610, 1e-7, None, "+4.6 [+2.1, +7.0]", 123456.789])
TITLES = st.sampled_from(
    ["norm", "test loss", "better in seeds", "optimizer.weight_decay", "x", "training.loss of all"]
)


@st.composite
def tables(draw):
    num_rows, num_columns = draw(st.integers(1, 3)), draw(st.integers(1, 6))
    columns = []
    for i in range(num_columns):
        kind = draw(st.sampled_from(["key", "words", "number"])) if i else "key"
        cells = draw(st.lists(NUMBERS if kind == "number" else WORDS, min_size=num_rows, max_size=num_rows))
        make = {"key": keys, "words": words, "number": Column}[kind]
        columns.append(make(draw(TITLES), cells, group=draw(st.sampled_from(["", "", "weight"]))))
    return Table(columns)


def texts_of(table):
    """The text of every cell, and of every title that is shown."""
    cells = [value_text(value, column.what) for column in table.columns for value in column.values]
    return [*cells, *(text for column in table.columns for text in (column.title, column.group) if text)]


@settings(max_examples=60, deadline=None)
@given(table=tables(), width=st.integers(12, 120))
def test_no_line_is_wider_than_the_terminal_unless_a_word_is(table, width):
    widest = max(cell_len(text) for text, _ in table_rows(table, width))
    assert widest <= max(width, *map(longest_piece, texts_of(table)))


@settings(max_examples=60, deadline=None)
@given(table=tables(), width=st.integers(12, 120))
def test_no_letter_is_lost_and_every_word_and_number_is_whole_in_a_line(table, width):
    lines, texts = [text for text, _ in table_rows(table, width)], texts_of(table)
    shown = Counter("".join(lines).replace(" ", ""))
    groups = [column.group for column in table.columns]
    said = Counter("".join(text for text in texts if text not in groups).replace(" ", ""))
    assert said <= shown
    for piece in (piece for text in texts for piece in pieces(text)):
        assert any(piece in line for line in lines), piece


@settings(max_examples=20, deadline=None)
@given(width=st.integers(20, 60))
def test_a_wide_table_goes_on_below_with_its_first_column_again(width):
    table = Table([keys("norm", ["none", "batch_norm"]), *(Column(f"loss {i}", [i + 0.5, 1.0]) for i in range(9))])
    lines = [text for text, _ in table_rows(table, width)]
    firsts = [line.split()[0] for line in lines if line.startswith(("none", "batch_norm"))]
    assert firsts == ["none", "batch_norm"] * (len(firsts) // 2)
    assert sum(line.startswith("norm") for line in lines) == len(firsts) // 2
    told = [word for line in lines for word in line.split() if word.replace(".", "").isdigit() and "." in word]
    assert told.count("8.50") == 1


@settings(max_examples=20, deadline=None)
@given(width=st.integers(34, 51))
def test_only_the_first_name_is_repeated_where_all_have_no_room(width):
    named = [keys(title, ["a" * 14, "b" * 14]) for title in ("norm", "model", "dataset")]
    lines = [text for text, _ in table_rows(Table([*named, Column("loss", [0.5, 0.25])]), width)]
    assert max(map(len, lines)) <= width
    heads = [line for line in lines if line.startswith("norm")]
    assert len(heads) == sum(line.startswith("a" * 14) for line in lines) > 1
    assert " ".join(lines).count("0.250") == 1


def test_what_has_no_room_beside_its_name_stands_below_it():
    table = Table([keys("arm", ["a_very_long_name"]), Column("interval", ["+4.6 [+2.1, +7.0]"])])
    assert [text for text, _ in table_rows(table, 20)] == [
        "arm",
        "  interval",
        "a_very_long_name",
        "  +4.6 [+2.1, +7.0]",
    ]
