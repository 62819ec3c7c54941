"""A clock that jumps decides nothing: same results, each step once in TensorBoard, nobody taken for dead."""

import time
from itertools import count
from pathlib import Path

import pytest
from faults.small_study import TEXT
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from normbench.storage.files.json_files import read_json
from normbench.storage.lock import RunBusy, claim_run
from normbench.storage.owners import OwnerWatch
from normbench.study.load import load_study
from normbench.training.attempt import Interrupted
from normbench.training.experiment import run_experiment
from normbench.training.run_hooks import RunHooks

DAY_S = 86_400.0
NOW = time.time


@pytest.fixture
def jumping(monkeypatch):
    """Have the clock jump by a day, back or forth, each time somebody looks."""
    jumps = count()
    monkeypatch.setattr(time, "time", lambda: NOW() + DAY_S * (-1) ** next(jumps))


def results_in(folder):
    names = [path.name for path in folder.iterdir() if path.suffix == ".csv" or path.name == "summary.json"]
    return {name: (folder / name).read_bytes() for name in names}


def steps_by_tag(folder):
    board = EventAccumulator(str(folder), size_guidance={"histograms": 0, "scalars": 0}).Reload()
    read = {"histograms": board.Histograms, "scalars": board.Scalars}
    return {tag: [event.step for event in read[kind](tag)] for kind in read for tag in board.Tags()[kind]}


@pytest.fixture
def config():
    Path("small.yaml").write_text(TEXT, encoding="utf-8")
    return load_study(Path("small.yaml")).arms["plain"]


def make(config, folder, **hooks):
    folder.mkdir(exist_ok=True)
    run_experiment(config, 0, folder, study="small", arm="plain", hooks=RunHooks(**hooks))


def test_a_run_under_a_jumping_clock_is_the_same(config, monkeypatch):
    whole, jumped = Path("whole"), Path("jumped")
    make(config, whole)
    for jump in (0.0, -DAY_S, DAY_S, -2 * DAY_S, 0.0):  # one attempt ends after each step
        monkeypatch.setattr(time, "time", lambda jump=jump: NOW() + jump)
        try:
            make(config, jumped, should_stop=lambda: True)
        except Interrupted:
            continue
    assert results_in(jumped) == results_in(whole)
    steps = steps_by_tag(jumped)
    assert steps == steps_by_tag(whole)
    assert steps["loss/test"] == [0, 2, 4]


@pytest.mark.usefixtures("jumping")
def test_a_clock_that_jumps_all_the_time_changes_no_result(config):
    folder = Path("jumped")
    make(config, folder)
    assert steps_by_tag(folder)["loss/test"] == [0, 2, 4]
    assert 0 <= read_json(folder / "environment.json")["duration_s"] < DAY_S / 2


@pytest.mark.usefixtures("jumping")
def test_an_owner_is_not_taken_for_dead_by_a_clock_that_jumps():
    folder, watch = Path("arm/seed-0"), OwnerWatch(silence_s=60.0)
    with claim_run(folder):
        for _ in range(5):
            assert not watch.is_free(folder)
        with pytest.raises(RunBusy):
            claim_run(folder, silent_owners=watch.silent_owners)
