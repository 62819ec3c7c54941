"""Names a study's folder after its file, and hashes the part of a file that decides its runs."""

import json
import re
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

from normbench.errors import ConfigError

NAME = r"^[A-Za-z0-9][A-Za-z0-9_.=,+-]{0,119}$"
"""Pattern for names of studies and arms: a valid folder name on any system, never a path."""
KEYS_BESIDE_SETTINGS = ("claims", "quotes", "margin")
"""Keys of a study file that change no run."""
KEYS_THAT_DECIDE_A_CLAIM = ("metric", "expect", "about", "pool")
"""Keys of a claim that change its verdict."""
QUICK = "-quick"
"""Ends the name of the short version of a study, which --quick makes."""
SECOND_RUN = "-second-run"
"""Ends the name of the study that repeats another on new seeds, which --second-run makes."""
SECOND_RUN_OPTION = "--second-run"
"""The option that makes it; it stands in its study.json."""
_REPLACED_IN_NAMES = re.compile(r"[^A-Za-z0-9_.=,-]")


def is_name(text: object) -> bool:
    """Return whether a text is a valid name of a study or an arm.

    Example:
        >>> is_name("norm=none,lr=0.1"), is_name("../other"), is_name(7)
        (True, False, False)
    """
    return isinstance(text, str) and re.fullmatch(NAME, text) is not None


def study_name(path: Path, data: Mapping[str, Any]) -> str:
    """Return the study's folder name: the file's ``study:``, else its stem, with a hash where letters were replaced.

    Raises:
        ConfigError: ``study:`` cannot be a folder's name.

    Example:
        >>> study_name(Path("configs/lenet bn.yaml"), {}), study_name(Path("a.yaml"), {"study": "mine"})
        ('lenet_bn', 'mine')
    """
    given = data.get("study")
    if given is not None and not is_name(given):
        rule = "must be letters, digits, '_', '-' and '.', starting with a letter or digit, at most 120"
        raise ConfigError([f"{path}: study: {rule}, got {given!r:.60}. Choose another name."])
    if given is not None:
        return str(given)
    stem = path.resolve().stem.replace(" ", "_")
    name = _REPLACED_IN_NAMES.sub("_", stem).lstrip("_.=,-")[:100]
    return name if name == stem else f"{name or 'study'}-{sha256(stem.encode()).hexdigest()[:6]}"


def content_sha256(data: Mapping[str, Any]) -> str:
    """Return the sha256 of a file's content without claims, quotes and margin, which change no run.

    Example:
        >>> content_sha256({"norm": "none"}) == content_sha256({"norm": "none", "claims": []})
        True
    """
    return _sha256({key: value for key, value in data.items() if key not in KEYS_BESIDE_SETTINGS})


def claim_sha256(claim: Mapping[str, Any]) -> str:
    """Return the sha256 of what decides a claim's verdict, beside the runs: all but its words and its name.

    Example:
        >>> claim_sha256({"expect": "a", "says": "one"}) == claim_sha256({"expect": "a", "says": "two"})
        True
    """
    return _sha256({key: value for key, value in claim.items() if key in KEYS_THAT_DECIDE_A_CLAIM})


def _sha256(said: Mapping[str, Any]) -> str:
    return sha256(json.dumps(said, sort_keys=True, default=str).encode()).hexdigest()
