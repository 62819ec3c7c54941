"""What claims on finite data are about: new data by the corrected t for every kind of expectation, or these rows."""

import math

import numpy as np
import pytest
import yaml
from finite_studies import CONSTANT, FIXED, RANDOM, SHARE, SIZES, write_finite_study
from runs_in_memory import arm_with, arms_called

from normbench.evidence.claims.claim import read_claims
from normbench.evidence.claims.numbers import number_by_seed
from normbench.evidence.claims.study_verdicts import file_verdicts, study_verdicts
from normbench.evidence.claims.verdict import judge_claim
from normbench.evidence.comparison.collapses import BY_TASK
from normbench.evidence.statistics.corrected_t import corrected_t
from normbench.evidence.statistics.verdicts.typical_seed import typical_seed
from normbench.storage.files.yaml_file import read_study_file
from normbench.storage.names import content_sha256
from normbench.storage.study_folder import read_study

METRIC = "test_accuracy"
RNG = np.random.default_rng(7)
SPLIT = RNG.normal(0.7, 0.02, 8)
"""What the arms share in each split."""
VALUES = {f"a{i}": SPLIT + 0.02 * i + RNG.normal(0, 0.005, 8) for i in range(3)}


def verdict_of(expect, *, values=VALUES, metric=METRIC, claim=None, **options):
    said = {"id": "one", "says": "so", "metric": metric, "expect": expect} | (claim or {})
    study = write_finite_study(values, metric=metric, baseline="norm=a0", claims=[said], **options)
    (found,) = study_verdicts(read_study(study))
    return found


def corrected(numbers, margin=0.0):
    return corrected_t(numbers, SHARE, margin)


@pytest.mark.parametrize("by", [0.0, 0.02, 0.04, 0.1])
def test_less_by_the_corrected_t(by):
    found = verdict_of({"less": "norm=a0", "than": "norm=a2", "by": by})
    told, (part,) = corrected(VALUES["a2"] - VALUES["a0"], by), found.parts
    assert (part.effect, part.low, part.high) == pytest.approx((told.value, told.low, told.high))
    word = (
        "holds" if 2 * told.p_above <= 0.05 else "smaller than claimed" if 2 * told.p_below <= 0.05 else "cannot tell"
    )
    assert (found.verdict, found.about, found.data) == (word, "new_data", "400 images")


def test_splits_that_agree_to_the_last_digit_are_no_verdict_before_there_are_six():
    values = {f"a{i}": np.full(3, 0.5 + i / 4) for i in range(2)}
    found = verdict_of({"less": "norm=a0", "than": "norm=a1", "by": 0.0}, values=values)
    assert (found.verdict, found.parts[0].seeds_needed) == ("too few seeds", 6)


def test_the_opposite_by_the_corrected_t():
    found = verdict_of({"less": "norm=a2", "than": "norm=a0", "by": 0.0})
    assert (found.verdict, found.parts[0].p) == ("opposite", pytest.approx(corrected(VALUES["a2"] - VALUES["a0"]).p))


def test_a_contrast_by_the_corrected_t():
    found = verdict_of({"contrast": {"norm=a0": -1, "norm=a1": 2, "norm=a2": -1}, "above": -0.05})
    numbers = 2 * VALUES["a1"] - VALUES["a0"] - VALUES["a2"]
    assert found.parts[0].p == pytest.approx(2 * corrected(numbers, -0.05).p_above)
    assert found.verdict == "holds"


def finite_arm(name, values, **settings):
    """Return an arm whose runs are splits of the same rows."""
    arm = arm_with(name, values, METRIC, **settings)
    for run in arm.runs:
        run.summary.update(finite=RANDOM, **SIZES)
    return arm


def test_a_trend_by_the_corrected_t():
    arms = [finite_arm(f"norm=sn,batch_size={i}", VALUES[f"a{i}"]) for i in range(3)]
    expect = {"trend": "batch_size", "of": "norm=sn", "rising": True}
    named = arms_called(*(arm.name for arm in arms))
    (claim,), _ = read_claims([{"says": "rises", "metric": METRIC, "expect": expect}], named)
    found = judge_claim(claim, arms, range(8), "made_up", "")
    taus = list(found.parts[0].by_seed.values())
    assert taus == [1.0] * 8
    spread = 2 / 3 * math.sqrt(2 * 11 / (9 * 3 * 2))  # two thirds of that of taus of three values in any order
    assert found.parts[0].low == pytest.approx(1 - 2.364624251592785 * math.sqrt(1 / 8 + SHARE) * spread)
    assert found.parts[0].p == pytest.approx(2 * corrected_t(taus, SHARE, least_spread=spread).p_above)
    assert (found.verdict, found.about, found.data) == ("holds", "new_data", "500 rows")


@pytest.mark.parametrize(
    ("ends", "word"), [([0.6, 0.8], "holds"), ([0.695, 0.8], "cannot tell"), ([0.9, 1.0], "opposite")]
)
def test_a_range_by_two_one_sided_tests(ends, word):
    found = verdict_of({"range": ends, "of": "norm=a0"})
    inside = max(corrected(VALUES["a0"], ends[0]).p_above, corrected(VALUES["a0"], ends[1]).p_below)
    assert (found.verdict, inside <= 0.05) == (word, word == "holds")
    if word == "holds":
        assert found.parts[0].p == pytest.approx(inside)


@pytest.mark.parametrize("within", [0.01, 0.03, 0.05])
def test_equal_by_two_one_sided_tests(within):
    found = verdict_of({"equal": ["norm=a0", "norm=a1"], "within": within})
    numbers = VALUES["a0"] - VALUES["a1"]
    inside = max(corrected(numbers, -within).p_above, corrected(numbers, within).p_below)
    assert (found.verdict == "holds") is (inside <= 0.05)


def test_several_parts_hold_together():
    parts = [{"less": "norm=a0", "than": "norm=a2", "by": 0.0}, {"range": [0.6, 0.8], "of": "norm=a0"}]
    assert verdict_of({"all": parts}).verdict == "holds"


def test_every_run_is_refuted_by_one_and_proved_by_no_number_of_splits():
    assert verdict_of({"range": [0.0, 1.0], "of": "norm=a0", "every": True}).verdict == "cannot tell"
    lowest = float(min(VALUES["a0"])) + 1e-6
    assert verdict_of({"range": [lowest, 1.0], "of": "norm=a0", "every": True}, name="b").verdict == "opposite"
    these = verdict_of({"range": [0.0, 1.0], "of": "norm=a0", "every": True}, name="c", claim={"about": "these_rows"})
    assert these.verdict == "holds"


def test_about_these_rows_is_the_procedure_over_seeds():
    found = verdict_of({"less": "norm=a0", "than": "norm=a1", "by": 0.0}, claim={"about": "these_rows"})
    told, (part,) = typical_seed(VALUES["a1"] - VALUES["a0"]), found.parts
    assert (part.effect, part.p) == pytest.approx((told.value, told.p))
    assert (found.verdict, found.about) == ("holds", "these_rows")


def test_losses_by_ratio_and_failed_runs_at_the_constant_predictor():
    values = {"a0": np.exp(-SPLIT), "a1": np.exp(-SPLIT) * 0.9 + 0.001 * np.arange(8)}
    expect = {"less": "norm=a1", "than": "norm=a0", "by": 0.05}
    found = verdict_of(expect, values=values, metric="test_loss", failed={("a1", 2), ("a1", 5, "diverged")})
    counted = values["a1"].copy()
    counted[[2, 5]] = CONSTANT["test_loss"]
    told = corrected(np.log(values["a0"]) - np.log(counted), math.log(1.05))
    assert found.parts[0].effect == pytest.approx(math.exp(told.value))
    assert found.parts[0].p_corrected == pytest.approx(2 * min(told.p_above, told.p_below))


def test_failed_runs_count_as_the_constant_predictor_before_a_range_over_arms_is_read():
    """Its loss is 1: that of the run that diverged, at 1e22, is no size of anything."""
    labels, lost = ("norm=none,k=1", "norm=none,k=2"), ["finished", "diverged"]
    arms = [arm_with(labels[0], [0.2, 0.3]), arm_with(labels[1], [0.4, 1e22], statuses=lost)]
    said = {"says": "so", "metric": "range_over k test_loss", "expect": {"range": [1, 3], "of": "norm=none"}}
    (claim,), _ = read_claims([said], arms_called(*labels))
    (expectation,) = claim.expectations
    ranges = number_by_seed(expectation, arms, range(2), BY_TASK)
    assert ranges == pytest.approx({0: 0.4 / 0.2, 1: 1 / 0.3})
    assert number_by_seed(expectation, arms, range(2))[1] == pytest.approx(1e22 / 0.3)


@pytest.mark.parametrize("options", [{"finite": FIXED}, {"settings": {"fix": ["data"]}}])
def test_one_split_says_nothing_of_new_data(options):
    expect = {"less": "norm=a0", "than": "norm=a2", "by": 0.0}
    found = verdict_of(expect, **options)
    why = "one split says nothing of other splits; about: these_rows asks of this one"
    assert (found.verdict, found.why, found.parts[0].p) == ("cannot tell", why, 1.0)
    assert verdict_of(expect, name="b", claim={"about": "these_rows"}, **options).verdict == "holds"


def test_what_moves_in_steps_says_nothing_of_new_data():
    expect = {"less": "norm=a1", "than": "norm=a0", "by": 0.0}
    found = verdict_of(expect, claim={"metric": "steps_to 0.5 test_accuracy"})
    assert (found.verdict, found.why.partition(",")[0]) == ("cannot tell", "its numbers move in steps")


def test_what_training_rows_decide_is_corrected_for_those_that_splits_share():
    values = {"a0": SPLIT, "a1": SPLIT * 0.5}
    found = verdict_of({"less": "norm=a1", "than": "norm=a0", "by": 0.05}, values=values, metric="train_loss")
    assert found.verdict == "holds"
    wide = {"a0": SPLIT, "a1": SPLIT * (0.95 + 0.02 * (-1.0) ** np.arange(8))}
    narrow = verdict_of({"less": "norm=a1", "than": "norm=a0", "by": 0.0}, values=wide, metric="train_loss", name="b")
    told = corrected_t(np.log(wide["a0"]) - np.log(wide["a1"]), 300 / 100)
    assert (narrow.verdict, narrow.parts[0].p) == ("cannot tell", pytest.approx(told.p))


def test_on_data_that_seeds_draw_a_claim_is_about_them_alone():
    found = verdict_of({"less": "norm=a0", "than": "norm=a1", "by": 0.0}, finite=None)
    assert (found.verdict, found.about, found.data) == ("holds", "", "")
    assert found.parts[0].p == typical_seed(VALUES["a1"] - VALUES["a0"]).p


def test_another_about_after_the_runs_gives_no_verdict(tmp_path):
    claim = {"id": "one", "says": "so", "metric": METRIC, "expect": {"less": "norm=a0", "than": "norm=a1", "by": 0.0}}
    path, told = tmp_path / "made_up.yaml", []
    for about in ({}, {"about": "these_rows"}):
        path.write_text(yaml.safe_dump({"seeds": 8, "claims": [claim | about]}), encoding="utf-8")
        sha256 = content_sha256(read_study_file(path).data)
        folder = write_finite_study(
            VALUES, runs_dir=tmp_path / f"runs{len(about)}", baseline="norm=a0", claims=[claim], content_sha256=sha256
        )
        told += [(found.verdict, found.why) for found in file_verdicts(path, folder.parent)]
    assert told == [("holds", ""), ("not run", "what is expected has changed since it was run")]
