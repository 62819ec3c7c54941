"""CSV files: read anew when they change, the same in whatever spelling, refused before they do harm."""

import os
from itertools import product
from pathlib import Path

import pytest
from parts.finite_data.csv_tables import GAPS, csv_refusals, csv_spec, table, usual
from parts.finite_data.reading_files import refusals, spec_of, written

from normbench.errors import DataError
from normbench.finite_data.tables import csv_file


def test_a_million_columns_are_refused_by_the_first_line(monkeypatch):
    monkeypatch.setattr("normbench.finite_data.tables.reading.Column", None)  # none is made
    (line,) = csv_refusals(",".join(map(str, range(10**6))) + "\n1,2\n")
    assert line.startswith("file: data.csv must have at most 50,000 columns, got 1000000.")


def test_a_file_beyond_the_memory_is_refused_before_it_is_read(monkeypatch):
    monkeypatch.setattr("normbench.finite_data.memory.free_bytes", lambda: 1000)
    (line,) = csv_refusals(usual())
    assert "data.csv needs" in line
    assert "at most a quarter of the 1 KB of free memory may be used" in line


def test_what_is_no_file_is_told_in_one_line():
    os.mkfifo("pipe.csv")
    Path("folder.csv").mkdir()
    Path("zero.csv").symlink_to("/dev/zero")
    for name, problem in {"pipe": "a pipe", "folder": "a folder", "zero": "a device", "no": "no such file"}.items():
        (line,) = refusals("csv", file=f"{name}.csv", target="ill")
        assert line.startswith("file: must be a file that can be read, ")
        assert problem in line


def test_a_changed_file_is_read_anew_and_an_unchanged_one_once(monkeypatch):
    spec = csv_spec(usual())
    first = spec.digests()
    with monkeypatch.context() as patch:
        patch.setattr(csv_file, "open_data", None)
        assert spec.digests() == first
    written(usual(30))
    assert spec.num_samples == 30
    assert spec.digests() != first


def test_equal_tables_in_two_folders_are_two(tmp_path):
    for name, count in (("a", 40), ("b", 44)):
        (tmp_path / name).mkdir()
        written(usual(count), tmp_path / name / "data.csv")
    specs = [spec_of("csv", tmp_path / name, file="data.csv", target="ill") for name in ("a", "b")]
    assert [spec.num_samples for spec in specs] == [40, 44]


def test_a_missing_file_is_an_error_also_where_it_is_used():
    with pytest.raises(DataError, match="no such file"):
        spec_of("csv", file="none.csv", target="ill").build(0)


def test_the_same_table_written_otherwise_has_the_same_digest_and_another_number_another():
    plain = usual()
    ways = [
        plain,
        plain.replace("\n", "\r\n"),
        "\ufeff" + plain,
        plain.replace("blue", '"blue"'),
        plain.replace(",", " , "),
        plain + "\n\n",
    ]
    assert len({csv_spec(text).digests()["dataset"] for text in ways}) == 1
    assert len({csv_spec(text).digests()["dataset"] for text in (plain, plain.replace("0.5,", "0.25,"))}) == 2


def test_quoted_cells_may_hold_the_delimiter_and_line_breaks():
    text = table("size,note,ill", lambda i: (i * 0.5, f'"a, b\n{i % 3}"', "yes" if i % 2 else "no"))
    assert csv_spec(text).rows.levels == (("a, b\n0", "a, b\n1", "a, b\n2"),)


@pytest.mark.parametrize(("rows", "chunk"), list(product([3, 40], [1, 4])))
def test_columns_read_in_chunks_are_the_same(monkeypatch, rows, chunk):
    monkeypatch.setattr("normbench.finite_data.tables.reading.CELLS_AT_ONCE", chunk)
    spec = spec_of("csv", file=written(GAPS), target="ill", missing={"values": ["?"], "fill": "median"})
    read = spec.read()
    assert read.numbers[:rows, 0].tolist() == pytest.approx(
        [float("nan") if i % 4 == 1 else float(i * i) for i in range(rows)], nan_ok=True
    )
    assert set(read.codes.ravel().tolist()) == {0, 1, 2, 3}


def test_what_rows_hold_does_not_decide_their_split():
    one, other = (csv_spec(text) for text in (usual(), usual().replace("0.5", "7.25")))
    first = [chosen.tolist() for chosen in one.split_of(2).values()]
    assert first == [chosen.tolist() for chosen in other.split_of(2).values()]
