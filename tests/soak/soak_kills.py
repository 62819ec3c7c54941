"""`make soak`: a command killed before every change it makes, and 50 times at random moments with two processes.

Prints what it found; exits with 1 if anything differs from an undisturbed study.
"""

import os
import random
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

sys.path.insert(0, str(Path(__file__).parents[1]))

import kills

NUM_KILLS = 50
LONGER = ("--seeds", "6", "--set", "num_steps=400", "--set", "recording.every_steps=20")
COMMAND = ["run", "survivor.yaml", "--checkpoint-every", "0.02", "--quiet", "--jobs", "2", *LONGER]
ENGINES = {"loop": ("--engine", "loop"), "stacked": ("--engine", "stacked", "--seeds", "2")}
"""Options of the command that is killed before every change."""


def at_every_change(folder: Path, options: tuple[str, ...]) -> int:
    """Kill before the first change, the second ... until the command makes no more; return how many there were."""
    undisturbed = folder / "undisturbed"
    assert kills.run_command(undisturbed, *options).code == 0
    number = 1
    while kills.killed_at_change(number, folder / str(number), *options):
        assert kills.completed(folder / str(number), *options), number
        kills.assert_as_undisturbed(folder / str(number), undisturbed)
        number += 1
    return number - 1


def started(folder: Path, engine: str) -> subprocess.Popen[bytes]:
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    command = [sys.executable, "-m", "normbench", *COMMAND, "--engine", engine]
    return subprocess.Popen(command, cwd=folder, start_new_session=True, **quiet)


def kill(command: subprocess.Popen[bytes], folder: Path, whom: str) -> None:
    """Kill the command alone, one of its workers, or all of its processes."""
    workers = kills.claiming_pids(folder)
    if whom == "worker" and workers:
        with suppress(ProcessLookupError):
            os.kill(random.choice(workers), signal.SIGKILL)
    elif whom == "all":
        os.killpg(command.pid, signal.SIGKILL)
    else:
        command.kill()


def at_random(folder: Path, seed: int, engine: str) -> int:
    """Kill at random moments, asking again each time; return how often that was while the command was running."""
    random.seed(seed)
    undisturbed, killed = folder / "undisturbed", folder / "killed"
    for place in (undisturbed, killed):
        place.mkdir()
        (place / "survivor.yaml").write_text(kills.STUDY, encoding="utf-8")
    assert started(undisturbed, engine).wait() == 0
    num_kills = 0
    while num_kills < NUM_KILLS:
        command = started(killed, engine)
        before = time.monotonic()
        while not kills.claiming_pids(killed) and command.poll() is None and time.monotonic() - before < 20:
            time.sleep(0.01)
        time.sleep(random.uniform(0, 0.4))
        if command.poll() is None:
            kill(command, killed, random.choice(["command", "worker", "all"]))
            num_kills += 1
        elif command.returncode == 0:
            kills.assert_as_undisturbed(killed, undisturbed)
            forget_some(killed)
        command.wait()
    assert started(killed, engine).wait() == 0
    kills.assert_as_undisturbed(killed, undisturbed)
    return num_kills


def forget_some(folder: Path) -> None:
    """Take away half of the results, so that there is something to be killed at again."""
    for path in folder.rglob("summary.json"):
        if random.random() < 0.5:
            path.unlink()


def main() -> None:
    """Kill, ask again, compare."""
    with TemporaryDirectory() as folder:
        places = Path(folder)
        for engine, options in ENGINES.items():
            changes, moments = places / f"changes-{engine}", places / f"moments-{engine}"
            changes.mkdir()
            moments.mkdir()
            num_changes = at_every_change(changes, options)
            print(f"{engine}: killed before each of {num_changes} changes: equal byte for byte")
            seed = int(time.time())
            num_kills = at_random(moments, seed, engine)
            print(f"{engine}: killed {num_kills} times at random (seed {seed}): equal byte for byte")


if __name__ == "__main__":
    main()
