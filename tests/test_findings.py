"""What arms and layers share is said once; findings of every source are told by the same sentence and lines."""

import io
from dataclasses import replace

from rich.console import Console

from normbench.findings import Finding, share_findings
from normbench.report.terminal.findings import (
    BEFORE_TRAINING,
    IN_A_PROBE,
    ON_ONE_LINE,
    finding_lines,
    print_findings,
)


def finding(*layers, level="warning", what="is odd", arms=()):
    return Finding(level, layers, what, why="It matters.", way_out="Mend it.", source="oddity", arms=arms)


def test_layers_and_arms_that_share_a_finding_stand_together():
    by_arm = {"a": [finding("fc1"), finding("fc2")], "b": [], "c": [finding("fc1"), finding("fc2")]}
    assert share_findings(by_arm) == [finding("fc1", "fc2", arms=("a", "c"))]


def test_other_words_or_other_layers_stand_apart():
    by_arm = {"a": [finding("fc1"), finding("fc2", what="is even")], "b": [finding("fc2")]}
    assert share_findings(by_arm) == [
        finding("fc1", arms=("a",)),
        finding("fc2", what="is even", arms=("a",)),
        finding("fc2", arms=("b",)),
    ]


def test_the_worst_comes_first():
    by_arm = {"a": [finding("fc1", level="note")], "b": [finding("fc1")], "c": [finding(level="error")]}
    assert [one.level for one in share_findings(by_arm)] == ["error", "warning", "note"]


def lines_of_study(found, num_arms):
    return finding_lines(found, BEFORE_TRAINING, study="deep", num_arms=num_arms)


def test_a_finding_in_full():
    assert lines_of_study(finding("fc1", "fc2", arms=("a", "b")), num_arms=3) == [
        "deep: warning: fc1, fc2: is odd",
        "  why  It matters.",
        "  fix  Mend it.",
        "  arms a; b",
    ]


def test_arms_are_not_named_where_all_share_it_nor_a_layer_or_reason_that_is_not_there():
    error = Finding("error", (), "lr: must be > 0, got 0", way_out="Raise it.", source="contradictions", arms=("a",))
    assert lines_of_study(error, num_arms=1) == ["deep: error: lr: must be > 0, got 0", "  fix  Raise it."]


def test_many_layers_and_arms_are_counted():
    names = [f"hidden{i}" for i in range(1, 21)]
    first, *_, arms = lines_of_study(finding(*names, arms=tuple("abcdefg")), num_arms=8)
    assert first == "deep: warning: hidden1 ... hidden20 (20 layers): is odd"
    assert arms == "  arms a; b; c; d and 3 more"


def test_a_figure_is_that_of_the_first_layer_and_the_others_are_counted():
    found = replace(finding("fc2", "fc1", "fc3", arms=("wild",)), figure="half of it", num_seeds=2, of_seeds=3)
    line = "wild · fc2 and 2 more layers: is odd, half of it (2 of 3 seeds). Mend it."
    assert finding_lines(found, ON_ONE_LINE) == [line]
    assert finding_lines(replace(found, layers=("fc2",), arms=(), num_seeds=1, of_seeds=1), IN_A_PROBE) == [
        "fc2: is odd, half of it.",
        "  likely   It matters.",
        "  way out  Mend it.",
    ]


def test_only_the_levels_asked_for_are_printed_and_a_long_line_is_not_broken():
    out = io.StringIO()
    findings = [finding("fc1", arms=("a",), what="is odd " * 40), finding("fc2", level="note", arms=("a",))]
    print_findings(Console(file=out, width=40), findings, BEFORE_TRAINING, study="deep", levels=("warning",))
    assert out.getvalue().splitlines() == lines_of_study(findings[0], 1)
