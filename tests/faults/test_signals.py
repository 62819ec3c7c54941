"""Ctrl-C and SIGTERM end the command with 130 and nothing lost; a worker that is killed is replaced."""

import multiprocessing
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from faults.small_study import CONFIG, RUNS, TEXT, results

from normbench.cli import main
from normbench.scheduling.executors.processes import Processes
from normbench.scheduling.interruption import NOTICE
from normbench.scheduling.run_result import RunOptions
from normbench.scheduling.schedule import run_study
from normbench.storage.owners import Owner
from normbench.study.load import load_study

LONG = TEXT.replace("num_steps: 4", "num_steps: 1200").replace("every_steps: 2", "every_steps: 600")


@pytest.fixture(autouse=True)
def ctrl_c_is_heard():
    """Let the commands hear Ctrl-C, also where the tests are a background job, whose children a shell has ignore it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """All results of the study of long runs, made without a disturbance."""
    folder = tmp_path_factory.mktemp("whole")
    (folder / CONFIG).write_text(LONG, encoding="utf-8")
    run_study(load_study(folder / CONFIG), folder / "runs")
    return results(folder / RUNS)


def started(*options):
    """Start the command in a process group of its own, as a shell does."""
    CONFIG.write_text(LONG, encoding="utf-8")
    command = [sys.executable, "-m", "normbench", "run", CONFIG, "--quiet", *options]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True)


ERRORS = Path("errors.txt")


def forked():
    """Start the command in a process that has imported torch, as this one has; what it tells goes to a file."""
    CONFIG.write_text(LONG, encoding="utf-8")

    def action():
        sys.argv = ["normbench", "run", str(CONFIG), "--quiet"]
        with ERRORS.open("w", buffering=1) as sys.stderr:
            os.dup2(sys.stderr.fileno(), 2)  # where a signal's handler writes
            main()

    process = multiprocessing.get_context("fork").Process(target=action)
    process.start()
    return process


def has_recorded(_):
    return list(RUNS.glob("*/seed-0/metrics.csv"))


def starts_workers(process):
    """Return whether the server of worker processes is there; as the command, it then imports torch."""
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    return any(b"forkserver" in Path(f"/proc/{child}/cmdline").read_bytes() for child in children)


def wait_until(moment, process):
    while not moment(process):
        assert process.is_alive() if hasattr(process, "is_alive") else process.poll() is None
        time.sleep(0.01)


def ended(process):
    """Return the exit code and what was told."""
    _, err = process.communicate(timeout=60)
    return process.returncode, err.decode()


def assert_completes(whole):
    assert results() != whole
    run_study(load_study(CONFIG), Path("runs"))
    assert results() == whole


def test_ctrl_c_once_saves_and_exits_130(whole):
    process = forked()
    wait_until(has_recorded, process)
    os.kill(process.pid, signal.SIGINT)
    process.join(60)
    assert (process.exitcode, ERRORS.read_text()) == (
        130,
        NOTICE + "interrupted; the same command goes on where it stopped\n",
    )
    (run,) = RUNS.glob("plain-*/seed-0")
    assert Owner.of(run).status == "interrupted"
    assert (run / "checkpoint.pt").is_file()
    assert_completes(whole)


def test_ctrl_c_twice_stops_now(whole):
    process = forked()
    wait_until(has_recorded, process)
    os.kill(process.pid, signal.SIGINT)
    while process.is_alive() and NOTICE not in ERRORS.read_text():
        time.sleep(0.001)
    assert ERRORS.read_text().startswith(NOTICE)
    os.kill(process.pid, signal.SIGINT)
    process.join(60)
    assert process.exitcode == 130
    assert_completes(whole)


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="asks the system for a process's children")
@pytest.mark.parametrize(
    ("number", "moment", "notice"), [(signal.SIGINT, starts_workers, ""), (signal.SIGTERM, has_recorded, NOTICE)]
)
def test_all_processes_together_stop_as_one(whole, number, moment, notice):
    process = started("--jobs", "2")
    wait_until(moment, process)
    os.killpg(process.pid, number)
    code, err = ended(process)
    assert (code, err) == (130, notice + "interrupted; the same command goes on where it stopped\n")
    for run in RUNS.glob("*/seed-0"):
        assert Owner.of(run).status == "interrupted"
        assert (run / "checkpoint.pt").is_file()
    assert_completes(whole)


LOSING = """
import os, signal, sys, weakref

class LosesASignal:
    def find_spec(self, name, *_):
        if name == "torch":
            sys.meta_path.remove(self)
            thing = LosesASignal()
            kept = weakref.ref(thing, lambda _: os.kill(os.getpid(), signal.SIGINT))
            del thing

sys.meta_path.insert(0, LosesASignal())
from normbench.cli import main
main()
"""


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_ctrl_c_where_an_import_drops_exceptions_is_not_lost(jobs):
    """While torch is imported, Python drops whatever a signal raises in a weak reference's callback."""
    CONFIG.write_text(TEXT, encoding="utf-8")
    command = [sys.executable, "-c", LOSING, "run", CONFIG, "--jobs", jobs]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True)
    assert ended(process) == (130, "interrupted; the same command goes on where it stopped\n")
    assert not RUNS.exists()


def test_a_worker_killed_in_the_middle_of_training_is_replaced(whole):
    CONFIG.write_text(LONG, encoding="utf-8")
    killed = []

    def kill_once(job, *_):
        if not killed:
            killed.append(Owner.of(job.folders[0]).pid)
            os.kill(killed[0], signal.SIGKILL)

    with Processes(2) as executor:
        executor.report_step = kill_once
        ended = run_study(load_study(CONFIG), Path("runs"), executor=executor, options=RunOptions(checkpoint_s=0.05))
    assert {(progress.status, progress.error) for progress in ended} == {("finished", "")}
    assert killed[0] != os.getpid()
    assert results() == whole
