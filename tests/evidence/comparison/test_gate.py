"""--fail-if: what holds, for which row, and what is no expression."""

import math
from dataclasses import replace

import pytest

from normbench.errors import ComparisonError
from normbench.evidence.comparison.comparison import StudyComparison
from normbench.evidence.comparison.effects import resolve_baseline_option, with_effects
from normbench.evidence.comparison.gate import failing_rows, read_gate
from normbench.evidence.comparison.rows import Row, SeedSummary

SEEDS = tuple(range(8))
GRAMMAR = "must be NAME OP VALUE, joined by and / or, OP one of < <= > >= == !="


def row(arm, factor, num_diverged=0):
    values = [factor * (1 + 0.01 * seed) for seed in SEEDS]
    figures = {
        "test_loss": SeedSummary.of(values, "test_loss"),
        "best test_accuracy": SeedSummary.of([0.5] * 8, "test_accuracy"),
    }
    return Row(arm, {}, SEEDS, num_diverged, figures, 10, 2.5, name=arm)


def study(*rows, baseline=None):
    made = StudyComparison("made_up", "", "made_up.yaml", rows, [], False)
    return replace(made, baseline=baseline, against=baseline and resolve_baseline_option(made, baseline))


TWO = study(row("plain", 1.0), row("decayed", 2.0, num_diverged=3))


def failing(text, comparison=TWO):
    return failing_rows([comparison], read_gate(text))


def refusal(text, comparison=TWO):
    with pytest.raises(ComparisonError) as error:
        failing(text, comparison)
    return str(error.value)


@pytest.mark.parametrize(
    ("text", "arms"),
    [
        ("test_loss>1.5", ["decayed"]),
        ("test_loss < 1.5", ["plain"]),
        ("test_loss>=0", ["plain", "decayed"]),
        ("test_loss>9", []),
        ("num_diverged>0", ["decayed"]),
        ("num_diverged==3 and test_loss>1", ["decayed"]),
        ("num_diverged==3 and test_loss<1", []),
        ("num_diverged==3 and test_loss<1 or test_loss<1.5", ["plain"]),
        ("best test_accuracy<=0.5", ["plain", "decayed"]),
        ("best test_accuracy!=0.5", []),
        ("num_seeds<8", []),
        ("cpu_ms_per_step>2e0", ["plain", "decayed"]),
        ("test_loss<inf", ["plain", "decayed"]),
    ],
)
def test_rows_for_which_it_holds_are_named(text, arms):
    assert [line.split(": ")[1] for line in failing(text)] == arms


def test_the_line_says_what_was_found():
    assert failing("test_loss>1.5 and num_diverged>2") == [
        "made_up: decayed: --fail-if test_loss>1.5 and num_diverged>2: test_loss is 2.07, num_diverged is 3"
    ]


@pytest.mark.parametrize(("text", "failed"), [("verdict==worse", 1), ("verdict!=worse", 0), ("verdict == 'better'", 0)])
def test_a_verdict_is_compared_with_a_word_and_the_baseline_has_none(text, failed):
    judged = with_effects(study(*TWO.rows, baseline="plain"))
    assert len(failing(text, judged)) == failed


def test_a_verdict_of_several_words():
    figures = [{"test_loss": SeedSummary.of([1.0 + i], "test_loss")} for i in (0, 1)]
    few = study(*[Row(f"a{i}", {}, (0,), 0, figure, 1, None, name=f"a{i}") for i, figure in enumerate(figures)])
    assert len(failing("verdict==too few seeds or verdict==worse", with_effects(few, "a0"))) == 1


def test_a_number_that_is_none_does_not_pass():
    broken = Row("broken", {}, (0,), 0, {"test_loss": SeedSummary.of([math.nan], "test_loss")}, 1, None)
    assert failing("test_loss>1", study(broken)) == [
        "made_up: broken: --fail-if test_loss>1: cannot be judged, test_loss is nan"
    ]


def test_nothing_to_judge_does_not_pass():
    assert failing("test_loss>1", study()) == ["made_up: --fail-if test_loss>1: no finished run to judge"]


@pytest.mark.parametrize(
    ("text", "got"),
    [
        ("", "''"),
        ("test_loss", "'test_loss'"),
        ("test_loss=1", "'test_loss=1'"),
        ("<1", "'<1'"),
        ("test_loss<", "'test_loss<'"),
    ],
)
def test_what_is_no_expression_gets_the_grammar(text, got):
    example = "Example: --fail-if 'test_loss>0.5 or verdict==worse'"
    assert refusal(text) == f"--fail-if {text}: {GRAMMAR}, got {got}. {example}"


@pytest.mark.parametrize(
    "value", ["__import__('os').system('true')", "nan", "1 and", "1 if 1 else 2", "best test_accuracy"]
)
def test_a_value_is_a_number_and_nothing_is_evaluated(value):
    assert "test_loss: must be compared with a number" in refusal(f"test_loss<{value}")


def test_an_unknown_name_gets_the_near_one():
    counts = "num_diverged, num_collapsed, num_seeds, num_parameters, cpu_ms_per_step"
    known = f"test_loss, best test_accuracy, {counts}, verdict"
    rule = "must be a metric that is compared, got 'tset_loss'"
    assert refusal("tset_loss<1") == f"--fail-if tset_loss<1: {rule}. Did you mean 'test_loss'? One of: {known}."


def test_a_verdict_that_there_is_not_is_a_mistake():
    rule = "verdict: must be == or != and a verdict"
    known = "Verdicts: better, worse, higher, lower, cannot tell, too few seeds."
    assert refusal("verdict==bad") == f"--fail-if verdict==bad: {rule}, got ==bad. {known}"
    assert refusal("verdict>worse") == f"--fail-if verdict>worse: {rule}, got >worse. Did you mean 'worse'? {known}"


def test_a_verdict_without_a_baseline_is_a_mistake():
    rule = "verdict: must have a baseline that is named, in the file or by --baseline, got none. Add --baseline ARM."
    assert refusal("verdict==worse") == f"--fail-if verdict==worse: {rule}"
