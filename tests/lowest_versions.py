"""The least version of every dependency that pyproject.toml allows: `python -m lowest_versions` writes them down."""

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
CONSTRAINTS = ROOT / "constraints-lowest.txt"
HEADER = "# The least version of every dependency, from pyproject.toml: `make lowest` writes this file and tries them."


def requirements():
    """Every dependency as it is said, those of the extras included."""
    extras = PROJECT["optional-dependencies"].values()
    return [text for texts in (PROJECT["dependencies"], *extras) for text in texts]


def lowest(requirement):
    """Return name==version of a requirement, name>=version, which must have a least version.

    Example:
        >>> lowest("scipy>=1.14,<2")
        'scipy==1.14'
    """
    found = re.match(r"([\w.-]+)>=([\w.]+)(,|$)", requirement)
    assert found, f"pyproject.toml: {requirement}: must be name>=version"
    return f"{found[1]}=={found[2]}"


def constraints():
    """The text of the file: a line per dependency."""
    return "\n".join([HEADER, *sorted(map(lowest, requirements()), key=str.lower), ""])


if __name__ == "__main__":
    CONSTRAINTS.write_text(constraints(), encoding="utf-8")
