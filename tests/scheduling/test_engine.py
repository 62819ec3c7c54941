"""The engine of a study: one for all its arms, by its settings, kept from its first run on."""

import json
from pathlib import Path

import pytest
from command_line import normbench
from made_up_runs import ARMS, TINY

from normbench.errors import ConfigError
from normbench.scheduling import engine, one_job
from normbench.scheduling.plan import make_plan, on_device, write_study_files
from normbench.study.load import load_study

RUNS = Path("runs")
NO = "its norm is a stranger"


@pytest.fixture(autouse=True)
def strangers_do_not_stack(monkeypatch):
    """Have every arm stack but those of weight decay 0.5."""
    monkeypatch.setattr(engine, "obstacle", lambda config: NO if config.weight_decay == 0.5 else "")


def study_of(text="", seeds=8, **options):
    Path("tiny.yaml").write_text(TINY + text, encoding="utf-8")
    return load_study(Path("tiny.yaml"), seeds=seeds, **options)


def chosen(text="", **options):
    """Return the engine that is chosen for a study, and why not the other."""
    study, _ = on_device(study_of(text, **options), RUNS)
    return study.engine, study.why_loop


def settled(text="", **options):
    """Return the engine that is chosen for a study whose files are then written."""
    plan = make_plan(study_of(text, **options), RUNS)
    write_study_files(plan)
    assert json.loads((RUNS / "tiny/study.json").read_text())["engine"] == plan.study.engine
    return plan.study.engine


def refusal(text="", **options):
    with pytest.raises(ConfigError) as refused:
        on_device(study_of(text, **options), RUNS)
    return str(refused.value)


STRANGE = "arms: {plain: {}, strange: {weight_decay: 0.5}}\n"
ALL_STRANGE = "arms: {one: {weight_decay: 0.5}, other: {weight_decay: 0.5, l1: 0.1}}\n"


@pytest.mark.parametrize(
    ("text", "seeds", "wanted"),
    [
        (ARMS, 4, "stacked"),
        (ARMS, 3, "loop"),
        (ALL_STRANGE, 8, "loop"),
        ("seeds: [3, 4, 5, 90]\n", None, "stacked"),
        ("seeds: [3, 40, 50, 90]\n", None, "loop"),
        ("seeds: [3, 4, 5, 90, 100, 110]\n", None, "loop"),
        ("seeds: {check_after: [6, 8]}\n", None, "stacked"),
        ("engine: loop\n", 8, "loop"),
        ("engine: stacked\n", 1, "stacked"),
    ],
)
def test_auto_is_a_rule_on_the_settings(text, seeds, wanted):
    assert chosen(text, seeds=seeds) == (wanted, "")


def test_one_arm_that_does_not_stack_keeps_all_others_from_it_and_is_named(monkeypatch):
    assert chosen(STRANGE) == ("loop", f"in arm strange, {NO}")
    assert chosen(STRANGE, seeds=3) == ("loop", "")
    monkeypatch.setattr(one_job, "run_experiment", lambda *_, **__: 1 / 0)
    err = normbench("run", "tiny.yaml", "--seeds", "4").err
    assert f"tiny: trained one by one: in arm strange, {NO}.\n" in err


def test_a_value_to_try_that_does_not_stack_counts_as_its_arm():
    assert chosen(ARMS + "tune: {weight_decay: [0.1, 0.5]}\n") == ("loop", "")
    why = f"must be loop, since in arm plain, tuned to weight_decay=0.5, {NO}"
    assert why in refusal("tune: {weight_decay: [0.1, 0.5]}\narms: {plain: {}}\n", engine="stacked")


def test_what_the_first_command_chose_is_kept_and_told_and_what_is_said_wins():
    assert settled(seeds=1) == "loop"
    assert settled(seeds=8) == "loop"
    assert chosen(seeds=8) == ("loop", "its first runs were (--engine stacked makes all again)")
    assert chosen(seeds=3) == chosen(seeds=8, engine="loop") == ("loop", "")
    assert settled(seeds=8, engine="stacked") == "stacked"
    assert settled(seeds=1) == "stacked"
    assert settled("engine: loop\n", seeds=8) == "loop"


def test_runs_of_another_engine_are_other_runs():
    one, other = (make_plan(study_of(engine=word), RUNS).runs for word in ("loop", "stacked"))
    assert not {run.folder.parent for run in one} & {run.folder.parent for run in other}
    assert {(run.identity.engine, run.identity.sha256 != other[0].identity.sha256) for run in one} == {("loop", True)}


def test_stacks_of_arms_that_do_not_stack_are_a_mistake_with_its_place():
    rule = f"engine: must be loop, since in arm strange, {NO}, got 'stacked'."
    assert refusal(STRANGE + "engine: stacked\n") == f"tiny.yaml:8: {rule} Write engine: loop."
    assert refusal(STRANGE, engine="stacked") == f"--engine stacked: {rule.removeprefix('engine: ')} Leave it out."
    both = f"since in arm one, {NO}; in arm other, {NO}, got"
    assert both in refusal(ALL_STRANGE, engine="stacked")


def test_an_arm_that_does_not_stack_is_refused_beside_stacks_that_were_made():
    assert settled() == "stacked"
    assert refusal(STRANGE) == (
        f"tiny.yaml: engine: must be loop, since in arm strange, {NO}, got the stacked runs in runs/tiny. "
        "Write engine: loop, which makes all runs again, or another name under study."
    )


def test_mistakes_of_all_files_are_told_at_once():
    Path("other.yaml").write_text(TINY + "l1: -1\n", encoding="utf-8")
    study_of(STRANGE + "engine: stacked\n")
    code, _, err = normbench("run", "tiny.yaml", "other.yaml", "--seeds", "8")
    assert (code, [line.partition(":")[0] for line in err.splitlines()]) == (2, ["tiny.yaml", "other.yaml"])
