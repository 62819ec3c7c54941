"""Which versions of Python and of the dependencies are said to do, and that all places say the same."""

import re

import lowest_versions
import pytest
from docs_blocks.markdown import ROOT
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

PYPROJECT = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
TESTED = re.findall(r"^([\w.-]+)==([\d.]+)$", (ROOT / "constraints.txt").read_text(encoding="utf-8"), re.MULTILINE)


def test_the_least_versions_are_those_of_pyproject():
    written = lowest_versions.CONSTRAINTS.read_text(encoding="utf-8")
    assert written == lowest_versions.constraints(), "run `PYTHONPATH=tests python -m lowest_versions`"


@pytest.mark.parametrize("said", lowest_versions.requirements())
def test_the_tested_version_of_a_dependency_lies_within_its_bounds(said):
    requirement = Requirement(said)
    tested = {name.lower(): version for name, version in TESTED}
    assert requirement.specifier.contains(tested[requirement.name.lower()])
    assert requirement.specifier.contains(lowest_versions.lowest(said).partition("==")[2])


def test_the_versions_of_python_are_the_same_everywhere():
    pattern = r"Programming Language :: Python :: 3\.(\d+)"
    classified = [int(minor) for text in lowest_versions.PROJECT["classifiers"] for minor in re.findall(pattern, text)]
    least = classified[0]
    assert classified == list(range(least, classified[-1] + 1))
    assert SpecifierSet(lowest_versions.PROJECT["requires-python"]) == SpecifierSet(f">=3.{least}")
    assert f'target-version = "py3{least}"' in PYPROJECT
    assert f'python_version = "3.{least}"' in PYPROJECT
    assert f"Python 3.{least}" in (ROOT / "README.md").read_text(encoding="utf-8")
    assert f"(3, {least})" in (ROOT / "Makefile").read_text(encoding="utf-8")
