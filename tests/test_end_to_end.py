"""From a file to the answer: run, resume, repeat, edit, compare, all through the command."""

import json
from pathlib import Path

import pytest
import yaml
from command_line import normbench
from made_up_runs import ARMS, TINY

import normbench as package

RUNS = Path("runs")
GRID = "grid: {norm: [none, {name: batch_norm, momentum: 0.5}], optimizer.lr: [1e-3, 0.1]}\nbaseline: {norm: none}\n"


def run(text=TINY, *words, name="tiny.yaml"):
    """Write a config, run it, and return the report of --json."""
    Path(name).write_text(text, encoding="utf-8")
    return run_file(name, *words)


def run_file(name, *words):
    code, out, _ = normbench("run", name, "--json", *words)
    assert code == 0
    return json.loads(out)[0]


def statuses(report):
    return [run["status"] for run in report["runs"]]


def summaries(runs_dir):
    return {path.relative_to(runs_dir): path.read_bytes() for path in Path(runs_dir).rglob("summary.json")}


def compared():
    return json.loads(normbench("compare", "--json").out)[0]


def test_the_same_config_and_seed_give_the_same_summary_byte_for_byte():
    text = TINY.replace("figures: false", "figures: false, every_steps: 2") + "dropout: 0.3\nnorm: batch_norm\n" + ARMS
    for runs_dir in ("one", "two"):
        run(text, "--runs-dir", runs_dir, "--seeds", 2)
    assert len(summaries("one")) == 4
    assert summaries("one") == summaries("two")


def test_another_seed_gives_another_summary():
    run(TINY, "--seeds", 2)
    assert len(set(summaries(RUNS).values())) == 2


def test_an_arm_of_a_study_gives_what_it_gives_alone():
    run(TINY + ARMS, "--runs-dir", "study")
    run(TINY + "weight_decay: 0.1\n", "--runs-dir", "alone")
    (alone,) = summaries("alone").values()
    assert [s for path, s in summaries("study").items() if path.parts[1].startswith("decayed")] == [alone]


def test_running_the_same_command_again_runs_nothing():
    assert statuses(run(TINY + ARMS)) == ["finished", "finished"]
    before = {path: path.stat().st_mtime_ns for path in RUNS.rglob("seed-*/*")}
    assert statuses(run(TINY + ARMS)) == ["skipped", "skipped"]
    assert {path: path.stat().st_mtime_ns for path in RUNS.rglob("seed-*/*")} == before


@pytest.mark.parametrize("study", ["", ARMS, GRID], ids=["plain", "arms", "grid"])
def test_a_resolved_config_is_the_same_run(study):
    run(TINY + study, "--seeds", 2)
    for config in sorted(RUNS.glob("tiny/*/seed-*/config.yaml")):
        (again,) = run_file(config)["runs"]
        assert (again["folder"], again["status"]) == (str(config.parent), "skipped")
    assert len(compared()["rows"]) == len(list(RUNS.glob("tiny/*/arm.json")))


@pytest.mark.parametrize("study", ["", ARMS, GRID], ids=["plain", "arms", "grid"])
def test_a_resolved_config_elsewhere_gives_the_same_summary_byte_for_byte(study):
    run(TINY + study)
    for config in RUNS.glob("tiny/*/seed-*/config.yaml"):
        assert statuses(run_file(config, "--runs-dir", "elsewhere")) == ["finished"]
    assert summaries("elsewhere") == summaries(RUNS)


def test_a_resolved_config_says_every_setting():
    run(TINY)
    said = yaml.safe_load(next(RUNS.rglob("config.yaml")).read_text(encoding="utf-8"))
    assert (said["batch_size"], said["dropout"], said["optimizer"]["lr"], said["seeds"]) == (5, 0.0, 0.01, [0])
    assert said["device"] in ("cpu", "cuda")


def test_an_edited_line_of_a_plain_file_is_one_more_row():
    run(TINY)
    run(TINY.replace("batch_size: 5", "batch_size: 10"))
    found = compared()
    assert found["differing"] == ["batch_size"]
    assert sorted(row["settings"]["batch_size"] for row in found["rows"]) == [5, 10]
    assert (
        "  2 settings, 1 seed each · mlp on linear_regression ·\n  same in all but batch_size\n"
        in normbench("compare").out
    )


def test_an_edited_line_of_a_file_with_arms_names_the_old_hashes_and_leaves_them_out():
    run(TINY + ARMS)
    old = sorted(path.parent.name for path in RUNS.glob("tiny/*/arm.json"))
    run(TINY.replace("batch_size: 5", "batch_size: 10") + ARMS)
    found = compared()
    assert [row["settings"]["batch_size"] for row in found["rows"]] == [10, 10]
    assert sorted(found["left_out"]) == old
    out = normbench("compare").out
    assert [f"{name}: left out, the study as last run does not name it." in out for name in old] == [True, True]


def test_many_arms_of_earlier_settings_are_left_out_in_one_line():
    arms = "grid: {l1: [0.1, 0.2, 0.3]}\n"
    run(TINY + arms)
    run(TINY.replace("batch_size: 5", "batch_size: 10") + arms)
    (first, *others) = compared()["left_out"]
    out = " ".join(normbench("compare").out.split())
    assert f"{first} and {len(others)} more: left out, the study as last run does not name them." in out
    assert not any(name in out for name in others)


def test_more_seeds_run_only_what_is_missing():
    run(TINY)
    assert statuses(run(TINY, "--seeds", 3)) == ["skipped", "finished", "finished"]
    assert compared()["rows"][0]["seeds"] == [0, 1, 2]


def test_an_unfinished_run_is_completed_and_is_as_if_it_had_never_stopped():
    run(TINY)
    before = summaries(RUNS)
    (path,) = RUNS.rglob("summary.json")
    path.unlink()
    (path.parent / "metrics.csv").write_text("step,train_loss\n0,")
    assert statuses(run(TINY)) == ["finished"]
    assert summaries(RUNS) == before


def test_force_runs_again_and_keeps_the_old_run():
    run(TINY)
    assert statuses(run(TINY, "--force")) == ["finished"]
    assert sorted(path.name for path in RUNS.glob("tiny/none-*/seed-*")) == ["seed-0", "seed-0.old-1"]
    assert compared()["rows"][0]["seeds"] == [0]


def test_a_changed_csv_is_named_by_run_and_by_compare():
    run(TINY)
    (path,) = RUNS.rglob("metrics.csv")
    path.write_bytes(path.read_bytes().replace(b"1", b"2", 1))
    rule = "must be as the run wrote it, got another sha256"
    message = f"{path}: {rule}. Delete {path.parent} and run its study again.\n"
    assert normbench("compare") == (2, "", message)
    code, _, err = normbench("run", "tiny.yaml")
    assert (code, err) == (0, f"tiny none, seed 0: {path}: {rule}. It is kept as seed-0.old-1 and made again.\n")
    assert normbench("compare").code == 0


def test_the_way_out_of_a_changed_csv_works():
    run(TINY)
    before = summaries(RUNS)
    (path,) = RUNS.rglob("metrics.csv")
    path.write_text("")
    for file in path.parent.iterdir():
        file.unlink()
    path.parent.rmdir()
    assert statuses(run(TINY)) == ["finished"]
    assert summaries(RUNS) == before


def test_a_study_without_training_reports_its_layers():
    text = "model: {name: mlp, width: 8, depth: 3}\ndataset: {name: gaussian_noise, shape: [8]}\nnum_steps: 0\n"
    report = run(f"{text}recording: {{tensorboard: false}}\n", name="noise.yaml")
    (layers,) = report["layers"]
    assert [line["layer"] for line in layers["lines"]] == ["hidden1", "hidden2", "hidden3", "output"]
    assert all(line["stds"]["activation"][1] is None for line in layers["lines"])


@pytest.mark.parametrize("line", ["norm: none", "weight_decay: 0.0", "dropout: 0.0", "batch_size: 10"])
def test_a_six_line_config_runs_without_any_line_but_model_and_dataset(line):
    whole = (
        "model: {name: mlp, hidden_features: [4]}\nnorm: none\ndataset: {name: linear_regression, num_samples: 16}\n"
    )
    whole += "weight_decay: 0.0\ndropout: 0.0\nbatch_size: 10\n"
    small = ("--set", "num_steps=2", "--set", "recording={tensorboard: false, figures: false}")
    assert line in whole
    assert statuses(run(whole.replace(f"{line}\n", ""), *small)) == ["finished"]


def test_from_python_paths_may_be_words_and_the_runs_folder_is_the_usual_one():
    Path("tiny.yaml").write_text(TINY + ARMS, encoding="utf-8")
    updates = package.run_study(package.load_study("tiny.yaml"))
    assert [(update.status, update.run.folder.parts[0]) for update in updates] == [("finished", "runs")] * 2
    by_word, by_path, of_all = (package.compare_runs(paths)[0] for paths in (["runs/tiny"], [RUNS / "tiny"], ()))
    assert [row.arm for row in by_word.rows] == [row.arm for row in by_path.rows] == [row.arm for row in of_all.rows]
