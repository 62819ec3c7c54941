"""Commands that are made to fail at one operation of the disk: forked from this process, judged, and asked again."""

import multiprocessing.forkserver as server
import os
import re
import shutil
import signal
from contextlib import chdir, suppress
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

import kills
from command_line import Answer, normbench

CONFIG = "survivor.yaml"
ONE_ARM = """\
# Does it survive?
model: {name: mlp, hidden_features: [4]}
dataset: {name: linear_regression, num_samples: 12}
norm: batch_norm
dropout: 0.2
batch_size: 4
num_steps: 2
recording: {every_steps: 2, figures: false}
"""
TWO_ARMS = f"{ONE_ARM}arms: {{plain: {{}}, decayed: {{weight_decay: 0.1}}}}\nbaseline: plain\n"
TIMEOUT_S = 120.0
SEALED = (CONFIG, "*.csv", "histograms.npz", "summary.json", "study.json", "arm.json", "identity.json", "config.yaml")
LINE = re.compile(r"(?:.*: )?(?P<place>(?:runs|survivor\.yaml)[^:]*): .+, got:? .+\. [A-Z].*\.")
"""`<place>: <rule>, got <value>. <way out>`, after the words that name the run."""


def run_command(folder, options=(), begin=lambda: None):
    """Run the study in a forked process, which first calls ``begin``; code None if the process does not end.

    Worker processes come from the server that this process has started, if any.
    """
    ours, its = get_context("fork").Pipe()
    child = os.fork()
    if not child:
        os.setsid()
        with suppress(BaseException):
            begin()
            its.send(_answer(folder, ["run", CONFIG, "--quiet", *options]))
        os._exit(0)
    its.close()
    answer = Answer(None, "", f"no answer in {TIMEOUT_S} s, or its process died")
    if ours.poll(TIMEOUT_S):
        with suppress(EOFError):
            answer = ours.recv()
    with suppress(ProcessLookupError):
        os.killpg(child, signal.SIGKILL)
    os.waitpid(child, 0)
    ours.close()
    return answer


def run_here(folder, options=()):
    """Run the study in this process, which then has loaded what all forked ones need."""
    with chdir(folder):
        return normbench("run", CONFIG, "--quiet", *options)


def _answer(folder, words):
    server._forkserver.ensure_running = server.ensure_running = lambda: None
    try:
        with chdir(folder):
            return normbench(*words)
    except BaseException as error:  # noqa: BLE001 - nothing may get past the command's edge
        return Answer(None, "", f"Traceback: {type(error).__name__}: {error}")


@dataclass(frozen=True)
class Undisturbed:
    """What the command leaves when nothing fails."""

    files: dict

    @classmethod
    def of(cls, folder):
        """Read what was left."""
        return cls(sealed_files(folder))

    def of_run(self, run):
        """Return the files of one run by their paths."""
        return {path: raw for path, raw in self.files.items() if path.parent == run}


def sealed_files(folder):
    """Return the bytes of everything that must not depend on what failed."""
    return {path.relative_to(folder): path.read_bytes() for name in SEALED for path in folder.rglob(name)}


def complaints_of_failed(answer, folder, failed_at, undisturbed):
    """Return what is wrong with a command that failed, and with what it left.

    Args:
        answer: Its answer.
        folder: Where it ran.
        failed_at: The path on which an operation failed, which it must name; None where many failed.
        undisturbed: What it leaves when nothing fails.
    """
    if answer.code not in (0, 1, 2) or "Traceback" in answer.out + answer.err:
        yield f"ended with {answer.code}"
    if answer.code and not any(_names(line, failed_at, folder) for line in answer.err.splitlines()):
        yield "no line names file and way out"
    found = sealed_files(folder)
    if answer.code == 0 and found != undisturbed.files:
        yield f"says that all is well, but {differing(found, undisturbed.files)}"
    for summary in (path for path in found if path.name == "summary.json"):
        of_run = {path: raw for path, raw in found.items() if path.parent == summary.parent}
        if of_run != undisturbed.of_run(summary.parent):
            yield f"a result that is none: {differing(of_run, undisturbed.of_run(summary.parent))}"
    yield from _touched(folder)


def complaints_of_repeated(answer, folder, undisturbed):
    """Return what is wrong with the command that was asked again, and with what it left."""
    if answer.code != 0 or "Traceback" in answer.out + answer.err:
        yield f"asked again it ended with {answer.code}"
    found = sealed_files(folder)
    if found != undisturbed.files:
        yield f"asked again {differing(found, undisturbed.files)}"
    if left := kills.leftovers_in(folder):
        yield f"asked again it left {dict(left)}"
    yield from _touched(folder)


def _names(line, failed_at, folder):
    """Return whether a line is in the grammar of errors and names the path, or what lies around, in or beside it."""
    found = LINE.fullmatch(line)
    if not found or failed_at is None:
        return bool(found)
    place, path = Path(found["place"]), failed_at.relative_to(folder)
    return place in (path, *path.parents) or path in place.parents or place.parent == path.parent


def _touched(folder):
    """Yield what was changed outside of the runs folder."""
    if {path.name for path in folder.iterdir()} - {"runs"} != {CONFIG}:
        yield f"left {sorted(path.name for path in folder.iterdir())}"


def differing(found, expected):
    """Return in words in which files two folders differ."""
    names = sorted(str(path) for path in found.keys() | expected.keys() if found.get(path) != expected.get(path))
    return f"{', '.join(names)} differ" if names else "nothing differs"


def emptied(folder, study=TWO_ARMS):
    """Return a folder that is new and holds the study's file alone."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    (folder / CONFIG).write_text(study, encoding="utf-8")
    return folder
