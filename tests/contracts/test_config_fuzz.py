"""Whatever a config or an option says, it is read or refused in lines: no other exception, no file outside runs."""

import os
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest
from command_line import normbench
from contracts.extreme_numbers import BEYOND, EXTREMES, end_of, numeric_settings
from contracts.odd_configs import VALID, anything, as_yaml, options
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from normbench.errors import ConfigError
from normbench.evidence.claims.study_verdicts import file_verdicts
from normbench.scheduling.plan import make_plan
from normbench.scheduling.tuning import missing_tuning_runs
from normbench.storage.files.plain_text import one_line
from normbench.study.load import load_study

RUNS = Path("runs")
CONFIG = Path("a.yaml")
ONE_IN = 10
"""So many of the refused configs go through the whole command."""


def fuzzed(num_examples):
    """The same examples on every machine, however slow."""
    checks = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large]
    return settings(
        max_examples=num_examples, derandomize=True, database=None, deadline=None, suppress_health_check=checks
    )


def told(**given_options):
    """Load the config; return the study, or the complaints about it."""
    try:
        return load_study(CONFIG, **given_options)
    except ConfigError as error:
        return list(error.complaints)


def check_stays_inside(study):
    runs_dir = RUNS.resolve()
    look = replace(study, seeds=study.seeds[:1])
    tuned = missing_tuning_runs(study, RUNS)
    folders = {
        run.folder.parent for run in [*make_plan(look, RUNS).runs, *(run for runs in tuned.values() for run in runs)]
    }
    assert folders
    for folder in folders:
        assert folder.resolve().is_relative_to(runs_dir / study.name)
        assert len(folder.resolve().relative_to(runs_dir).parts) in (2, 3)
        assert len(os.fsencode(folder.name)) < 200


def check_command_says(complaints, *words):
    answer = normbench("run", CONFIG, *words, "--dry-run")
    assert (answer.code, answer.out) == (2, "")
    assert answer.err.splitlines() == [one_line(complaint) for complaint in complaints]


def check(found, number, *words):
    if isinstance(found, list):
        event("refused")
        assert found
        assert all(complaint.strip() for complaint in found)
        if number % ONE_IN == 0:
            check_command_says(found, *words)
    else:
        event("loaded")
        check_stays_inside(found)
    assert [path.name for path in Path().iterdir()] == [CONFIG.name]


@fuzzed(900)
@given(raw=anything, number=st.integers(0, ONE_IN - 1))
def test_any_file_is_read_or_refused(raw, number):
    CONFIG.write_bytes(raw)
    check(told(), number)
    with suppress(ConfigError):
        file_verdicts(CONFIG, RUNS)


@fuzzed(250)
@given(tree=st.sampled_from(VALID[:5]), said=options, number=st.integers(0, ONE_IN - 1))
def test_any_option_is_taken_or_refused(tree, said, number):
    CONFIG.write_bytes(as_yaml(tree))
    words = [
        word for name in ("set_", "vary", "tune") for text in said[name] for word in (f"--{name.strip('_')}", text)
    ]
    has_count = "seeds" in said  # which the command line refuses in its own words
    check(told(**said), 1 if has_count else number, *words)


NUMBERS = [(number, one) for number, one in enumerate(numeric_settings()) if not one.needs_images]


@pytest.mark.usefixtures("small_test_sets")
@pytest.mark.parametrize(("number", "setting"), NUMBERS, ids=[".".join(filter(None, one[:3])) for _, one in NUMBERS])
def test_a_number_of_any_size_is_told_or_trains(number, setting):
    """One value beyond float32 and one that it holds; `make soak` tries all, and settings of images."""
    allowed = [value for value in EXTREMES[setting.kind] if value not in BEYOND]
    assert end_of(setting, allowed[number % len(allowed)]) in ("told", "finished", "diverged", "endless", "failed")
    if setting.kind is float:
        assert end_of(setting, BEYOND[number % len(BEYOND)]) == "told"


@pytest.mark.parametrize("tree", VALID, ids=range(len(VALID)))
def test_what_is_changed_was_valid(tree):
    CONFIG.write_bytes(as_yaml(tree))
    assert not isinstance(told(), list), told()
