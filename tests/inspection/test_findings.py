"""What arms and layers share is said once; the text of a finding."""

import io

from rich.console import Console

from normbench.findings import Finding, SharedFinding, share_findings
from normbench.report.terminal.findings import finding_lines, print_findings


def finding(layer, level="warning", what="is odd"):
    return Finding(level, layer, what, "It matters.", "Mend it.", "oddity")


def shared(layers, arms, level="warning", what="is odd"):
    return SharedFinding(level, layers, what, "It matters.", "Mend it.", "oddity", arms)


def test_layers_and_arms_that_share_a_finding_stand_together():
    by_arm = {"a": [finding("fc1"), finding("fc2")], "b": [], "c": [finding("fc1"), finding("fc2")]}
    assert share_findings(by_arm) == [shared(("fc1", "fc2"), ("a", "c"))]


def test_other_words_or_other_layers_stand_apart():
    by_arm = {"a": [finding("fc1"), finding("fc2", what="is even")], "b": [finding("fc2")]}
    assert share_findings(by_arm) == [
        shared(("fc1",), ("a",)),
        shared(("fc2",), ("a",), what="is even"),
        shared(("fc2",), ("b",)),
    ]


def test_the_worst_comes_first():
    by_arm = {"a": [finding("fc1", "note")], "b": [finding("fc1", "warning")], "c": [finding("", "error")]}
    assert [one.level for one in share_findings(by_arm)] == ["error", "warning", "note"]


def test_a_finding_in_full():
    assert finding_lines("deep", shared(("fc1", "fc2"), ("a", "b")), num_arms=3) == [
        "deep: warning: fc1, fc2: is odd",
        "  why  It matters.",
        "  fix  Mend it.",
        "  arms a; b",
    ]


def test_arms_are_not_named_where_all_share_it_nor_a_layer_or_reason_that_is_not_there():
    error = SharedFinding("error", ("",), "lr: must be > 0, got 0", "", "Raise it.", "contradictions", ("a",))
    assert finding_lines("deep", error, num_arms=1) == ["deep: error: lr: must be > 0, got 0", "  fix  Raise it."]


def test_many_layers_and_arms_are_counted():
    names = tuple(f"hidden{i}" for i in range(1, 21))
    first, *_, arms = finding_lines("deep", shared(names, tuple("abcdefg")), num_arms=8)
    assert first == "deep: warning: hidden1 ... hidden20 (20 layers): is odd"
    assert arms == "  arms a; b; c; d and 3 more"


def test_only_the_levels_asked_for_are_printed_and_a_long_line_is_not_broken():
    out = io.StringIO()
    findings = [shared(("fc1",), ("a",), what="is odd " * 40), shared(("fc2",), ("a",), "note")]
    print_findings(Console(file=out, width=40), "deep", findings, 1, ("warning",))
    assert out.getvalue().splitlines() == finding_lines("deep", findings[0], 1)
