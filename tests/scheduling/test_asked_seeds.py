"""study.json tells which seeds were asked for, before anything trains and whatever happens later."""

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from command_line import normbench
from made_up_runs import ARMS, TINY, make_run

from normbench.errors import RunFolderError
from normbench.scheduling import one_job
from normbench.scheduling.plan import make_plan, write_study_files
from normbench.scheduling.schedule import run_study
from normbench.study.load import load_study

RUNS = Path("runs")
STUDY = RUNS / "tiny" / "study.json"


def ask(text=TINY + ARMS, **options):
    """Write what a command writes before it trains, and return its plan."""
    Path("tiny.yaml").write_text(text, encoding="utf-8")
    plan = make_plan(load_study(Path("tiny.yaml"), **options), RUNS)
    write_study_files(plan)
    return plan


def history():
    """Each entry's seeds, checks and number of arms."""
    entries = json.loads(STUDY.read_text())["seed_history"]
    return [(entry["seeds"], entry["check_after"], len(entry["arms"])) for entry in entries]


def test_the_count_is_written_before_the_first_run_trains(monkeypatch):
    seen = []
    monkeypatch.setattr(one_job, "run_experiment", lambda *_, **__: seen.append(history()) or {}["nothing"])
    Path("tiny.yaml").write_text(TINY + ARMS + "engine: loop\n", encoding="utf-8")
    run_study(load_study(Path("tiny.yaml"), seeds=6), RUNS)
    assert seen == [[(6, None, 2)]] * 12


def test_a_plan_is_written_before_its_first_check():
    ask(until_decided=True)
    assert history() == [(64, [8, 16, 32, 64], 2)]


@pytest.mark.parametrize(
    ("counts", "kept"),
    [
        ([1, 8], [8]),
        ([5, 8, 1, 8], [8]),
        ([8, 16], [8, 16]),
        ([16, 8, 16], [16, 8]),
        ([5, 1], []),
    ],
)
def test_each_count_that_can_give_a_verdict_is_kept_once(counts, kept):
    for count in counts:
        ask(seeds=count)
    assert history() == [(count, None, 2) for count in kept]


def test_a_list_of_other_seeds_is_another_look():
    ask(seeds=8)
    ask(TINY + ARMS + "seeds: [8, 9, 10, 11, 12, 13, 14, 15]\n")
    assert history() == [(8, None, 2), (list(range(8, 16)), None, 2)]


def test_counts_and_a_changed_plan_follow_a_plan():
    for options in ({"check_after": [8, 16]}, {"check_after": [8, 16]}, {"check_after": [8, 32]}, {"seeds": 12}):
        ask(**options)
    assert history() == [(16, [8, 16], 2), (32, [8, 32], 2), (12, None, 2)]


def test_a_count_beyond_the_checks_of_the_file_is_kept():
    for count in (8, 12, 20):
        ask(TINY + ARMS + "seeds: {check_after: [8, 16]}\n", seeds=count)
    assert history() == [(16, [8, 16], 2), (20, [8, 16], 2)]


def test_arms_added_later_to_a_plain_file_join_the_entry():
    ask(TINY, vary=["norm=none,layer_norm"], seeds=8)
    ask(TINY, set_=["l1=0.1"], seeds=8)
    assert history() == [(8, None, 3)]
    ask(TINY, set_=["l1=0.2"], seeds=16)
    assert history() == [(8, None, 3), (16, None, 1)]


def test_new_settings_are_new_arms_that_nobody_has_seen():
    ask(seeds=8)
    ask((TINY + ARMS).replace("num_steps: 4", "num_steps: 6"), seeds=16)
    first, second = json.loads(STUDY.read_text())["seed_history"]
    assert not set(first["arms"]) & set(second["arms"])


def test_results_that_no_entry_names_may_have_been_seen():
    plan = ask(seeds=8)
    for seed in range(7):
        make_run(plan.runs[0].folder.parent, seed)
    for lose in (STUDY.unlink, lambda: STUDY.write_text("{"), lambda: STUDY.write_text('{"normbench": "0.2.0"}')):
        lose()
        ask(seeds=8)
        assert history() == [(7, None, 1), (8, None, 2)]


def test_what_is_removed_is_not_forgotten():
    plan = ask(seeds=8)
    for seed in range(8):
        make_run(plan.runs[0].folder.parent, seed)
    assert normbench("rm", plan.runs[0].folder.parent, "--yes").code == 0
    ask(seeds=16)
    assert history() == [(8, None, 2), (16, None, 2)]


def test_more_seeds_of_one_runs_config_are_told_to_its_study():
    plan = ask(seeds=8)
    run = plan.runs[0].folder
    run.mkdir()
    (run / "config.yaml").write_text(f"study: tiny\n{TINY}", encoding="utf-8")
    before = json.loads(STUDY.read_text())
    write_study_files(make_plan(load_study(run / "config.yaml", seeds=16), RUNS))
    assert history() == [(8, None, 2), (16, None, 1)]
    after = json.loads(STUDY.read_text())
    assert {**before, "seed_history": 0} == {**after, "seed_history": 0}


def test_several_commands_at_once_lose_no_entry():
    Path("tiny.yaml").write_text(TINY + ARMS, encoding="utf-8")
    plans = [make_plan(load_study(Path("tiny.yaml"), seeds=count), RUNS) for count in range(6, 14)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(write_study_files, plans))
    assert sorted(history()) == [(count, None, 2) for count in range(6, 14)]


def test_a_damaged_history_stops_the_command():
    ask(seeds=8)
    STUDY.write_text(json.dumps(json.loads(STUDY.read_text()) | {"seed_history": [8]}))
    with pytest.raises(RunFolderError, match=r"study.json: seed_history.0: must be a JSON object, got 8\. Delete"):
        ask(seeds=8)
