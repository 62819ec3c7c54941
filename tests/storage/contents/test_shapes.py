"""Every file of a run is read in the shape that is promised, or refused in a line with the file and the key."""

import json
import os
import pkgutil
from importlib import import_module
from pathlib import Path

import pytest
from json_shapes import Schema, put, without

from normbench.errors import ContentError, RunFolderError
from normbench.storage import contents
from normbench.storage.contents.shape import Shape
from normbench.storage.files.json_files import write_sealed_json

SHAPES = {
    name: value
    for found in pkgutil.iter_modules(contents.__path__, f"{contents.__name__}.")
    for name, value in vars(import_module(found.name)).items()
    if isinstance(value, Shape) and name.isupper() and not name.startswith("_")
}
TOGETHER = {"SUMMARY": {"num_train": 3, "num_validation": 2, "num_test": 4, "finite": {"num_rows": 9}}}
"""Numbers of an example that must fit each other."""
PLACE = Path("runs/a file.json")
BEFORE = Path(__file__).parent / "written_by_0_1_0"


def schema_of(name):
    content = SHAPES[name].adapter.json_schema()
    return Schema(content, content.get("$defs", {}))


def example_of(name):
    found = schema_of(name).example()
    for key, value in TOGETHER.get(name, {}).items():
        found[key] = found[key] | value if isinstance(value, dict) else value
    return found


def parsed(name, content):
    return SHAPES[name].parse(PLACE, json.dumps(content).encode(), "Delete it.")


def refusal(read):
    with pytest.raises(RunFolderError) as error:
        read()
    return str(error.value)


def key_told(message):
    """Return the key that a message names; it begins with the file, and says what to do at the end."""
    assert message.startswith(f"{PLACE}: ")
    assert message.endswith(" Delete it.")
    assert ", got" in message
    return message.removeprefix(f"{PLACE}: ").partition(": must ")[0]


@pytest.mark.parametrize("name", SHAPES)
def test_a_whole_file_is_read_as_it_is_with_keys_that_are_not_known(name):
    content = example_of(name) | {"of a later version": [{"a": None}]}
    assert json.loads(json.dumps(parsed(name, content))) == content


@pytest.mark.parametrize("name", SHAPES)
def test_a_wrong_value_anywhere_is_refused_with_the_file_and_the_key(name):
    whole, schema = example_of(name), schema_of(name)
    places = list(schema.places(whole))
    assert len(places) >= len(whole)
    for path, of, _ in places:
        dotted = ".".join(map(str, path))
        for value in of.refused():
            message = refusal(lambda path=path, value=value: parsed(name, put(whole, path, value)))
            key = key_told(message)
            assert key, message
            assert dotted == key or dotted.startswith(f"{key}."), message


@pytest.mark.parametrize("name", SHAPES)
def test_a_value_of_any_kind_anywhere_is_read_or_refused_and_nothing_else_happens(name):
    whole = example_of(name)
    for path, *_ in schema_of(name).places(whole):
        for value in (None, -1, 2.5, "../x", [[1]], {"a": {"b": None}}, ["\x1b[31m"], 10**300, "x" * 200_000):
            try:
                parsed(name, put(whole, path, value))
            except RunFolderError as error:
                key_told(str(error))


@pytest.mark.parametrize("name", SHAPES)
def test_a_key_that_is_missing_is_named(name):
    whole = example_of(name)
    for path, _, is_required in schema_of(name).places(whole):
        if is_required:
            message = refusal(lambda path=path: parsed(name, without(whole, path)))
            dotted = ".".join(map(str, path))
            assert dotted.startswith(key_told(message)), message


@pytest.mark.parametrize("name", SHAPES)
def test_what_is_no_object_is_refused(name):
    for raw in (b"", b"{", b"[]", b"null", b"\xff", b'{"a": "\\ud800"}', b"[" * 100_000, b'{"a":' * 500):
        key_told(refusal(lambda raw=raw: SHAPES[name].parse(PLACE, raw, "Delete it.")))


@pytest.mark.parametrize("name", SHAPES)
def test_a_file_of_very_many_values_is_refused_before_it_is_parsed(name):
    for raw in (b"[" * 3_000_001, b'{"a": [1' + b",1" * 3_000_001 + b"]}"):
        assert "must hold at most" in refusal(lambda raw=raw: SHAPES[name].parse(PLACE, raw, "Delete it."))


def test_a_sealed_file_that_was_changed_is_refused_whatever_it_holds():
    path = Path("arm.json")
    write_sealed_json(path, example_of("ARM"))
    assert SHAPES["ARM"].read(path)["arm"] == "a"
    for old, new in ((b'"arm": "a"', b'"arm": "b"'), (b'"arm": "a"', b'"arm": 3')):
        path.write_bytes(path.read_bytes().replace(old, new))
        rule = "must be as it was written, got another sha256"
        assert refusal(lambda: SHAPES["ARM"].read(path)).startswith(f"{path}: {rule}")


def test_what_is_whole_and_wrong_is_told_from_what_is_cut_short():
    with pytest.raises(ContentError):
        parsed("STUDY", {"seeds": "many"})
    assert not isinstance(_error(b'{"seeds": [1'), ContentError)


def _error(raw):
    with pytest.raises(RunFolderError) as error:
        SHAPES["STUDY"].parse(PLACE, raw)
    return error.value


def test_a_file_larger_than_any_is_not_read():
    path = Path("study.json")
    path.write_text("{")
    os.truncate(path, 64_000_002)
    message = refusal(lambda: SHAPES["STUDY"].read(path))
    assert message.startswith("study.json: must be readable JSON, got: 64,000,002 bytes, more than 64,000,000. ")


@pytest.mark.parametrize("path", sorted(BEFORE.glob("*.json")), ids=lambda path: path.stem)
def test_what_version_0_1_0_wrote_is_read_unchanged(path):
    found = SHAPES[path.stem.upper()].read(path)
    assert found == json.loads(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"init": {"a": 1}}, "tried.0.values.init: must have the part's name under name"),
        ({"norm": "none"}, "tried.0.values: must have one of init"),
    ],
)
def test_what_tuning_tried_has_values_that_can_be_shown(values, told):
    trial = {"values": values, "scores": [0.5], "median": 0.5}
    choice = {"arm": "a", "chosen": {"init": "default"}, "tried": [trial], "widened": 0, "at_edge": False, "seeds": [7]}
    assert f"{PLACE}: {told}, got" in refusal(lambda: parsed("CHOICE", choice | {"tune": {}}))
