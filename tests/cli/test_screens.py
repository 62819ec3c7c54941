"""The screens of a plain run and a small study: at most 25 lines of 80 columns, answer first, warnings included."""

import json
import re
import shlex
from pathlib import Path

import pytest
from command_line import normbench

from normbench.report.terminal.render import MAX_LINES

GOLDEN = Path(__file__).parents[1] / "golden"
SIX = """\
model: lenet
norm: batch_norm
dataset: banknotes
weight_decay: 0.0005
dropout: 0.0
batch_size: 16
num_steps: 4
"""
STUDY = ("--set", "num_steps=1", "--set", "dataset.num_samples=16", "--vary", "norm=none,batch_norm,group_norm")


pytestmark = pytest.mark.usefixtures("small_test_sets")


@pytest.fixture(autouse=True)
def six(monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    Path("six.yaml").write_text(SIX, encoding="utf-8")


def screen(*words):
    """What a command leaves on the terminal, which is held to its size."""
    code, out, err = normbench(*words)
    lines = (err + out).splitlines()
    assert code == 0, err
    assert len(lines) <= 25, "\n".join(lines)
    assert [line for line in lines if len(line) > 80] == []
    return out


def words_after(label, out):
    """The words of the command behind a label, as a shell reads them."""
    line = next(line for line in re.sub(r"\\\n +", "", out).splitlines() if line.startswith(label))
    return shlex.split(re.split(r" {3,}", line.removeprefix(label).strip())[0])


def test_the_screen_of_a_plain_run():
    out = screen("run", "six.yaml")
    lines = out.splitlines()
    assert lines[:3] == [
        "six · lenet, batch_norm on banknotes · seed 0 · cpu",
        "  weight_decay 0.0005 · dropout 0 · batch_size 16 · sgd lr 0.01, momentum 0.9",
        "  4 steps (0.4 epochs of 160 samples) · 61,610 parameters",
    ]
    assert lines[4].split("  ")[-3:] == ["train loss", "test loss", "test accuracy"]
    layers = [line.split()[0] for line in lines if line.startswith(("conv", "fc")) and "no norm" not in line]
    assert layers == ["conv1", "conv2", "fc1", "fc2", "fc3"]
    assert any(line.startswith("Nothing vanishes, explodes or dies.") for line in lines)
    assert [line.split()[0] for line in lines[-4:]] == ["saved", "see", "next", "verdict"]


def test_the_commands_of_the_screen_work():
    out = screen("run", "six.yaml")
    assert Path(words_after("saved", out)[0]).is_dir()
    assert words_after("see", out) == ["normbench", "tensorboard"]
    following = words_after("next", out)
    assert following == ["normbench", "run", "six.yaml", "--set", "norm=none"]
    screen(*following[1:])
    compared = screen("compare")
    assert "ANSWER  Cannot tell: one seed each is no evidence." in compared
    assert words_after("verdict", compared)[:3] == ["normbench", "run", "six.yaml"]
    assert words_after("verdict", out)[-4:] == ["--vary", "norm=none,batch_norm", "--seeds", "8"]
    (plan,) = json.loads(normbench(*words_after("verdict", out)[1:], "--dry-run", "--json").out)
    assert (plan["num_runs"], plan["num_finished"]) == (16, 2)


def test_the_screens_of_a_study_of_three_arms_and_eight_seeds():
    has_learned = "collapse: {metric: train_loss, above: 100}\n"  # one step of training is no failure here
    Path("six.yaml").write_text(SIX + has_learned, encoding="utf-8")
    out = screen("run", "six.yaml", *STUDY, "--seeds", 8, "--quiet")
    lines = out.splitlines()
    assert lines[0] == "six"
    assert lines[1].startswith("  3 settings, 8 seeds each · lenet on banknotes · same in all but norm")
    assert lines[3].startswith("ANSWER  Take ")
    assert "(same lr, not tuned): on the typical seed" in out
    assert len(lines) <= MAX_LINES
    assert [line.split()[0] for line in lines if line.startswith(("none ", "batch_norm ", "group_norm "))] == [
        *("none", "batch_norm", "group_norm")
    ]
    assert "baseline (first)" in out
    assert "\n0 of 8 collapsed leaves room for a rate of up to 37 %.\n" in out
    assert not any(line.endswith(" parameters") for line in lines)
    compared = screen("compare")
    assert out.startswith(compared)
    details = normbench(*words_after("next", out)[1:]).out
    assert any(line.endswith(" parameters") for line in details.splitlines())
    assert "test loss" in details
    assert "test loss" not in out
    again = normbench("run", "six.yaml", *STUDY, "--seeds", 8, "--quiet", "--details").out
    assert again.count("std per layer · norm=") == 3
    screen("run", "six.yaml", *STUDY, "--seeds", 9, "--quiet")
    assert "Seeds were added without a plan (8, then 9): verdicts by the sign e-process.\n" in screen("compare")


def test_the_screens_of_a_task_that_was_not_learned():
    Path("six.yaml").write_text(f"{SIX}collapse: {{metric: train_loss, above: 0.001}}\n", encoding="utf-8")
    out = screen("run", "six.yaml", *STUDY, "--seeds", 2, "--quiet")
    assert "ANSWER  This task was not learned: 6 of 6 runs collapsed. No verdict." in out
    assert "better" not in out
    assert out.startswith(screen("compare"))


def test_a_long_network_and_warnings_fit_on_the_screen_too():
    deep = "model={name: mlp, width: 8, depth: 40}"
    out = screen("run", "six.yaml", "--set", deep, "--set", "num_steps=2", "--set", "norm.momentum=0.95", "--quiet")
    assert "--layers all" in out
    assert "hidden40" in out or "output" in out


def test_the_list_of_commands_cuts_none_of_their_sentences():
    lines = normbench("--help").out.partition("Start:\n")[2].splitlines()
    listed = [line for line in lines if line.startswith("  ")]
    assert len(listed) >= 15
    assert max(map(len, lines)) <= 80
    assert [line for line in listed if not re.fullmatch(r"  [a-z-]+ +[A-Z].*[^.]\.", line)] == []
