"""Reads YAML files safely, and keeps the line of every value for messages."""

import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import yaml

from normbench.errors import ConfigError
from normbench.storage.files.located import MAX_DEPTH, Loc, Located
from normbench.storage.files.reading import open_regular
from normbench.storage.shipped_configs import config_file, meant_text

MAX_BYTES = 1_000_000
MAX_NODES = 20_000
MAX_TEXT = 10_000
MAX_KEY = 200
MAX_INT = 2**63 - 1
RESOLVED_HEADER = "# The resolved config of one run, down to the line of dots"
"""First line of the config in a run's folder."""


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """Reads the implicit types of YAML 1.2; PyYAML by itself reads 1e-3 as text, no as false and 012 as ten."""

    yaml_implicit_resolvers: ClassVar[dict[str, list[tuple[str, re.Pattern[str]]]]] = {}


for _tag, _pattern, _first in (
    ("bool", r"true|True|TRUE|false|False|FALSE", "tTfF"),
    ("null", r"~|null|Null|NULL|", "~nN"),
    ("int", r"[-+]?[0-9]+", "-+0123456789"),
    (
        "float",
        r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)",
        "-+.0123456789",
    ),
):
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(rf"^(?:{_pattern})$"), list(_first))
_Loader.yaml_implicit_resolvers[""] = [("tag:yaml.org,2002:null", re.compile(r"^$"))]


def read_study_file(path: Path) -> Located:
    """Read one study file.

    Raises:
        ConfigError: No such file, not YAML, a key given twice, or larger than any study.
    """
    return parse_yaml(read_text(path), str(path))


def read_text(path: Path) -> str:
    """Return the text of a study file, or of the shipped config that a bare name means.

    Raises:
        ConfigError: No such file, a folder, pipe or device, not UTF-8, or larger than any study.
    """
    try:
        with open_regular(config_file(path)) as file:
            raw = file.read(MAX_BYTES + 1)  # it may grow while it is read
            size = max(len(raw), os.fstat(file.fileno()).st_size)
    except (OSError, ValueError) as error:  # ValueError: a zero byte in the path
        problem = getattr(error, "strerror", None) or error
        way_out = meant_text(path) if isinstance(error, FileNotFoundError) else "Give the path of a config."
        raise ConfigError([f"{path}: must be a readable file, got: {problem}. {way_out}"]) from None
    if size > MAX_BYTES:
        raise ConfigError([f"{path}: must be at most {MAX_BYTES:,} bytes, got {size:,}. Is this a config?"])
    try:
        return _refuse_cut_short(raw.decode("utf-8-sig"), path)
    except UnicodeDecodeError as error:
        raise ConfigError(
            [f"{path}: must be UTF-8 text, got byte {raw[error.start]:#x} at {error.start}. Save it as UTF-8."]
        ) from None


def question_of(text: str) -> str:
    """Return the text of the comment in a file's first line, or "".

    Example:
        >>> question_of("# Does it help?"), question_of("model: mlp")
        ('Does it help?', '')
    """
    first = text.partition("\n")[0]
    return first.lstrip("# ").strip() if first.startswith("#") else ""


def _refuse_cut_short(text: str, path: Path) -> str:
    """Return a config's text; refuse one that a run wrote and that was cut short, which may still be valid YAML."""
    if text.startswith(RESOLVED_HEADER) and text.rstrip().rpartition("\n")[2] != "...":
        rule, way_out = "must end in the line of dots it was written with", "Run its study's file with --force."
        raise ConfigError([f"{path}: {rule}, got it cut short. {way_out}"])
    return text


def read_assignment(option: str, text: str, shown: str = "") -> Located:
    """Read ``KEY=VALUE`` of an option like ``--set``; the value is YAML.

    Raises:
        ConfigError: No ``=``, or the value is not YAML.
    """
    key, equals, value = text.partition("=")
    if not equals or not key.strip():
        raise ConfigError([f"{option} {text}: must be KEY=VALUE, got {text!r}. Example: {option} norm=none"])
    place = f"{option} {shown or text}"
    parsed = parse_yaml(f"value: {value}" if value.strip() else "value:", place, lines=False)
    if list(parsed.data) != ["value"]:
        raise ConfigError([f"{place}: must be one value, got lines of YAML. Example: {option} norm=none"])
    places = {(key.strip(), *loc[1:]): place for loc in parsed.places if loc}
    return Located({key.strip(): parsed.data["value"]}, places)


def parse_yaml(text: str, where: str, *, lines: bool = True) -> Located:
    """Turn YAML into settings and their places; ``where`` is the file's name for messages.

    Raises:
        ConfigError: Not YAML, not a mapping, a key given twice, too deep or too large.
    """
    try:
        _refuse_size(text, where)
        node = yaml.compose(text, Loader=_Loader)
    except UnicodeEncodeError:  # a lone surrogate, from a command line that was not UTF-8
        raise ConfigError([f"{where}: must be UTF-8 text. Type it again."]) from None
    except yaml.YAMLError as error:
        raise ConfigError([_syntax_complaint(error, where, lines=lines)]) from None
    if not isinstance(node, yaml.MappingNode):
        raise ConfigError([f"{where}: must be a mapping of settings, got {_kind(node)}. Example: model: lenet"])
    reader = _Reader(where, lines=lines)
    data = reader.read(node, ())
    if reader.complaints:
        raise ConfigError(reader.complaints)
    return Located(data, reader.places)


def _refuse_size(text: str, where: str) -> None:
    """Refuse deep nesting and far too many values before nodes are made.

    libyaml's composer recurses in C until the process crashes; what is wrong with 200,000 keys is as many complaints.
    """
    depth = num_keys_and_values = 0
    for event in yaml.parse(text, Loader=_Loader):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        num_keys_and_values += isinstance(event, yaml.NodeEvent)
        if num_keys_and_values > 2 * MAX_NODES + 1:
            raise ConfigError([f"{where}: must hold at most {MAX_NODES:,} values. Is this a config?"])
        if depth > 10 * MAX_DEPTH:
            raise ConfigError([f"{where}: must be nested at most {MAX_DEPTH} deep. Is this a config?"])


def _int(text: str) -> int:
    if len(text) > 20 or abs(int(text)) > MAX_INT:  # int() of thousands of digits takes long, or raises
        raise ValueError(text)
    return int(text)


def _float(text: str) -> float:
    return float(text.lower().replace(".inf", "inf").replace(".nan", "nan"))


TAG = "tag:yaml.org,2002:"
PLAIN_COLLECTIONS = (f"{TAG}map", f"{TAG}seq")
SCALARS: dict[str, Callable[[str], Any]] = {
    f"{TAG}str": str,
    f"{TAG}int": _int,
    f"{TAG}float": _float,
    f"{TAG}bool": lambda text: text.lower() == "true",
    f"{TAG}null": lambda _: None,
}


class _Reader:
    """Walks the YAML nodes once; collects values, places and complaints."""

    def __init__(self, where: str, *, lines: bool) -> None:
        self.where, self.lines = where, lines
        self.places: dict[Loc, str] = {}
        self.complaints: list[str] = []
        self.num_nodes = self.num_letters = 0

    def read(self, node: yaml.Node, loc: Loc) -> Any:
        """Return the value of a node."""
        self.places[loc] = self.place(node)
        self.num_nodes += 1
        self.num_letters += len(node.value)  # an alias repeats a text without making the file longer
        if len(loc) > MAX_DEPTH or self.num_nodes > MAX_NODES or self.num_letters > MAX_BYTES:
            raise ConfigError(
                [f"{self.place(node)}: must hold at most {MAX_NODES:,} values, {MAX_DEPTH} deep. Is this a config?"]
            )
        if isinstance(node, yaml.CollectionNode) and node.tag not in PLAIN_COLLECTIONS:
            self.complain(node, loc, f"must be a plain list or mapping, got {node.tag}. Remove the tag.")
            return None
        if isinstance(node, yaml.MappingNode):
            return self.read_mapping(node, loc)
        if isinstance(node, yaml.SequenceNode):
            return [self.read(item, (*loc, i)) for i, item in enumerate(node.value)]
        return self.read_scalar(node, loc)

    def read_mapping(self, node: yaml.MappingNode, loc: Loc) -> dict[str, Any]:
        """Return a mapping; complain about a key that is given twice."""
        result: dict[str, Any] = {}
        for key_node, value_node in node.value:
            if not isinstance(key_node, yaml.ScalarNode):
                self.complain(key_node, loc, "must have plain words as keys, got a list or mapping. Write key: value.")
                continue
            key = str(key_node.value)
            if len(key) > MAX_KEY:
                self.complain(key_node, loc, f"must have keys of at most {MAX_KEY} letters, got {key[:20]}... Cut it.")
                continue
            if key in result:
                first = self.places[*loc, key]
                self.complain(key_node, (*loc, key), f"must be given once, got it at {first} too. Remove one of them.")
                continue
            result[key] = self.read(value_node, (*loc, key))
            self.places[*loc, key] = self.place(key_node)
        return result

    def read_scalar(self, node: yaml.Node, loc: Loc) -> Any:
        """Return text, a number, true, false or nothing."""
        text = str(node.value)
        if node.tag not in SCALARS or len(text) > MAX_TEXT:
            rule = f"must be plain text, a number, true or false, got {node.tag} {text[:40]!r}"
            self.complain(node, loc, f"{rule}. Write the value alone.")
            return None
        try:
            return SCALARS[node.tag](text)
        except ValueError:
            self.complain(node, loc, f"must be a number of fewer digits, got {text[:20]}... Write a smaller one.")
            return None

    def complain(self, node: yaml.Node, loc: Loc, rule: str) -> None:
        """Add one mistake to the complaints."""
        key = ".".join(str(step) for step in loc)
        self.complaints.append(f"{self.place(node)}: {f'{key}: ' if key else ''}{rule}")

    def place(self, node: yaml.Node) -> str:
        """Return "file:line"."""
        return f"{self.where}:{_line(node)}" if self.lines else self.where


def _line(node: yaml.Node) -> int:
    return int(node.start_mark.line) + 1


def _kind(node: yaml.Node | None) -> str:
    return (
        "nothing" if node is None else "a list" if isinstance(node, yaml.SequenceNode) else f"{str(node.value)[:40]!r}"
    )


def _syntax_complaint(error: yaml.YAMLError, where: str, *, lines: bool) -> str:
    mark = getattr(error, "problem_mark", None)
    place = f"{where}:{mark.line + 1}" if mark is not None and lines else where
    problem = getattr(error, "problem", None) or str(error).splitlines()[0]
    return f"{place}: must be YAML, got: {problem}. Check colons, quotes and indentation there."
