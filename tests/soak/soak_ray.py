"""`make soak`: a study on a Ray cluster of two nodes on this machine, of which one is killed; needs `normbench[ray]`.

Prints what it found; exits with 1 if anything differs from the runs that plain commands make, or takes too long. The
first argument is the number of runs, 400 if there is none.
"""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory, gettempdir

from normbench.scheduling.executors.base import make_executor
from normbench.scheduling.plan import Plan, make_plan
from normbench.scheduling.schedule import run_plan
from normbench.storage.files.json_files import read_json
from normbench.study.load import load_study
from normbench.training.numerics import numerics

STUDY = """\
# Does it run on a cluster?
model: {name: mlp, hidden_features: [32, 32]}
dataset: gaussian_clusters
batch_size: 16
num_steps: NUM_STEPS
recording: {tensorboard: false, figures: false}
arms: {plain: {}, decayed: {weight_decay: 0.1}}
engine: loop
"""
SHORT, LONG = 700, 8000
"""Steps of a run of about half a CPU-second, and of one that is saved before it is stopped."""
MOST_OWN_S = 0.010
LEAST_SHARE = 0.8
ROUNDS = 4
NAMES = ("summary.json", "*.csv")


@dataclass
class Rate:
    """Runs a second, over several stretches of time."""

    num_runs: int = 0
    took_s: float = 0.0

    def add(self, runs_dir: str, before: int, began: float) -> None:
        """Add the runs made since a time, up to the last result."""
        self.num_runs += num_finished(runs_dir) - before
        self.took_s += last_result(runs_dir) - began

    @property
    def per_s(self) -> float:
        return self.num_runs / self.took_s

    def __str__(self) -> str:
        return f"{self.num_runs} runs in {self.took_s:.1f} s, {self.per_s:.2f} a second"


def main(num_runs: int) -> None:
    """Go through it all, in folders that are removed afterwards."""
    from ray.cluster_utils import Cluster

    with TemporaryDirectory(prefix="ray") as place:
        os.chdir(place)
        os.environ["RAY_TMPDIR"] = place
        for name, steps in {"short": SHORT, "long": LONG}.items():
            Path(f"{name}.yaml").write_text(STUDY.replace("NUM_STEPS", str(steps)), encoding="utf-8")
        cluster = Cluster(initialize_head=True, head_node_args=ray_node(ray_client_server_port=10101))
        try:
            second = cluster.add_node(**ray_node())
            cluster.wait_for_nodes()
            os.environ["RAY_ADDRESS"] = cluster.address
            side_by_side(num_runs)
            node_killed(lambda: cluster.remove_node(second, allow_graceful=False), num_runs // 4)
            cluster.add_node(**ray_node())
            cluster.wait_for_nodes()
            worker_killed()
            interrupted()
            os.environ["RAY_ADDRESS"] = "ray://127.0.0.1:10101"
            through_the_client(min(40, num_runs))
        finally:
            os.environ.pop("RAY_ADDRESS", None)
            cluster.shutdown()
        os.chdir(gettempdir())


def ray_node(**more: object) -> dict[str, object]:
    """Return the arguments of a node of one CPU."""
    return {"num_cpus": 1, "object_store_memory": 80 * 2**20, "include_dashboard": False} | more


def command(runs_dir: object, study: object, seeds: object, *more: object) -> list[str]:
    words = ["run", f"{study}.yaml", "--seeds", str(seeds), "--runs-dir", str(runs_dir), "--quiet", *map(str, more)]
    return [sys.executable, "-m", "normbench", *words]


def started(*words: object) -> subprocess.Popen[str]:
    """Start a command on the cluster; what it prints is looked at when it has ended."""
    return subprocess.Popen(
        command(*words, "--executor", "ray"), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )


def ended(asked: subprocess.Popen[str]) -> int:
    """Return a command's exit code; what it has printed is its own, and fits the screen."""
    printed, _ = asked.communicate()
    assert "ray" not in printed.lower().replace("normbench[ray]", ""), printed
    assert len(printed.splitlines()) <= 25, printed
    return asked.returncode


def side_by_side(num_runs: int) -> None:
    """Make all runs by two plain commands at once, and on the cluster from this process, in turns."""
    plain, ray, own_s = Rate(), Rate(), 0.0
    with make_executor("auto", asked_as="ray") as executor, numerics():
        assert executor.num_jobs == 2
        began = time.monotonic()
        run_plan(make_plan(load_study(Path("short.yaml"), seeds=1), Path("first")), executor=executor)
        print(f"the first two runs, for which torch is imported: {time.monotonic() - began:.1f} s")
        for seeds in [num_runs * part // (2 * ROUNDS) for part in range(1, ROUNDS + 1)]:
            with_two_commands(seeds, plain)
            plan, cpu, began, before = planned(seeds), time.process_time(), time.time(), num_finished("ray")
            run_plan(plan, executor=executor)
            own_s += time.process_time() - cpu
            ray.add("ray", before, began)
    own_s /= num_runs
    print(f"two commands: {plain}; Ray: {ray}, own CPU {own_s * 1e3:.2f} ms a run")
    assert_as_plain("ray", num_runs)
    assert own_s <= MOST_OWN_S, own_s
    assert ray.per_s >= LEAST_SHARE * plain.per_s, ray.per_s / plain.per_s


def planned(seeds: int) -> Plan:
    return make_plan(load_study(Path("short.yaml"), seeds=seeds), Path("ray"))


def with_two_commands(seeds: int, rate: Rate) -> None:
    """Make runs by two plain commands; what both make at once counts."""
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    both = [subprocess.Popen(command("plain", "short", seeds), **quiet) for _ in range(2)]
    wait_for(lambda: len(claims("plain")) == 2 or any(one.poll() is not None for one in both))
    began, before = time.time(), num_finished("plain")
    assert [one.wait() for one in both] == [0, 0]
    rate.add("plain", before, began)


def node_killed(kill: Callable[[], None], num_runs: int) -> None:
    """Kill a node in the middle; the other makes its run too."""
    asked = started("killed", "short", num_runs // 2, "--checkpoint-every", "0.1")
    wait_for(lambda: num_finished("killed") >= num_runs // 3)
    killed_at, held = time.monotonic(), {path.parent for path in claims("killed")}
    kill()
    wait_for(lambda: all(not (folder / "claim.json").exists() for folder in held))
    after_s = time.monotonic() - killed_at
    print(f"a node killed at {num_finished('killed')} of {num_runs} runs: its run is over {after_s:.1f} s later")
    assert ended(asked) == 0
    assert_as_plain("killed", num_runs)


def worker_killed() -> None:
    """Kill the process of a run: it goes on from its checkpoint, in another."""
    asked = started("worker", "long", 2, "--checkpoint-every", "0.1")
    wait_for(lambda: list(Path("worker").rglob("checkpoint.pt")))
    os.kill(read_json(claims("worker")[0])["pid"], signal.SIGKILL)
    assert ended(asked) == 0
    assert num_finished("worker") == 4
    print("a process killed: 4 of 4 runs are there")


def interrupted() -> None:
    """Ask to stop as Ctrl-C does, and ask again; the runs are those that nobody has stopped."""
    words = ("stopped", "long", 2)
    asked = started(*words)
    wait_for(lambda: len(claims("stopped")) == 2)
    time.sleep(1)
    began = time.monotonic()
    asked.send_signal(signal.SIGINT)
    assert ended(asked) == 130
    saved = len(list(Path("stopped").rglob("checkpoint.pt")))
    print(f"Ctrl-C: exit 130 after {time.monotonic() - began:.1f} s, {saved} runs saved")
    assert saved == 2
    assert ended(started(*words)) == 0
    assert results("stopped") == results("worker")
    shutil.rmtree("stopped")
    asked = started(*words)
    wait_for(lambda: len(claims("stopped")) == 2)
    began = time.monotonic()
    asked.send_signal(signal.SIGINT)
    time.sleep(0.05)
    asked.send_signal(signal.SIGINT)
    assert ended(asked) in (130, -signal.SIGINT)
    print(f"Ctrl-C twice: exit {asked.returncode} after {time.monotonic() - began:.1f} s")
    assert ended(started(*words)) == 0
    assert results("stopped") == results("worker")


def through_the_client(num_runs: int) -> None:
    began = time.monotonic()
    assert ended(started("client", "short", num_runs // 2)) == 0
    print(f"Ray Client: {num_runs} runs in {time.monotonic() - began:.1f} s, with the command's start")
    assert_as_plain("client", num_runs)


def assert_as_plain(runs_dir: str, num_runs: int) -> None:
    found, plain = results(runs_dir), results("plain")
    assert sum(path.name == "summary.json" for path in found) == num_runs
    different = [path for path, content in found.items() if plain[path] != content]
    assert not different, different


def results(runs_dir: str) -> dict[Path, bytes]:
    paths = [path for name in NAMES for path in Path(runs_dir).rglob(name)]
    assert not [path for path in paths if ".old-" in str(path)]
    return {path.relative_to(runs_dir): path.read_bytes() for path in paths}


def claims(runs_dir: str) -> list[Path]:
    return [path for path in Path(runs_dir).rglob("claim.json") if not (path.parent / "summary.json").exists()]


def num_finished(runs_dir: str) -> int:
    return sum(1 for _ in Path(runs_dir).rglob("summary.json"))


def last_result(runs_dir: str) -> float:
    return max(path.stat().st_mtime for path in Path(runs_dir).rglob("summary.json"))


def wait_for(is_there: Callable[[], object], most_s: float = 300.0) -> None:
    began = time.monotonic()
    while not is_there():
        assert time.monotonic() - began < most_s, "nothing happens"
        time.sleep(0.02)


if __name__ == "__main__":
    if find_spec("ray") is None:
        print("soak_ray.py: skipped, Ray is not installed: pip install 'normbench[ray]'")
    else:
        main(int(sys.argv[1]) if len(sys.argv) > 1 else 400)
