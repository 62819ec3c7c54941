"""Every CSV file is read in columns of their types, or refused in a line with the file, the row and the column."""

from pathlib import Path

import pytest

from normbench.errors import RunFolderError
from normbench.storage.contents.csv_table import STEP
from normbench.storage.contents.tables import COLUMNS, NO_ROWS, WORDS, read_table

BEFORE = Path(__file__).parent / "written_by_0_1_0"
RUN = Path("runs/study/arm/seed-0")


def text_of(name, **cells):
    """Return a file of two rows with some more numbers; ``cells`` are those of the second row."""
    columns = [*COLUMNS[name], "more"]
    first = {column: "a" if column in WORDS else "0" for column in columns}
    rows = [columns, first.values(), (first | cells).values()]
    return "".join(f"{','.join(row)}\n" for row in rows)


def table_of(name, text):
    return read_table(name, text.encode() if isinstance(text, str) else text, RUN, "Delete it.")


def read_all(name, text):
    """Convert every column of a file as its readers do."""
    table = table_of(name, text)
    for column in table.columns:
        if column == STEP:
            assert len(table.steps) == len(table)
        elif column not in WORDS:
            assert len(table.all_numbers(column)) == len(table.numbers(column)) == len(table)
    return table


def refusal(name, text):
    with pytest.raises(RunFolderError) as error:
        read_all(name, text)
    message = str(error.value)
    assert message.startswith(f"{RUN}/{name}: ")
    assert message.endswith(" Delete it.")
    return message.removeprefix(f"{RUN}/{name}: ")


@pytest.mark.parametrize("name", COLUMNS)
def test_a_whole_file_is_read_in_columns(name):
    table = read_all(name, text_of(name, more="2.5"))
    assert (len(table), table.columns, table.numbers("more")) == (2, [*COLUMNS[name], "more"], [0.0, 2.5])
    assert table.rows()[1]["more"] == "2.5"


@pytest.mark.parametrize("name", COLUMNS)
def test_a_wrong_cell_in_any_column_is_named(name):
    for column in (*COLUMNS[name], "more"):
        wrong = {STEP: ["", "x", "inf", "-1", "1.5", "1e3", "9" * 400]}.get(column, ["x", "1,5".replace(",", ";"), ""])
        for cell in wrong if column not in WORDS else ():
            assert refusal(name, text_of(name, **{column: cell})).startswith(f"row 2, {column}: must be a ")


@pytest.mark.parametrize("name", COLUMNS)
def test_a_column_that_is_missing_or_doubled_is_told(name):
    for column in COLUMNS[name]:
        for other in ("another", "more"):
            text = text_of(name)
            header, rest = text.split("\n", 1)
            changed = ",".join(other if one == column else one for one in header.split(","))
            assert refusal(name, f"{changed}\n{rest}").startswith(f"must have the columns {', '.join(COLUMNS[name])}")


@pytest.mark.parametrize("name", COLUMNS)
@pytest.mark.parametrize("text", ["", "\n", "\0", "x", b"\xff\xfe", "step,layer\n1\n", 'step\n"', 'step\n"a"b\n'])
def test_what_is_no_table_is_refused(name, text):
    assert refusal(name, text).startswith("must ")


def test_a_table_of_very_many_cells_is_refused_before_it_is_split():
    assert "5,000,001 cells, more than 4,000,000" in refusal("metrics.csv", "step\n" + "\n" * 5_000_000)


def test_numbers_that_are_not_finite_are_numbers_and_empty_cells_none():
    table = table_of("metrics.csv", "step,loss\n0,inf\n2,\n4,nan\n6,0.5\n")
    assert table.with_numbers("loss")[0] == (0, float("inf"))
    assert [step for step, _ in table.with_numbers("loss")] == [0, 4, 6]
    assert table.with_numbers("another") == []
    assert "another" not in table


def test_a_cell_in_quotes_is_read_as_the_same_without():
    quoted = table_of("probes.csv", 'step,layer,name,value\r\n"0","a, b","x\ny",1\r\n')
    assert (quoted.steps, quoted.words("layer"), quoted.words("name")) == ([0], ("a, b",), ("x\ny",))


def test_a_file_that_a_run_does_not_have_is_a_table_without_rows():
    assert (len(NO_ROWS), NO_ROWS.steps, NO_ROWS.numbers("x"), NO_ROWS.words("x")) == (0, [], [], ())


@pytest.mark.parametrize("path", sorted(BEFORE.glob("*.csv")), ids=lambda path: path.stem)
def test_what_version_0_1_0_wrote_is_read(path):
    table = table_of(path.name, path.read_bytes())
    assert len(table.steps) == len(table) == len(table.numbers(table.columns[-1])) > 1
