"""What a study file is called under runs/, and whether it still says what was run."""

import json
import re
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

NOT_SETTINGS = ("claims", "quotes")
"""What may be written differently without anything else being run."""
_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9_.=,-]")


def study_name(path: Path, data: Mapping[str, Any]) -> str:
    """Return the study's folder name: what the file says, else its stem, told apart by its hash where a name cannot be.

    Example:
        >>> study_name(Path("configs/lenet bn.yaml"), {}), study_name(Path("a.yaml"), {"study": "mine"})
        ('lenet_bn', 'mine')
    """
    if data.get("study") is not None:
        return str(data["study"])
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
