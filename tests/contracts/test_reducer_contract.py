"""Every word before a column: found by its file, refuses what it cannot take, and no diverged run is good in it."""

import json
import math
import re
import sys

import pytest
from command_line import normbench
from docs_blocks import metrics as docs
from docs_blocks.markdown import ROOT
from hypothesis import given, settings
from hypothesis import strategies as st
from made_up_runs import make_arm, make_run, make_study
from runs_in_memory import CONSTANT, RunInMemory, arm_in_memory, arms_called, table_of

from normbench.errors import ComparisonError
from normbench.evidence.claims.claim import read_claims
from normbench.evidence.claims.verdict import judge_claim
from normbench.evidence.metrics import reducers
from normbench.evidence.metrics.directions import better_way, direction
from normbench.evidence.metrics.group_metrics import is_group_metric, read_by_seed
from normbench.evidence.metrics.group_reducers.base import find_group_reducers
from normbench.evidence.metrics.metric_words import find_metric, usages
from normbench.evidence.metrics.reducers import base
from normbench.evidence.metrics.run_metrics import read_metrics
from normbench.evidence.metrics.scales import is_share
from normbench.storage.files.part_files import HOW_TO_FINISH
from normbench.storage.run_folder import CURVE_CSV, POINTS_CSV

USAGES = list(usages())
COLUMNS = (
    "test_loss",
    "test_accuracy",
    "train_loss",
    "batch_loss_max",
    "roughness",
    "weight_norm",
    "weight.std@hidden1",
)
TAKEN = {"STEP": ("0", "10"), "VALUE": ("0.5", "-1e3")}
REFUSED = {"": ("1", "x"), "STEP": ("x", "-1", "0.5", "²", "1 2"), "VALUE": ("x", "nan", "inf", "1 2")}
FINITE = st.floats(1e-3, 1e3)
VALUES = st.lists(FINITE, max_size=4)

each_usage = pytest.mark.parametrize("usage", USAGES)


def metrics_of(usage, columns=COLUMNS):
    """The metrics in which a word can be used, with each thing that it takes."""
    word, _, takes = usage.partition(" ")
    words = [f"{word} {given}" for given in TAKEN[takes]] if takes else [word]
    return [f"{said} {column}" for said in words for column in columns]


def a_run(values, status="finished"):
    """A run whose columns, and slopes of its fitted line, have these values at steps 0, 10, 20 ..."""
    names = [name for name in COLUMNS if "@" not in name]
    run = RunInMemory(0, [{"step": 10 * i} | dict.fromkeys(names, v) for i, v in enumerate(values)], status)
    curves = [{"step": 10 * i, "0": -v, "1": v} for i, v in enumerate(values)]
    points = [{"split": split, "x": x, "y": y} for split in ("train", "noise_free") for x, y in ((-1, 0.1), (1, 2.0))]
    run._tables.update({CURVE_CSV: table_of(curves), POINTS_CSV: table_of(points)})
    run.__dict__["summary"]["constant_predictor"] = CONSTANT | {"roughness": 1.0}
    run.__dict__["summary"]["layers"] = [{"name": "hidden1"}, {"name": "hidden2"}, {"name": "output"}]
    return run


def read(run, metric):
    return read_metrics(run, [metric])[metric]


def check_diverged(metric, values):
    """A diverged run is no better than the same numbers in a finished one, and unknown where there is no better."""
    lost, kept = read(a_run([*values, math.nan], "diverged"), metric), read(a_run(values), metric)
    way = better_way(metric)
    if way is None:
        assert math.isnan(lost)
    elif not math.isnan(lost) and not math.isnan(kept):
        assert lost >= kept if way == "lower" else lost <= kept


@pytest.fixture
def plant(tmp_path, monkeypatch):
    """Return what writes a file into the folder of reducers, for one test."""
    folder = tmp_path / "planted"
    folder.mkdir()
    monkeypatch.setattr(reducers, "__path__", [*reducers.__path__, str(folder)])
    names = []

    def write(name, text):
        (folder / f"{name}.py").write_text(text, encoding="utf-8")
        names.append(name)
        base._parts.cache_clear()

    yield write
    base._parts.cache_clear()
    for name in names:
        sys.modules.pop(f"{reducers.__name__}.{name}", None)


def test_the_words_are_found_and_all_are_whole():
    assert {"last", "first", "best", "change", "max_after STEP", "steps_to VALUE"} <= set(USAGES)
    assert base.unfinished_reducers() == {}


@each_usage
def test_the_first_line_of_its_file_says_what_it_is_in_help_and_docs(usage):
    said = usages()[usage]
    assert said[0].isupper()
    assert said.endswith(".")
    assert usage in normbench("compare", "--help").out
    assert f"| `{usage}` | {said} |" in docs.reducers()


@each_usage
def test_what_it_cannot_take_is_refused_in_a_line_with_a_way_out(usage):
    word, _, takes = usage.partition(" ")
    wrong = [f"{word} {given} test_loss" for given in REFUSED[takes]] + ([f"{word} test_loss"] if takes else [])
    for metric in wrong:
        with pytest.raises(ComparisonError) as refused:
            read(a_run([1.0]), metric)
        said = str(refused.value)
        assert said.startswith(f"--metric {metric}: must be COLUMN, or a known word before it, got {metric!r}. ")
        assert " Example: 'best test_loss'. Words: " in said
        assert "\n" not in said


@each_usage
def test_a_column_without_values_has_no_number(usage):
    for metric in metrics_of(usage):
        assert math.isnan(read(a_run([]), metric)), metric


@each_usage
def test_which_way_is_better_and_whether_effects_are_ratios_is_said(usage):
    for metric in metrics_of(usage):
        assert direction(metric) in (None, "higher", "lower")
        assert isinstance(is_share(metric), bool)
        if direction(metric) is not None:
            assert better_way(metric) == direction(metric)


@each_usage
@settings(max_examples=20, deadline=None)
@given(values=VALUES)
def test_a_diverged_run_is_no_better_than_what_it_recorded(usage, values):
    for metric in metrics_of(usage):
        check_diverged(metric, values)


@each_usage
@settings(max_examples=20, deadline=None)
@given(values=VALUES)
def test_the_same_run_reads_the_same_twice(usage, values):
    for metric in metrics_of(usage):
        run = a_run(values)
        assert read(run, metric) == pytest.approx(read(run, metric), rel=0, abs=0, nan_ok=True)


@each_usage
@given(value=FINITE)
@settings(max_examples=20, deadline=None)
def test_a_value_of_the_column_is_what_the_column_always_is(usage, value):
    for metric in metrics_of(usage):
        found = read(a_run([value, value, value]), metric)
        if find_metric(metric).reducer.is_of_column and not math.isnan(found):
            assert found == value, metric


LIAR = '''\
"""The mean, and nothing where it diverged."""
from normbench.evidence.metrics.reducers.base import Reducer
class Liar(Reducer):
    """Lies."""
    def read(self, recorded): return sum(recorded.finite) / max(1, len(recorded.finite))
    def read_diverged(self, recorded): return 0.0
'''


def test_the_contract_sees_a_diverged_run_that_is_made_good(plant):
    plant("liar", LIAR)
    with pytest.raises(AssertionError):
        check_diverged("liar test_loss", [1.0])


def fresh_word(plant):
    """Plant the example of the docs and return its word."""
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8").partition("**A metric.**")[2]
    name = re.search(r"`(\w+)\.py`", text)[1]
    plant(name, re.search(r"```python\n(.*?)```", text, re.DOTALL)[1])
    return name


def test_the_example_in_the_docs_is_a_whole_reducer(plant):
    word = fresh_word(plant)
    assert base.unfinished_reducers() == {}
    assert f"| `{word}` | The largest finite value less the smallest. |" in docs.reducers()
    assert word in normbench("compare", "--help").out
    for metric in metrics_of(word):
        assert math.isnan(read(a_run([]), metric))
        check_diverged(metric, [1.0, 0.5])


def test_a_new_file_is_all_that_compare_needs(plant):
    word = fresh_word(plant)
    folder = make_study(arms=["one", "two"], baseline="one")
    for arm, start in (("one", 1.0), ("two", 3.0)):
        made = make_arm(folder, arm, norm=arm)
        for seed in range(8):
            make_run(made, seed, [{"step": 0, "test_loss": start + seed}, {"step": 20, "test_loss": 0.5}])
    code, out, err = normbench("compare", folder, "--metric", f"{word} test_loss", "--json")
    assert (code, err) == (0, "")
    figures = [row["figures"][f"{word} test_loss"] for row in json.loads(out)[0]["rows"]]
    assert [figure["values"] for figure in figures] == [[s + seed - 0.5 for seed in range(8)] for s in (1.0, 3.0)]


@pytest.mark.parametrize(("by", "verdict"), [(1.0, "holds"), (3.0, "smaller than claimed")])
def test_a_new_file_is_all_that_claims_need(plant, by, verdict):
    metric = f"{fresh_word(plant)} weight_norm"
    arms = [
        arm_in_memory(
            name,
            [
                RunInMemory(s, [{"step": i, "weight_norm": v + s / 100 * i} for i, v in enumerate(values)])
                for s in range(8)
            ],
        )
        for name, values in (("calm", (1.0, 2.0)), ("wild", (1.0, 4.0)))
    ]
    said = [{"says": "it moves", "metric": metric, "expect": {"less": "calm", "than": "wild", "by": by}}]
    claim = read_claims(said, arms_called("calm", "wild"))[0][0]
    assert judge_claim(claim, arms, range(8), "study", "").verdict == verdict


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ('"""A."""\n', "must define one Reducer, got none"),
        (LIAR.replace("def read(", "def reed("), "Liar must define read, got nothing of that name"),
        (LIAR.replace('    """Lies."""\n', '    takes = "KEY"\n'), "Liar.takes must be one of STEP, VALUE or nothing"),
        ("class A:\n", "must be Python, got IndentationError in line 1"),
    ],
)
def test_an_unfinished_file_is_a_line_where_it_is_asked_for_and_breaks_no_other(plant, text, what):
    plant("half", text)
    with pytest.raises(ComparisonError) as refused:
        read(a_run([1.0]), "half test_loss")
    said = str(refused.value)
    assert said.startswith("--metric half test_loss: must be a finished word, got 'half'. normbench/evidence/metrics/")
    assert f"reducers/half.py: {what}" in said
    assert said.endswith(HOW_TO_FINISH)
    assert read(a_run([1.0, 0.5]), "best test_loss") == 0.5
    assert list(usages()) == USAGES


def lines_of(kind, *runs):
    """Arms at k = 2, 4 ... with these runs, beside them as many other lines as the word compares."""
    first = [(2**i, run) for i, run in enumerate(runs, 1)]
    others = [(k, a_run([1.0, 0.45])) for k, _ in first] * (kind.num_lines - 1)
    return [arm_in_memory(f"k={k}", [run], k=k) for k, run in [*first, *others]]


@pytest.mark.parametrize("word", find_group_reducers())
def test_a_group_metric_says_what_it_takes_and_what_it_is_compared_by(word):
    kind = find_group_reducers()[word]
    metric = f"{word} k{' test_loss' * kind.takes_metric}"
    assert is_group_metric(metric)
    assert isinstance(is_share(metric), bool)
    assert f"| `{kind.usage()}` | " in docs.group_reducers()
    arms = lines_of(kind, a_run([1.0, 0.5]), a_run([1.0, 0.25]))
    assert math.isfinite(read_by_seed(arms, metric)[0])
    for wrong in (word, f"{word} k test_loss" if not kind.takes_metric else f"{word} k"):
        with pytest.raises(ComparisonError, match=f"must be {kind.usage()}, got '{wrong}'. Add its words."):
            read_by_seed(arms, wrong)


@pytest.mark.parametrize("word", find_group_reducers())
def test_no_number_of_a_group_is_made_of_what_a_diverged_run_had_before_its_end(word):
    kind = find_group_reducers()[word]
    metric = f"{word} k{' test_loss' * kind.takes_metric}"
    whole, small, large = (
        read_by_seed(lines_of(kind, a_run([1.0, 0.5]), lost), metric)[0]
        for lost in (a_run([1.0, 0.4]), a_run([1e-6, math.nan], "diverged"), a_run([0.9, math.nan], "diverged"))
    )
    assert small == large != whole
