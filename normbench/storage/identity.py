"""What a run is known by: all settings that decide its numbers, under one sha256."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import sha256
from json import dumps
from pathlib import Path
from typing import Any

from normbench.errors import RunFolderError
from normbench.storage.files.json_files import read_json, write_sealed_json

NUMERICS = 1
"""Raised with every entry under Numerics in the CHANGELOG: the same config then means other numbers."""
ENGINE = "loop"
"""What makes the updates: one network after another."""
IDENTITY_JSON = "identity.json"
NUM_SHOWN = 12
"""Hex digits that people see, in names of folders and in reports; never compared."""


@dataclass(frozen=True)
class RunIdentity:
    """Everything that decides the numbers of an arm's runs, but for the seed.

    Two runs are the same run if their whole identities and their seeds are equal. torch's version is not part of it:
    it is kept beside every result, and a comparison across versions says so.

    Attributes:
        settings: What differs from the defaults in the validated settings, as YAML would say it; without ``recording``,
            which decides what is written down and no number.
        device: cpu or cuda.
        context: What differs from the defaults in torch's numerics, such as threads.
        numerics: Number of the mathematics; see NUMERICS.
        engine: What makes the updates.
        digests: sha256 of own code and own data, by name.
    """

    settings: Mapping[str, Any]
    device: str
    context: Mapping[str, Any] = field(default_factory=dict)
    numerics: int = NUMERICS
    engine: str = ENGINE
    digests: Mapping[str, str] = field(default_factory=dict)

    def content(self) -> dict[str, Any]:
        """Return all of it in plain types; equal identities give equal content."""
        return {
            "settings": dict(self.settings),
            "device": self.device,
            "context": dict(self.context),
            "numerics": self.numerics,
            "engine": self.engine,
            "digests": dict(self.digests),
        }

    @cached_property
    def sha256(self) -> str:
        """64 hex digits that stand for the content; computed once."""
        return sha256(dumps(self.content(), sort_keys=True, allow_nan=False).encode()).hexdigest()

    @property
    def short(self) -> str:
        """The digits that people see."""
        return self.sha256[:NUM_SHOWN]

    def write(self, folder: Path) -> None:
        """Write identity.json into an arm's folder, where no equal one lies."""
        if read_identity(folder) != self:
            write_sealed_json(folder / IDENTITY_JSON, {"identity": self.sha256} | self.content())


def read_identity(folder: Path) -> RunIdentity | None:
    """Return the identity that an arm's folder holds; None where it has none that can be read."""
    try:
        said = read_json(folder / IDENTITY_JSON)
        found = RunIdentity(**{key: said[key] for key in RunIdentity.__dataclass_fields__})
        return found if found.sha256 == said["identity"] else None
    except (RunFolderError, KeyError, TypeError, ValueError):
        return None
