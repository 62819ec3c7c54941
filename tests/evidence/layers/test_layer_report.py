"""Std per layer in words, from made-up statistics."""

import math

import pytest
from made_up_runs import made_up_arm, std_rows

from normbench.evidence.layers.layer_report import report_layers
from normbench.report.blocks.layers import LONG, layers_block
from normbench.report.terminal.console import make_console
from normbench.report.terminal.render import print_blocks

LAYERS = ("hidden1", "hidden2", "output")


def seed_of(start, end=None, **others):
    """Rows of one run in which every kind of tensor has these output stds at the start and at the end."""
    steps = {0: start} | ({} if end is None else {20: end})
    kinds = ("weight", "grad", "activation")
    return [
        row
        for step, stds in steps.items()
        for kind in kinds
        for row in std_rows(kind, dict(zip(LAYERS, stds, strict=True)), step, **others)
    ]


def words(*seeds):
    return [line.word for line in report_layers(made_up_arm(*seeds, layers=LAYERS)).lines]


def findings(*seeds):
    return report_layers(made_up_arm(*seeds, layers=LAYERS)).findings


@pytest.mark.parametrize(
    ("start", "end", "word"),
    [
        (1.0, 1.0, "steady"),
        (1.0, 2.0, "steady"),
        (1.0, 0.5, "steady"),
        (1.0, 2.01, "grows"),
        (1.0, 0.49, "shrinks"),
        (1.0, 1001.0, "explodes"),
        (1.0, 0.00099, "vanishes"),
        (1.0, 999.0, "grows"),
        (1.0, math.nan, "not finite"),
        (1.0, math.inf, "not finite"),
    ],
)
def test_a_layer_gets_the_word_for_its_output(start, end, word):
    assert words(seed_of((1.0, start, 1.0), (1.0, end, 1.0)))[1] == word


@pytest.mark.parametrize(("std", "word"), [(0.5, "steady"), (1e-4, "vanishes"), (2e3, "explodes"), (5.0, "steady")])
def test_without_a_step_the_start_is_compared_with_the_first_layer(std, word):
    assert words(seed_of((1.0, std, 1.0)))[1] == word


def test_a_layer_of_zeros_is_dead():
    start, end = seed_of((1.0, 1.0, 1.0)), std_rows("activation", {"hidden1": 1.0, "output": 1.0}, 20)
    end += std_rows("activation", {"hidden2": 0.002}, 20, zero_share=0.9995)
    assert words(start + end)[1] == "dead"


def test_stds_are_means_over_seeds_and_the_range_is_kept():
    report = report_layers(made_up_arm(seed_of((1, 2, 3), (1, 4, 3)), seed_of((1, 4, 3), (1, 6, 3)), layers=LAYERS))
    line = report.lines[1]
    assert (report.num_seeds, report.has_end) == (2, True)
    assert (line.stds["activation"], line.output_range, line.output_std) == ((3.0, 5.0), (4.0, 6.0), 5.0)
    assert (line.layer, line.shape, line.has_norm) == ("hidden2", (3, 2), False)


def test_a_run_without_steps_has_no_end():
    report = report_layers(made_up_arm(seed_of((1.0, 2.0, 3.0)), layers=LAYERS))
    assert not report.has_end
    assert report.lines[2].output_std == 3.0


def test_a_steady_network_has_no_findings():
    assert findings(seed_of((1.0, 0.8, 0.7), (1.0, 0.9, 0.8))) == []


@pytest.mark.parametrize(
    ("stds", "finding"),
    [
        ((1.0, 1e-5, 1.0), "The output vanishes at hidden2: std 1e-05."),
        ((1.0, 1e-5, 1e-9), "The output vanishes at hidden2 and in 1 more layer: std 1e-05."),
        ((1.0, 1.0, 2e4), "The output explodes at output: std 2e+04."),
        ((1.0, math.inf, 1.0), "The output is not finite at hidden2: std inf."),
    ],
)
def test_what_stands_out_is_told_with_its_layer(stds, finding):
    assert findings(seed_of(stds)) == [finding]


def test_a_dead_layer_is_told():
    stats = seed_of((1.0, 1.0, 1.0)) + std_rows("activation", {"hidden1": 0.5}, zero_share=1.0)
    assert findings(stats) == ["The output is dead (all zeros) at hidden1: std 0.5."]


@pytest.mark.parametrize(
    ("below", "above", "finding"),
    [
        (1e-6, 1.0, ["The output gradient vanishes backward: std 1 at hidden2, 1e-06 at hidden1."]),
        (5e4, 1.0, ["The output gradient explodes backward: std 1 at hidden2, 5e+04 at hidden1."]),
        (0.01, 1.0, []),
        (100.0, 1.0, []),
    ],
)
def test_the_gradient_is_followed_from_the_last_hidden_layer_to_the_first(below, above, finding):
    grads = std_rows("activation_grad", {"hidden1": below, "hidden2": above, "output": 1e9})
    assert findings(seed_of((1.0, 1.0, 1.0)) + grads) == finding


def printed(num_layers, capsys, *, show_all):
    names = [f"hidden{i}" for i in range(1, num_layers + 1)]
    stats = [row for i, name in enumerate(names) for row in std_rows("activation", {name: 1.0 + i / 100})]
    stats += [row for name in names for row in std_rows("weight", {name: 0.1}) + std_rows("grad", {name: 0.1})]
    report = report_layers(made_up_arm(stats, layers=names))
    print_blocks(make_console(width=120), [layers_block(report, None if show_all else LONG)])
    return [line.split()[0] for line in capsys.readouterr().out.splitlines() if line.startswith(("hidden", "..."))]


def test_a_long_network_is_shown_by_its_ends(capsys):
    ends = [f"hidden{i}" for i in (1, 2, 3, 4, 5, 6)], [f"hidden{i}" for i in (26, 27, 28, 29, 30)]
    assert printed(30, capsys, show_all=False) == [*ends[0], "...", *ends[1]]


def test_all_layers_of_a_long_network_are_shown_where_asked_for(capsys):
    assert printed(30, capsys, show_all=True) == [f"hidden{i}" for i in range(1, 31)]


def test_a_network_of_twelve_layers_is_shown_whole(capsys):
    assert len(printed(12, capsys, show_all=False)) == 12
