"""`make soak`: every command that reads runs, on 5,000 forged folders.

Prints each kind of fault when it is first found, and at the end how often.

Arguments: the number of folders, and a number from which they are drawn.
"""

import os
import resource
import sys
import warnings
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from forging.commands import DRAWING, MAKING, PLANNING, READING
from forging.finished_study import make_study
from forging.forged_folder import make_forged
from forging.rules import DETAIL, faults_of
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

NUM_FOLDERS = 5_000
NUM_READING = 6
"""Commands that read each folder; some folders also get slower ones."""
NUM_EXAMPLES = 3
MEMORY_DISK = "/dev/shm"
MEMORY_BYTES = 500 << 20
"""How much more a command may take than the process had."""
reading = st.lists(st.sampled_from(READING), min_size=NUM_READING, max_size=NUM_READING)
slower = st.sampled_from([[]] * 5 + [[command] for command in (*PLANNING, *DRAWING, *MAKING)])


def forge(study: Path, number: int, start: int) -> tuple[Counter[str], dict[str, list[str]]]:
    """Forge folders and run commands on each; return how often each fault was found, and the shortest examples."""
    found: Counter[str] = Counter()
    examples: dict[str, list[str]] = {}
    count = 0

    @seed(start)
    @settings(
        max_examples=number, database=None, deadline=None, phases=[Phase.generate], suppress_health_check=HealthCheck
    )
    @given(data=st.data())
    def check(data: st.DataObject) -> None:
        nonlocal count
        count += 1
        limit_memory()
        said = make_forged(data.draw, study)
        for command, fault in faults_of(data.draw(reading) + data.draw(slower)):
            kind, _, detail = fault.partition(DETAIL)
            found[kind] += 1
            example = f"normbench {command} after {said} {detail}"
            if kind not in examples:
                print(kind, example, sep="\n      ", flush=True)
            examples[kind] = sorted([*examples.get(kind, []), example], key=len)[:NUM_EXAMPLES]
        if count % 250 == 0:
            print(f"{count} folders, {len(found)} kinds of faults", flush=True)

    check()
    return found, examples


def limit_memory() -> None:
    """Let the process take MEMORY_BYTES more than it has; over thousands of commands libraries keep ever more."""
    has = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (has + MEMORY_BYTES, resource.RLIM_INFINITY))


def main() -> None:
    """Make the study, forge it, tell what was found; exit with 1 if there is anything."""
    number = int(sys.argv[1]) if len(sys.argv) > 1 else NUM_FOLDERS
    start = int(sys.argv[2]) if len(sys.argv) > 2 else 0
    warnings.simplefilter("error")
    disk = MEMORY_DISK if Path(MEMORY_DISK).is_dir() else None
    with TemporaryDirectory(dir=disk) as study, TemporaryDirectory(dir=disk) as place:
        os.chdir(study)
        make_study()
        os.chdir(place)
        found, examples = forge(Path(study), number, start)
        os.chdir("/")
    print(f"{number} forged folders, {found.total()} faults of {len(found)} kinds")
    for fault, times in found.most_common():
        print(f"{times:5} {fault}", *examples[fault], sep="\n      ")
    sys.exit(bool(found))


if __name__ == "__main__":
    main()
