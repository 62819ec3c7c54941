"""Files are opened as regular files only, of the size that is allowed, and not through a link where none may be."""

import os
from hashlib import sha256
from pathlib import Path

import pytest

from normbench.storage.files.reading import MAX_BYTES, open_regular, read_bytes, sha256_of
from normbench.training.checkpoints import DIGEST_BYTES, _read_checkpoint

LARGE = MAX_BYTES + 1


@pytest.fixture
def large():
    """A file with one byte too many, which takes no room on the disk."""
    path = Path("large")
    path.write_bytes(b"")
    os.truncate(path, LARGE)
    return path


def test_a_file_larger_than_any_is_named_unless_any_size_is_allowed(large):
    with pytest.raises(OSError, match=f"{LARGE:,} bytes, more than {MAX_BYTES:,}") as error:
        read_bytes(large)
    assert error.value.filename == "large"
    assert len(read_bytes(large, max_bytes=None)) == LARGE
    assert sha256_of(large) == sha256(bytes(LARGE)).hexdigest()


def test_a_large_checkpoint_is_read(large, monkeypatch):
    monkeypatch.setattr("torch.load", lambda file, **_: {"size": len(file.getvalue())})
    content = bytes(LARGE)
    large.write_bytes(content + sha256(content).digest())
    assert len(sha256().digest()) == DIGEST_BYTES
    assert _read_checkpoint(large) == {"size": LARGE}


def test_a_link_is_followed_where_files_of_the_user_are_read_and_nowhere_else():
    Path("mine").write_bytes(b"content")
    Path("link").symlink_to("mine")
    with open_regular("link") as file:
        assert file.read() == read_bytes("link", follows_links=True) == read_bytes("mine") == b"content"
    for read in (read_bytes, sha256_of):
        with pytest.raises(OSError, match="a link and no file"):
            read("link")
