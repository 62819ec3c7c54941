"""The lines on what tuning chose, its lead and ties, and on the verdicts at second-best values."""

import statistics

import pytest

from normbench.evidence.tuning.ranking import best_trial
from normbench.evidence.tuning.sensitivity import ChangedVerdict, Sensitivity
from normbench.report.blocks.tuning import choice_text, sensitivity_blocks, sensitivity_text
from normbench.storage.choices import Choice, Trial

SEEDS = (1000, 1001, 1002, 1003)
GROUP_NORM = {"name": "group_norm", "num_groups": 2}


def text_of(losses, key="optimizer.lr", *, at_edge=False, chosen=None):
    """The text for losses by value, one of all seeds or one per seed."""
    tried = []
    for value, found in losses.items():
        scores = list(found) if isinstance(found, tuple) else [found] * len(SEEDS)
        values = dict(zip(key, value, strict=True)) if isinstance(key, tuple) else {key: value}
        tried.append(Trial(values, scores, statistics.median(scores)))
    values = best_trial(tried).values if chosen is None else {key: chosen}
    return choice_text(Choice("none", values, tried, 0, at_edge, SEEDS)).removeprefix("none,tuned: ")


@pytest.mark.parametrize(
    ("losses", "text"),
    [
        (
            {0.001: 0.5, 0.01: (0.0968, 0.0968, 0.0968, 0.2), 0.03: 0.1, 0.1: 1.0},
            "0.01 (validation loss 0.0968, 3.2 % ahead of 0.03, best in 3 of 4 seeds; 4 tried: 0.001 to 0.1)",
        ),
        (
            {0.1: 0.50001, 0.3: 0.5},
            "0.3 (validation loss 0.500, less than 0.1 % ahead of 0.1, best in 4 of 4 seeds; 2 tried: 0.1 to 0.3)",
        ),
        (
            {0.3: 0.5, 0.1: 0.5},
            "0.1 (validation loss 0.500, as at 0.3, of equals the smaller, best in 4 of 4 seeds; 2 tried: 0.1 to 0.3)",
        ),
        ({0.1: 0.5}, "0.1 (validation loss 0.500; 1 tried: 0.1)"),
        (
            {0.1: float("inf"), 0.3: 1.0},
            "0.3 (validation loss 1.00, ahead of 0.1, best in 4 of 4 seeds; 2 tried: 0.1 to 0.3)",
        ),
    ],
)
def test_the_line_of_a_learning_rate(losses, text):
    assert text_of(losses) == f"optimizer.lr {text}"


def test_an_edge_is_told():
    assert text_of({0.1: 0.9, 0.3: 0.45}, at_edge=True).endswith("; 2 tried: 0.1 to 0.3, chosen at its edge)")


def test_of_equal_losses_the_smaller_is_told_only_where_it_was_taken():
    assert "as at 0.1, best in" in text_of({0.1: 0.5, 0.3: 0.5}, chosen=0.3)


def test_switches_are_no_numbers():
    assert text_of({True: 0.5, False: 0.4}, "checkpointing").endswith("; 2 tried: True or False)")


def test_several_settings_are_told_with_their_names():
    keys = ("norm", "optimizer.lr")
    losses = {("none", 0.1): 0.5, ("group_norm", 0.1): 0.4, ("none", 0.2): 0.8, ("group_norm", 0.2): 0.6}
    assert text_of(losses, keys) == (
        "norm group_norm, optimizer.lr 0.1 (validation loss 0.400, 20.0 % ahead of norm none, optimizer.lr 0.1, "
        "best in 4 of 4 seeds; 4 tried: norm none or group_norm, optimizer.lr 0.1 to 0.2)"
    )


LR = "With each arm's second-best lr"
CHANGED = [
    ChangedVerdict("a,tuned", False, "better", "cannot tell"),
    ChangedVerdict("B5d", True, "holds", "opposite"),
]


@pytest.mark.parametrize(
    ("found", "text"),
    [
        (Sensitivity(["optimizer.lr"], 1), f"{LR}: the same verdict."),
        (Sensitivity(["optimizer.lr"], 4), f"{LR}: the same 4 verdicts."),
        (Sensitivity(["l1", "optimizer.lr"], 2), "With each arm's second-best l1 and lr: the same 2 verdicts."),
        (
            Sensitivity(["optimizer.lr"], 4, CHANGED[:1]),
            f"{LR} 1 of 4 verdicts differs: a,tuned cannot tell instead of better.",
        ),
        (
            Sensitivity(["optimizer.lr"], 4, CHANGED),
            f"{LR} 2 of 4 verdicts differ: a,tuned cannot tell instead of better; claim B5d opposite instead of holds.",
        ),
        (Sensitivity(["optimizer.lr"]), f"{LR}: no verdict to compare."),
        (
            Sensitivity(["optimizer.lr"], 2, alone=["a,tuned"]),
            f"{LR}: the same 2 verdicts. a,tuned: nothing else was tried, so nothing is second-best.",
        ),
        (
            Sensitivity(["optimizer.lr"], missing=["a,tuned", "b,tuned"]),
            f"{LR}: not judged, runs of a,tuned and b,tuned are missing.",
        ),
    ],
)
def test_the_line_on_second_best_values(found, text):
    assert sensitivity_text(found) == text


def test_what_is_missing_comes_with_the_command_that_makes_it():
    command = "normbench run tiny.yaml --tuning-sensitivity"
    said, again = sensitivity_blocks(Sensitivity(["optimizer.lr"], missing=["a,tuned"], command=command))
    assert said.lines[0].text.endswith("missing.")
    assert (again.lines[0].text, again.lines[0].is_command) == (command, True)
    assert sensitivity_blocks(None) == []
