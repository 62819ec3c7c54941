"""Forges histograms.npz, checkpoints and event files: other arrays, code in pickles, bombs of zeros, sizes that lie."""

import io
import os
import pickle
import zipfile
import zlib
from functools import cache
from hashlib import sha256

import numpy as np
from forging.forgery import MARKER, a_file, forgery
from hypothesis import strategies as st

BOMB_BYTES = 1 << 30
"""Size of a bomb when it is unpacked."""


class Explosive:
    """What makes the marker when it is unpickled."""

    def __reduce__(self):
        return os.mkdir, (str(MARKER.resolve()),)


def npy(array):
    """Return an array as the bytes of a .npy file, objects pickled."""
    file = io.BytesIO()
    np.lib.format.write_array(file, np.asarray(array), allow_pickle=True)
    return file.getvalue()


def declared(shape, dtype="<i8"):
    """Return a .npy file that says it is larger than it is."""
    file = io.BytesIO()
    np.lib.format.write_array_header_1_0(file, {"descr": dtype, "fortran_order": False, "shape": shape})
    return file.getvalue() + b"\0" * 64


@cache
def bomb():
    """Return an archive with one array of zeros, a thousandth of its size: a packed stretch, repeated."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    begin = packer.compress(declared((BOMB_BYTES // 8,))) + packer.flush(zlib.Z_FULL_FLUSH)
    stretch = packer.compress(b"\0" * (1 << 20)) + packer.flush(zlib.Z_FULL_FLUSH)
    stream = begin + stretch * (BOMB_BYTES >> 20) + packer.flush()
    info = zipfile.ZipInfo("counts.npy")
    info.compress_type, info.CRC, info.header_offset = zipfile.ZIP_DEFLATED, 0, 0
    info.compress_size, info.file_size = len(stream), BOMB_BYTES
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:  # its checksum is wrong, which is seen when all of it was unpacked
        file.write(info.FileHeader() + stream)
        archive.filelist.append(info)
        archive.start_dir, archive._didModify = file.tell(), True
    return file.getvalue()


def explosive():
    return npy(np.array([Explosive()], dtype=object))


ARRAYS = {
    "objects": explosive,
    "a pickle": lambda: pickle.dumps(Explosive()),
    "nothing": lambda: b"",
    "a huge shape": lambda: declared((1 << 40,)),
    "a negative shape": lambda: declared((-1, 64)),
    "a shape of none": lambda: npy(3.0),
    "texts": lambda: npy(np.array(["\x1b[2J", "x"])),
    "bytes": lambda: npy(np.array([b"\xff"])),
    "times": lambda: npy(np.array(["NaT"], dtype="M8[s]")),
    "complex": lambda: npy(np.array([1j])),
    "a record": lambda: npy(np.zeros(2, dtype=[("a", "i4"), ("b", "f8")])),
    "no rows": lambda: npy(np.zeros((0, 0, 64))),
    "nan": lambda: npy(np.full((3, 2), np.nan)),
}


def members_of(path):
    """Return the files in an archive by name; none where it was forged before."""
    try:
        with zipfile.ZipFile(path) as archive:
            small = [info.filename for info in archive.infolist() if info.file_size < 1 << 20]  # and no bomb
            return {name: archive.read(name) for name in small}
    except (AttributeError, OSError, zipfile.BadZipFile):
        return {}


@forgery
def an_array(draw):
    path = a_file(draw, ".npz")
    members = members_of(path)
    if not members:
        return ""
    name, what = draw(st.sampled_from(sorted(members))), draw(st.sampled_from(sorted(ARRAYS)))
    how = draw(st.sampled_from(["other", "other", "gone", "more"]))
    rest = {one: content for one, content in members.items() if one != name}
    odd = ARRAYS[what]()
    forged = {"other": members | {name: odd}, "gone": rest, "more": members | {f"../{name}": odd}}
    write_archive(path, forged[how])
    return f"{path} {name} is {how}: {what}"


def write_archive(path, members):
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)


@forgery
def values_of_an_array(draw):
    path = a_file(draw, ".npz")
    members = members_of(path)
    if not members:
        return ""
    name = draw(st.sampled_from(sorted(members)))
    dtype = draw(st.sampled_from(["f8", "f2", "i8", "u1", "?", "U3", "S3", "c16", "M8[s]", "same"]))
    odd = draw(st.sampled_from([0, 1, -1, 300, np.nan, np.inf, 2**62]))
    try:
        known = np.lib.format.read_array(io.BytesIO(members[name]), allow_pickle=False)
        with np.errstate(all="ignore"):
            forged = np.full(known.shape, odd, dtype=known.dtype if dtype == "same" else dtype)
    except (MemoryError, TypeError, ValueError, OverflowError):  # forged before, or no value of this type
        return ""
    write_archive(path, members | {name: npy(forged)})
    return f"{path} {name} of {forged.dtype} is {odd}"


@forgery
def no_archive(draw):
    path = a_file(draw, ".npz", ".pt")
    if path is None:
        return ""
    what = draw(st.sampled_from(["bomb", "a pickle", "objects", "nothing", "half", "PK"]))
    whole = path.read_bytes()
    made = {"half": lambda: whole[: len(whole) // 2], "PK": lambda: b"PK\x05\x06" + b"\0" * 18, "bomb": bomb}
    path.write_bytes((ARRAYS | made)[what]())
    return f"{path} is {what}"


@forgery
def a_checkpoint(draw):
    import torch

    path = a_file(draw, ".pt")
    if path is None:
        return ""
    what = draw(st.sampled_from(["code", "a list", "half of it", "a marked bomb", "other shapes", "odd steps"]))
    path.write_bytes(_checkpoint(torch, path.read_bytes()[:-32], what))
    return f"{path} is a checkpoint of {what}"


def _checkpoint(torch, raw, what):
    try:
        content = torch.load(io.BytesIO(raw), weights_only=True)
    except Exception:  # noqa: BLE001 - forged before
        content = {}
    forged = {
        "code": content | {"model": Explosive()},
        "a list": [Explosive()],
        "half of it": dict(list(content.items())[: len(content) // 2]),
        "a marked bomb": content | {"marks": {"../../../outside/forged/study.json": (0, ""), "metrics.csv": (-1, "x")}},
        "other shapes": content | {"model": {key: torch.zeros(3) for key in content.get("model", ())}},
        "odd steps": content | {"progress": dict.fromkeys(content.get("progress", ()), -1)},
    }
    buffer = io.BytesIO()
    torch.save(forged[what], buffer)
    return buffer.getvalue() + sha256(buffer.getvalue()).digest()
