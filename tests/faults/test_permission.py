"""Folders that may not be written or looked into: one line, the others go on, asking again completes."""

import os
import re
from contextlib import contextmanager
from pathlib import Path
from shutil import rmtree
from tempfile import TemporaryDirectory

import pytest
from command_line import normbench
from faults.small_study import CONFIG, RUNS, TEXT, asked_again, results, run, run_of

from normbench.scheduling.mean_curves import SUMMARY

NOBODY = 65534
DENIED = "Permission denied. Allow this user to write there, or choose another folder with --runs-dir."


@pytest.fixture(autouse=True)
def _an_ordinary_user(monkeypatch):
    """Be somebody whom permissions bind, as root is not, in a folder of theirs."""
    with TemporaryDirectory() as place:
        monkeypatch.chdir(place)
        is_root = os.geteuid() == 0
        if is_root:
            os.chown(place, NOBODY, NOBODY)
            os.seteuid(NOBODY)
        yield
        if is_root:
            os.seteuid(0)
        monkeypatch.undo()


@contextmanager
def may(folder, mode):
    """Allow this much in a folder inside the block."""
    folder.chmod(mode)
    try:
        yield
    finally:
        folder.chmod(0o755)


def unfinished():
    """Leave the study with the run of one arm missing."""
    run()
    (run_of() / "summary.json").unlink()
    return run_of()


@pytest.mark.parametrize("mode", [0o555, 0o000])
def test_a_run_folder_that_may_not_be_written_fails_alone(undisturbed, mode):
    with may(unfinished(), mode):
        answer = run()
    line = f"{run_of()}: must be a folder this user may write, got: {DENIED}"
    assert (answer.code, answer.err) == (1, f"small plain, seed 0: failed: {line}\n1 failed:\nplain, seed 0: {line}\n")
    assert asked_again()[0] == undisturbed


def test_an_arm_that_may_not_be_written_fails_alone(undisturbed):
    folder = unfinished().parent
    (folder / ".lock").unlink()
    with may(folder, 0o555):
        answer = run()
    line = f"{run_of()}: must be a folder this user may write, got: {DENIED}"
    assert (answer.code, answer.err) == (1, f"small plain, seed 0: failed: {line}\n1 failed:\nplain, seed 0: {line}\n")
    assert asked_again()[0] == undisturbed


def test_an_arm_that_may_not_be_looked_into_is_named(undisturbed):
    folder = unfinished().parent
    with may(folder, 0o000):
        answer = run()
    line = f"{folder}/arm.json: must be readable and writable, got: {DENIED}"
    assert (answer.code, answer.err) == (2, f"{line}\n")
    assert asked_again()[0] == undisturbed


@contextmanager
def may_only_be_read(place):
    """Allow nobody to write to a folder or anything in it, inside the block."""
    modes = {path: path.stat().st_mode for path in [place, *place.rglob("*")]}
    for path, mode in modes.items():
        path.chmod(mode & 0o555)
    try:
        yield
    finally:
        for path, mode in modes.items():
            path.chmod(mode)


def content(place):
    """Return each file's time of change."""
    return {path: path.stat().st_mtime_ns for path in place.rglob("*")}


@pytest.mark.parametrize("lost", ["nothing", "finished.json"])
def test_a_finished_study_needs_no_permission_to_write(lost):
    run()
    (RUNS / lost).unlink(missing_ok=True)
    told = normbench("compare", RUNS)
    with may_only_be_read(Path()):
        before = content(Path())
        again = [normbench("run", CONFIG, *options) for options in ([], ["--json"], ["--details"])]
        seen = [normbench(*words) for words in (["compare", RUNS], ["list"], ["show", run_of()], ["claims", CONFIG])]
        assert content(Path()) == before
    assert [(answer.code, answer.err) for answer in (*again, *seen)] == [(0, "")] * 7
    assert seen[0] == told
    assert again[0] == normbench("run", CONFIG)


def test_pictures_that_cannot_be_kept_are_told_of():
    run("--seeds", 2)
    (RUNS / "finished.json").unlink()
    rmtree(RUNS / SUMMARY)
    with may_only_be_read(Path()):
        answer = normbench("run", CONFIG, "--seeds", 2)
    line = f"{RUNS}: must be writable to keep pictures, got: Permission denied. They are left out.\n"
    assert (answer.code, answer.err) == (0, line)


def test_a_study_that_asks_something_else_must_be_written():
    run()
    CONFIG.write_text(f"{TEXT}margin: 0.5\n", encoding="utf-8")
    with may_only_be_read(Path()):
        answer = normbench("run", CONFIG)
    assert (answer.code, answer.err) == (2, f"{RUNS}: must be readable and writable, got: {DENIED}\n")


@pytest.mark.parametrize("folder", [Path(), Path("runs"), RUNS])
def test_a_place_that_may_not_be_written_names_another(undisturbed, folder):
    folder.mkdir(parents=True, exist_ok=True)
    Path("small.yaml").touch()
    with may(folder, 0o555):
        answer = run()
    assert (answer.code, answer.out) == (2, "")
    assert re.fullmatch(rf"runs\S*: must be readable and writable, got: {DENIED}\n", answer.err)
    assert results() == {}
    assert asked_again()[0] == undisturbed


@pytest.mark.parametrize("command", ["run", "claims", "audit", "probe"])
def test_a_config_that_may_not_be_read_is_named(command):
    Path("mine.yaml").touch(mode=0)
    line = "mine.yaml: must be a readable file, got: Permission denied. Give the path of a config.\n"
    assert normbench(command, "mine.yaml") == (2, "", line)
