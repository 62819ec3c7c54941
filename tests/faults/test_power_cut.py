"""After a power cut a run is whole or unfinished: no name is on disk before what it stands for."""

import errno
import os
import shutil
from pathlib import Path

import pytest
from command_line import normbench
from disk_model import Disk
from faults.faulty_disk import no_room
from faults.small_study import asked_again, run, run_of

ROOT = Path("runs")
OF_A_RUN = {"config.yaml", "points.csv", "histograms.npz", "environment.json", "summary.json"}
OF_A_STUDY = {"study.json", "arm.json", "identity.json", "finished.json"}
LOOP = ("--checkpoint-every", "0", "--set", "recording.figures=true", "--set", "num_steps=2")
STACKED = ("--engine", "stacked", "--seeds", "2", "--checkpoint-every", "0", "--set", "num_steps=2")
WAYS = {
    "loop": (LOOP, {"checkpoint.pt", "checkpoint.before.pt", "drawn_from.sha256", "curves-seed-0.png"}),
    "stacked": (STACKED, {"checkpoint.pt", "drawn_from.sha256"}),
}


@pytest.mark.parametrize("way", WAYS)
def test_everything_is_on_disk_before_it_is_named(way):
    options, more = WAYS[way]
    with Disk(ROOT).followed() as disk:
        assert run(*options).code == 0
    assert disk.complaints == []
    assert disk.lost_names() == []
    assert {*OF_A_RUN, *OF_A_STUDY, *more} <= set(disk.renamed)


def test_a_run_that_goes_on_from_a_checkpoint_is_on_disk_before_it_is_named(undisturbed):
    with Disk(ROOT).followed() as disk:
        with no_room("plain.*/seed-0/.part-summary"):
            assert run("--checkpoint-every", "0").code == 1
        disk.renamed.clear()
        assert asked_again()[0] == undisturbed
    assert (disk.complaints, disk.lost_names()) == ([], [])
    assert "metrics.csv" in disk.renamed  # cut to what it was at the checkpoint


@pytest.mark.usefixtures("made")
def test_what_is_removed_has_lost_its_name_before_anything_of_it_is_deleted(monkeypatch):
    arm, is_named = run_of().parent, []
    real = shutil.rmtree
    with Disk(ROOT).followed() as disk:
        monkeypatch.setattr(shutil, "rmtree", lambda path: (is_named.append(disk.is_named(path)), real(path)))
        assert normbench("rm", arm, "--yes").code == 0
    assert (is_named, arm.exists()) == ([True], False)


@pytest.mark.parametrize("code", [errno.EINVAL, errno.ENOTSUP])
def test_where_the_disk_cannot_flush_runs_are_made_all_the_same(undisturbed, monkeypatch, code):
    def fsync(_):
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os, "fsync", fsync)
    assert asked_again()[0] == undisturbed
