"""A study of two arms that writes every kind of file, and what it leaves when nothing goes wrong."""

import re
from pathlib import Path

from command_line import normbench
from made_up_runs import ARMS, TINY

CONFIG = Path("small.yaml")
TEXT = (
    TINY.replace("{tensorboard: false, figures: false}", "{every_steps: 2, figures: false, gradient_shift: true}")
    + ARMS
)
RUNS = Path("runs/small")


def run(*options):
    """Write the config and run it."""
    CONFIG.write_text(TEXT, encoding="utf-8")
    answer = normbench("run", CONFIG, *options)
    assert "Traceback" not in answer.err
    return answer


def run_of(arm="plain", seed=0):
    """Return the folder of a run."""
    (folder,) = RUNS.glob(f"{arm}-*/seed-{seed}")
    return folder


def results(runs=RUNS):
    """Return the bytes of every result by arm without its hash, seed and file."""
    found = {}
    for path in runs.glob("*/seed-*/*"):
        if re.fullmatch(r"seed-\d+", path.parent.name) and (path.suffix == ".csv" or path.name == "summary.json"):
            found[path.parents[1].name.rpartition("-")[0], path.parent.name, path.name] = path.read_bytes()
    return found


def asked_again(*options):
    """Run the study once more, all being well; return the results and the answer."""
    answer = run(*options)
    assert answer.code == 0, answer.err
    return results(), answer
