"""RunIdentity: one sha256 over all settings that decide a run's numbers."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from hashlib import sha256
from json import dumps
from pathlib import Path
from typing import Any, Final

from normbench.errors import RunFolderError
from normbench.storage.contents.identity import IDENTITY
from normbench.storage.files.json_files import file_holds, write_sealed_json

NUMERICS = 3
"""Version of the mathematics: raised with every entry under Numerics in the CHANGELOG."""
LOOP: Final = "loop"
STACKED: Final = "stacked"
"""The engines: one network after another, or networks that differ in seed and numbers alone trained as one."""
IDENTITY_JSON = "identity.json"
CODE, PACKAGE = "code ", "package "
"""How the names of digests of code begin: "code nets/blocks.py", "package timm"; others are of data."""
NUM_DIGITS_SHOWN = 12
"""Number of hex digits in folder names and reports; comparisons use all 64."""


@dataclass(frozen=True)
class RunIdentity:
    """Everything that decides the numbers of an arm's runs, but for the seed.

    Two runs are the same run if their whole identities and their seeds are equal. torch's version is not part of it:
    it is kept beside every result, and a comparison across versions says so.

    Attributes:
        settings: Validated settings that are not at their default, as YAML holds them; without ``recording``, which
            changes no number.
        device: cpu or cuda.
        context: Settings of torch that are not at their default, such as threads.
        numerics: Version of the mathematics; see NUMERICS.
        engine: What trains the runs, LOOP or STACKED; they round otherwise.
        digests: sha256 of the user's own code and data, by name.
    """

    settings: Mapping[str, Any]
    device: str
    context: Mapping[str, Any] = field(default_factory=dict)
    numerics: int = NUMERICS
    engine: str = LOOP
    digests: Mapping[str, str] = field(default_factory=dict)

    def content(self) -> dict[str, Any]:
        """Return all fields in plain types; equal identities give equal content."""
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
        """sha256 of the content, 64 hex digits; computed once."""
        return sha256(dumps(self.content(), sort_keys=True, allow_nan=False).encode()).hexdigest()

    @property
    def short(self) -> str:
        """The first hex digits, for folder names and reports."""
        return self.sha256[:NUM_DIGITS_SHOWN]

    @property
    def code(self) -> dict[str, str]:
        """The digests of code, and versions of packages, without digests of data."""
        return {name: digest for name, digest in self.digests.items() if is_of_code(name)}

    def with_code(self, code: Mapping[str, str]) -> "RunIdentity":
        """Return the identity of the same runs made with other code of the user's."""
        of_data = {name: digest for name, digest in self.digests.items() if not is_of_code(name)}
        return replace(self, digests=of_data | dict(code))

    def write(self, folder: Path) -> None:
        """Write identity.json into an arm's folder, unless it already holds the same."""
        content = {"identity": self.sha256} | self.content()
        if not file_holds(folder / IDENTITY_JSON, content):
            write_sealed_json(folder / IDENTITY_JSON, content)


def is_of_code(digest: str) -> bool:
    """Return whether the name of a digest is that of code, not of data."""
    return digest.startswith((CODE, PACKAGE))


def read_identity(folder: Path) -> RunIdentity | None:
    """Read identity.json from an arm's folder; return None where it is missing or damaged."""
    try:
        said = IDENTITY.read(folder / IDENTITY_JSON)
    except RunFolderError:
        return None
    of_runs = said["device"], said["context"], said["numerics"], said["engine"], said["digests"]
    found = RunIdentity(said["settings"], *of_runs)
    return found if found.sha256 == said["identity"] else None
