"""A study whose code changes between its runs: what is told, what is made anew, and what --accept-code keeps."""

import csv
import json
import re
from contextlib import chdir
from pathlib import Path
from shutil import copytree, rmtree

import numpy as np
import pytest
import yaml
from command_line import normbench
from own_networks import NET, write_study

from normbench.scheduling.changed_code import find_changes
from normbench.study.load import load_study

QUICK = {"recording": {"tensorboard": False, "every_steps": 4, "figures": False}, "num_steps": 2}
MODULES = {"my_net.py": f"import blocks\n{NET}", "blocks.py": "scale = 1.0\n"}


@pytest.fixture(scope="module")
def made_once(empty_folders):
    """The folder of a study with two arms and a seed, whose runs are made."""
    folder = empty_folders / "changed"
    write_study(folder, modules=MODULES, arms={"kept": {}, "none": {"norm": "none"}}, **QUICK)
    with chdir(folder):
        assert run("own.yaml").code == 0
    return folder


@pytest.fixture
def study(made_once):
    """A copy of that study, in the current folder."""
    copytree(made_once, ".", dirs_exist_ok=True)
    return Path("own.yaml")


def run(path, *options):
    return normbench("run", path, "--quiet", *options)


def change(text="scale = 2.0\n", file="blocks.py"):
    Path(file).write_text(text, encoding="utf-8")


def statuses(answer):
    return [run["status"] for report in json.loads(answer.out) for run in report["runs"]]


def told(answer):
    return " ".join(answer.err.split())


def test_comments_docstrings_and_blank_lines_change_no_run(study):
    change('"""Blocks."""\n\n# how much\nscale = 1.0  # one\n')
    answer = run(study, "--json")
    assert statuses(answer) == ["skipped", "skipped"]
    assert "blocks.py" not in answer.err


def test_changed_code_makes_new_runs_and_is_told_file_by_file(study):
    change()
    change(f"import blocks, extra\n{NET}", "my_net.py")
    change("", "extra.py")
    answer = run(study, "--json")
    assert statuses(answer) == ["finished", "finished"]
    assert told(answer).startswith(
        "own: blocks.py changed, extra.py is new, my_net.py changed since the 2 runs of kept, none: they stay in their "
        "folder, and new ones are made; --accept-code keeps them."
    )
    assert len(list(Path("runs/own").glob("*-*/seed-0/summary.json"))) == 4
    assert "changed" not in run(study).err, "it is told once: now there are runs of this code"


def test_accepted_code_goes_on_with_the_runs_and_is_remembered(study):
    identities = {arm["arm"]: arm["identity"] for arm in json.loads(Path("runs/own/study.json").read_text())["arms"]}
    change()
    answer = run(study, "--accept-code", "--seeds", "2", "--json")
    assert statuses(answer) == ["skipped", "skipped", "finished", "finished"]
    counted = "blocks.py changed since the 2 runs of kept, none: accepted, they count as runs of the code as it is."
    assert told(answer).startswith(f"own: {counted}")
    known = json.loads(Path("runs/own/study.json").read_text())
    assert {arm["arm"]: arm["identity"] for arm in known["arms"]} == identities
    assert [sorted(entry) for entry in known["accepted_code"]] == [["now", "then"]]
    assert statuses(run(study, "--seeds", "2", "--json")) == ["skipped"] * 4, "also without the option"
    runs = [json.loads(path.read_text()) for path in sorted(Path("runs/own").glob("kept-*/seed-*/environment.json"))]
    assert runs[0]["code"] != runs[1]["code"], "each run names the code that it was made with"
    told_again = " ".join(normbench("compare", "runs/own").out.split())
    assert "blocks.py changed between runs: accepted, all count as made with the code as it is." in told_again


def test_code_that_changes_once_more_is_told_again(study):
    change()
    run(study, "--accept-code")
    change("scale = 3.0\n")
    assert "blocks.py changed since the 2 runs of kept, none: they stay" in told(run(study, "--dry-run"))


def test_compare_shows_no_arm_of_other_code_beside_those_of_the_code_as_it_is():
    path = write_study(modules=MODULES, **QUICK)
    run(path)
    change()
    run(path)
    run(path, "--set", "optimizer.lr=0.1")
    told_all = " ".join(normbench("compare", "runs/own").out.split())
    assert "2 settings, 1 seed each" in told_all
    assert "of other code or data: left out, the study as last run does not name it." in told_all


def test_versions_of_packages_are_told(study, monkeypatch):
    monkeypatch.setattr("normbench.own_code.code_digests.version", lambda _: "9.9")
    change(f"import blocks, numpy\n{NET}", "my_net.py")
    run(study)
    monkeypatch.setattr("normbench.own_code.code_digests.version", lambda _: "9.10")
    change("scale = 1.0 + 0\n")
    (found,) = find_changes(load_study(study), Path("runs"))
    assert found.of_code == ("blocks.py changed", "numpy 9.9 became 9.10")


def test_accepting_code_does_not_cover_data():
    data = {"name": "arrays", "file": "rows.npz", "task": "classification"}
    rng = np.random.default_rng(0)
    rows = {"x": rng.standard_normal((40, 4)), "y": np.arange(40) % 2}
    np.savez("rows.npz", **rows)
    path = write_study(modules=MODULES, dataset=data, **QUICK)
    assert run(path).code == 0
    np.savez("rows.npz", **rows | {"x": rows["x"] + 1})
    answer = run(path, "--accept-code", "--json")
    assert statuses(answer) == ["finished"]
    assert re.match(r"own: data changed since the run of kept \(digest \w{4} -> \w{4}\): it stays in", told(answer))
    assert "--accept-code keeps" not in told(answer)


def test_the_resolved_config_of_a_run_finds_the_code_of_its_study(study):
    (config,) = Path("runs/own").glob("kept-*/seed-0/config.yaml")
    assert statuses(run(config, "--json")) == ["skipped"]
    rmtree(config.parent)
    assert statuses(run(study, "--json")) == ["finished", "skipped"]


def test_code_that_changes_while_runs_are_made_fails_them(study, monkeypatch):
    from normbench.scheduling import studies

    def changed_now(*arguments, **more):
        change("scale = 4.0\n")
        from normbench.own_code.loaded_modules import forget_modules

        forget_modules()  # a worker process imports it later
        return planned(*arguments, **more)

    planned = studies.run_plan
    monkeypatch.setattr(studies, "run_plan", changed_now)
    answer = run(study, "--seeds", "2")
    assert answer.code == 1
    rule = "blocks.py: must stay as the command found it until its runs are made, got it changed."
    assert f"kept, seed 1: {rule} The same command makes new runs with it." in told(answer)


def test_worker_processes_find_the_code_beside_the_study():
    path = write_study(Path("far/off"), modules=MODULES, **QUICK)
    answer = run(path, "--seeds", "2", "--jobs", "2", "--json")
    assert statuses(answer) == ["finished", "finished"]
    there = training_losses()
    rmtree("runs")
    assert run(path, "--seeds", "2").code == 0
    assert there == training_losses()


def training_losses():
    """Training losses of all runs: the test sets of the processes are no small ones."""
    paths = sorted(Path("runs/own").glob("kept-*/seed-*/metrics.csv"))
    return [[row["train_loss"] for row in csv.DictReader(path.read_text().splitlines())] for path in paths]


def test_tuned_arms_go_on_with_accepted_code_too():
    tune = {"tune": {"optimizer.lr": [0.01, 0.02]}, "keep_given": False}
    path = write_study(modules=MODULES, **QUICK, **tune)
    assert run(path).code == 0
    made = len(list(Path("runs/own/tuning").glob("*/seed-*/summary.json")))
    change()
    assert statuses(run(path, "--accept-code", "--json")) == ["skipped"]
    assert len(list(Path("runs/own/tuning").glob("*/seed-*/summary.json"))) == made


def test_compare_and_show_never_import_code_of_the_users(study):
    content = yaml.safe_load(study.read_text())
    assert content["model"]["build"] == "my_net:build"
    change("raise SystemExit('imported')\n", "my_net.py")
    for words in (["compare", "runs/own"], ["list"], ["show", next(iter(Path("runs/own").glob("kept-*/seed-0")))]):
        assert normbench(*words).code == 0
