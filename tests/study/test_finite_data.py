"""What a study on finite data cannot ask: checks, more than 16 seeds; and ``about:`` where each seed draws new data."""

from pathlib import Path

import pytest
from command_line import normbench

from normbench.datasets.base import FiniteData
from normbench.datasets.linear_regression import LinearRegressionSpec
from normbench.errors import ConfigError
from normbench.study.load import load_study

HEAD = "model: mlp\ndataset: linear_regression\nbatch_size: 5\n"
CLAIMS = """\
grid: {norm: [none, batch_norm]}
claims:
  - {says: it helps, metric: test_loss, about: these_rows, expect: {less: norm=batch_norm, than: norm=none, by: 0}}
  - {says: it helps, metric: test_loss, about: all_rows, expect: {less: norm=batch_norm, than: norm=none, by: 0}}
"""


@pytest.fixture
def finite(monkeypatch):
    """Linear regression as if its rows were all there are."""
    monkeypatch.setattr(LinearRegressionSpec, "finite", FiniteData(400, "images", "folds", 8))


def load(text="", **options):
    Path("a.yaml").write_text(HEAD + text, encoding="utf-8")
    return load_study(Path("a.yaml"), **options)


def complaint(text="", **options):
    with pytest.raises(ConfigError) as error:
        load(text, **options)
    (line,) = error.value.complaints
    return line


END = "on finite data, 400 images of which each seed is a split, got"
WAY_OUT = "More seeds cannot narrow this; more images can."


@pytest.mark.usefixtures("finite")
@pytest.mark.parametrize(
    ("text", "options", "place", "checks"),
    [
        ("", {"until_decided": True}, "--until-decided", "8, 16, 32, 64"),
        ("", {"check_after": [8, 16]}, "--check-after", "8, 16"),
        ("seeds: {check_after: [8, 12]}\n", {}, "a.yaml:4: seeds.check_after", "8, 12"),
        ("seeds: {check_after: [8, 12]}\n", {"seeds": 8}, "a.yaml:4: seeds.check_after", "8, 12"),
        ("seeds: {check_after: [8, 12]}\n", {"until_decided": True}, "a.yaml:4: seeds.check_after", "8, 12"),
    ],
)
def test_checks_are_refused_where_they_are_planned(text, options, place, checks):
    rule = f"must not be planned {END} checks after {checks} seeds"
    assert complaint(text, **options) == f"{place}: {rule}. {WAY_OUT}"


@pytest.mark.usefixtures("finite")
@pytest.mark.parametrize(
    ("text", "options", "place"),
    [
        ("seeds: 17\n", {}, "a.yaml:4: seeds"),
        (f"seeds: {list(range(5, 22))}\n", {}, "a.yaml:4: seeds"),
        ("", {"seeds": 17}, "--seeds 17"),
        ("seeds: 8\n", {"seeds": 17}, "--seeds 17"),
    ],
)
def test_more_than_sixteen_seeds_are_refused(text, options, place):
    assert complaint(text, **options) == f"{place}: must be at most 16 {END} 17. {WAY_OUT}"


@pytest.mark.usefixtures("finite")
def test_sixteen_seeds_and_a_claim_about_these_rows_are_fine():
    assert len(load("seeds: 16\n").seeds) == 16
    claims = "".join(line for line in CLAIMS.splitlines(keepends=True) if "all_rows" not in line)
    assert load(claims).claims[0]["about"] == "these_rows"
    assert complaint(CLAIMS) == (
        "a.yaml:7: claims.1.about: must be these_rows or new_data, got 'all_rows'. "
        "Leave it out, and the claim is about new data."
    )


@pytest.mark.usefixtures("finite")
def test_the_command_refuses_before_anything_is_made():
    Path("a.yaml").write_text(HEAD, encoding="utf-8")
    answer = normbench("run", "a.yaml", "--until-decided")
    assert (answer.code, WAY_OUT in answer.err, Path("runs").exists()) == (2, True, False)


def test_data_that_each_seed_draws_are_asked_as_before():
    assert len(load("seeds: 17\n").seeds) == 17
    assert load("", until_decided=True).check_after == (8, 16, 32, 64)


def test_about_is_refused_where_each_seed_draws_new_data():
    claims = "".join(line for line in CLAIMS.splitlines(keepends=True) if "all_rows" not in line)
    way_out = "Leave it out: each seed draws new data, so that every verdict is about new data."
    assert complaint(claims) == (
        f"a.yaml:6: claims.0.about: must stand with finite data only, got 'these_rows'. {way_out}"
    )
