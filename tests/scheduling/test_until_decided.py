"""A study that is run check by check: which runs are made, and why it ends."""

import json
import shutil
from contextlib import chdir
from pathlib import Path

import pytest
from command_line import normbench
from made_up_runs import ARMS, TINY

from normbench.report.terminal.progress import StudyProgress
from normbench.scheduling import one_job
from normbench.scheduling.cost import estimate_cost
from normbench.scheduling.executors.base import make_executor
from normbench.scheduling.planned_verdicts import checks_taken
from normbench.scheduling.run_result import RunOptions
from normbench.scheduling.studies import StudyRunner
from normbench.scheduling.until_decided import End, run_checks
from normbench.study.load import load_study

RUNS = Path("runs")
ONE_BY_ONE = TINY + "engine: loop\n"
PLAN = (6, 7, 8)


class NoRuns:
    """What making runs gives back, without any."""

    def __init__(self, failures=()):
        self.failures = failures


def ends(outcomes, failing=0):
    """Return why a study of these outcomes ends, and which runs were asked for."""
    asked, judged = [], iter(outcomes)

    def make_runs(count, made):
        asked.append((count, made))
        return NoRuns(["one failed"] * (count == failing))

    _, end = run_checks(PLAN, make_runs, lambda _: next(judged))
    return end, asked


def test_it_goes_on_until_decided():
    assert ends(["open", "decided"]) == (End("decided", 7, 8), [(6, 0), (7, 6)])


def test_it_stops_where_a_verdict_is_unlikely_or_nothing_is_compared():
    assert ends(["open", "unlikely"])[0] == End("unlikely", 7, 8)
    assert ends(["nothing"])[0] == End("nothing", 6, 8)


def test_the_last_check_is_the_end():
    assert ends(["open"] * 3) == (End("open", 8, 8), [(6, 0), (7, 6), (8, 7)])


def test_a_failed_run_is_not_judged():
    assert ends(["open", "decided"], failing=7) == (End("failed", 7, 8), [(6, 0), (7, 6)])


def run(outcomes, **options):
    """Run a study of three checks with these outcomes; return its end and what became of its runs."""
    Path("tiny.yaml").write_text(ONE_BY_ONE + ARMS, encoding="utf-8")
    judged = iter(outcomes)
    with make_executor("1") as executor:
        runner = StudyRunner(
            RUNS,
            executor,
            RunOptions(**options),
            lambda name, total: StudyProgress(name, total, quiet=True),
            judge=lambda *_: next(judged),
        )
        found = runner.run(load_study(Path("tiny.yaml"), check_after=PLAN))
    return found.end, [(update.run.arm, update.run.seed, str(update.status)) for update in found.results]


def num_made(folder="seed-*"):
    return len(list(RUNS.glob(f"tiny/*/{folder}/summary.json")))


def test_the_runs_of_a_check_are_made_and_no_more():
    end, results = run(["decided"])
    assert (end, num_made()) == (End("decided", 6, 8), 12)
    assert results == [(arm, seed, "finished") for seed in range(6) for arm in ("plain", "decayed")]


def test_the_same_command_goes_on_where_it_stopped(monkeypatch):
    real, made = one_job.run_experiment, []

    def stops_at_the_15th(config, seed, folder, **options):
        if len(made) == 14:
            raise KeyboardInterrupt
        made.append(folder)
        return real(config, seed, folder, **options)

    monkeypatch.setattr(one_job, "run_experiment", stops_at_the_15th)
    with pytest.raises(KeyboardInterrupt):
        run(["open", "open"])
    monkeypatch.setattr(one_job, "run_experiment", real)
    assert run(["open", "open", "open"])[0] == End("open", 8, 8)
    assert num_made() == 16


def test_force_makes_every_run_once_more():
    run(["open", "decided"])
    run(["open", "decided"], force=True)
    assert (num_made(), num_made("seed-*.old-1"), num_made("seed-*.old-2")) == (28, 14, 0)


def test_checks_that_can_decide_nothing_are_not_taken():
    claim = "{says: it helps, metric: test_loss, expect: {all: [PART, PART, PART]}}"
    part = "{less: decayed, than: plain, by: 0.1}"
    claims = f"claims:\n  - {claim.replace('PART', part)}\n"
    Path("tiny.yaml").write_text(TINY + ARMS + claims, encoding="utf-8")
    study = load_study(Path("tiny.yaml"), until_decided=True)
    assert study.check_after == (8, 16, 32, 64)
    assert checks_taken(study, RUNS) == (16, 32, 64)


def test_the_cost_is_told_from_the_first_check_to_the_last():
    Path("tiny.yaml").write_text(TINY + ARMS, encoding="utf-8")
    cost = estimate_cost(load_study(Path("tiny.yaml"), until_decided=True), RUNS)
    assert (cost.check_after, cost.num_missing_at_first_check, cost.num_missing) == ((8, 16, 32, 64), 16, 128)
    assert cost.cpu_s_to_first_check == pytest.approx(cost.cpu_s / 8)
    out = normbench("run", "tiny.yaml", "--until-decided", "--dry-run").out
    assert out.startswith("tiny: 2 x 8 to 64 runs (arms x seeds)\n")
    assert "0 finished, from 16 runs at the first check to 128 at the last, about" in out


@pytest.mark.parametrize(
    ("words", "line"),
    [
        ("--until-decided", "checked after 8, 16, 32 and 64 seeds, at levels .0097 .0123 .0183 .0266."),
        ("--check-after 16", "checked after 16 seeds, at level .0500."),
        ("--seeds 8", ""),
    ],
)
def test_levels_are_told_before_anything_trains(words, line, monkeypatch):
    Path("tiny.yaml").write_text(ONE_BY_ONE + ARMS, encoding="utf-8")
    monkeypatch.setattr(one_job, "run_experiment", lambda *_, **__: 1 / 0)
    err = normbench("run", "tiny.yaml", *words.split()).err.replace("\n  ", " ")  # lines that go on are indented
    assert err.startswith(f"tiny: {line}" if line else "tiny plain, seed 0: failed:")


def test_a_failed_run_ends_the_study_with_code_1(monkeypatch):
    Path("tiny.yaml").write_text(ONE_BY_ONE + ARMS, encoding="utf-8")
    real = one_job.run_experiment

    def fails_once(config, seed, folder, **options):
        return real(config, seed, folder, **options) if (seed, options["arm"]) != (5, "plain") else 1 / 0

    monkeypatch.setattr(one_job, "run_experiment", fails_once)
    code, out, _ = normbench("run", "tiny.yaml", "--check-after", "6,8")
    assert (code, num_made()) == (1, 11)
    assert "checks   stopped after 6 seeds: not checked, as some runs failed" in out


@pytest.mark.parametrize(
    ("before", "words", "line"),
    [
        ("--seeds 6", "--seeds 7", "seeds were added without a plan (6, then 7): verdicts by the sign e-process"),
        ("--check-after 6,8", "--seeds 7", "7 seeds are not at a check: the next one comes after 8."),
        ("--seeds 6", "--seeds 6", ""),
        ("--seeds 1", "--seeds 6", ""),
    ],
)
def test_another_count_tells_how_verdicts_are_made_now(before, words, line, monkeypatch):
    Path("tiny.yaml").write_text(ONE_BY_ONE + ARMS, encoding="utf-8")
    monkeypatch.setattr(one_job, "run_experiment", lambda *_, **__: 1 / 0)
    normbench("run", "tiny.yaml", *before.split())
    err = normbench("run", "tiny.yaml", *words.split()).err.replace("\n  ", " ")  # a line that goes on is indented
    assert err.startswith(f"tiny: {line}" if line else "tiny plain, seed 0: failed:")


APART = TINY.replace("num_steps: 4", "num_steps: 40") + "arms: {trained: {}, not: {num_steps: 0}}\n"
CLAIM = "{id: A, says: it learns, metric: train_loss, expect: {less: trained, than: not, by: 0.1}}"


@pytest.fixture(scope="module")
def decided(tmp_path_factory):
    """A folder with a study that is decided at its first check, and what was said when it was run."""
    folder = tmp_path_factory.mktemp("decided")
    with chdir(folder):
        text = f"{APART}seeds: {{check_after: [8, 12]}}\nclaims:\n  - {CLAIM}\n"
        Path("tiny.yaml").write_text(text, encoding="utf-8")
        return folder, normbench("run", "tiny.yaml")


@pytest.fixture
def said_when_decided(decided):
    """What was said; the study lies in a copy that the test may change."""
    shutil.copytree(decided[0], Path.cwd(), dirs_exist_ok=True)
    return decided[1]


def test_what_is_clear_is_decided_early_and_says_so_every_time(said_when_decided):
    for code, out, err in (said_when_decided, normbench("run", "tiny.yaml")):
        assert (code, num_made()) == (0, 16)
        assert err == "tiny: checked after 8 and 12 seeds, at levels .0382 .0392.\n"
        assert "checks   decided at the check after 8 seeds\n" in out
        assert "paired, at level .0382." in " ".join(out.split())


def test_what_is_alike_is_given_up_at_the_third_check():
    Path("tiny.yaml").write_text(TINY + ARMS.replace("0.1", "2.0e-38"), encoding="utf-8")
    code, out, err = normbench("run", "tiny.yaml", "--check-after", "8,9,10,20")
    assert (code, num_made()) == (0, 20)
    assert "checks   stopped after 10 seeds: under 20 % chance to decide by 20\n" in out
    assert err.count("\n") == 1  # the levels


@pytest.mark.usefixtures("said_when_decided")
def test_json_says_why_no_more_seeds_were_added():
    (found,) = json.loads(normbench("run", "tiny.yaml", "--check-after", "8,12", "--json", "--quiet").out)
    assert found["end"] == {"why": "decided", "after": 8, "last": 12}


def test_claims_of_a_study_that_stopped_early_are_judged_as_planned(said_when_decided):
    assert "decided at the check after 8 seeds" in said_when_decided.out
    out = normbench("claims", "tiny.yaml").out
    assert out.startswith("A     HOLDS")
    assert "at level .0382 · holds" in " ".join(out.split())
    assert normbench("run", "tiny.yaml", "--seeds", 10).code == 0
    assert "last run with other options: --seeds 10" in normbench("claims", "tiny.yaml").out
    assert normbench("run", "tiny.yaml", "--seeds", 12).code == 0  # the last check
    assert "12 of 12 seeds" in " ".join(normbench("claims", "tiny.yaml").out.split())
