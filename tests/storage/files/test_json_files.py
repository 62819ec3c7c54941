"""JSON files: written by rename in equal bytes, and read back or refused with a reason."""

from pathlib import Path

import pytest

from normbench.errors import RunFolderError
from normbench.storage.files.json_files import read_json, write_json


def refusal(action):
    with pytest.raises(RunFolderError) as error:
        action()
    return str(error.value)


def test_json_is_written_in_equal_bytes_and_leaves_nothing_else():
    for name in ("a.json", "b.json"):
        write_json(Path(name), {"x": 0.1, "y": [1, None]})
    assert Path("a.json").read_bytes() == Path("b.json").read_bytes()
    assert read_json(Path("a.json")) == {"x": 0.1, "y": [1, None]}
    assert sorted(path.name for path in Path().iterdir()) == ["a.json", "b.json"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "must be readable JSON, got: No such file or directory"),
        (b'{"a": 1', "must be readable JSON, got: Expecting ',' delimiter: line 1 column 8 (char 7)"),
        (b"", "must be readable JSON, got: Expecting value: line 1 column 1 (char 0)"),
        (b"[1]", "must be a JSON object, got a list"),
    ],
)
def test_json_that_cannot_be_read_says_why(content, message):
    if content is not None:
        Path("a.json").write_bytes(content)
    assert (
        refusal(lambda: read_json(Path("a.json"))) == f"a.json: {message}. Delete this file and run its config again."
    )


def test_json_that_is_not_utf_8_is_a_mistake_too():
    Path("a.json").write_bytes(b'{"a": "\xff"}')
    assert refusal(lambda: read_json(Path("a.json"))).startswith("a.json: must be readable JSON, got: ")
