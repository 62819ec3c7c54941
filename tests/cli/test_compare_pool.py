"""normbench compare --pool as a user starts it: formats, picture, notes, and options that do not go with it."""

import csv
import json
import xml.etree.ElementTree as ET
from io import StringIO
from pathlib import Path

import pytest
from command_line import normbench
from made_up_tasks import TASKS, alike, make_tasks


@pytest.fixture
def study():
    return make_tasks(alike(3, batch_norm=-0.4, layer_norm=0.0))


def test_the_answer_comes_first(study):
    code, out, err = normbench("compare", study, "--pool")
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert lines[4].startswith("ANSWER  On these 3 tasks together batch_norm is better than norm=none;")
    assert "        3 are too few to speak of other tasks: 7 are needed." in lines


def test_json_holds_every_number_of_an_arm(study):
    found = json.loads(normbench("compare", study, "--pool", "--json").out)
    none, batch_norm, _ = found["arms"]
    assert (found["tasks"], found["metric"], found["baseline"]) == (list(TASKS[:3]), "test_loss", "none")
    assert (none["effect"], batch_norm["verdict"], batch_norm["effect"]["n"]) == (None, "better", 24)
    assert batch_norm["other_tasks"] == {
        "num_tasks": 3,
        "tasks_needed": 7,
        "num_above": 0,
        "num_below": 0,
        "p_corrected": None,
        "verdict": "too few tasks",
    }
    assert [len(scores) for scores in batch_norm["scores"]] == [8, 8, 8]
    assert [effect["verdict"] for effect in batch_norm["by_task"]] == ["better"] * 3
    assert found["blocks"][1]["lines"][0]["label"] == "ANSWER"


def test_csv_has_a_line_per_arm_and_with_details_per_task(study):
    lines = list(csv.DictReader(StringIO(normbench("compare", study, "--pool", "--csv").out)))
    more = list(csv.DictReader(StringIO(normbench("compare", study, "--pool", "--csv", "--details").out)))
    found = json.loads(normbench("compare", study, "--pool", "--json").out)["arms"]
    assert [(line["arm"], line["task"], line["num_runs"]) for line in lines] == [
        (arm["arm"], "", "24") for arm in found
    ]
    assert lines[1]["verdict"] == "better"
    assert not any(column.startswith("mean_") for column in lines[0])
    assert float(lines[1]["effect_low"]) == found[1]["effect"]["low"]
    assert float(lines[2]["score"]) == found[2]["score"]["value"]
    assert [(line["arm"], line["task"]) for line in more[3:]] == [
        (arm, task) for arm in ("batch_norm", "layer_norm") for task in TASKS[:3]
    ]
    assert [float(line["effect"]) for line in more[3:6]] == [effect["value"] for effect in found[1]["by_task"]]


def test_markdown_is_a_page_with_one_table(study):
    out = normbench("compare", study, "--pool", "--markdown", "--methods").out
    assert out.startswith("### norms · Which norm?")
    assert "| norm | against none | better in seeds | on these 3 tasks | tasks better / worse | score |" in out
    assert "(van Elteren, 1960)" in out
    assert "Study norms compares 9 arms that differ in dataset and norm" in out


@pytest.mark.parametrize("suffix", [".png", ".svg"])
def test_the_picture_is_the_same_twice_and_told(study, suffix):
    for name in ("first", "second"):
        out = normbench("compare", study, "--pool", "--plot", name + suffix).out
    assert out.splitlines()[-1] == f"picture  second{suffix}"
    first, second = (Path(name + suffix).read_bytes() for name in ("first", "second"))
    assert first == second
    assert first.startswith(b"\x89PNG") if suffix == ".png" else ET.fromstring(first) is not None


def test_a_metric_without_scores_has_no_profile(study):
    metric = "steps_to 0.3 test_loss"
    code, out, err = normbench("compare", study, "--pool", "--metric", metric, "--plot", "no.png")
    rule = "with --pool it must be of a loss or an accuracy that the constant predictor has too"
    assert (code, out, err) == (2, "", f"--plot no.png: {rule}, got '{metric}'. Add --metric test_loss.\n")
    assert not Path("no.png").exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--by", "norm"), "must stand without --by, got both. Leave one out."),
        (("--margin", "0.1"), "must stand without --margin, got both. Leave one out."),
        (("--fail-if", "test_loss>1"), "must stand without --fail-if, got both. Leave one out."),
        (
            ("--metric", "test_loss", "--metric", "train_loss"),
            "must be of one metric, got test_loss, train_loss. Write one --metric.",
        ),
    ],
)
def test_what_says_nothing_of_several_tasks_is_refused_before_anything_is_read(words, said):
    code, out, err = normbench("compare", "missing", "--pool", *words)
    assert (code, out, err) == (2, "", f"--pool: {said}\n")


def test_what_a_study_lacks_is_told_with_its_name():
    effects = {"none": 0.0, "batch_norm": -0.4}
    one, other = (make_tasks({task: effects}, name=name) for name, task in zip(("one", "two"), TASKS, strict=False))
    (run,) = one.glob("*batch_norm*/seed-7")
    run.rename(run.with_name("seed-8"))
    out = " ".join(normbench("compare", one, other, "--pool").out.split())
    assert "one: dataset=banknotes,norm=none: no run of seed 8." in out
    assert "14 of 15" in out or "15 of 15" in out
