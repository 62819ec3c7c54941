"""`make soak`: six commands at once on one study; some are killed, others list the runs and remove what is beside.

At the end all is as one command alone leaves it, each run was published once, and no lock, part file or process is
left. Arguments: the number of rounds, and a number from which the kills are drawn.
"""

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

sys.path.insert(0, str(Path(__file__).parents[1]))

import kills

NUM_ROUNDS = 3
JOBS = ("1", "2", "1", "2", "1", "2")
NUM_ASKED_AGAIN = 2
KILL_EVERY_S = (0.5, 2.0)
"""Least and most seconds between two workers that are killed."""
GONE_S = 20.0
"""Most seconds until the workers of a command that was killed are gone."""
LONGER = ("--seeds", "6", "--set", "num_steps=300", "--set", "recording.every_steps=50", "--checkpoint-every", "0.05")
COMMAND = ("run", "survivor.yaml", "--engine", "loop", *LONGER)
CODES = {"run": (0, 1, -signal.SIGKILL), "list": (0,), "rm": (0, 2)}
"""How each command may end: a run that loses two workers fails; what another command removes cannot be named."""
LOG = "published.log"
WATCH = """
import os, sys
def hook(event, arguments):
    if event == "os.rename" and str(arguments[1]).endswith("summary.json"):
        with open(os.environ["PUBLISHED_LOG"], "a") as log:
            log.write(f"{os.getpid()} {os.path.abspath(arguments[1])}\\n")
sys.addaudithook(hook)
"""
"""Imported by every process of a command when it starts: logs each summary that is about to be renamed into place."""


@dataclass
class Place:
    """A folder in which commands work on one study, and what they told.

    Attributes:
        folder: The folder.
        asked: The commands that were started, with their names.
        killed: The processes that were killed.
    """

    folder: Path
    asked: list[tuple[str, subprocess.Popen[bytes]]] = field(default_factory=list)
    killed: set[int] = field(default_factory=set)

    def start(self, *words: str) -> subprocess.Popen[bytes]:
        """Start a command in a process group of its own; its output goes to a file."""
        said = self.folder / f"said-{len(self.asked)}.txt"
        paths = os.pathsep.join([str(self.folder / "watch"), os.environ.get("PYTHONPATH", "")])
        environment = os.environ | {"PYTHONPATH": paths, "PUBLISHED_LOG": str(self.folder / LOG)}
        with said.open("wb") as file:
            command = [sys.executable, "-m", "normbench", *words]
            started = subprocess.Popen(
                command,
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=file,
                start_new_session=True,
                env=environment,
            )
        self.asked.append((words[0], started))
        return started

    def kill(self, pid: int) -> None:
        """Kill a process of ours."""
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
            self.killed.add(pid)


def made(folder: Path) -> Place:
    """Make a place with the study file, and with what is removed from beside the study while it is made."""
    (folder / "watch").mkdir(parents=True)
    (folder / "watch" / "sitecustomize.py").write_text(WATCH, encoding="utf-8")
    (folder / "survivor.yaml").write_text(kills.STUDY, encoding="utf-8")
    return Place(folder)


def put_beside(place: Place, undisturbed: Path) -> list[str]:
    """Put another study and another arm into the runs folder, unless they are there; return their paths below it."""
    source = undisturbed / "runs" / "survivor"
    arm = next(iter(sorted(source.glob("plain-*"))))
    for name, whole in {"another": source, "survivor/spare-aaaaaaaaaaaa": arm}.items():
        if not (place.folder / "runs" / name).exists():
            shutil.copytree(whole, place.folder / "runs" / name, ignore=shutil.ignore_patterns(".lock"))
    return ["another", "survivor/spare-aaaaaaaaaaaa"]


def beside(place: Place, undisturbed: Path) -> Iterator[None]:
    """List the runs and remove what is beside the study, again and again, one command at a time."""
    while True:
        for words in (["list"], ["rm", random.choice(put_beside(place, undisturbed)), "--yes"], ["list", "--runs"]):
            command = place.start(*words)
            while command.poll() is None:
                yield


def together(place: Place, undisturbed: Path) -> None:
    """Ask six times at once; kill workers now and then, and two of the commands, which are asked again."""
    commands = [place.start(*COMMAND, "--jobs", jobs) for jobs in JOBS]
    put_beside(place, undisturbed)
    others, next_kill, to_kill = beside(place, undisturbed), time.monotonic() + 6, NUM_ASKED_AGAIN
    while any(command.poll() is None for command in commands):
        next(others)
        time.sleep(0.02)
        if time.monotonic() > next_kill:
            next_kill = time.monotonic() + random.uniform(*KILL_EVERY_S)
            running = [command for command in commands if command.poll() is None]
            if to_kill and running:
                to_kill -= 1
                place.kill(random.choice(running).pid)
                commands.append(place.start(*COMMAND, "--jobs", random.choice(JOBS)))
            elif workers := kills.claiming_pids(place.folder / "runs" / "survivor"):
                place.kill(random.choice(workers))
    place.asked[-1][1].wait()


def finish(place: Place) -> None:
    """Ask once more, undisturbed, and remove what is beside."""
    last = place.start(*COMMAND, "--jobs", "1")
    assert last.wait() == 0, (place.folder / f"said-{len(place.asked) - 1}.txt").read_text()
    for path in (place.folder / "runs" / "another", *place.folder.glob("runs/survivor/spare-*")):
        shutil.rmtree(path, ignore_errors=True)


def check_endings(place: Place) -> Counter[str]:
    """Check that each command ended as it may, without a traceback; return how often each ending was."""
    endings: Counter[str] = Counter()
    for number, (name, command) in enumerate(place.asked):
        text = (place.folder / f"said-{number}.txt").read_text(encoding="utf-8")
        assert command.returncode in CODES[name], (name, command.returncode, text)
        assert command.returncode != -signal.SIGKILL or command.pid in place.killed, (name, text)
        assert "Traceback" not in text, text
        endings[f"{name} {command.returncode}"] += 1
    return endings


def check_published(place: Place) -> None:
    """Check that each run was published once; a process that was killed may have been about to."""
    lines = [line.split(maxsplit=1) for line in (place.folder / LOG).read_text(encoding="utf-8").splitlines()]
    done = Counter(path for pid, path in lines if int(pid) not in place.killed)
    published = {str(path) for path in (place.folder / "runs" / "survivor").rglob("summary.json")}
    assert {path for _, path in lines} == published
    assert max(done.values()) == 1, [path for path, count in done.items() if count > 1]


def check_nothing_is_left(place: Place) -> None:
    """Check that no process of a command still runs, those of killed commands after a while."""
    until = time.monotonic() + GONE_S
    left = [command.pid for _, command in place.asked]
    while left and time.monotonic() < until:
        left = [pid for pid in left if is_group(pid)]
        time.sleep(0.1)
    assert not left, left
    assert not list((place.folder / "runs").rglob(".removed-*"))


def is_group(number: int) -> bool:
    """Return whether a process group has a process."""
    try:
        os.killpg(number, 0)
    except ProcessLookupError:
        return False
    return True


def main() -> None:
    """Make the study alone, then in each round by six commands at once; compare."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else NUM_ROUNDS
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else int(time.time())
    random.seed(seed)
    with TemporaryDirectory() as folder:
        alone = made(Path(folder, "alone"))
        assert alone.start(*COMMAND).wait() == 0
        for number in range(rounds):
            place = made(Path(folder, f"round-{number}"))
            together(place, alone.folder)
            finish(place)
            endings = check_endings(place)
            check_published(place)
            check_nothing_is_left(place)
            kills.assert_as_undisturbed(place.folder, alone.folder)
            told = ", ".join(f"{count} x {ending}" for ending, count in sorted(endings.items()))
            print(f"round {number} (seed {seed}): {len(place.killed)} processes killed; {told}: equal", flush=True)


if __name__ == "__main__":
    main()
