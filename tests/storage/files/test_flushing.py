"""What is flushed to disk, in which order, and what becomes of it where the disk fails or cannot flush."""

import errno
import os
from pathlib import Path

import pytest

from normbench.storage.files.atomic import close, make_folder, rename, replacing
from normbench.storage.files.flushing import Flush, flush_folder

CANNOT = (errno.EINVAL, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS)
FAILURES = (errno.EIO, errno.ENOSPC, errno.EDQUOT)


@pytest.fixture
def events(monkeypatch):
    """What happens on the disk, in order: the kind of change and the name of the file or folder."""
    found, real = [], {"fsync": os.fsync, "replace": os.replace, "mkdir": os.mkdir}

    def fsync(descriptor):
        found.append(("fsync", Path(f"/proc/self/fd/{descriptor}").readlink().name))
        real["fsync"](descriptor)

    def replace(source, target):
        found.append(("replace", Path(target).name))
        real["replace"](source, target)

    def mkdir(path, *more):
        found.append(("mkdir", Path(path).name))
        real["mkdir"](path, *more)

    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(os, "replace", replace)
    monkeypatch.setattr(os, "mkdir", mkdir)
    return found


def failing(monkeypatch, code):
    """Have every flush fail."""

    def fsync(_):
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os, "fsync", fsync)


def publish(path, text, flush=Flush.CONTENT_AND_NAME):
    with replacing(path, flush) as part:
        part.write_text(text, encoding="utf-8")


@pytest.mark.parametrize("flush", Flush)
def test_the_content_is_flushed_before_a_file_is_named_and_the_name_afterwards(events, flush):
    publish(Path("a.json"), "{}", flush)
    content = [("fsync", f".part-a.json-{os.getpid()}")] if flush != Flush.NOTHING else []
    name = [("fsync", Path.cwd().name)] if flush == Flush.CONTENT_AND_NAME else []
    assert events == [*content, ("replace", "a.json"), *name]


@pytest.mark.parametrize("code", FAILURES)
def test_a_file_that_could_not_be_flushed_is_not_named(monkeypatch, code):
    path = Path("a.json")
    publish(path, "before")
    failing(monkeypatch, code)
    with pytest.raises(OSError, match=os.strerror(code)) as error:
        publish(path, "after")
    assert (error.value.errno, error.value.filename) == (code, "a.json")
    assert ([one.name for one in Path().iterdir()], path.read_text(encoding="utf-8")) == (["a.json"], "before")


@pytest.mark.parametrize("code", CANNOT)
def test_where_nothing_can_be_flushed_files_are_named_all_the_same(monkeypatch, code):
    failing(monkeypatch, code)
    publish(Path("a.json"), "{}")
    make_folder(Path("b/c"))
    rename(Path("b"), Path("d"))
    assert sorted(str(path) for path in Path().rglob("*")) == ["a.json", "d", "d/c"]


def test_a_folder_that_cannot_be_opened_is_not_flushed(monkeypatch):
    def refused(*_):
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(os, "open", refused)
    flush_folder(Path())


@pytest.mark.parametrize("code", FAILURES)
@pytest.mark.parametrize("mode", ["w", "wb"])
def test_a_file_written_bit_by_bit_tells_that_it_is_not_on_disk(monkeypatch, mode, code):
    failing(monkeypatch, code)
    path = Path("metrics.csv")
    for is_failed in (False, True):
        file = path.open(mode)
        file.write("1" if mode == "w" else b"1")
        if is_failed:
            close(file, path, failed=True)
        else:
            with pytest.raises(OSError, match=r"metrics\.csv"):
                close(file, path, failed=False)
        assert file.closed


def test_only_new_folders_are_flushed_each_in_the_one_around_it(events):
    make_folder(Path("a/b"))
    make_folder(Path("a/b/c"))
    make_folder(Path("a/b/c"))
    flushed = [name for kind, name in events if kind == "fsync"]
    assert sorted(flushed[:2]) == sorted(["a", Path.cwd().name])
    assert flushed[2:] == ["b"]


def test_a_folder_keeps_its_name_where_the_new_one_could_not_be_flushed(monkeypatch):
    Path("a").mkdir()
    failing(monkeypatch, errno.EIO)
    with pytest.raises(OSError, match=os.strerror(errno.EIO)):
        rename(Path("a"), Path("b"))
    assert [path.name for path in Path().iterdir()] == ["a"]
