"""CSV tables: every mistake is told at once, each in one line with its line, its column and the way out."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from parts.finite_data.csv_tables import GAPS, csv_refusals, table, usual, with_cell, with_first
from parts.finite_data.reading_files import refusals, written

from normbench.finite_data.tables.cells import has_leading_zeros, is_number, numbers_of

FULL_WIDTH = "\uff11\uff12"
NOT_NUMBERS = [
    *("NA", "nan", "inf", "-inf", "1_000", "0x1f", FULL_WIDTH, "1e", "--1", "1 000", "?", "12%", "1;5", "true"),
]


def test_all_mistakes_of_a_file_are_told_with_line_and_column():
    """BOM, semicolons, decimal commas in one column and a question mark in another."""
    text = "\ufeffa;b;c;ill\n" + "".join(
        f"1{i},5;{i * 0.5};{'?' if i == 7 else i * 3 % 17};{'no' if i % 2 else 'yes'}\n" for i in range(20)
    )
    assert csv_refusals(text) == [
        (
            "delimiter: data.csv:1: must be what separates columns, the line has one cell, got ','. "
            "It may be ';': say delimiter: ';'."
        ),
        (
            "file: data.csv:2: column 1 'a' must have a point in numbers, it has a comma, got '10,5'. "
            "Save it with decimal points."
        ),
        (
            "file: data.csv:9: column 3 'c' must hold numbers, 1 row has none, got '?'. "
            "Say missing: {values: ['?'], fill: median}, or categories: [c]."
        ),
    ]


@pytest.mark.parametrize("value", NOT_NUMBERS)
def test_what_python_or_pandas_may_take_for_a_number_is_refused_with_its_line(value):
    (line,) = csv_refusals(with_cell(value))
    assert line.startswith("file: data.csv:7: column 1 'size' must hold numbers, 1 row has none, got ")
    assert "Say missing:" in line


@pytest.mark.parametrize("value", ["1", "-1.5", "+.5", "1.", "1e-3", "1E+3", " 2 ", '"3"'])
def test_numbers_in_other_spellings_are_read(value):
    assert csv_refusals(with_cell(value)) == []


@given(st.floats(allow_nan=False, allow_infinity=False, allow_subnormal=False), st.integers(-(10**20), 10**20))
@settings(max_examples=60, deadline=None)
def test_whatever_python_writes_is_a_number(number, whole):
    assert is_number(repr(number))
    assert is_number(str(whole))
    assert numbers_of([repr(number), str(whole)]) == [number, float(whole)]
    assert not has_leading_zeros([repr(number), str(whole)])


@given(st.lists(st.text(alphabet="0123456789.eE+-,\x1f\n ", max_size=6), max_size=6))
@settings(max_examples=100, deadline=None)
def test_many_cells_are_numbers_if_each_is(cells):
    assert (numbers_of(cells) is not None) == all(map(is_number, cells))


ONE_LINE = {
    "": "file: data.csv must hold a line of names, then rows",
    "size,ill\n": "file: data.csv must hold a line of names, then rows",
    usual().replace("0.5,blue", "0.5", 1): "file: data.csv:3: must have 3 cells as line 1 does, 1 row has others",
    "a,a,ill\n1,2,no\n": "file: data.csv:1: must name each column once, columns 1 and 2 have one name, got 'a'",
    ",a,ill\n1,2,no\n": "file: data.csv:1: must name all columns, 1 have no name, got 'column 1'",
    table("1,2,3", lambda i: (i, i, i)): "file: data.csv:1: must name the columns, all cells are numbers",
    usual().replace("ill", "sick"): "target: must name a column of data.csv, got 'ill'. Columns: size, colour, sick",
    'size,ill\n1,no\n2,"yes\n3,no\n': "file: data.csv:3: must be a row of cells, it is not:",
    with_cell("1e999"): "file: data.csv:7: column 1 'size' must hold numbers below 1.8e308, got '1e999'",
    with_cell(""): "file: data.csv:7: column 1 'size' must have a value, it has none in 1 row",
    usual().replace(",no\n", ",\n"): "file: data.csv:2: column 3 'ill' must have a value, it has none in 20 rows",
    with_first("zip", lambda i: f"0{i * 7 % 23}"): "file: data.csv:2: column 1 'zip' has numbers with leading zeros",
    with_first("id", lambda i: i + 9): "file: data.csv:2: column 1 'id' has other values in nearly all rows",
    with_first("id", lambda i: f"p{i}"): "file: data.csv:2: column 1 'id' has other values in nearly all rows",
    with_first("void", lambda _: ""): "file: column 1 'void' must have values",
    table("x,ill", lambda i: (i / 3, i % 5)): "task: must be said, the target has 5 different numbers",
    table("x,ill", lambda i: (i / 3, "no")): "the target must have 2 classes or more, got \"'no' only\"",
    table("x,ill", lambda i: (i / 3, "cow" if i > 1 else "gnu")): "class 'gnu' must have 3 rows or more, got 2",
}


@pytest.mark.parametrize(("text", "refusal"), list(ONE_LINE.items()))
def test_a_mistake_is_one_line(text, refusal):
    found = csv_refusals(text)
    assert len(found) == 1
    assert refusal in found[0]
    assert "\n" not in found[0]


@pytest.mark.parametrize(("encoding", "got"), [("latin-1", "b'\\xe9'"), ("utf-16", "'data.csv'")])
def test_text_that_is_not_utf8_is_refused_where_it_is(encoding, got):
    (line,) = csv_refusals(with_cell("café"), encoding=encoding)
    assert "must be text in UTF-8" in line
    assert f"got {got}. Save it as CSV UTF-8." in line
    assert encoding == "utf-16" or line.startswith("file: data.csv:7: ")


def test_names_that_are_no_columns_and_two_roles_are_told_with_other_mistakes():
    found = csv_refusals(with_cell("NA"), target="il", ignore=["colour"], categories=["colour"], group="patient")
    assert [line.partition(":")[0] for line in found] == ["target", "group", "ignore", "file"]
    assert "Did you mean 'ill'?" in found[0]
    assert "must not name a column that categories names" in found[2]


def test_of_many_mistakes_the_first_are_told_and_the_others_counted():
    header = ",".join(f"c{i}" for i in range(30))
    text = table(f"{header},ill", lambda i: (*["NA" if i == 3 else i / 3] * 30, "ny"[i % 2]))
    found = csv_refusals(text)
    assert len(found) == 11
    assert "got '20 more'" in found[-1]


def test_parts_that_do_not_fit_are_refused():
    files = {"train": written(usual(), "a.csv"), "test": written("size,colour\n1,red\n", "b.csv")}
    (line,) = refusals("csv", file=files, target="ill")
    assert line.startswith("file.test: b.csv:1: must name the columns of a.csv in their order, got 'ill'")
    (line,) = refusals("csv", file={"training": "a.csv"}, target="ill")
    assert line.startswith("file: must be a path, or paths of train, validation and test, got 'training'")
    (line,) = csv_refusals(table("x,part,ill", lambda i: (i / 3, "abc"[i % 3], "ny"[i % 2])), split_column="part")
    assert "split_column: column 'part' must hold train, validation or test in each row, got 'a, b, c'" in line
    (line,) = csv_refusals(usual(), splits="fixed")
    assert "the data do not say which rows" in line


def test_text_is_no_target_of_regression():
    (line,) = csv_refusals(usual(), task="regression")
    assert line == "task: must be classification, the target is text, got 'regression'. Remove task."


def test_a_target_is_never_filled():
    (line,) = csv_refusals(GAPS + "5,red,\n", missing={"values": ["?"], "fill": "median"})
    assert "column 3 'ill' must have a value" in line
    assert "fill: drop_row" in line
