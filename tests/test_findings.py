"""What arms and layers share is said once; findings of every source are told by the same sentence and lines."""

from dataclasses import replace

from normbench.findings import Finding, share_findings
from normbench.report.blocks.findings import (
    BEFORE_TRAINING,
    IN_A_PROBE,
    MAX_LISTED,
    finding_line,
    findings_blocks,
    short_findings,
)
from normbench.report.terminal.render import blocks_rows


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


def told(findings, labels=BEFORE_TRAINING, width=200, **options):
    return [line for line, _ in blocks_rows(findings_blocks(findings, labels, **options), width)]


def test_a_finding_in_full():
    assert told([finding("fc1", "fc2", arms=("a", "b"))], study="deep", num_arms=3) == [
        "deep: warning: fc1, fc2: is odd",
        "  why   It matters.",
        "  fix   Mend it.",
        "  arms  a; b",
    ]


def test_arms_are_not_named_where_all_share_it_nor_a_layer_or_reason_that_is_not_there():
    error = Finding("error", (), "lr: must be > 0, got 0", way_out="Raise it.", source="contradictions", arms=("a",))
    assert told([error], study="deep") == ["deep: error: lr: must be > 0, got 0", "  fix  Raise it."]


def test_many_layers_and_arms_are_counted():
    names = [f"hidden{i}" for i in range(1, 21)]
    first, *_, arms = told([finding(*names, arms=tuple("abcdefg"))], study="deep", num_arms=8)
    assert first == "deep: warning: hidden1 ... hidden20 (20 layers): is odd"
    assert arms == "  arms  a; b; c; d and 3 more"


def test_a_figure_is_that_of_the_first_layer_and_the_others_are_counted():
    found = replace(finding("fc2", "fc1", "fc3", arms=("wild",)), figure="half of it", num_seeds=2, of_seeds=3)
    assert finding_line(found) == "wild · fc2 and 2 more layers: is odd, half of it (2 of 3 seeds). Mend it."
    assert told([replace(found, layers=("fc2",), arms=(), num_seeds=1, of_seeds=1)], IN_A_PROBE) == [
        "fc2: is odd, half of it.",
        "  likely   It matters.",
        "  way out  Mend it.",
    ]


def test_only_the_levels_asked_for_are_told():
    findings = [finding("fc1", arms=("a",)), finding("fc2", level="note", arms=("a",))]
    assert told(findings, study="deep", levels=("warning",)) == told(findings[:1], study="deep")


def test_of_very_many_findings_the_first_are_told_and_the_rest_counted():
    findings = [finding(f"fc{i}", arms=("a",)) for i in range(MAX_LISTED + 1_000)]
    lines = told(findings, study="deep")
    assert lines[-1] == "1,000 more findings: --json"
    assert sum(line.startswith("deep: ") for line in lines) == MAX_LISTED


def test_before_a_run_the_layers_of_a_long_finding_are_counted_before_its_words_are_cut():
    what = "evaluates with running statistics of which 12 % is their start, mean 0 and variance 1 (20 steps)"
    found = finding("conv1.norm", "conv2.norm", "fc1.norm", what=what)
    said = "deep: warning: conv1.norm and 2 more: evaluates with running statistics of which 12 % is their start"
    for width in (80, 120):
        line = short_findings("deep", [found], "warning", width)
        assert " ".join(line.split()) == f"{said}; in full: --dry-run"
        assert all(len(row) <= width for row in line.split("\n"))
    more = short_findings("deep", [found, found], "warning", 80)
    assert " ".join(more.split()) == f"{said}; 1 more: --dry-run"
    assert short_findings("deep", [found], "warning", 200) == f"deep: warning: {found.sentence()}"


def test_before_a_run_a_finding_without_a_comma_takes_one_line_and_many_are_counted():
    long, other = (finding(layer, what="is odd " * 40, arms=("a",)) for layer in ("fc1", "fc2"))
    line = short_findings("deep", [long], "warning", 80)
    assert line.startswith("deep: warning: fc1: is odd is odd")
    assert line.endswith("is ... --dry-run")
    assert 70 < len(line) <= 80
    line = short_findings("deep", [long, other, other], "warning", 80)
    assert line.endswith(" ... 2 more: --dry-run")
    assert len(line) <= 80
    assert short_findings("deep", [finding("fc1", level="note", arms=("a",))], "warning", 80) == ""
    assert short_findings("deep", [finding("fc1", arms=("a",))], "warning", 80) == "deep: warning: fc1: is odd"
