"""What lies in a folder counts as a run's result only if it is this very run."""

import csv
import json
from pathlib import Path

import pytest
from made_up_runs import TINY

from normbench.scheduling.plan import make_plan
from normbench.scheduling.schedule import run_study
from normbench.storage.files.json_files import write_sealed_json
from normbench.storage.identity import read_identity
from normbench.study.load import load_study

RUNS = Path("runs")
PLAIN = TINY.replace("recording: {tensorboard: false, figures: false}\n", "recording: {tensorboard: false}\n")


def run(text=PLAIN, *, notes=False, **options):
    Path("tiny.yaml").write_text(text, encoding="utf-8")
    (progress,) = run_study(load_study(Path("tiny.yaml"), **options), RUNS)
    return (progress.status, progress.notes) if notes else progress.status


def folder_of(text=PLAIN, **options):
    Path("tiny.yaml").write_text(text, encoding="utf-8")
    return make_plan(load_study(Path("tiny.yaml"), **options), RUNS).runs[0].folder


def losses(folder):
    """Return the last row's losses over whole splits, as they are written."""
    rows = list(csv.DictReader((folder / "metrics.csv").read_text(encoding="utf-8").splitlines()))
    return {column: value for column, value in rows[-1].items() if not column.startswith("batch_loss")}


def test_rates_that_differ_in_six_digits_of_a_hash_only_are_two_runs():
    """These two learning rates had one 24-bit hash in version 0.1.0."""
    first, second = (folder_of(set_=[f"optimizer.lr={lr}"]) for lr in ("0.012721", "0.012934"))
    assert run(set_=["optimizer.lr=0.012721"]) == "finished"
    assert run(set_=["optimizer.lr=0.012934"]) == "finished"
    assert losses(first) != losses(second)


def test_the_same_settings_are_skipped_however_they_are_written():
    assert run(PLAIN + "weight_decay: 1\n") == "finished"
    assert run(PLAIN + "weight_decay: 1.0\n") == "skipped"


@pytest.mark.parametrize(
    ("planted", "told"),
    [
        ({"weight_decay": 0.5}, "weight_decay 0.5 instead of 0.0"),
        ({"optimizer.lr": 0.5}, "optimizer.lr 0.5 instead of 0.01"),
        ({"seed of another arm": 0, "norm": "batch_norm"}, "norm batch_norm instead of none"),
    ],
)
def test_a_planted_run_of_other_settings_is_never_finished(planted, told):
    said = [f"{key}={value}" for key, value in planted.items() if " " not in key]
    run(set_=said)
    other, mine = folder_of(set_=said), folder_of()
    mine.parent.mkdir(parents=True)
    other.rename(mine)
    status, notes = run(notes=True)
    assert status == "finished"
    assert told in notes[0]
    assert "It is kept as seed-0.old-1 and made again." in notes[0]
    assert losses(mine.with_name("seed-0.old-1")) != losses(mine)


def test_a_planted_arm_folder_of_other_settings_is_never_finished():
    run(set_=["weight_decay=0.5"])
    other, mine = folder_of(set_=["weight_decay=0.5"]), folder_of()
    other.parent.rename(mine.parent)
    assert run(notes=True)[0] == "finished"
    known = read_identity(mine.parent)
    assert known is not None
    assert "weight_decay" not in known.settings


def test_a_run_of_version_0_1_0_is_told_as_such():
    run()
    mine = folder_of()
    said = json.loads((mine / "summary.json").read_text(encoding="utf-8"))
    write_sealed_json(mine / "summary.json", {k: v for k, v in said.items() if k not in ("identity", "sha256")})
    status, notes = run(notes=True)
    assert status == "finished"
    assert "got a run of normbench 0.1.0." in notes[0]


@pytest.mark.parametrize(
    ("recording", "lacks"),
    [
        ("{tensorboard: false, diagnostics: true}", "diagnostics"),
        ("{tensorboard: false, every_steps: 2}", "every 2 steps"),
        ("{tensorboard: true}", "tensorboard"),
    ],
)
def test_a_result_that_did_not_record_what_is_asked_is_made_again_with_the_same_numbers(recording, lacks):
    assert run() == "finished"
    before = losses(folder_of())
    asked = PLAIN.replace("{tensorboard: false}", recording)
    assert folder_of(asked) == folder_of()
    status, notes = run(asked, notes=True)
    assert status == "finished"
    assert f"must have recorded {lacks}, got a run that did not. It is kept as seed-0.old-1" in notes[0]
    assert losses(folder_of()) == before
    assert run(asked) == "skipped"


def test_a_result_that_recorded_more_than_is_asked_counts():
    run(PLAIN.replace("{tensorboard: false}", "{tensorboard: false, diagnostics: true}"))
    assert run() == "skipped"


def test_auto_stays_the_device_of_the_first_run(monkeypatch):
    run()
    assert json.loads((RUNS / "tiny" / "study.json").read_text(encoding="utf-8"))["device"] == "cpu"
    monkeypatch.setattr("normbench.scheduling.plan.available_device", lambda: "cuda")
    assert run() == "skipped"


def test_a_study_that_began_on_a_gpu_is_refused_without_one():
    run()
    path = RUNS / "tiny" / "study.json"
    path.write_text(path.read_text(encoding="utf-8").replace('"device": "cpu"', '"device": "cuda"'), encoding="utf-8")
    with pytest.raises(Exception, match="must be cuda, on which the first run of runs/tiny was made") as refusal:
        run()
    assert "Write device: cpu and another name under study." in str(refusal.value)
