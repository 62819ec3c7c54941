"""Forges what JSON and YAML files hold: odd values at every place, keys more and less, texts that are no JSON."""

import json

import yaml
from forging.forgery import LITERALS, a_file, forgery, keys, values
from forging.seals import as_sealed_json
from hypothesis import strategies as st
from odd_values import CHANGES, changed, places

NO_JSON = [
    b"",
    b"\0" * 40,
    b"null",
    b"[]",
    b"{}",
    b"3",
    b'"x"',
    b"{",
    b"[" * 100_000,
    b'{"a": ' * 50_000,
    b'\xef\xbb\xbf{"a": 1}',
    '{"a": 1}'.encode("utf-16"),
    b'{"a": "\xff"}',
    b'{"a": 1} {"a": 1}',
    b'{"arms": [], "arms": {}}',
    b"\x1b[2J\x07",
    b"NaN",
    b"-",
    b"1e400",
    b"9" * 5_000,
]


def as_json(tree):
    """Return a tree as normbench writes it, with whatever a JSON file may hold and Python's values do not."""
    raw = as_sealed_json(tree)
    for said, literal in LITERALS.items():
        raw = raw.replace(json.dumps(said).encode(), literal.encode())
    return raw


def near(value):
    """Return values of another type or size that resemble one: what a careless reader takes for it."""
    alike = [[value], [value, value], {"0": value}, str(value)]
    if isinstance(value, str):
        return [*alike, list(value), value.upper(), f"{value} ", value[:-1], f"../{value}", value * 50]
    if isinstance(value, int | float):
        return [*alike, -value, value + 1, value * 10**9, bool(value)]
    if isinstance(value, dict):
        return [*alike, list(value), list(value.items()), dict.fromkeys(value)]
    return [*alike, [*value, *value], value[::-1], dict(enumerate(value)), [None] * len(value)] if value else alike


def one_change(draw, tree):
    """Return a tree with one drawn change at a drawn place, and what was changed."""
    place = draw(st.sampled_from(places(tree)), label="place")
    known = tree
    for step in place:
        known = known[step]
    how, key, value = draw(st.sampled_from(CHANGES)), draw(keys), draw(values | st.sampled_from(near(known)))
    return changed(tree, place, how, key, value), f"{how} at {'.'.join(map(str, place))}: {key!r:.40} {value!r:.60}"


@forgery(weight=6)
def a_place_in_a_json_file(draw):
    path = a_file(draw, ".json")
    try:
        tree = json.loads(path.read_bytes())
    except (AttributeError, ValueError, RecursionError):  # forged before
        return ""
    tree, what = one_change(draw, tree)
    path.write_bytes(as_json(tree))
    return f"{path} {what}"


@forgery
def a_place_in_a_config(draw):
    path = a_file(draw, ".yaml")
    if path is None:
        return ""
    try:
        tree, what = one_change(draw, yaml.safe_load(path.read_bytes()))
        path.write_bytes(yaml.safe_dump(tree, sort_keys=False).encode("utf-8", "surrogatepass"))
    except (yaml.YAMLError, UnicodeError):  # forged before
        return ""
    return f"{path} {what}"


@forgery
def a_file_of_something_else(draw):
    path = a_file(draw)
    if path is None:
        return ""
    raw = draw(st.sampled_from(NO_JSON) | st.binary(max_size=30))
    path.write_bytes(raw)
    return f"{path} holds {raw!r:.40}"
