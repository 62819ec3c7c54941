"""Second runs of a tuned study at planned checks, with its second-best values, and of finite data."""

import json
from pathlib import Path

import pytest
from command_line import normbench
from made_up_runs import TINY

CLAIM = "claims: [{id: X, says: more, metric: test_loss, expect: %s}]\n"
TUNED = TINY + "tune: {optimizer.lr: [0.001, 0.02]}\ncollapse: false\n" + CLAIM % "{range: [-1, 1000], of: tuned}"
FINITE = """\
# Does it learn?
model: {name: mlp, hidden_features: [4]}
dataset: wine
batch_size: 32
seeds: 6
arms: {quick: {optimizer: {name: adam, lr: 0.1}}, slow: {optimizer: {name: adam, lr: 0.00001}}}
num_steps: 4
collapse: false
recording: {tensorboard: false, figures: false}
"""


@pytest.fixture(autouse=True)
def no_pages(monkeypatch):
    """Leave out the HTML pages, which cost more than these runs."""
    monkeypatch.setattr("normbench.cli._report_page.write_page_after_runs", lambda *_: "")


def run(text, *options):
    Path("tiny.yaml").write_text(text, encoding="utf-8")
    answer = normbench("run", "tiny.yaml", "--quiet", *options)
    assert answer.code == 0, answer.err


def claim():
    (found,) = json.loads(normbench("claims", "tiny.yaml", "--json").out)
    return found


def tuning_seeds(folder):
    choices = [json.loads(path.read_text(encoding="utf-8")) for path in Path(folder, "tuning").glob("*.json")]
    assert choices
    return {tuple(choice["seeds"]) for choice in choices}


def test_of_a_tuned_study_at_planned_checks():
    """Second-best values have the seeds of the check that decided; a second run tunes again, and has as many seeds."""
    text = TUNED + "seeds: {check_after: [8, 16]}\n"
    run(text, "--tuning-sensitivity")
    seeds = [json.loads(Path("runs", name, "study.json").read_text())["seeds"] for name in ("tiny", "tiny-runner-up")]
    assert seeds == [list(range(8))] * 2
    run(text, "--second-run")
    assert tuning_seeds("runs/tiny") == {(1000, 1001, 1002, 1003)}
    assert tuning_seeds("runs/tiny-second-run") == {(1500, 1501, 1502, 1503)}
    found = claim()
    assert (found["second"]["verdict"], found["second"]["n"], found["sensitivity"]) == ("held", 8, "same")


def test_of_finite_data_it_has_new_splits_of_the_same_rows():
    of_rows = (CLAIM % "{less: quick, than: slow, by: -0.9}").replace("says: more", "says: more, about: these_rows")
    run(FINITE + of_rows)
    run(FINITE + of_rows, "--second-run")
    assert claim()["second"]["verdict"] == "held"
    out = " ".join(normbench("claims", "tiny.yaml").out.split())
    assert "second run: held on 6 new splits of these rows: x" in out
