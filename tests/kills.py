"""Commands that are killed: forked from this process, which has imported torch already, and compared afterwards."""

import json
import multiprocessing
import os
import signal
import sys
from collections import Counter
from contextlib import chdir, suppress

from command_line import normbench
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

STUDY = """\
# Does it survive?
model: {name: mlp, hidden_features: [6]}
dataset: {name: linear_regression, num_samples: 12}
norm: batch_norm
dropout: 0.2
batch_size: 4
num_steps: 12
recording: {every_steps: 4, figures: false}
arms: {plain: {}, decayed: {weight_decay: 0.1}}
baseline: plain
"""
CHANGES = ("open", "os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.utime", "os.link")
"""What Python tells an audit hook before it changes the file system, but for what is read only."""
READ_ONLY = (None, "r", "rb")


def run_command(folder, *options):
    """The command whose survival is tested, in a folder of its own; every step is saved."""
    folder.mkdir(exist_ok=True)
    part = folder / f"survivor-{os.getpid()}.part"  # renamed, since other commands may read the file meanwhile
    part.write_text(STUDY, encoding="utf-8")
    part.replace(folder / "survivor.yaml")
    with chdir(folder):
        return normbench("run", "survivor.yaml", "--checkpoint-every", "0", "--quiet", *options)


def forked(action):
    """Do something in a forked process; return its exit code, -9 of a killed one."""
    process = multiprocessing.get_context("fork").Process(target=action)
    process.start()
    process.join()
    return process.exitcode


def completed(folder, *options):
    """Ask again, undisturbed; return whether the command succeeded."""
    return forked(lambda: sys.exit(run_command(folder, *options).code)) == 0


def killed_at_change(number, folder, *options):
    """Run the command until just before its n-th change of the file system; return whether it came so far."""

    def action():
        count = 0

        def hook(event, arguments):
            nonlocal count
            if event in CHANGES and not (event == "open" and arguments[1] in READ_ONLY):
                count += 1
                if count == number:
                    os.kill(os.getpid(), signal.SIGKILL)

        sys.addaudithook(hook)
        run_command(folder, *options)

    return forked(action) == -signal.SIGKILL


def claiming_pids(folder):
    """The processes that make a run now, or did when they were killed."""
    found = []
    for path in folder.rglob("claim.json"):
        with suppress(OSError, ValueError, KeyError):
            found.append(json.loads(path.read_bytes())["pid"])
    return found


def results_in(folder):
    """What must be equal byte for byte: what runs found, and who is compared with whom."""
    names = ("*.csv", "histograms.npz", "summary.json", "study.json")
    return {path.relative_to(folder): path.read_bytes() for name in names for path in folder.rglob(name)}


def steps_seen(folder):
    """Every step that TensorBoard's reader finds, by run and tag; each must be there once."""
    found = {}
    for events in sorted(folder.glob("runs/*/*/seed-*/events.*")):
        keep = dict.fromkeys(("histograms", "scalars", "tensors"), 0)
        board = EventAccumulator(str(events.parent), size_guidance=keep).Reload()
        read = {"histograms": board.Histograms, "scalars": board.Scalars, "tensors": board.Tensors}
        for kind, tags in read.items():
            for tag in board.Tags()[kind]:
                found[events.parent.relative_to(folder), tag] = [event.step for event in tags(tag)]
    return found


def leftovers_in(folder):
    """What no finished run should leave."""
    patterns = ("claim.json", "checkpoint*", ".part-*")
    return Counter(pattern for pattern in patterns for _ in folder.rglob(pattern))


def assert_as_undisturbed(folder, undisturbed):
    """Check everything that a killed and completed study must have in common with one that never was."""
    assert results_in(folder) == results_in(undisturbed)
    assert steps_seen(folder) == steps_seen(undisturbed)
    assert leftovers_in(folder) == {}
