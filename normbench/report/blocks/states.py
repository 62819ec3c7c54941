"""Writes the status of runs under a folder, with a row per arm or per run, and the entries of the JSON."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from normbench.report.blocks.block import Block, Column, Line, Table, keys, words
from normbench.report.blocks.numbers import size_text
from normbench.storage.choices import TUNING
from normbench.storage.files.plain_text import one_line
from normbench.storage.owners import Owner
from normbench.storage.removal import Removal
from normbench.storage.run_states import ArmFolder, ArmStates, RunState
from normbench.storage.run_status import FOLDER_STATUSES, RunStatus

MAX_PROBLEM = 80
"""Letters of what a run failed of that a row shows; ``normbench show`` says the rest."""


def arms_blocks(arms: Sequence[ArmStates]) -> list[Block]:
    """Return a row per arm: the number of runs by status, the age of the newest, and the processes that make some."""
    columns = [status for status in FOLDER_STATUSES if any(arm.counts[status] for arm in arms)]
    counts = [Column(status, [arm.counts[status] or "" for arm in arms]) for status in columns]
    ages = Column("newest", [age_text(arm.age_s) for arm in arms])
    owners = words("", [", ".join(dict.fromkeys(map(owner_text, arm.owners))) for arm in arms])
    return [Block(table=Table([*_names([arm.arm for arm in arms]), *counts, ages, owners]))]


def runs_blocks(runs: Sequence[RunState]) -> list[Block]:
    """Return a row per run: its status, its age, and the process that makes it or its error."""
    columns = [
        *_names([run.arm for run in runs]),
        keys("seed", [str(run.seed) for run in runs]),
        words("status", [run.status for run in runs]),
        Column("age", [age_text(run.age_s) for run in runs]),
        words("", [_remark(run) for run in runs]),
    ]
    return [Block(table=Table(columns))]


def counts_block(runs: Sequence[RunState]) -> Block:
    """Return the number of runs, and the number by status."""
    counts = Counter(run.status for run in runs)
    by_status = ", ".join(f"{counts[status]:,} {status}" for status in FOLDER_STATUSES if counts[status])
    text = f"{len(runs):,} run{'' if len(runs) == 1 else 's'}: {by_status}"
    return Block(lines=[Line(text)], is_joined=True)


def age_text(age_s: float) -> str:
    """Return an age as text in its largest unit.

    Example:
        >>> age_text(3.2), age_text(90), age_text(7300), age_text(200_000)
        ('3 s', '1 min', '2 h', '2 d')
    """
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if age_s >= size:
            return f"{age_s // size:.0f} {unit}"
    return f"{age_s:.0f} s"


def owner_text(owner: Owner) -> str:
    """Return the process that makes a run as text."""
    return f"process {owner.pid} on {owner.host}"


def removal_lines(removals: Sequence[Removal]) -> list[str]:
    """Return a line for each folder to remove, and one for all of them together."""
    runs, size = sum(one.num_runs for one in removals), sum(one.size_bytes for one in removals)
    listed = [f"  {one.folder}  {_runs_and_size(one.num_runs, one.size_bytes)}" for one in removals]
    return [*listed, _runs_and_size(runs, size)]


def _runs_and_size(num_runs: int, size_bytes: int) -> str:
    return f"{num_runs:,} run{'' if num_runs == 1 else 's'}, {size_text(size_bytes)}"


def arm_entry(arm: ArmStates) -> dict[str, Any]:
    """Return a row of ``arms_blocks`` for JSON; ages in seconds."""
    counts = {"counts": dict(arm.counts), "age_s": arm.age_s, "owners": list(map(asdict, arm.owners))}
    return _folder_entry(arm.arm) | counts


def run_entry(run: RunState) -> dict[str, Any]:
    """Return a row of ``runs_blocks`` for JSON; ages in seconds."""
    owner: Mapping[str, Any] | None = asdict(run.owner) if run.owner else None
    own = {"seed": run.seed, "status": run.status, "age_s": run.age_s, "problem": run.problem, "owner": owner}
    return _folder_entry(run.arm) | {"folder": run.path} | own


def _folder_entry(arm: ArmFolder) -> dict[str, Any]:
    return {"study": arm.study, "arm": arm.name, "is_tuning": arm.is_tuning, "folder": arm.path}


def _names(arms: Sequence[ArmFolder]) -> list[Column]:
    """Return the two columns that, with a slash between, name an arm for show and rm."""
    studies = [f"{arm.study}/{TUNING}" if arm.is_tuning else arm.study for arm in arms]
    return [keys("study", studies), keys("arm", [arm.name for arm in arms])]


def _remark(run: RunState) -> str:
    if run.status == RunStatus.RUNNING and run.owner:
        return owner_text(run.owner)
    line = one_line(run.problem)
    return line if len(line) <= MAX_PROBLEM else f"{line[:MAX_PROBLEM]}..."
