"""One process at a time makes a run, the dead give way, and nobody publishes what is no longer theirs."""

import errno
import fcntl
import json
import os
import subprocess
import sys
from pathlib import Path
from threading import Thread

import pytest
from made_up_runs import make_arm, make_run, make_study, write_csv

from normbench.errors import RunFolderError
from normbench.storage import lock, owners
from normbench.storage.lock import RunBusy, claim_run, locked, read_stamp, remove_attempt, remove_part_files
from normbench.storage.owners import Owner, OwnerWatch

RUN = Path("runs/study/arm-aaaaaa/seed-0")


@pytest.fixture
def arm():
    return make_arm(make_study(arms=["none"]), norm="none")


def names_in(folder):
    return sorted(path.name for path in folder.iterdir())


def owner_written(**said):
    RUN.mkdir(parents=True, exist_ok=True)
    Owner("token", **said).write(RUN)


def dead_pid():
    process = subprocess.Popen([sys.executable, "-c", "pass"])
    process.wait()
    return process.pid


def test_a_free_run_is_claimed_and_then_busy():
    with claim_run(RUN) as mine:
        assert Owner.of(RUN) == mine.owner
        assert (mine.owner.pid, mine.note) == (os.getpid(), "")
        with pytest.raises(RunBusy):
            claim_run(RUN)


def test_what_an_attempt_left_is_free_again_when_it_is_over():
    with claim_run(RUN):
        pass
    with claim_run(RUN) as again:
        assert Owner.of(RUN).token == again.owner.token


@pytest.mark.parametrize("status", ["interrupted", "failed"])
def test_an_attempt_that_ended_says_how_and_is_free(status):
    with claim_run(RUN) as mine:
        mine.end(status, "of something")
    owner = Owner.of(RUN)
    assert (owner.status, owner.error, owner.is_alive) == (status, "of something", False)


@pytest.mark.parametrize("left", [(), ("checkpoint.pt",)])
def test_a_run_that_was_not_begun_is_given_back_as_it_was_found(left):
    with claim_run(RUN) as mine:
        mine.release()
    assert not RUN.exists()
    owner_written(status="interrupted")
    for name in left:
        (RUN / name).touch()
    before = Owner.of(RUN)
    with claim_run(RUN) as mine:
        mine.release()
        mine.release()  # it is no longer ours
    assert (Owner.of(RUN), names_in(RUN)) == (before, sorted([*left, "claim.json"]))


def test_a_dead_process_has_no_claim():
    owner_written(pid=dead_pid(), born="1")
    assert not Owner.of(RUN).is_alive
    assert claim_run(RUN) is not None


def test_another_process_of_the_same_number_is_not_the_owner():
    other = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    try:
        owner_written(pid=other.pid, born="an hour before")
        assert not Owner.of(RUN).is_alive
        owner_written(pid=other.pid, born=owners._start_time(other.pid))
        assert Owner.of(RUN).is_alive
    finally:
        other.communicate(b"\n")


def test_a_process_that_nobody_has_waited_for_is_dead():
    zombie = subprocess.Popen([sys.executable, "-c", "pass"])
    born = owners._start_time(zombie.pid)
    os.waitid(os.P_PID, zombie.pid, os.WEXITED | os.WNOWAIT)
    owner_written(pid=zombie.pid, born=born)
    assert not Owner.of(RUN).is_alive
    zombie.wait()


def test_what_was_made_since_is_not_outdated(arm):
    old = read_stamp(make_run(arm))
    with claim_run(arm / "seed-0", outdated=old):
        pass
    write_csv(arm / "seed-0" / "metrics.csv", [{"step": 0}])
    with claim_run(arm / "seed-0", outdated=old):  # as by another command that began when the old result was there
        assert names_in(arm) == [".lock", "arm.json", "seed-0", "seed-0.old-1"]
        assert "metrics.csv" in names_in(arm / "seed-0")


def test_a_finished_run_whose_owner_is_out_of_sight_is_finished_all_the_same(arm):
    run = make_run(arm)
    Owner("token", pid=1, host="far away").write(run)
    assert OwnerWatch().is_free(run)
    assert claim_run(run) is None
    assert "claim.json" not in names_in(run)


def test_only_half_written_files_are_swept_away(arm):
    for name in ("part-time", "a.partial", ".part-metrics.csv-7"):
        (arm / name).write_text("x")
    remove_part_files(arm)
    assert names_in(arm) == ["a.partial", "arm.json", "part-time"]


def test_a_claim_that_cannot_be_read_now_is_not_nobodys(monkeypatch):
    owner_written(pid=os.getpid())

    def fail(*_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(owners, "read_bytes", fail)
    with pytest.raises(RunFolderError, match="Permission denied"):
        claim_run(RUN)


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"token": "a"}', '{"token": "a", "pid": -1}', '{"pid": "x"}'])
def test_a_claim_that_cannot_be_read_is_nobodys(text):
    RUN.mkdir(parents=True)
    (RUN / "claim.json").write_text(text)
    assert Owner.of(RUN) is None
    assert claim_run(RUN) is not None


def test_an_owner_on_another_machine_is_believed_until_it_is_silent_for_long(monkeypatch):
    now = [0.0]
    monkeypatch.setattr(owners.time, "monotonic", lambda: now[0])
    owner_written(host="far away", pid=1)
    watch = OwnerWatch(silence_s=60.0)
    for now[0] in (0.0, 59.0):
        assert not watch.is_free(RUN)
    os.utime(RUN / "claim.json", (1, 1))  # a sign of life, from a machine whose clock is 50 years behind
    for now[0] in (61.0, 120.0):
        assert not watch.is_free(RUN)
    now[0] = 122.0
    assert watch.is_free(RUN)
    with pytest.raises(RunBusy):
        claim_run(RUN)
    assert claim_run(RUN, silent_owners=watch.silent_owners) is not None


def test_an_owner_in_another_container_of_the_same_name_is_out_of_sight():
    owner_written(pid=dead_pid(), born="1", sight="another")
    assert Owner.of(RUN).is_alive


def test_signs_of_life_come_while_a_run_is_made(monkeypatch):
    monkeypatch.setattr(lock, "HEARTBEAT_S", 0.001)
    with claim_run(RUN):
        os.utime(RUN / "claim.json", (1, 1))
        while (RUN / "claim.json").stat().st_mtime == 1:
            pass


def test_a_finished_run_is_not_claimed_and_tidied_up(arm):
    run = make_run(arm)
    (run / "checkpoint.pt").write_text("left")
    owner_of_dead = Owner("token", pid=dead_pid(), born="1")
    owner_of_dead.write(run)
    assert claim_run(run) is None
    assert names_in(run) == ["environment.json", "layer_stats.csv", "metrics.csv", "summary.json"]


def test_a_damaged_result_is_set_aside_and_told(arm):
    run = make_run(arm)
    write_csv(run / "metrics.csv", [{"step": 0, "test_loss": 0.0}])
    with claim_run(run) as mine:
        assert names_in(run) == ["claim.json"]
    problem = f"{run}/metrics.csv: must be as the run wrote it, got another sha256."
    assert mine.note == f"{problem} It is kept as seed-0.old-1 and made again."
    assert (arm / "seed-0.old-1" / "summary.json").is_file()


def test_what_is_outdated_is_set_aside_each_time(arm):
    for content in ("first", "second", "third"):
        with claim_run(arm / "seed-0", outdated=read_stamp(arm / "seed-0")):
            (arm / "seed-0" / "note.txt").write_text(content)
    kept = {path.parent.name: path.read_text() for path in arm.glob("*/note.txt")}
    assert kept == {"seed-0.old-1": "first", "seed-0.old-2": "second", "seed-0": "third"}


def test_only_the_owner_publishes():
    with claim_run(RUN) as mine:
        with mine.owned():
            pass
        Owner("another", pid=os.getpid()).write(RUN)
        with (
            pytest.raises(RunFolderError, match=r"^runs/study/arm-aaaaaa/seed-0: must stay .* Ask again"),
            mine.owned(),
        ):
            pytest.fail("the block was entered")
        mine.end("failed")
        mine.finish()
    assert Owner.of(RUN).token == "another"


def test_a_folder_removed_meanwhile_is_a_mistake_with_a_place():
    with claim_run(RUN) as mine:
        for path in (RUN / "claim.json", RUN.parent / ".lock"):
            path.unlink()
        RUN.rmdir()
        RUN.parent.rmdir()
        with pytest.raises(RunFolderError, match="got it removed"), mine.owned():
            pytest.fail("the block was entered")


def test_a_folder_that_cannot_be_made_says_why():
    Path("runs").write_text("a file")
    with pytest.raises(RunFolderError) as error:
        claim_run(Path("runs/a/seed-0"))
    rule = "must be a folder this user may write, got: Not a directory. Choose another with --runs-dir."
    assert str(error.value) == f"runs/a/seed-0: {rule}"


def test_clearing_takes_what_runs_write_and_nothing_else():
    RUN.mkdir(parents=True)
    written = ("metrics.csv", "histograms.npz", "events.out.1", "checkpoint.pt", "error.txt")
    for name in (*written, "claim.json", "notes.md"):
        (RUN / name).write_text("x")
    remove_attempt(RUN)
    assert names_in(RUN) == ["claim.json", "notes.md"]


def test_of_many_that_ask_at_once_one_gets_the_run():
    got = []

    def ask():
        try:
            got.append(claim_run(RUN).__enter__().owner.token)
        except RunBusy:
            got.append(None)

    threads = [Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    (winner,) = [token for token in got if token]
    assert json.loads((RUN / "claim.json").read_text())["token"] == winner


@pytest.fixture
def unlocking(monkeypatch):
    """Have the system refuse to unlock as often as the list says."""
    refusals, real = [], fcntl.flock

    def flock(descriptor, operation):
        if operation == fcntl.LOCK_UN and refusals:
            raise refusals.pop()
        real(descriptor, operation)

    monkeypatch.setattr(fcntl, "flock", flock)
    return refusals


def test_a_lock_that_could_not_be_released_at_once_is_released_all_the_same(unlocking):
    unlocking.append(OSError(errno.EIO, "Input/output error"))
    for _ in range(2):
        with locked(Path()):
            pass
    assert unlocking == []


def test_a_lock_that_cannot_be_released_is_an_error_of_the_system_each_time(unlocking):
    unlocking += [OSError(errno.EIO, "Input/output error") for _ in range(2)]
    with pytest.raises(OSError, match="Input/output error") as kept, locked(Path()):
        pass
    with pytest.raises(OSError, match="Resource deadlock avoided") as error, locked(Path()):
        pass
    assert (kept.value.filename, error.value.filename) == (".", ".")


def test_a_folder_that_cannot_be_looked_at_is_told_as_one_that_cannot_be_written(monkeypatch):
    def fail(path):
        raise OSError(errno.EIO, "Input/output error", str(path))

    monkeypatch.setattr(Path, "is_symlink", fail)
    with pytest.raises(RunFolderError, match=f"^{RUN}: must be a folder this user may write, got: Input/output error"):
        claim_run(RUN)
