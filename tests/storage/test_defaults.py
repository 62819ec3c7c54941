"""A default that changes gives the same config other numbers, so it needs a new numerics number."""

import json
import os
from dataclasses import asdict
from pathlib import Path

from contracts.variants import PARTS, variants

from normbench.storage.identity import NUMERICS
from normbench.study.config import RunConfig
from normbench.study.numerics import Numerics

TABLE = Path(__file__).parents[1] / "golden" / "defaults.json"
"""Written anew by ``make golden``, after a new numerics number or an added setting."""


def plain(value):
    return value.model_dump(mode="json") if hasattr(value, "model_dump") else value


def defaults():
    """Return every default by the place of its setting: of a run, of each variant, of torch's numerics."""
    run = {
        f"run.{key}": plain(info.default)
        for key, info in RunConfig.model_fields.items()
        if not info.is_required() and key != "recording"
    }
    parts = {
        f"{part}.{name}.{key}": value
        for part in sorted(PARTS)
        for variant in variants(part)
        for name, found in [(variant.model_fields["name"].default, variant().model_dump(mode="json"))]
        for key, value in found.items()
    }
    return json.loads(json.dumps(run | parts | {f"numerics.{key}": v for key, v in asdict(Numerics()).items()}))


def changed_defaults(kept, now):
    """Return the settings whose default is no longer what the table says; added ones are none of them."""
    return [key for key, value in kept.items() if key not in now or now[key] != value]


def test_no_default_changed_without_a_new_numerics_number():
    if os.environ.get("NORMBENCH_GOLDEN"):
        content = {"numerics": NUMERICS, "defaults": defaults()}
        TABLE.write_text(json.dumps(content, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    kept = json.loads(TABLE.read_text(encoding="utf-8"))
    assert kept["numerics"] == NUMERICS, "the table is of another numerics number: run `make golden`"
    assert changed_defaults(kept["defaults"], defaults()) == []


def test_a_changed_default_is_found_and_an_added_setting_is_none():
    now = defaults()
    key = "run.batch_size"
    assert changed_defaults(now | {key: 17}, now) == [key]
    assert changed_defaults(now, {k: v for k, v in now.items() if k != key}) == [key]
    assert changed_defaults({k: v for k, v in now.items() if k != key}, now) == []
