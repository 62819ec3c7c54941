"""A disk without room: one line names the file and the way out, the others go on, asking again completes."""

import re
import resource

import pytest
from faults.faulty_disk import no_room, read_only
from faults.small_study import RUNS, asked_again, results, run, run_of

FULL = "must be readable and writable, got: No space left on device. Make room on the disk."
AGAIN = "The same command completes it."


def failures_of(answer):
    """Return the lines that say what failed, each told at once and at the end."""
    told, _, listed = answer.err.partition("1 failed:\n")
    return told.splitlines(), listed.splitlines()


def assert_one_run_failed(answer, line):
    assert answer.code == 1
    assert failures_of(answer) == ([f"small plain, seed 0: failed: {line}"], [f"plain, seed 0: {line}"])


OF_A_RUN = [
    *[("metrics.csv", "metrics.csv", room) for room in (0, 300)],
    ("layer_stats.csv", "layer_stats.csv", 1500),
    ("probes.csv", "probes.csv", 20),
    ("curve.csv", "curve.csv", 4000),
    ("points.csv", ".part-points.csv", 9000),
    ("config.yaml", ".part-config.yaml", 0),
    ("histograms.npz", ".part-histograms.npz", 500),
    ("environment.json", ".part-environment.json", 100),
    ("summary.json", ".part-summary.json", 1000),
    ("checkpoint.pt", ".part-checkpoint.pt", 3000),
]


@pytest.mark.parametrize(("name", "opened", "room"), OF_A_RUN)
def test_a_run_without_room_for_a_file_fails_alone(undisturbed, name, opened, room):
    with no_room(f"plain.*/seed-0/{opened}", room):
        answer = run("--checkpoint-every", 0)
    assert_one_run_failed(answer, f"{run_of()}/{name}: {FULL} {AGAIN}")
    other = {key: content for key, content in undisturbed.items() if key[0] == "decayed"}
    assert {key: content for key, content in results().items() if key[0] == "decayed"} == other
    assert not list(RUNS.rglob(".part-*"))  # what there was no room for takes up none
    assert not (run_of() / "summary.json").exists()
    assert asked_again()[0] == undisturbed
    assert not (run_of() / "error.txt").exists()


@pytest.mark.parametrize("room", [2000, 5000])
def test_a_run_without_room_for_tensorboard_fails_alone(undisturbed, room):
    with no_room("plain.*/seed-0/events", room) as opened:
        answer = run()
    assert_one_run_failed(answer, f"{opened[0]}: {FULL} {AGAIN}")
    assert asked_again()[0] == undisturbed


def test_a_run_that_cannot_be_claimed_fails_alone(undisturbed):
    with no_room("plain.*/seed-0/.part-claim", 20):
        answer = run()
    rule = "must be a folder this user may write, got: No space left on device. Make room on the disk."
    assert_one_run_failed(answer, f"{run_of()}: {rule}")
    assert asked_again()[0] == undisturbed


def test_a_failure_that_cannot_be_written_down_is_told(undisturbed):
    with no_room("plain.*/seed-0/(metrics.csv|error.txt)"):
        answer = run()
    assert_one_run_failed(answer, f"{run_of()}/metrics.csv: {FULL} {AGAIN}")
    assert asked_again()[0] == undisturbed


@pytest.mark.parametrize(("name", "room"), [("study", 100), ("arm", 500)])
def test_a_study_that_cannot_be_described_is_not_run(undisturbed, name, room):
    with no_room(f".part-{name}", room):
        answer = run()
    assert (answer.code, answer.out) == (2, "")
    assert re.fullmatch(rf"runs/small/(plain-\w+/)?{name}\.json: {FULL}\n", answer.err)
    assert results() == {}
    assert asked_again()[0] == undisturbed


@pytest.mark.parametrize(
    ("opened", "room"), [("summary/.*/events", 0), ("summary/.*/events", 40), ("summary/.part-drawn_from", 0)]
)
def test_mean_curves_that_cannot_be_written_are_drawn_when_asked_again(undisturbed, opened, room):
    with no_room(opened, room):
        answer = run("--seeds", 2)
    assert answer.code == 1
    (line,) = failures_of(answer)[1]
    assert re.fullmatch(rf"small: runs/small/summary/.+?: {re.escape(FULL)} {AGAIN}", line)
    again, second = asked_again("--seeds", 2)
    assert (again | undisturbed, second.err) == (again, "")
    assert len(list(RUNS.glob("summary/*/*/events.*"))) == 2
    assert all(path.stat().st_size > 100 for path in RUNS.glob("summary/*/*/events.*"))


@pytest.mark.parametrize(("opened", "room"), [(".part-curves-seed-0", 5000), ("curves/seed-0/events", 5000)])
def test_pictures_that_cannot_be_written_are_drawn_when_asked_again(opened, room):
    options = ("--set", "recording.figures=true", "--seeds", 1, "--set", "num_steps=1")
    with no_room(opened, room):
        answer = run(*options)
    assert answer.code == 1
    (line,) = failures_of(answer)[1]
    assert re.fullmatch(rf"small: runs/small/\S+: {re.escape(FULL)} {AGAIN}", line)
    assert asked_again(*options)[1].err == ""
    assert (RUNS / "curves-seed-0.png").read_bytes().endswith(b"IEND\xaeB`\x82")
    assert not list(RUNS.rglob(".part-*"))


def test_a_choice_that_cannot_be_frozen_is_made_again_from_the_same_runs():
    options = ("--tune", "optimizer.lr=0.001,0.01", "--seeds", 1)
    with no_room(r"tuning/.part-plain-\w+", 100):
        answer = run(*options)
    assert (answer.code, results()) == (1, {})
    assert re.search(rf"1 failed:\nruns/small/tuning/plain-\w+\.json: {re.escape(FULL)} {AGAIN}\n$", answer.err)
    assert asked_again(*options)[0]
    assert len(list(RUNS.glob("tuning/*.json"))) == 2


def test_a_disk_that_can_only_be_read_names_another_place(undisturbed):
    with read_only("plain.*/seed-0/metrics.csv"):
        answer = run()
    rule = "must be readable and writable, got: Read-only file system. "
    way_out = "Choose a folder that can be written with --runs-dir."
    assert_one_run_failed(answer, f"{run_of()}/metrics.csv: {rule}{way_out} {AGAIN}")
    with read_only(".part-arm"):
        answer = run("--runs-dir", "others")
    assert answer.code == 2
    assert re.fullmatch(rf"others/small/plain-\w+/arm.json: {rule}{way_out}\n", answer.err)
    assert asked_again()[0] == undisturbed


def test_the_systems_own_limit_is_told(undisturbed):
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (3000, before[1]))
    try:
        answer = run()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert (answer.code, answer.err.count("File too large. Allow larger files.")) == (1, 2 * 2)
    assert asked_again()[0] == undisturbed
