"""Comparisons of very many runs forget what they read, and say the same as those that keep it."""

import pytest
from command_line import normbench
from made_up_runs import make_arm, make_run, make_study

from normbench.evidence.comparison import comparison
from normbench.evidence.comparison.comparison import compare_studies
from normbench.storage.study_search import read_studies

CLAIM = {"id": "one", "says": "less", "metric": "test_loss", "expect": {"less": "decayed", "than": "plain", "by": 0.0}}


@pytest.fixture
def runs_dir(tmp_path):
    study = make_study(
        tmp_path,
        arms=["plain", "decayed"],
        baseline="plain",
        named=["weight_decay"],
        claims=[CLAIM],
        seeds=list(range(8)),
    )
    for arm, factor in (("plain", 1.0), ("decayed", 0.5)):
        folder = make_arm(study, arm, weight_decay=factor)
        for seed in range(8):
            rows = [{"step": 4 * i, "test_loss": factor * (1 + seed / 10) / (i + 1)} for i in range(4)]
            make_run(folder, seed, rows, status="diverged" if (arm, seed) == ("plain", 3) else "finished")
    return tmp_path


def test_nothing_that_was_read_is_kept(runs_dir, monkeypatch):
    ((_, kept),) = compare_studies(read_studies([runs_dir]))
    monkeypatch.setattr(comparison, "KEPT_RUNS", 15)
    ((study, found),) = compare_studies(read_studies([runs_dir]))
    assert repr(found) == repr(kept)
    for run in (run for arm in study.arms for run in arm.runs):
        assert not {"summary", "environment", "_checked"}.intersection(vars(run))


def test_the_command_says_the_same_claims_included(runs_dir, monkeypatch):
    kept = normbench("compare", runs_dir)
    monkeypatch.setattr(comparison, "KEPT_RUNS", 15)
    assert normbench("compare", runs_dir) == kept
    assert "one" in kept.out
