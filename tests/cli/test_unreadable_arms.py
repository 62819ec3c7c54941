"""An arm that cannot be read is named with its reason beside the other arms, and never as one without runs."""

import json
import os
import shutil
from pathlib import Path

import pytest
from command_line import normbench
from made_up_runs import make_arm, make_run, make_study, std_rows, write_csv

from normbench.storage.digests import csv_digests
from normbench.storage.files.json_files import read_json, write_json, write_sealed_json

STUDY = Path("runs/made_up")
ARM = STUDY / "b-aaaaaa"
CLAIM = {"id": "one", "says": "Less.", "metric": "test_loss", "expect": {"less": "b", "than": "a", "by": 0.0}}
LAYERS = [{"name": name, "shape": [3, 2], "has_norm": False} for name in ("h1", "h2", "output")]


@pytest.fixture(autouse=True)
def study(monkeypatch):
    """Three arms of eight seeds each, with a claim on two of them."""
    monkeypatch.setenv("COLUMNS", "400")
    named = {"arms": ["a", "b", "c"], "seeds": list(range(3)), "baseline": "a", "claims": [CLAIM], "source": "x.yaml"}
    folder = make_study(**named)
    for i, arm in enumerate("abc"):
        made = make_arm(folder, arm, norm=arm, lr=0.1)
        for seed in range(3):
            rows = [{"step": step, "train_loss": 0.4, "test_loss": 0.5 + 0.1 * i + 0.01 * seed} for step in (0, 20)]
            stats = [
                row
                for step in (0, 20)
                for kind in ("weight", "grad", "activation")
                for row in std_rows(kind, dict.fromkeys(("h1", "h2", "output"), 1.0), step)
            ]
            make_run(made, seed, rows, stats, layers=LAYERS)
    return folder


def elsewhere(path):
    """Move a folder out of the runs folder and leave a link to it."""
    shutil.move(path, "elsewhere")
    path.symlink_to(Path("elsewhere").resolve())


def emptied(path):
    shutil.rmtree(path)
    path.write_text("a file", encoding="utf-8")


def piped(path):
    path.unlink()
    os.mkfifo(path)


def said(path, **changes):
    write_json(path, read_json(path) | changes)


WAYS = {
    "a link": (lambda: elsewhere(ARM), "must be a folder, got a link to "),
    "a link to nowhere": (lambda: (shutil.rmtree(ARM), ARM.symlink_to("nowhere")), "must be a folder, got a link to "),
    "a run behind a link": (lambda: elsewhere(ARM / "seed-1"), "seed-1: must be a folder, got a link to "),
    "a file": (lambda: emptied(ARM), "arm.json: must be readable JSON, got: Not a directory"),
    "a pipe": (lambda: piped(ARM / "arm.json"), "arm.json: must be readable JSON, got: a pipe and no file"),
    "half a file": (lambda: (ARM / "arm.json").write_text("{"), "arm.json: must be readable JSON, got: EOF"),
    "a forged file": (lambda: said(ARM / "arm.json", changed=[["a"]]), "arm.json: changed.0: must be text of at most"),
    "another arm": (lambda: said(ARM / "arm.json", identity="bbbbbb"), "arm.json: must hold the settings aaaaaa"),
}


@pytest.mark.parametrize("way", WAYS)
def test_an_arm_that_cannot_be_read_is_named_beside_the_others(way):
    break_it, reason = WAYS[way]
    break_it()
    code, out, err = normbench("compare", STUDY)
    assert (code, err) == (0, "")
    assert f"{ARM}" in out
    assert reason in out
    assert "b: no finished run" not in out
    assert "2 arms, 3 seeds each" in out
    found = json.loads(normbench("compare", STUDY, "--json").out)[0]
    assert [row["arm"] for row in found["rows"]] == ["a", "c"]
    assert (len(found["unreadable"]), found["missing"]) == (1, [])
    assert reason in found["claims"][0]["why"]
    for words in (["--csv"], ["--pool"]):
        assert reason in normbench("compare", STUDY, *words).err


@pytest.mark.parametrize("way", ["a link", "a run behind a link", "a pipe", "half a file", "a forged file"])
def test_list_and_show_name_it_too(way):
    break_it, reason = WAYS[way]
    break_it()
    code, out, err = normbench("list")
    assert (code, reason in err) == (0, True)
    assert "made_up  a-aaaaaa         3" in out
    code, out, err = normbench("show", ARM / "seed-1")
    assert reason in out + err
    assert code == (2 if "link" in way else 0)


def test_where_no_arm_can_be_read_it_is_told_in_a_line():
    for arm in "abc":
        (STUDY / f"{arm}-aaaaaa" / "arm.json").write_text("{", encoding="utf-8")
    code, out, err = normbench("compare", STUDY)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert err.startswith(f"{STUDY}/a-aaaaaa/arm.json: must be readable JSON, got: ")


def test_a_study_that_cannot_be_read_is_named_beside_the_others():
    shutil.copytree(STUDY, "runs/another")
    Path("runs/another/study.json").write_text("{", encoding="utf-8")
    code, out, err = normbench("compare")
    assert (code, err.count("\n")) == (0, 1)
    assert err.startswith("runs/another/study.json: must be readable JSON, got: ")
    assert "made_up" in out


def test_nothing_is_read_through_a_link_out_of_the_runs_folder():
    Path("mine").mkdir()
    shutil.move(STUDY, "mine/study")
    Path("runs/link").symlink_to(Path("mine/study").resolve())
    told = f"runs/link: must be a folder, got a link to {Path('mine/study').resolve()}. Name that folder, or"
    for words in (["compare"], ["compare", "runs/link"], ["show", "runs/link/a-aaaaaa/seed-0"]):
        code, out, err = normbench(*words)
        assert (code, out) == (2, "")
        assert err.startswith(told)
    code, out, err = normbench("list")
    assert (code, out.startswith("runs: no runs yet."), err.startswith(told)) == (0, True, True)


def test_a_second_name_in_the_runs_folder_is_no_second_study():
    Path("runs/latest").symlink_to("made_up")
    Path("runs/again").symlink_to("again")
    code, out, err = normbench("compare")
    assert (code, err, out.count("made_up")) == (0, "", 1)
    assert normbench("list").err == ""


def sealed_again(run, **changes):
    """Let a summary hold what lies in the folder now, under a right seal."""
    content = {key: value for key, value in read_json(run / "summary.json").items() if key != "sha256"}
    write_sealed_json(run / "summary.json", content | {"files": csv_digests(run)} | changes)


def with_metrics(rows):
    write_csv(ARM / "seed-1/metrics.csv", rows)
    sealed_again(ARM / "seed-1")


FORGED = {
    "a step that is inf": (
        lambda: with_metrics([{"step": "inf", "test_loss": 1}]),
        "metrics.csv: row 1, step: must be",
    ),
    "a step that is x": (lambda: with_metrics([{"step": "x", "test_loss": 1}]), "metrics.csv: row 1, step: must be"),
    "a loss that is x": (lambda: with_metrics([{"step": 0, "test_loss": "x"}]), "metrics.csv: row 1, test_loss: must"),
    "a table without a header": (lambda: with_metrics([]), "metrics.csv: must have the columns step"),
    "a layer that is null": (
        lambda: sealed_again(ARM / "seed-1", layers=[LAYERS[0], None]),
        "summary.json: layers.1: must be a JSON object, got None",
    ),
    "a number that is a mapping": (
        lambda: sealed_again(ARM / "seed-1", num_parameters={}),
        "summary.json: num_parameters: must be a whole number of 0 or more, got {}",
    ),
    "a file that leads out": (
        lambda: sealed_again(ARM / "seed-1", files={"../../../../x.csv": "aa"}),
        "summary.json: files.../../../../x.csv: must be the plain name",
    ),
    "versions that are a text": (
        lambda: said(ARM / "seed-1/environment.json", versions="x"),
        "environment.json: versions: must be a JSON object, got 'x'",
    ),
    "a folder that is a mapping": (
        lambda: said(STUDY / "study.json", arms=[read_json(STUDY / "study.json")["arms"][0] | {"folder": {}}]),
        "study.json: arms.0.folder: must be the plain name of a file or folder, got {}",
    ),
    "a folder that leads out": (
        lambda: said(STUDY / "study.json", arms=[read_json(STUDY / "study.json")["arms"][0] | {"folder": "../x"}]),
        "study.json: arms.0.folder: must be the plain name of a file or folder, got '../x'",
    ),
}


@pytest.mark.parametrize("way", FORGED)
def test_what_is_forged_under_a_right_seal_is_a_line_with_file_and_key(way):
    forge, reason = FORGED[way]
    forge()
    code, out, err = normbench("compare", STUDY, "--details")
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert reason in err
