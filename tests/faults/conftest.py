"""What the small study leaves when nothing goes wrong, made once."""

import os
import shutil
from pathlib import Path

import pytest
from faults.small_study import RUNS, results, run, run_of


@pytest.fixture(scope="session")
def undisturbed_folder(tmp_path_factory):
    """Where the small study was run without a fault."""
    before = Path.cwd()
    os.chdir(tmp_path_factory.mktemp("undisturbed"))
    try:
        assert run().code == 0
        yield Path.cwd()
    finally:
        os.chdir(before)


@pytest.fixture(scope="session")
def undisturbed(undisturbed_folder):
    """All results of the small study; 2 runs of 6 files."""
    found = results(undisturbed_folder / RUNS)
    assert len(found) == 2 * 6
    return found


@pytest.fixture
def made(undisturbed_folder):
    """The small study, run: a copy of it in this test's folder; the first run of its first arm."""
    shutil.copytree(undisturbed_folder, Path.cwd(), dirs_exist_ok=True)
    return run_of()
