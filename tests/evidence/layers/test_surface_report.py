"""The loss surface that runs recorded, told with its step sizes."""

import csv
import statistics
from pathlib import Path

import pytest
from command_line import normbench
from made_up_runs import ARMS, TINY

from normbench.evidence.layers.surface_report import SIZES, surfaces
from normbench.storage.study_folder import read_study

RECORDED = TINY.replace("recording: {", "recording: {every_steps: 2, loss_surface: true, ") + ARMS + "seeds: 2\n"


@pytest.fixture
def out(monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    Path("tiny.yaml").write_text(RECORDED, encoding="utf-8")
    return normbench("run", "tiny.yaml").out


def recorded(arm, name):
    """The values of one size by seed, as they stand in probes.csv."""
    tables = [csv.DictReader((run.folder / "probes.csv").read_text().splitlines()) for run in arm.runs]
    return [[float(row["value"]) for row in table if row["name"] == name] for table in tables]


@pytest.mark.usefixtures("out")
def test_the_ends_are_means_over_seeds_of_what_was_recorded():
    arms = read_study(Path("runs/tiny")).arms
    found = surfaces(arms)
    assert [one.arm for one in found] == ["plain", "decayed"]
    for arm, surface in zip(arms, found, strict=True):
        assert (surface.num_seeds, surface.multiples) == (2, [0.5, 1.0, 2.0, 4.0])
        assert surface.step_sizes == pytest.approx([0.005, 0.01, 0.02, 0.04])
        for name, span in zip(SIZES, surface.spans, strict=True):
            values = recorded(arm, name)
            assert span == pytest.approx([statistics.fmean(one[end] for one in values) for end in (0, -1)])


def test_the_report_says_the_step_sizes(out):
    walked = "at 0.005, 0.01, 0.02, 0.04 of it (0.5, 1, 2, 4 x lr)"
    line = f"loss surface along the weight gradient of a batch, {walked}"
    table = out.partition(f"\n{line}\n")[2].splitlines()
    assert [row.split()[0] for row in table[:4]] == ["loss", "arm", "plain", "decayed"]


def test_nothing_is_told_of_what_was_not_recorded():
    Path("tiny.yaml").write_text(TINY + ARMS, encoding="utf-8")
    assert "loss surface" not in normbench("run", "tiny.yaml").out
    assert surfaces(read_study(Path("runs/tiny")).arms) == []
