"""The page that `normbench run` leaves: of several arms, named on the screen, never in the way of a result."""

from pathlib import Path

import pytest
from command_line import normbench
from made_up_runs import ARMS, TINY

PAGE = Path("runs/tiny/report.html")


@pytest.fixture
def tiny():
    Path("tiny.yaml").write_text(TINY + ARMS, encoding="utf-8")


def pointers(out):
    return [line.split()[0] for line in out.splitlines()[-3:]]


@pytest.mark.usefixtures("tiny")
def test_a_study_of_arms_leaves_its_page_and_a_repetition_names_it():
    code, out, _ = normbench("run", "tiny.yaml", "--quiet")
    assert code == 0
    assert f"report   {PAGE}\n" in out
    page = PAGE.read_bytes()
    assert normbench("run", "tiny.yaml", "--quiet").out == out
    assert PAGE.read_bytes() == page
    PAGE.unlink()
    again = normbench("run", "tiny.yaml", "--quiet").out
    assert again == out.replace(f"report   {PAGE}\n", "saved    runs/tiny\n")
    assert normbench("report", "runs/tiny").out == f"report   {PAGE}\n"
    assert PAGE.read_bytes() == page


@pytest.mark.usefixtures("tiny")
def test_a_page_that_cannot_be_written_is_one_line_and_loses_nothing():
    PAGE.mkdir(parents=True)
    code, out, err = normbench("run", "tiny.yaml", "--quiet")
    assert code == 0
    assert err.count("\n") == 1
    assert err.startswith(f"{PAGE}: must be a file this user may write, got: ")
    assert "saved    runs/tiny\n" in out
    assert "report  " not in out
    assert normbench("compare", "runs/tiny").code == 0


def test_a_single_run_leaves_none():
    Path("tiny.yaml").write_text(TINY, encoding="utf-8")
    assert normbench("run", "tiny.yaml", "--quiet").code == 0
    assert list(Path("runs").rglob("*.html")) == []
