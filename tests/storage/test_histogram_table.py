"""histograms.npz: equal tables give equal bytes, and what is read back is what was written, or refused."""

import io
import time
from zipfile import ZipFile

import numpy as np
import pytest
from made_up_runs import make_arm, make_run, make_study

from normbench.errors import RunFolderError
from normbench.storage.digests import find_damage, sealed_digests
from normbench.storage.files.json_files import read_json, write_sealed_json
from normbench.storage.histogram_table import NUM_BINS, HistogramTable, array_names, joined, read_histograms
from normbench.storage.run_folder import HISTOGRAMS_NPZ, SUMMARY_JSON, Run


def table_of(step, *tensors, count=10):
    """A table of one step, whose tensors are named by kind and name; each holds ``count`` values in its third bin."""
    kinds, names = (np.array([key[i] for key in tensors], dtype=str) for i in (0, 1))
    ones = np.ones((1, len(tensors)))
    counts = np.zeros((1, len(tensors), NUM_BINS), dtype=np.min_scalar_type(count))
    counts[..., 2] = count
    num = np.full((1, len(tensors)), count)
    return HistogramTable(np.array([step]), kinds, names, -ones, ones, 2 * ones, 3 * ones, num, num * 0, counts)


def assert_same(one, other):
    for name in array_names():
        found, expected = getattr(one, name), getattr(other, name)
        assert found.dtype == expected.dtype
        np.testing.assert_array_equal(found, expected, err_msg=name)


A, B, C = ("weight", "a.weight"), ("grad", "a.weight"), ("update", "b.bias")


def test_what_is_written_is_read_back():
    table = joined([table_of(0, A, B), table_of(5, A, B, count=70_000)])
    assert_same(HistogramTable.from_bytes(table.to_bytes()), table)
    assert table.counts.dtype == np.uint32


def test_equal_tables_give_equal_bytes_at_any_time(monkeypatch):
    first = table_of(3, A).to_bytes()
    monkeypatch.setattr(time, "time", lambda: 2e9)
    assert table_of(3, A).to_bytes() == first
    assert {entry.date_time[0] for entry in ZipFile(io.BytesIO(first)).infolist()} == {1980}


def test_a_tensor_that_a_step_does_not_have_has_no_values_there():
    table = joined([table_of(0, B, A), table_of(5, A, C)])
    assert table.steps.tolist() == [0, 5]
    assert list(zip(table.kinds, table.names, strict=True)) == [B, A, C]
    assert table.num.tolist() == [[10, 10, 0], [0, 10, 10]]
    assert table.num_nonfinite.tolist() == [[0] * 3] * 2
    assert table.counts[..., 2].tolist() == table.num.tolist()
    assert np.isnan(table.min[0, 2])
    assert np.isnan(table.max[1, 0])


def test_joining_in_parts_is_joining_at_once():
    tables = [table_of(0, A), table_of(1, A, B), table_of(2, B), table_of(3, C, count=300)]
    assert_same(joined([joined(tables[:2]), joined(tables[2:])]), joined(tables))
    assert joined([joined(tables)]).to_bytes() == joined(tables).to_bytes()


def test_right_edges_go_up_to_the_largest_value_in_equal_steps():
    edges = table_of(0, A).right_edges[0, 0]
    np.testing.assert_allclose(edges, np.linspace(-1, 1, NUM_BINS + 1)[1:], rtol=1e-15, atol=1e-15)
    assert edges[-1] == 1.0


@pytest.fixture
def run():
    """A finished run with histograms."""
    folder = make_run(make_arm(make_study(arms=["a"]), "a"))
    (folder / HISTOGRAMS_NPZ).write_bytes(table_of(0, A, B).to_bytes())
    sealed_again(folder)
    return Run(folder, 0)


def sealed_again(folder):
    """Let the summary hold what lies in the folder now."""
    said = {key: value for key, value in read_json(folder / SUMMARY_JSON).items() if key != "sha256"}
    write_sealed_json(folder / SUMMARY_JSON, said | {"files": sealed_digests(folder)})


def test_a_run_gives_its_histograms(run):
    assert_same(read_histograms(run), table_of(0, A, B))
    assert find_damage(run.folder) == ""


def test_a_run_of_a_version_that_kept_none_has_none(run):
    (run.folder / HISTOGRAMS_NPZ).unlink()
    sealed_again(run.folder)
    assert read_histograms(run) is None
    assert find_damage(run.folder) == ""


def test_damage_is_told(run):
    path = run.folder / HISTOGRAMS_NPZ
    raw = path.read_bytes()
    path.write_bytes(raw[:-1] + b"x")
    with pytest.raises(RunFolderError, match=r"histograms\.npz: must be as the run wrote it, got another sha256"):
        read_histograms(run)
    assert find_damage(run.folder) == f"{path}: must be as the run wrote it, got another sha256."
    path.unlink()
    assert find_damage(run.folder) == f"{path}: must be readable, got: No such file or directory."


def without(name):
    """The bytes of a table that lacks one array."""
    content = {key: getattr(table_of(0, A), key) for key in array_names() if key != name}
    archive = io.BytesIO()
    np.savez(archive, **content)
    return archive.getvalue()


def with_array(**changed):
    """The bytes of a table with other arrays."""
    archive = io.BytesIO()
    np.savez(archive, **{key: getattr(table_of(0, A), key) for key in array_names()} | changed)
    return archive.getvalue()


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"no archive",
        without("min"),
        without("counts"),
        with_array(counts=np.zeros((1, 1, 30))),
        with_array(num=np.zeros(3)),
        with_array(steps=np.array([{}], dtype=object)),
    ],
    ids=["empty", "text", "no min", "no counts", "30 bins", "shape", "objects"],
)
def test_another_archive_under_a_right_seal_is_refused(run, raw):
    (run.folder / HISTOGRAMS_NPZ).write_bytes(raw)
    sealed_again(run.folder)
    with pytest.raises(RunFolderError) as refusal:
        read_histograms(Run(run.folder, 0))
    rule = "must hold the arrays of a run's histograms, got "
    assert str(refusal.value).startswith(f"{run.folder / HISTOGRAMS_NPZ}: {rule}")
    assert str(refusal.value).endswith(f"Delete {run.folder} and run its study again.")
    assert "\n" not in str(refusal.value)
