"""`make soak`: a disk that fails at every operation of a study, one after the other, with one job and with two.

After each failure the same command must complete the study, byte for byte as one that nothing disturbed. Prints what it
found; exits with 1 if anything was otherwise. Operations are numbered from 1; each fails with one error, in turn.

    .venv/bin/python tests/soak/soak_disk.py [--step N] [--first N] [--way "two jobs"]
"""

import argparse
import errno
import os
import sys
import time
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory

sys.path.insert(0, str(Path(__file__).parents[1]))

from failing_operations import FailingOperations, is_loaded, run_again_with_library

MEMORY = Path("/dev/shm")
"""A disk on which nothing waits; what fails does so by the library, not by the disk."""
ERRORS_OF_WORKERS = "errors"
MAX_TOLD = 40
EVERY_STEP = ("--checkpoint-every", "0")


@dataclass(frozen=True)
class Way:
    """How a disk fails, and what is asked of it.

    Attributes:
        options: Options of the command.
        stride: Every how many operations one is tried.
        lasts: Whether all operations after the first that fails do so, too.
        errors: The errors, in turn.
    """

    options: tuple[str, ...]
    stride: int = 1
    lasts: bool = False
    errors: tuple[int, ...] = (errno.ENOSPC, errno.EIO, errno.EACCES)


WAYS = {
    "one job": Way(EVERY_STEP),
    "two jobs": Way((*EVERY_STEP, "--jobs", "2")),
    "stacked": Way((*EVERY_STEP, "--engine", "stacked", "--seeds", "2"), stride=7),
    "pictures": Way(("--set", "recording.figures=true", "--seeds", "2"), stride=7),
    "tuned": Way(("--tune", "optimizer.lr=0.01,0.1", "--set", "recording.tensorboard=false"), stride=29),
    "for good": Way(EVERY_STEP, stride=7, lasts=True, errors=(errno.ENOSPC, errno.EIO)),
}


def main():
    """Load the library, and try every operation in every way."""
    with TemporaryDirectory(dir=None if is_loaded() or not MEMORY.is_dir() else MEMORY) as name:
        folder = Path(name).resolve()
        code = try_all(folder) if is_loaded() else run_again_with_library(folder)
        if code is None:
            print("no failing disk was tried: it takes Linux and a C compiler (cc)")
        sys.exit(code or 0)


def try_all(folder):
    """Try every operation in every way; return whether anything was wrong."""
    from failed_commands import emptied, run_here

    from normbench.scheduling.executors._process_start import start_server

    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--step", type=int, default=1)
    parser.add_argument("--first", type=int, default=1)
    parser.add_argument("--way", choices=WAYS, action="append")
    given = parser.parse_args()
    (folder / "tmp").mkdir()
    os.environ["TMPDIR"] = str(folder / "tmp")
    with _errors_into(folder / ERRORS_OF_WORKERS):
        start_server()
    assert run_here(emptied(folder / "loaded"), WAYS["pictures"].options).code == 0  # forks need import nothing more
    soaks = [Soak(name, folder) for name in given.way or WAYS]
    return sum(soak.run(given.first, given.step) for soak in soaks) > 0


@contextmanager
def _errors_into(path):
    """Have processes that are started inside the block write their errors into a file."""
    kept = os.dup(2)
    with path.open("ab") as file:
        os.dup2(file.fileno(), 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)


class Soak:
    """Has each operation of a command fail in one way, and asks again.

    Args:
        name: The name of the way.
        folder: Where the command runs.
    """

    def __init__(self, name, folder):
        self.name, self.way, self.folder = name, WAYS[name], folder
        self._operations, self._outcomes, self._num_complaints = FailingOperations(), Counter(), 0

    def run(self, first, step):
        """Try one operation after the other until there are no more; return whether anything was wrong."""
        started, num_operations = time.monotonic(), self._look()
        for number in count(first, step * self.way.stride):
            if not self._try(number) and number > num_operations:
                break
        told = ", ".join(f"exit code {code}: {times}" for code, times in sorted(self._outcomes.items(), key=str))
        tried = f"{self._outcomes.total()} of about {num_operations} operations failed"
        seconds = time.monotonic() - started
        print(f"{self.name}: {tried} in {seconds:.0f} s; {told}; {self._num_complaints} complaints", flush=True)
        return self._num_complaints > 0

    def _look(self):
        """See what the command leaves when nothing fails, and return its number of operations."""
        from failed_commands import Undisturbed, emptied, run_command

        calm = emptied(self.folder / "calm")
        with self._operations.failing(0, 0, calm):
            assert run_command(calm, self.way.options).code == 0
        self._undisturbed = Undisturbed.of(calm)
        return self._operations.count

    def _try(self, number):
        """Have one operation fail and ask again; return whether there is such an operation."""
        from failed_commands import complaints_of_failed, complaints_of_repeated, emptied, run_command

        operations, folder = self._operations, emptied(self.folder / "case")
        error = self.way.errors[(number // self.way.stride + len(self.name)) % len(self.way.errors)]
        with operations.failing(number, error, folder, lasts=self.way.lasts):
            answer = run_command(folder, self.way.options)
        if not operations.has_failed:
            return False
        failed_at = None if self.way.lasts else operations.path
        complaints = list(complaints_of_failed(answer, folder, failed_at, self._undisturbed))
        again = run_command(folder, self.way.options)
        complaints += [*complaints_of_repeated(again, folder, self._undisturbed), *self._left_elsewhere()]
        complaints += self._told_by_workers()
        self._outcomes[answer.code] += 1
        if complaints:
            self._tell(number, os.strerror(error), complaints, [answer.err, again.err])
        return True

    def _left_elsewhere(self):
        """Yield what the command left in the folder of temporary files, and remove it."""
        for path in Path(os.environ["TMPDIR"]).iterdir():
            if not path.name.startswith("pymp-"):  # of the server of worker processes
                path.rename(self.folder / f"left-{time.monotonic_ns()}")
                yield f"left {path.name} in the folder of temporary files"

    def _told_by_workers(self):
        """Return in which error worker processes ended, which they should not, and forget it."""
        path = self.folder / ERRORS_OF_WORKERS
        told = path.read_text(encoding="utf-8")
        path.write_bytes(b"")
        return [f"a worker process ended: {told.splitlines()[-1]}"] if told else []

    def _tell(self, number, error, complaints, told):
        self._num_complaints += 1
        if self._num_complaints <= MAX_TOLD:
            operation = f"{self._operations.operation} of {self._operations.path}: {error}"
            print(f"{self.name}, operation {number}, {operation}: {'; '.join(complaints)}")
            for line in (line for text in told for line in text.splitlines()[-4:]):
                print(f"    {line}", flush=True)


if __name__ == "__main__":
    main()
