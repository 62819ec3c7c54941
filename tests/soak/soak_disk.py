"""`make soak`: a disk that fails at every operation of a study, one after the other, with one job and with two.

After each failure the same command must complete the study, byte for byte as one that nothing disturbed. Prints what it
found; exits with 1 if anything was otherwise. Arguments: try each STEP-th operation, from the FIRST on; "all" tries
every error at each instead of one.

    .venv/bin/python tests/soak/soak_disk.py [STEP [FIRST [all]]]
"""

import errno
import os
import sys
import time
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory

sys.path.insert(0, str(Path(__file__).parents[1]))

from failing_operations import FailingOperations, is_loaded, run_again_with_library

ERRORS = (errno.ENOSPC, errno.EIO, errno.EACCES)
EVERY_STEP = ("--checkpoint-every", "0")
WAYS = {"one job": ("--jobs", "1", *EVERY_STEP), "two jobs": ("--jobs", "2", *EVERY_STEP)}
MEMORY = Path("/dev/shm")
"""A disk on which nothing waits; what fails does so by the library, not by the disk."""
MAX_TOLD = 40


def main():
    """Load the library, and try every operation in every way."""
    with TemporaryDirectory(dir=None if is_loaded() or not MEMORY.is_dir() else MEMORY) as name:
        folder = Path(name).resolve()
        if is_loaded():
            sys.exit(bool(try_all(folder)))
        code = run_again_with_library(folder)
        if code is None:
            print("no failing disk was tried: it takes Linux and a C compiler (cc)")
        sys.exit(code or 0)


def try_all(folder):
    """Try every operation in every way; return the number of complaints."""
    step, first = (int(word) for word in (sys.argv[1:3] + ["1", "1"][len(sys.argv[1:3]) :]))
    (folder / "tmp").mkdir()
    os.environ["TMPDIR"] = str(folder / "tmp")
    _load_everything(folder)
    return sum(tried(way, folder, step, first, tries_all="all" in sys.argv[3:]) for way in WAYS)


def _load_everything(folder):
    """Run the study in this process, of which all others are forks, and start the server of worker processes."""
    from failed_commands import emptied, run_here

    from normbench.scheduling.executors._process_start import start_server

    start_server()
    assert run_here(emptied(folder / "loaded")).code == 0


def tried(way, folder, step, first, *, tries_all):
    """Have each operation fail and ask again; print how it went; return the number of complaints."""
    from failed_commands import Undisturbed, emptied, run_command

    operations, options, started = FailingOperations(), WAYS[way], time.monotonic()
    calm = emptied(folder / "calm")
    with operations.failing(0, 0, calm):
        assert run_command(calm, options).code == 0
    undisturbed, count = Undisturbed.of(calm), operations.count
    outcomes, num_complaints, number = Counter(), 0, first
    while True:
        found = [
            _try(operations, number, error, folder / "case", options, undisturbed)
            for error in (ERRORS if tries_all else [ERRORS[(number + len(way)) % len(ERRORS)]])
        ]
        if number > count and not any(found):
            break
        for outcome, complaints in filter(None, found):
            outcomes[outcome] += 1
            num_complaints += bool(complaints)
            if complaints and num_complaints <= MAX_TOLD:
                print(f"{way}, operation {number}: {'; '.join(complaints)}", flush=True)
        number += step
    seconds = time.monotonic() - started
    told = ", ".join(f"{how}: {times}" for how, times in sorted(outcomes.items()))
    print(f"{way}: {outcomes.total()} of about {count} operations failed in {seconds:.0f} s; {told}; ", end="")
    print(f"{num_complaints} complaints", flush=True)
    return num_complaints


def _try(operations, number, error, folder, options, undisturbed):
    """Have one operation fail; return the outcome and what was wrong, None if there is no such operation."""
    from failed_commands import complaints_of_failed, complaints_of_repeated, emptied, run_command

    with operations.failing(number, error, emptied(folder)):
        answer = run_command(folder, options)
        has_failed = operations.has_failed
    if not has_failed:
        return None
    complaints = [*complaints_of_failed(answer, folder, operations.path, undisturbed)]
    again = run_command(folder, options)
    complaints += complaints_of_repeated(again, folder, undisturbed)
    temporary = [path.name for path in Path(os.environ["TMPDIR"]).iterdir() if not path.name.startswith("pymp-")]
    complaints += [f"left {temporary} in the folder of temporary files"] if temporary else []
    if complaints:
        complaints.append(f"({operations.operation} {operations.path}: {os.strerror(error)})")
        complaints += [f"\n    {line}" for text in (answer.err, again.err) for line in text.splitlines()[-4:]]
    return f"exit code {answer.code}", complaints


if __name__ == "__main__":
    main()
