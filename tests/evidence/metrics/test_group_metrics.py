"""Metrics over groups of arms and over all seeds of one."""

import math

import numpy as np
import pytest
from made_up_runs import SUMMARY, make_arm, make_run, make_study, write_csv
from runs_in_memory import RunInMemory, arm_in_memory, arm_with, table_of

from normbench.errors import ComparisonError
from normbench.evidence.metrics.group_metrics import read_by_seed
from normbench.evidence.metrics.scales import is_share
from normbench.storage.digests import csv_digests
from normbench.storage.files.json_files import write_json
from normbench.storage.run_folder import CURVE_CSV, METRICS_CSV, POINTS_CSV, SUMMARY_JSON, read_arm


def ladder(*losses, statuses=None):
    """Return arms with optimizer.lr 1, 2, 4 ..., each of one seed that ends at the given training loss."""
    statuses = statuses or ["finished"] * len(losses)
    return [
        arm_in_memory(
            f"lr={2**i}", [RunInMemory(0, [{"step": 9, "train_loss": loss}], status)], optimizer__lr=float(2**i)
        )
        for i, (loss, status) in enumerate(zip(losses, statuses, strict=True))
    ]


@pytest.mark.parametrize(
    ("arms", "expected"),
    [
        (ladder(0.5, 0.4, 0.2), 4),
        (ladder(0.5, 0.4, 1.2), 2),
        (ladder(0.5, 0.4, 0.2, statuses=["finished", "diverged", "finished"]), 1),
        (ladder(3.0, 0.4, 0.2), 0.5),
    ],
    ids=["all", "worse than constant", "a gap ends it", "none"],
)
def test_the_largest_stable_setting_has_only_stable_ones_below_it(arms, expected):
    assert read_by_seed(arms[::-1], "largest_stable optimizer.lr") == {0: expected}


def test_the_range_of_a_loss_is_a_ratio_and_of_an_accuracy_a_difference():
    losses = [arm_with(f"k={k}", [loss], k=k) for k, loss in enumerate((0.2, 0.5, 0.4))]
    accuracies = [arm_with(f"k={k}", [a], "test_accuracy", k=k) for k, a in enumerate((0.7, 0.9))]
    assert read_by_seed(losses, "range_over k test_loss") == {0: pytest.approx(2.5)}
    assert read_by_seed(accuracies, "range_over k test_accuracy") == {0: pytest.approx(0.2)}


def test_argbest_is_the_setting_of_the_best_run():
    arms = [arm_with(f"k={k}", [loss], k=k) for k, loss in ((2, 0.5), (4, 0.2), (8, 0.4))]
    assert read_by_seed(arms, "argbest k test_loss") == {0: 4}


def two_lines(*leads, metric="test_accuracy"):
    """Return the arms of two norms at batch sizes 2, 4, 8 ...: the first is ahead of the second by these values."""
    sizes = [2 ** (i + 1) for i in range(len(leads))]
    first = [arm_with(f"norm=a,k={k}", [0.5 + d], metric, k=k) for k, d in zip(sizes, leads, strict=True)]
    return first + [arm_with(f"norm=b,k={k}", [0.5], metric, k=k) for k in sizes]


@pytest.mark.parametrize(
    ("leads", "expected"),
    [
        ((-0.3, -0.1, 0.1, 0.2), 4 * 2**0.5),
        ((-0.3, -0.1, 0.3, 0.2), 4 * 2**0.25),
        ((-0.3, 0.0, 0.1), 4),
        ((-0.1, 0.1, -0.1, 0.1), 4 * 2**0.5),
        ((0.1, 0.2, 0.3), 1),
        ((0.1, -0.2, 0.3), 1),
        ((-0.3, -0.2, -0.1), 16),
        ((0.3, 0.2, -0.1), 16),
    ],
    ids=["half-way", "nearer", "a tie", "thrice", "never behind", "ahead at both ends", "never ahead", "falls back"],
)
def test_lines_cross_where_the_first_catches_up_with_the_second(leads, expected):
    assert read_by_seed(two_lines(*leads), "crossing k test_accuracy") == {0: pytest.approx(expected)}
    losses = two_lines(*(-lead for lead in leads), metric="test_loss")
    assert read_by_seed(losses, "crossing k test_loss") == {0: pytest.approx(expected)}


def test_a_crossing_takes_two_arms_at_each_value():
    with pytest.raises(ComparisonError, match=r"must have 2 arms at each value of k, got 1 at 4\. Name other arms\."):
        read_by_seed(two_lines(-0.1, 0.1)[:3], "crossing k test_accuracy")


def test_only_seeds_that_all_have_are_read():
    arms = [arm_with("k=1", [0.1, 0.2], k=1), arm_with("k=2", [0.1], k=2)]
    assert list(read_by_seed(arms, "range_over k test_loss")) == [0]


def test_words_that_lack_a_column_are_refused():
    with pytest.raises(ComparisonError, match="must be range_over KEY METRIC, got"):
        read_by_seed(ladder(0.5, 0.4), "range_over optimizer.lr")


@pytest.mark.parametrize(
    ("metric", "expected"),
    [
        ("test_loss", True),
        ("reestimated_test_loss", True),
        ("steps_to 0.1 train_loss", True),
        ("change weight.std@hidden1", True),
        ("range_over k test_loss", True),
        ("largest_stable optimizer.lr", True),
        ("curve_variance_over k", True),
        ("curve_bias2_over k", False),
        ("mean_over k test_loss", True),
        ("mean_over k test_accuracy", False),
        ("variance curve", True),
        ("bias2 curve", False),
        ("test_accuracy", False),
        ("range_over k test_accuracy", False),
        ("weight.std@hidden1", False),
        ("depth_slope activation.std", False),
    ],
)
def test_losses_and_changes_are_compared_by_ratios(metric, expected):
    assert is_share(metric) is expected


def fitted(*curves, truth=(0.0, 1.0)):
    """Return an arm whose seeds end with these curves."""
    folder = make_arm(make_study(arms=["none"]))
    for seed, curve in enumerate(curves):
        run = make_run(folder, seed)
        write_csv(run / CURVE_CSV, [{"step": step} | dict(enumerate(curve)) for step in (0, 9)])
        write_csv(run / POINTS_CSV, [{"split": "noise_free", "x": i, "y": y} for i, y in enumerate(truth)])
        write_json(run / SUMMARY_JSON, SUMMARY | {"identity": "aaaaaa", "files": csv_digests(run)})
        assert (run / METRICS_CSV).is_file()
    return read_arm(folder)


def test_variance_and_bias_of_curves_are_unbiased_estimates():
    arm = fitted((1.0, 3.0), (3.0, 1.0))
    variance, bias2 = (read_by_seed([arm], f"{what} curve") for what in ("variance", "bias2"))
    assert sum(variance.values()) / 2 == pytest.approx(2.0)  # of (1, 3), with n - 1, at both points
    assert sum(bias2.values()) / 2 == pytest.approx((1 * 3 + 2 * 0) / 2)  # products of two fits' deviations


def with_fits(*fits, truth=(0.0, 1.0)):
    """Return arms k = 0, 1 ... of one seed, each with its fit; their noise-free loss is that of the fit."""
    points = [{"split": "noise_free", "x": i, "y": y} for i, y in enumerate(truth)]
    for k, fit in enumerate(fits):
        loss = sum((y - true) ** 2 for y, true in zip(fit, truth, strict=True)) / len(truth)
        run = RunInMemory(0, [{"step": 9, "noise_free_loss": loss}])
        run._tables |= {CURVE_CSV: table_of([{"step": 9} | dict(enumerate(fit))]), POINTS_CSV: table_of(points)}
        yield arm_in_memory(f"k={k}", [run], k=k)


def test_bias_and_variance_over_training_sets_add_up_to_the_mean_error():
    arms = list(with_fits((1.0, 3.0), (3.0, 1.0), (2.0, 2.0)))
    metrics = ("curve_variance_over k", "curve_bias2_over k", "mean_over k noise_free_loss")
    variance, bias2, error = (read_by_seed(arms, metric)[0] for metric in metrics)
    assert variance == pytest.approx(1.0)  # of (1, 3, 2), with n - 1, at both points
    assert bias2 == pytest.approx((2.0**2 + 1.0**2) / 2 - 1.0 / 3)
    assert error == pytest.approx(bias2 + variance)


def test_both_are_unbiased():
    """Of fits with std 2 around a curve whose squared bias is (1 + 4) / 2, three at a time."""
    draws = np.random.default_rng(0).normal((1.0, 3.0), 2.0, (1000, 3, 2))
    arms = [list(with_fits(*fits)) for fits in draws.tolist()]
    for metric, expected, error in (("curve_variance_over k", 4.0, 0.3), ("curve_bias2_over k", 2.5, 0.3)):
        assert np.mean([read_by_seed(one, metric)[0] for one in arms]) == pytest.approx(expected, abs=error)


def test_one_fit_has_no_variance():
    assert math.isnan(read_by_seed([fitted((1.0, 3.0))], "variance curve")[0])


@pytest.mark.parametrize("settings", [{"k": 1}, {"k": "none"}, {"k": True}, {}])
def test_a_group_lies_along_a_number_that_differs(settings):
    with pytest.raises(ComparisonError, match="must be a setting whose number differs between the arms"):
        read_by_seed([arm_with("a", [0.1], k=1), arm_with("b", [0.2], **settings)], "range_over k test_loss")


def test_what_is_not_a_number_is_no_range():
    arms = [arm_with(f"k={k}", [loss], k=k) for k, loss in enumerate((math.nan, 0.5, 0.4))]
    assert math.isnan(read_by_seed(arms, "range_over k test_loss")[0])
    assert read_by_seed(arms, "argbest k test_loss") == {0: 2}


def test_only_fits_that_did_not_diverge_are_read_as_they_are():
    arm = fitted((1.0, 3.0), (3.0, 1.0))
    run = arm.runs[1].folder
    write_csv(
        run / POINTS_CSV,
        [{"split": s, "x": i, "y": y} for s in ("train", "noise_free") for i, y in enumerate((0.0, 1.0))],
    )
    (run / SUMMARY_JSON).unlink()
    said = {"identity": "aaaaaa", "status": "diverged", "files": csv_digests(run)}
    write_json(run / SUMMARY_JSON, SUMMARY | said)
    variance = read_by_seed([read_arm(arm.folder)], "variance curve")
    assert sum(variance.values()) / 2 == pytest.approx((0.5**2 / 2 + 2.5**2 / 2) / 2)  # of (1, 0.5) and of (3, 0.5)
