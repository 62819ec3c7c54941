"""What a study file is called under runs/, and whether it still says what was run."""

import json
import re
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

from normbench.errors import ConfigError

NAME = r"^[A-Za-z0-9][A-Za-z0-9_.=,+-]{0,119}$"
"""What studies and arms may be called: a folder on any system, and nothing that leads out of one."""
NOT_SETTINGS = ("claims", "quotes")
"""What may be written differently without anything else being run."""
_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9_.=,-]")


def is_name(text: object) -> bool:
    """Return whether a study or an arm may be called so.

    Example:
        >>> is_name("norm=none,lr=0.1"), is_name("../other"), is_name(7)
        (True, False, False)
    """
    return isinstance(text, str) and re.fullmatch(NAME, text) is not None


def study_name(path: Path, data: Mapping[str, Any]) -> str:
    """Return the study's folder name: what the file says, else its stem, told apart by its hash where a name cannot be.

    Raises:
        ConfigError: What the file says cannot be a folder's name.

    Example:
        >>> study_name(Path("configs/lenet bn.yaml"), {}), study_name(Path("a.yaml"), {"study": "mine"})
        ('lenet_bn', 'mine')
    """
    said = data.get("study")
    if said is not None and not is_name(said):
        rule = "must be letters, digits, '_', '-' and '.', starting with a letter or digit, at most 120"
        raise ConfigError([f"{path}: study: {rule}, got {said!r:.60}. Choose another name."])
    if said is not None:
        return str(said)
    stem = path.resolve().stem.replace(" ", "_")
    name = _NOT_IN_NAMES.sub("_", stem).lstrip("_.=,-")[:100]
    return name if name == stem else f"{name or 'study'}-{sha256(stem.encode()).hexdigest()[:6]}"


def content_sha256(data: Mapping[str, Any]) -> str:
    """Return the sha256 of what a file says about its runs; claims and quotes may change without running again.

    Example:
        >>> content_sha256({"norm": "none"}) == content_sha256({"norm": "none", "claims": []})
        True
    """
    said = {key: value for key, value in data.items() if key not in NOT_SETTINGS}
    return sha256(json.dumps(said, sort_keys=True, default=str).encode()).hexdigest()
