"""What the small study leaves when nothing goes wrong, made once."""

import os
from pathlib import Path

import pytest
from faults.small_study import results, run


@pytest.fixture(scope="session")
def undisturbed(tmp_path_factory):
    """All results of the small study; 2 runs of 6 files."""
    before = Path.cwd()
    os.chdir(tmp_path_factory.mktemp("undisturbed"))
    try:
        assert run().code == 0
        found = results()
    finally:
        os.chdir(before)
    assert len(found) == 2 * 6
    return found
