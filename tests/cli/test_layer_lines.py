"""What a user reads of the layers: what stands out under the comparison, the last steps before a divergence."""

import json
import re
from pathlib import Path

import pytest
from command_line import normbench

STUDY = """\
# Which of them is broken?
model: {name: mlp, hidden_features: [8, 8]}
dataset: {name: linear_regression, num_samples: 20}
batch_size: 10
num_steps: 20
recording: {every_steps: 2, tensorboard: false, figures: false, diagnostics: true}
arms:
  calm: {optimizer: {lr: 0.01}}
  wild: {optimizer: {lr: 5.0}}
baseline: calm
"""


@pytest.fixture(autouse=True)
def wide(monkeypatch):
    """A terminal on which no line needs to be broken."""
    monkeypatch.setenv("COLUMNS", "300")


@pytest.fixture
def run():
    """Two arms, of which one diverges; return what the command printed."""
    Path("broken.yaml").write_text(STUDY, encoding="utf-8")
    code, out, err = normbench("run", "broken.yaml", "--details")
    assert code == 0, err
    return out


def lines(out):
    return [" ".join(line.split()) for line in out.splitlines()]


def test_run_and_compare_print_what_stands_out(run):
    wild = [line for line in lines(run) if line.startswith("wild · ")]
    assert "what stands out" in lines(run)
    assert any(": learning rate too high, step " in line and line.endswith("Lower optimizer.lr.") for line in wild)
    assert not any(line.startswith("calm · ") for line in lines(run))
    compared = lines(normbench("compare", "--details").out)
    after = compared[compared.index("what stands out") + 1 :]
    assert after == [line for line in wild if "too high" in line or "dead" in line or "depth" in line]


@pytest.mark.usefixtures("run")
def test_json_holds_the_same():
    (study,) = json.loads(normbench("compare", "--json").out)
    (again,) = json.loads(normbench("run", "broken.yaml", "--json").out)
    assert study["standouts"] == again["standouts"]
    assert [found["arms"] for found in study["standouts"]] == [["wild"]] * len(study["standouts"])
    assert all(found["layers"][0].startswith("hidden") for found in study["standouts"])


def test_the_last_recorded_steps_before_a_divergence_are_a_table(run):
    said = lines(run)
    start = next(i for i, line in enumerate(said) if line.startswith("wild · seed 0 diverged at step "))
    assert said[start].endswith("std per layer at the last recorded steps:")
    assert said[start + 1] == "step layer weight weight gradient output"
    rows = [line.split() for line in said[start + 2 :]]
    table = rows[: rows.index([])] if [] in rows else rows
    table = [row for row in table if row and row[0].isdigit()]
    steps = sorted({int(row[0]) for row in table})
    assert [row[1] for row in table] == ["hidden1", "hidden2", "output"] * len(steps)
    assert steps[-1] <= int(said[start].partition("at step ")[2].partition(";")[0])
    assert 1 <= len(steps) <= 3


def test_a_study_that_recorded_no_diagnostics_says_nothing_of_them():
    Path("broken.yaml").write_text(STUDY.replace(", diagnostics: true", ""), encoding="utf-8")
    code, out, _ = normbench("run", "broken.yaml")
    assert code == 0
    assert "what stands out" not in out
    assert "standouts" not in json.loads(normbench("compare", "--json").out)[0]


def test_nothing_stands_out_in_a_calm_run():
    Path("broken.yaml").write_text(STUDY.replace("5.0", "0.02"), encoding="utf-8")
    assert "Nothing: updates, units, output gradients and running statistics are as they should be." in lines(
        normbench("run", "broken.yaml").out
    )


def test_a_study_of_three_arms_and_eight_seeds_in_which_much_stands_out_is_a_screen_of_25_lines(monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    text = STUDY.replace("  wild", "  more: {optimizer: {lr: 3.0}}\n  wild")
    Path("wild.yaml").write_text(text, encoding="utf-8")
    code, out, err = normbench("run", "wild.yaml", "--seeds", "8")
    assert code == 0
    assert len((out + err).splitlines()) <= 25, out + err
    assert re.search(r"layers (more|wild) .* \(\d of 8 seeds\).* \d+ more: --details", " ".join(out.split()))
