"""Arrays are read without pickles, of the kinds that are asked for, and never more than they may hold."""

import io
import struct
import zipfile

import numpy as np
import pytest

from normbench.storage.contents import npz
from normbench.storage.contents.npz import read_arrays

KINDS = {"a": "f", "b": "iu", "c": "U"}
ARRAYS = {"a": np.ones((2, 3)), "b": np.arange(4, dtype=np.uint8), "c": np.array(["x", "yz"])}


def archive(**arrays):
    file = io.BytesIO()
    np.savez_compressed(file, **ARRAYS | arrays)
    return file.getvalue()


def packed(content, **how):
    """Return an archive in which the array a is these bytes."""
    file = io.BytesIO(archive())
    with zipfile.ZipFile(io.BytesIO(archive())) as whole, zipfile.ZipFile(file, "w", **how) as changed:
        for name in whole.namelist():
            changed.writestr(name, content if name == "a.npy" else whole.read(name))
    return file.getvalue()


def npy(header, content=b""):
    text = f"{header}\n".encode()
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text + content


def test_arrays_are_read_as_they_were_written():
    columns = np.asfortranarray(np.arange(6.0).reshape(2, 3))
    for arrays in ({}, {"a": columns}, {"a": np.zeros((0, 3))}):
        found = read_arrays(archive(**arrays), KINDS)
        for name, array in (ARRAYS | arrays).items():
            np.testing.assert_array_equal(found[name], array)
            assert found[name].flags.writeable


class Marker:
    """Pickled, it would leave a mark when it is unpickled."""

    made = 0

    def __reduce__(self):
        return (_mark, ())


def _mark():
    Marker.made += 1


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"no archive",
        archive()[:-30],
        archive(a=np.arange(3)),
        archive(c=np.ones(2)),
        packed(b""),
        packed(b"\x93NUMPY\x09\x00"),
        packed(npy("{'descr': '<f8', 'fortran_order': False, 'shape': (1000000000000,), }")),
        packed(npy("{'descr': '<f8', 'fortran_order': False, 'shape': (-1, -8), }", b"x" * 64)),
        packed(npy("{'descr': '<f8', 'fortran_order': False, 'shape': 'x', }")),
        packed(npy("{'descr': '|O', 'fortran_order': False, 'shape': (1,), }")),
        packed(npy("__import__('os').system('true')")),
        packed(npy("(" * 9000)),
        packed(b"\0" * 300, compression=zipfile.ZIP_BZIP2),
    ],
)
def test_what_is_no_such_archive_is_refused(raw):
    with pytest.raises(ValueError, match=r"."):
        read_arrays(raw, KINDS)


def test_nothing_is_unpickled():
    file = io.BytesIO()
    np.savez(file, **ARRAYS | {"a": np.array([Marker()], dtype=object)})
    with pytest.raises(ValueError, match="kind object"):
        read_arrays(file.getvalue(), KINDS)
    assert Marker.made == 0


def test_no_more_is_unpacked_than_the_arrays_may_hold(monkeypatch):
    monkeypatch.setattr(npz, "MAX_UNPACKED", 100_000)
    raw = archive(a=np.zeros(1_000_000))
    assert len(raw) < 20_000
    with pytest.raises(ValueError, match="more than 100,000 bytes of arrays"):
        read_arrays(raw, KINDS)
