"""What arms and layers share is said once; the text of a finding."""

from normbench.findings import LEVELS, Finding, SharedFinding, share_findings
from normbench.report.blocks.findings import findings_blocks, short_findings
from normbench.report.terminal.render import blocks_rows


def finding(layer, level="warning", what="is odd"):
    return Finding(level, layer, what, "It matters.", "Mend it.", "oddity")


def shared(layers, arms, level="warning", what="is odd"):
    return SharedFinding(level, layers, what, "It matters.", "Mend it.", "oddity", arms)


def told(study, findings, num_arms, levels=LEVELS, width=200):
    return [line for line, _ in blocks_rows(findings_blocks(study, findings, num_arms, levels), width)]


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
    assert told("deep", [shared(("fc1", "fc2"), ("a", "b"))], num_arms=3) == [
        "deep: warning: fc1, fc2: is odd",
        "  why   It matters.",
        "  fix   Mend it.",
        "  arms  a; b",
    ]


def test_arms_are_not_named_where_all_share_it_nor_a_layer_or_reason_that_is_not_there():
    error = SharedFinding("error", ("",), "lr: must be > 0, got 0", "", "Raise it.", "contradictions", ("a",))
    assert told("deep", [error], num_arms=1) == ["deep: error: lr: must be > 0, got 0", "  fix  Raise it."]


def test_many_layers_and_arms_are_counted():
    names = tuple(f"hidden{i}" for i in range(1, 21))
    first, *_, arms = told("deep", [shared(names, tuple("abcdefg"))], num_arms=8)
    assert first == "deep: warning: hidden1 ... hidden20 (20 layers): is odd"
    assert arms == "  arms  a; b; c; d and 3 more"


def test_only_the_levels_asked_for_are_told():
    findings = [shared(("fc1",), ("a",)), shared(("fc2",), ("a",), "note")]
    assert told("deep", findings, 1, ("warning",)) == told("deep", findings[:1], 1)


def test_before_a_run_a_finding_takes_one_line_and_many_are_counted():
    long, other = (shared((layer,), ("a",), what="is odd " * 40) for layer in ("fc1", "fc2"))
    line = short_findings("deep", [long], "warning", 80)
    assert line.startswith("deep: warning: fc1: is odd is odd")
    assert line.endswith("is ... --dry-run")
    assert 70 < len(line) <= 80
    line = short_findings("deep", [long, other, other], "warning", 80)
    assert line.endswith(" ... 2 more: --dry-run")
    assert len(line) <= 80
    assert short_findings("deep", [shared(("fc1",), ("a",), "note")], "warning", 80) == ""
    assert short_findings("deep", [shared(("fc1",), ("a",))], "warning", 80) == "deep: warning: fc1: is odd"
