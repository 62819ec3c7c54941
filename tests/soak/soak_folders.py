"""`make soak`: verdicts through run folders and the command are exactly those of the arrays, for every law.

Each draw is a study of two arms in a folder; `normbench compare --json` reads all of a cell. An argument is the number
of draws per cell.
"""

import sys
import tempfile
import zlib
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from folder_studies import compared, differing_rows, write_study
from verdict_laws import all_laws

SEEDS = (8, 12, 16)


def main() -> None:
    """Print a row for every cell; fail if a folder says something else than its arrays."""
    draws = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    num_differing = 0
    for name, law in all_laws().items():
        for n in SEEDS:
            rng = np.random.default_rng(zlib.crc32(f"{name} {n}".encode()))
            arms = law.draw(rng, (draws, n)) - law.median
            with tempfile.TemporaryDirectory() as folder:
                for number, arm in enumerate(arms):
                    write_study(Path(folder), f"draw-{number:05}", arm, np.zeros(n))
                found = differing_rows(compared(Path(folder)), arms)
            print(f"{name:22} n {n:2}  {len(found)} of {draws} differ", *found[:1], flush=True)
            num_differing += len(found)
    sys.exit(bool(num_differing))


if __name__ == "__main__":
    main()
