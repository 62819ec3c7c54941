"""Puts pipes, sockets, devices, links and folders in the place of others, and runs where they do not belong."""

import os
import shutil
import socket
from contextlib import chdir
from pathlib import Path

from forging.forgery import OUTSIDE, RUNS, STUDY, entries, forgery, is_regular, kind
from hypothesis import strategies as st

ODD_NAMES = [
    b"seed-0\n",
    b"seed-9999999999999999999",
    b"seed-00",
    b"seed--1",
    b"seed-7",
    b"seed-0.old-1",
    b"seed-\xff",
    b"a\x1b[2J-aaaaaaaaaaaa",
    b"\xff\xfe",
    b"a\nb-aaaaaaaaaaaa",
    b".hidden",
    b"study.json",
    b"tuning",
    b".removed-0123456789abcdef",
    b".part-study.json-1",
    b"x" * 250,
]


def a_socket(path):
    with socket.socket(socket.AF_UNIX) as server, chdir(path.parent):  # a socket's path has at most 107 letters
        server.bind(path.name)


def to(target):
    """Return a function that puts a link to a target in a place."""
    return lambda path: path.symlink_to(target(path))


def twin(path):
    """Return what stands outside in the same place."""
    return (OUTSIDE / path.relative_to(RUNS)).resolve()


KINDS = {
    "a folder": Path.mkdir,
    "an empty file": Path.touch,
    "a pipe": os.mkfifo,
    "a socket": a_socket,
    "a link to a device": to(lambda _: "/dev/zero"),
    "a link to nothing": to(lambda _: "/nowhere/at/all"),
    "a link to its twin outside": to(twin),
    "a relative link to its twin outside": to(lambda path: os.path.relpath(twin(path), path.parent.resolve())),
    "a link to the study outside": to(lambda _: twin(STUDY)),
    "a link to itself": to(lambda path: path.name),
    "a link to the folder around it": to(lambda _: ".."),
}


def remove(path):
    """Remove a file, link or folder."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


@forgery(weight=3)
def another_kind(draw):
    found = [STUDY, *entries()]
    name = draw(st.sampled_from(sorted({kind(path) for path in found})), label="name")
    path = draw(st.sampled_from([one for one in found if kind(one) == name]), label="path")
    what = draw(st.sampled_from(sorted(KINDS)))
    remove(path)
    KINDS[what](path)
    return f"{path} is {what}"


@forgery
def gone(draw):
    found = entries()
    path = draw(st.sampled_from(found)) if found else STUDY
    remove(path)
    return f"{path} is gone"


@forgery
def a_folder_of_another(draw):
    """Put the copy of a run, an arm or a study in the place of another one."""
    pattern = draw(st.sampled_from(["*/*/seed-*", "*/*-*", "*"]))
    found = sorted(path for path in RUNS.glob(pattern) if path.is_dir() and not path.is_symlink())
    if len(found) < 2:
        return ""
    source, place = draw(st.sampled_from(found)), draw(st.sampled_from(found))
    if source == place:
        return ""
    remove(place)
    shutil.copytree(source, place, symlinks=True, ignore=_only_regular)
    return f"{place} is {source}"


@forgery
def a_file_of_another(draw):
    """Put the copy of a file in the place of one of the same name."""
    found = [path for path in entries() if is_regular(path) and path.name != ".lock"]
    if not found:
        return ""
    source = draw(st.sampled_from(found))
    place = draw(st.sampled_from([path for path in found if kind(path) == kind(source)]))
    place.write_bytes(source.read_bytes())
    return f"{place} is {source}"


@forgery
def an_odd_name(draw):
    """Add a copy of a folder of the study, or a file, by a name that no command gives."""
    folders = [path for path in [STUDY, *entries()] if path.is_dir() and not path.is_symlink()]
    if not folders:
        return ""
    source = draw(st.sampled_from(folders))
    place = source.with_name(os.fsdecode(draw(st.sampled_from(ODD_NAMES))))
    if os.path.lexists(place):
        return ""
    if draw(st.booleans()):
        shutil.copytree(source, place, symlinks=True, ignore=_only_regular)
    else:
        source.rename(place)
    return f"{str(place)!r} is {source}"


def _only_regular(folder, names):
    paths = [Path(folder, name) for name in names]
    return [path.name for path in paths if not (is_regular(path) or path.is_dir())]
