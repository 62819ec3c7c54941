"""A loss and a metric of the user's own: what they may return, what is refused in which words, what decides."""

import math
from pathlib import Path

import pytest
import torch
from command_line import normbench

from normbench.errors import ComparisonError, ConfigError
from normbench.evidence.comparison.comparison import compare_runs
from normbench.evidence.metrics.directions import direction
from normbench.evidence.metrics.scales import is_accuracy, is_share
from normbench.evidence.metrics.scores import run_score
from normbench.scheduling.candidates import with_settings
from normbench.scheduling.schedule import run_study
from normbench.storage.own_metric import declare_own_metrics
from normbench.storage.study_folder import read_study
from normbench.study.load import load_study
from normbench.study.own_functions import own_functions

ENDED = "it ended with my_scores.py line 20: ValueError: no idea"
SCORES = """
import math, torch
from torch.nn import functional as F

def loss(output, target): return F.multi_margin_loss(output, target)
def squared(output, target): return (output - target).square().mean()
def of_shape_1(output, target): return F.cross_entropy(output, target).reshape(1)
def right(output, target): return (output.argmax(1) == target).float().mean()
def wrong(output, target): return 5 * (1 - right(output, target)).item()
def spread(output, target): return output.std().item()
def only_random(output, target): return math.nan if output.std(0).max() == 0 else 1.0
def of_large(output, target): return math.nan if output.abs().max() < 2 else 1.0

def a_list(output, target): return [1.0]
def nothing(output, target): return None
def text(output, target): return "0.5"
def two(output, target): return output.mean(0)[:2]
def rows(output, target): return F.cross_entropy(output, target, reduction="none")
def nan(output, target): return output.sum() * math.nan
def raises(output, target): raise ValueError("no\\nidea")
def no_gradient(output, target): return (output.argmax(1) != target).float().mean()
def flat(output, target): return output.sum() * 0
def in_place(output, target):
    output.zero_()
    return output.sum()
def target_in_place(output, target):
    target += 0
    return output.mean()
def sets_dtype(output, target):
    torch.set_default_dtype(torch.float64)
    return output.sum()
def large(output, target): return 7.0
class Focal(torch.nn.Module): pass
constant = 3
"""
CLASSES = "model: {name: mlp, hidden_features: [4]}\ndataset: {name: gaussian_clusters, num_samples: 40}\n"
TAKES, RAISED = "must take outputs and targets of shapes", "it ended with my_scores.py line 20: ValueError: no idea"
SMALL = "num_steps: 4\nrecording: {every_steps: 4, histograms: [], tensorboard: false}\n"


pytestmark = pytest.mark.usefixtures("small_test_sets")


@pytest.fixture(autouse=True)
def scores(empty_folder):
    (empty_folder / "my_scores.py").write_text(SCORES)


def config(text, *, of=CLASSES, small=SMALL):
    path = Path("own.yaml")
    path.write_text(f"# Which?\n{of}{small}{text}")
    return path


def refusal(text, **kind):
    with pytest.raises(ConfigError) as refused:
        load_study(config(text, **kind))
    (line,) = refused.value.complaints
    return line.partition(": ")[2]


def metric(function, name="mine", better="higher", **more):
    said = {"name": name, "function": f"my_scores:{function}", "better": better, **more}
    return f"metric: {{{', '.join(f'{key}: {value}' for key, value in said.items())}}}\n"


@pytest.mark.parametrize(
    ("function", "rule"),
    [
        ("a_list", "must return a tensor of one number, it returned a list"),
        ("nothing", "must return a tensor of one number, it returned None"),
        ("wrong", "must return a tensor of one number, it returned a float"),
        ("rows", "must return a tensor of one number, it returned a tensor of shape (16,)"),
        ("nan", "must be finite, it is nan or infinite"),
        (
            "raises",
            f"must take outputs and targets of shapes (16, 10) and (16,), {ENDED}",
        ),
        ("no_gradient", "must have a gradient, what it returned has none"),
        ("flat", "must have a gradient, that of what it returned is 0 for every output"),
        ("in_place", "must not change its output or target in place"),
        ("target_in_place", "must not change its output or target in place"),
        ("sets_dtype", "must leave the process as it is, it changed the default dtype"),
        ("Focal", "must be a function of (output, target), it is the class Focal"),
        ("constant", "must be a function of (output, target), it is a int"),
    ],
)
def test_a_loss_that_cannot_be_minimised_is_one_line(function, rule):
    assert refusal(f"loss: my_scores:{function}\n").startswith(f"loss: {rule}, got 'my_scores:{function}'. ")


@pytest.mark.parametrize(
    ("function", "rule"),
    [
        ("a_list", "must return one number, it returned a list"),
        ("nothing", "must return one number, it returned None"),
        ("text", "must return one number, it returned a str"),
        ("two", "must return one number, it returned a tensor of shape (2,)"),
        ("nan", "must be finite, it is nan on 40 validation samples"),
        (
            "raises",
            f"must take outputs and targets of shapes (40, 10) and (40,), {ENDED}",
        ),
        ("in_place", "must not change its output or target in place"),
        ("sets_dtype", "must leave the process as it is, it changed the default dtype"),
        ("Focal", "must be a function of (output, target), it is the class Focal"),
    ],
)
def test_a_metric_that_is_no_number_is_one_line(function, rule):
    assert refusal(metric(function)).startswith(f"metric.function: {rule}, got 'my_scores:{function}'. ")


def test_a_share_above_1_is_refused_and_a_number_above_1_is_not():
    line = "metric.function: must return a share from 0 to 1, it returned 7, got 'my_scores:large'. "
    assert refusal(metric("large", share="true")).startswith(line)
    assert load_study(config(metric("large"))).arms


def test_a_metric_need_not_be_finite_for_a_constant_output():
    assert load_study(config(metric("only_random"))).arms


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("metric: {name: f1}\n", "metric.function: must be given with name, got None. Example: "),
        ("metric: {share: true, better: lower}\n", "metric.name: must be given with "),
        ("metric: {name: f 1, function: a:b, better: lower}\n", "metric.name: must be letters"),
        ("metric: {name: accuracy, function: a:b, better: lower}\n", "metric.name: must not be a name that normbench"),
        (
            "metric: {name: f1, function: a:b, better: up}\n",
            "metric.better: must be a known name, got 'up'. One of: higher, lower",
        ),
        ("metric: {name: [f1], function: a:b, better: lower}\n", "metric.name: must be text"),
        ("metric: {name: f1, kind: x}\n", "metric.kind: is not a setting of metric. Settings: name, function, better"),
        ("metric: {name: f1, function: nowhere:b, better: lower}\n", "metric.function: must be a module that Python"),
        ("loss: my_scores\n", "loss: must be package.module:name, got 'my_scores'. "),
    ],
)
def test_what_is_missing_or_misspelled_is_said(text, line):
    assert refusal(text).startswith(line)


@pytest.mark.parametrize("path", ["my_scores.py:loss", "./my_scores:loss", "./my_scores.py:loss"])
def test_a_file_in_the_place_of_a_module_is_told_its_name(path):
    rule = "must name its module as an import does, with dots and without .py"
    assert refusal(f"loss: {path}\n") == f"loss: {rule}, got '{path}'. Write my_scores:loss."


@pytest.mark.parametrize(("key", "text"), [("loss", "loss: my_scores:loss\n"), ("metric.function", metric("right"))])
def test_without_targets_neither_is_taken(key, text):
    noise = "model: {name: mlp, hidden_features: [4]}\ndataset: {name: gaussian_noise, shape: [3], num_samples: 16}\n"
    line = f"{key}: must not be given with gaussian_noise, which has no target, got "
    assert line in refusal(text + "num_steps: 0\n", of=noise, small="")


ARMS = "arms:\n  a: {{}}\n  b: {{{}}}\n"


def test_arms_are_judged_by_one_metric():
    other = ARMS.format(metric("large").strip())
    assert refusal(metric("right") + other).startswith("metric: must be the same in all arms, got another in 'b'")


def test_an_arm_that_turns_the_metric_around_is_refused():
    turned = ARMS.format(metric("right", better="lower").strip())
    assert refusal(metric("right") + turned).startswith("metric: must be the same in all arms, got another in 'b'")


def test_losses_may_differ_where_they_do_not_decide():
    numbers = "model: {name: mlp, hidden_features: [4]}\ndataset: {name: linear_regression, num_samples: 20}\n"
    line = "loss: must be the same in all arms where test_loss decides, got my_scores:squared in 'b' and None in 'a'. "
    assert refusal(ARMS.format("loss: my_scores:squared"), of=numbers).startswith(line)
    text = metric("spread") + ARMS.format("loss: my_scores:squared")
    assert len(load_study(config(text, of=numbers)).arms) == 2
    assert len(load_study(config(ARMS.format("loss: my_scores:loss"))).arms) == 2


def run(text, seeds=1):
    study = load_study(config(text), seeds=seeds)
    assert {update.status for update in run_study(study, Path("runs"))} == {"finished"}
    return read_study(Path("runs") / study.name)


def test_the_own_loss_is_minimised_and_read():
    (arm,) = run("loss: my_scores:of_shape_1\n").arms
    (other,) = run("study: plain\n").arms
    rows, expected = arm.runs[0].table("metrics.csv").rows(), other.runs[0].table("metrics.csv").rows()
    assert [float(row["test_loss"]) for row in rows] == pytest.approx([float(row["test_loss"]) for row in expected])
    assert rows[-1]["test_accuracy"] == expected[-1]["test_accuracy"]
    assert "test_loss" not in arm.runs[0].summary["constant_predictor"]
    assert arm.identity != other.identity


def test_the_own_metric_is_read_on_every_split_and_decides():
    text = metric("wrong", better="lower") + "grid: {norm: [none, batch_norm]}\n"
    study = run(text, seeds=2)
    run_ = study.arms[0].runs[0]
    for split in ("train", "validation", "test", "reestimated_test"):
        last = study.arms[1].runs[0].table("metrics.csv").rows()[-1]
        assert float(last[f"{split}_mine"]) == pytest.approx(5 * (1 - float(last[f"{split}_accuracy"])), abs=1e-5)
    constant = run_.summary["constant_predictor"]
    assert constant["test_mine"] == pytest.approx(5 * (1 - constant["test_accuracy"]), abs=1e-5)
    (comparison,) = compare_runs([Path("runs/own")])
    assert list(comparison.rows[0].figures)[:3] == ["test_mine", "test_accuracy", "test_loss"]
    assert (direction("best test_mine"), is_accuracy("test_mine"), is_share("test_mine")) == ("lower", False, False)
    assert run_score(run_, "test_mine", 1.0) is None
    shown = normbench("compare", "runs/own")
    assert "test mine" in shown.out
    assert "points" not in shown.out.partition("test loss")[0].partition("test mine")[2]


def test_a_share_is_told_in_percent():
    run(metric("right", share="true") + "grid: {norm: [none, batch_norm]}\n", seeds=2)
    shown = normbench("compare", "runs/own").out
    assert "test mine" in shown
    assert "%" in shown
    assert is_accuracy("test_mine")


def test_a_metric_that_is_not_finite_at_the_end_is_a_collapse():
    study = run(metric("of_large"))
    assert math.isnan(float(study.arms[0].runs[0].table("metrics.csv").rows()[-1]["train_mine"]))
    (comparison,) = compare_runs([Path("runs/own")])
    assert comparison.rows[0].num_collapsed == 1


def test_an_own_limit_decides_what_collapsed():
    for limit, count in ((0.01, 1), (10, 0)):
        run(metric("wrong", better="lower") + f"study: to_{count}\ncollapse: {{metric: train_mine, above: {limit}}}\n")
        (comparison,) = compare_runs([Path(f"runs/to_{count}")])
        assert comparison.rows[0].num_collapsed == count


def test_the_limit_of_an_own_metric_goes_its_way():
    def text(column, limit):
        return metric("spread") + f"collapse: {{metric: {column}, {limit}}}\n"

    assert load_study(config(text("test_mine", "below: -3"))).collapse == {"metric": "test_mine", "below": -3}
    assert "must be below for test_mine, of which higher is better" in refusal(text("test_mine", "above: 3"))
    told = refusal(text("test_other", "above: 3"))
    assert "must be a known name, got 'test_other'. Did you mean" in told
    assert "One of: train_loss," in told


def test_no_name_of_an_own_metric_changes_columns_of_normbenchs_own():
    refusal(metric("right", name="accuracy", better="lower"))
    declare_own_metrics([{"metric": name, "metric.better": "higher"} for name in ("max", "norm")], "runs")
    known = {"test_accuracy": "higher", "batch_loss_max": "lower", "depth_slope weight.l2_norm": None}
    own = dict.fromkeys(("test_max", "reestimated_test_norm", "momentum_0.1_test_max"), "higher")
    assert {column: direction(column) for column in known | own} == known | own


def test_kinds_of_one_name_must_agree_where_arms_are_read_together():
    kinds = [{"metric": "gain", "metric.better": better} for better in ("higher", "lower")]
    with pytest.raises(ComparisonError, match="metric gain: must have the same better and share in all arms"):
        declare_own_metrics(kinds, "runs")
    declare_own_metrics(kinds[1:], "runs")
    assert direction("test_gain") == "lower"


def test_own_functions_are_found_from_the_study_file_after_tuning_too(empty_folder, monkeypatch):
    study = load_study(config("loss: my_scores:loss\n"))
    (empty_folder / "elsewhere").mkdir()
    monkeypatch.chdir(empty_folder / "elsewhere")
    changed = with_settings(
        study.arms["none"] if "none" in study.arms else next(iter(study.arms.values())), {"num_steps": 2}
    )
    assert own_functions(changed).loss.path == "my_scores:loss"
    assert changed.own_functions == {"loss": "my_scores:loss"}


def test_reading_draws_no_random_numbers_of_training():
    state = torch.random.get_rng_state()
    load_study(config(metric("right")))
    assert torch.equal(torch.random.get_rng_state(), state)
