"""`make soak`: every number that a setting may be, at every extreme: told with its key, or a run that ends.

A value that takes more than 20 CPU seconds fails, and so does one that ends in a traceback.
"""

import os
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from contracts.extreme_numbers import EXTREMES, end_of, numeric_settings

MOST_S = 20


def main() -> None:
    """Print each value that is not taken well, and how often each end was met; fail if there is one."""
    torch.set_num_threads(1)
    ends: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        for setting in numeric_settings():
            for value in EXTREMES[setting.kind]:
                started = time.process_time()
                try:
                    end = end_of(setting, value)
                except Exception as error:  # noqa: BLE001 - what it is looked for
                    end = f"{type(error).__name__}: {error}"
                end = end if time.process_time() - started < MOST_S else "too long"
                ends[end if " " not in end else "wrong"] += 1
                if " " in end:
                    print(f"{setting.part} {setting.variant} {setting.key} = {value!r}: {end}", flush=True)
        os.chdir("/")
    print(dict(ends))
    sys.exit(bool(ends["wrong"] + ends["too long"]))


if __name__ == "__main__":
    main()
