"""YAML read safely: PyYAML's traps closed, places remembered."""

import math
import os
from pathlib import Path

import pytest

from normbench.errors import ConfigError
from normbench.storage.files.yaml_file import parse_yaml, read_assignment, read_study_file

GIVE_ONE = "Give the path of a config. Shipped ones: normbench configs"

TOO_DEEP = "value: " + "[" * 25 + "]" * 25
FAR_TOO_DEEP = "value: " + "[" * 100_000
LAUGHS = "a: &a [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]\n" + "".join(
    f"{this}: &{this} [{', '.join([f'*{before}'] * 10)}]\n" for before, this in zip("abcdefgh", "bcdefghi", strict=True)
)


def complaints_of(text):
    with pytest.raises(ConfigError) as error:
        parse_yaml(text, "a.yaml")
    return list(error.value.complaints)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-3", 0.001),
        ("1E5", 100000.0),
        ("1.5e+2", 150.0),
        (".5", 0.5),
        ("5.", 5.0),
        ("012", 12),
        ("-7", -7),
        ("+3", 3),
        ("on", "on"),
        ("no", "no"),
        ("yes", "yes"),
        ("off", "off"),
        ("y", "y"),
        ("N", "N"),
        ("true", True),
        ("False", False),
        ("0x10", "0x10"),
        ("0b1", "0b1"),
        ("1_000", "1_000"),
        ("12:30", "12:30"),
        ("2024-01-01", "2024-01-01"),
        ('"16"', "16"),
        ("'true'", "true"),
        ("~", None),
        ("null", None),
        ("", None),
        ("none", "none"),
        (".inf", math.inf),
        ("-.inf", -math.inf),
        ("=", "="),
        ("[1, no, 1e2]", [1, "no", 100.0]),
        ("{a: off}", {"a": "off"}),
    ],
)
def test_a_value_is_what_it_looks_like(text, value):
    read = parse_yaml(f"value: {text}", "a.yaml").data["value"]
    assert read == value
    assert type(read) is type(value)


def test_nan_is_a_number():
    assert math.isnan(parse_yaml("value: .nan", "a.yaml").data["value"])


def test_a_key_given_twice_names_both_lines():
    text = "model: mlp\nnorm: none\nmodel: lenet\n"
    assert complaints_of(text) == ["a.yaml:3: model: must be given once, got it at a.yaml:1 too. Remove one of them."]


def test_an_inner_key_given_twice_names_both_lines():
    text = "model:\n  name: mlp\n  bias: true\n  name: lenet\n"
    assert complaints_of(text) == [
        "a.yaml:4: model.name: must be given once, got it at a.yaml:2 too. Remove one of them."
    ]


def test_a_tag_on_text_is_refused():
    rule = "must be plain text, a number, true or false, got !!python/name:os.system ''. Write the value alone."
    assert complaints_of("model: !!python/name:os.system\n") == [
        f"a.yaml:1: model: {rule}".replace("!!", "tag:yaml.org,2002:")
    ]


@pytest.mark.parametrize(
    "text",
    [
        "model: !!python/object/apply:os.system [touch, broken_in]\n",
        "model: !!python/tuple [3, 4]\n",
        "model: !!python/object:os.path {a: 1}\n",
        "model: !!set {a, b}\n",
    ],
)
def test_a_tag_on_a_list_or_mapping_is_refused(text):
    (complaint,) = complaints_of(text)
    assert complaint.startswith("a.yaml:1: model: must be ")


@pytest.mark.parametrize(
    ("text", "got"), [("", "nothing"), ("# only a comment\n", "nothing"), ("- a\n", "a list"), ("hello\n", "'hello'")]
)
def test_a_file_must_be_a_mapping(text, got):
    assert complaints_of(text) == [f"a.yaml: must be a mapping of settings, got {got}. Example: model: lenet"]


def test_a_list_as_a_key_is_refused_once():
    complaint = "must have plain words as keys, got a list or mapping. Write key: value."
    assert complaints_of("model:\n  ? [a, b]\n  : 3\n") == [f"a.yaml:2: model: {complaint}"]


def test_broken_yaml_names_the_line():
    assert complaints_of("model: mlp\nnorm: [none\n") == [
        "a.yaml:3: must be YAML, got: did not find expected ',' or ']'. Check colons, quotes and indentation there."
    ]


def test_several_mistakes_are_found_at_once():
    found = complaints_of("a: 1\na: 2\nb: !x 3\nc: {d: 1, d: 2}\n")
    assert [line.split(": ")[:2] for line in found] == [["a.yaml:2", "a"], ["a.yaml:3", "b"], ["a.yaml:4", "c.d"]]


@pytest.mark.parametrize("text", [TOO_DEEP, LAUGHS, "a: &a [*a]\n"], ids=["deep", "a billion laughs", "in itself"])
def test_what_no_config_needs_is_refused(text):
    (complaint,) = complaints_of(text)
    assert complaint.endswith(": must hold at most 20,000 values, 20 deep. Is this a config?")


def test_nesting_too_deep_for_the_parser_is_refused():
    (complaint,) = complaints_of(FAR_TOO_DEEP)
    assert complaint.startswith("a.yaml")


def test_a_number_of_ten_thousand_digits_is_refused():
    rule = "must be a number of fewer digits, got 77777777777777777777... Write a smaller one."
    assert complaints_of(f"value: {'7' * 9000}") == [f"a.yaml:1: value: {rule}"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            None,
            f"study.yaml: must be a readable file, got: No such file or directory. {GIVE_ONE}",
        ),
        (b"a: \xff", "study.yaml: must be UTF-8 text, got byte 0xff at 3. Save it as UTF-8."),
        (b"#" * 1_000_001, "study.yaml: must be at most 1,000,000 bytes, got 1,000,001. Is this a config?"),
    ],
    ids=["missing", "not UTF-8", "too large"],
)
def test_a_file_that_cannot_be_read_says_why(tmp_path, monkeypatch, content, message):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "study.yaml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ConfigError) as error:
        read_study_file(path.relative_to(tmp_path))
    assert str(error.value) == message


def test_a_folder_is_no_file(tmp_path):
    with pytest.raises(ConfigError) as error:
        read_study_file(tmp_path)
    assert (
        str(error.value)
        == f"{tmp_path}: must be a readable file, got: a folder and no file. Give the path of a config."
    )


def test_every_value_knows_its_line():
    read = parse_yaml("model:\n  name: mlp\nseeds:\n  - 1\n  - 2\n", "a.yaml")
    places = {loc: read.place(loc) for loc in [("model",), ("model", "name"), ("seeds", 1), ("model", "no_such"), ()]}
    assert list(places.values()) == ["a.yaml:1", "a.yaml:2", "a.yaml:5", "a.yaml:1", "a.yaml:1"]


@pytest.mark.parametrize("text", ["norm", "=3", " =3"])
def test_an_assignment_needs_a_key_and_a_value(text):
    with pytest.raises(ConfigError) as error:
        read_assignment("--set", text)
    assert str(error.value) == f"--set {text}: must be KEY=VALUE, got {text!r}. Example: --set norm=none"


@pytest.mark.parametrize(
    ("text", "data"),
    [
        ("dropout=1e-3", {"dropout": 0.001}),
        ("norm={name: group_norm, eps: 1}", {"norm": {"name": "group_norm", "eps": 1}}),
        ("norm.name=a=b", {"norm.name": "a=b"}),
        ("norm=", {"norm": None}),
        (" norm = none ", {"norm": "none"}),
    ],
)
def test_the_value_of_an_assignment_is_yaml(text, data):
    assert read_assignment("--set", text).data == data


LETTERS = f"a: &a {'x' * 9_999}\nb: [{', '.join(['*a'] * 200)}]\n"


def test_a_text_said_again_and_again_is_refused():
    (complaint,) = complaints_of(LETTERS)
    assert complaint.endswith("Is this a config?")


def test_an_alias_in_moderation_is_allowed():
    assert parse_yaml("a: &a {lr: 0.1}\nb: *a\n", "a.yaml").data == {"a": {"lr": 0.1}, "b": {"lr": 0.1}}


def test_a_merge_key_is_a_key_like_others():
    assert parse_yaml("a: &a {x: 1}\nb:\n  <<: *a\n", "a.yaml").data["b"] == {"<<": {"x": 1}}


@pytest.mark.parametrize("text", ["9223372036854775808", "-" + "9" * 19, "1" + "0" * 5_000, "!!int nine", "!!float x"])
def test_a_number_that_no_setting_takes_is_refused(text):
    (complaint,) = complaints_of(f"a: {text}\n")
    assert complaint.startswith("a.yaml:1: a: must be a number of fewer digits, got ")


def test_the_largest_numbers_are_numbers():
    assert parse_yaml("a: [9223372036854775807, 1e308, 1e999]", "a.yaml").data == {"a": [2**63 - 1, 1e308, math.inf]}


@pytest.mark.parametrize("tag", ["!<tag:elsewhere,2020:int>", "!<x:str>", "!int", "!!timestamp", "!!binary"])
def test_only_yamls_own_tags_mean_something(tag):
    (complaint,) = complaints_of(f"a: {tag} 3\n")
    assert complaint.startswith("a.yaml:1: a: must be plain text, a number, true or false, got ")


def test_a_key_longer_than_any_setting_is_refused():
    assert complaints_of(f"{'k' * 300}: 1\n") == [
        f"a.yaml:1: must have keys of at most 200 letters, got {'k' * 20}... Cut it."
    ]


def test_a_byte_order_mark_is_no_text(tmp_path):
    (tmp_path / "a.yaml").write_bytes(b"\xef\xbb\xbfmodel: mlp\n")
    assert read_study_file(tmp_path / "a.yaml").data == {"model": "mlp"}


@pytest.mark.parametrize(("path", "kind"), [("/dev/zero", "a device"), ("/dev/null", "a device"), ("pipe", "a pipe")])
def test_what_may_never_end_is_not_read(path, kind):
    os.mkfifo("pipe")
    with pytest.raises(ConfigError, match=f"{path}: must be a readable file, got: {kind} and no file. Give the path"):
        read_study_file(Path(path))


LINES = "model: {name: mlp, hidden_features: [4]}\ndataset: linear_regression\n"


@pytest.mark.parametrize("end", ["\r\n", "\r", "\n"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_line_ends_and_a_mark_of_other_systems_change_nothing(end, encoding):
    Path("a.yaml").write_bytes(LINES.replace("\n", end).encode(encoding))
    assert read_study_file(Path("a.yaml")) == parse_yaml(LINES, "a.yaml")


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-32"])
def test_another_encoding_is_told_in_a_line(encoding):
    Path("a.yaml").write_bytes(LINES.encode(encoding))
    with pytest.raises(ConfigError, match=r"^a.yaml: must be \S.*, got\b[^\n]*$"):
        read_study_file(Path("a.yaml"))


def test_a_path_with_a_zero_byte_is_no_file():
    with pytest.raises(ConfigError, match="must be a readable file, got: embedded null byte"):
        read_study_file(Path("a\0.yaml"))


@pytest.mark.parametrize("text", ["norm=a\nother: 3", "norm=\udcff"])
def test_an_assignment_is_one_value_of_text(text):
    with pytest.raises(ConfigError) as error:
        read_assignment("--set", text)
    assert "must be " in str(error.value)
