"""What there is under a runs folder: a row per arm or per run, and the same as JSON."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from rich.console import Console

from normbench.report.blocks.grids import Grid, print_grid
from normbench.report.blocks.numbers import size_text
from normbench.storage.choices import TUNING
from normbench.storage.files.plain_text import one_line
from normbench.storage.owners import Owner
from normbench.storage.removal import Removal
from normbench.storage.run_states import STATUSES, ArmFolder, ArmStates, RunState

MAX_PROBLEM = 80
"""Letters of what a run failed of that a row shows; ``normbench show`` says the rest."""


def print_arms(console: Console, arms: Sequence[ArmStates]) -> None:
    """Print a row per arm: how many runs are in what, the age of the newest, and who makes one."""
    columns = [status for status in STATUSES if any(arm.counts[status] for arm in arms)]
    rows = [
        [
            *_named(arm.arm),
            *(str(arm.counts[status] or "") for status in columns),
            age_text(arm.age_s),
            ", ".join(dict.fromkeys(map(owner_text, arm.owners))),
        ]
        for arm in arms
    ]
    print_grid(console, _grid(["study", "arm", *columns, "newest", ""], rows, last=len(columns) + 3))


def print_runs(console: Console, runs: Sequence[RunState]) -> None:
    """Print a row per run: what it is in, since when, and who makes it or what it failed of."""
    rows = [[*_named(run.arm), str(run.seed), run.status, age_text(run.age_s), _remark(run)] for run in runs]
    print_grid(console, _grid(["study", "arm", "seed", "status", "age", ""], rows, last=5, left=3))


def counts_line(runs: Sequence[RunState]) -> str:
    """Return how many runs there are and what they are in."""
    counts = {status: sum(run.status == status for run in runs) for status in STATUSES}
    told = ", ".join(f"{number:,} {status}" for status, number in counts.items() if number)
    return f"{len(runs):,} run{'' if len(runs) == 1 else 's'}: {told}"


def age_text(age_s: float) -> str:
    """Write an age for the eye, in its largest unit.

    Example:
        >>> age_text(3.2), age_text(90), age_text(7300), age_text(200_000)
        ('3 s', '1 min', '2 h', '2 d')
    """
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if age_s >= size:
            return f"{age_s // size:.0f} {unit}"
    return f"{age_s:.0f} s"


def owner_text(owner: Owner) -> str:
    """Say who makes a run."""
    return f"process {owner.pid} on {owner.host}"


def removal_lines(removals: Sequence[Removal]) -> list[str]:
    """Return what would go: a line per folder, and one for all of them."""
    runs, size = sum(one.num_runs for one in removals), sum(one.size_bytes for one in removals)
    listed = [f"  {one.folder}  {_runs_and_size(one.num_runs, one.size_bytes)}" for one in removals]
    return [*listed, _runs_and_size(runs, size)]


def _runs_and_size(num_runs: int, size_bytes: int) -> str:
    return f"{num_runs:,} run{'' if num_runs == 1 else 's'}, {size_text(size_bytes)}"


def arms_json(arms: Sequence[ArmStates]) -> str:
    """Return the rows of ``print_arms`` as JSON; ages in seconds."""
    return json.dumps(
        [
            _arm_entry(arm.arm)
            | {"counts": dict(arm.counts), "age_s": arm.age_s, "owners": list(map(asdict, arm.owners))}
            for arm in arms
        ],
        indent=2,
    )


def runs_json(runs: Sequence[RunState]) -> str:
    """Return the rows of ``print_runs`` as JSON; ages in seconds."""
    return json.dumps(list(map(run_entry, runs)), indent=2)


def run_entry(run: RunState) -> dict[str, Any]:
    """Return what JSON says of a run."""
    owner: Mapping[str, Any] | None = asdict(run.owner) if run.owner else None
    own = {"seed": run.seed, "status": run.status, "age_s": run.age_s, "problem": run.problem, "owner": owner}
    return _arm_entry(run.arm) | {"folder": str(run.folder)} | own


def _arm_entry(arm: ArmFolder) -> dict[str, Any]:
    return {"study": arm.study, "arm": arm.name, "is_tuning": arm.is_tuning, "folder": arm.path}


def _named(arm: ArmFolder) -> list[str]:
    """Return the two cells that, with a slash between, name an arm for show and rm."""
    return [one_line(f"{arm.study}/{TUNING}" if arm.is_tuning else arm.study), one_line(arm.name)]


def _grid(headers: Sequence[str], rows: Sequence[Sequence[str]], last: int, left: int = 0) -> Grid:
    return Grid(headers, rows, (0, 1, left, last))


def _remark(run: RunState) -> str:
    if run.status == "running" and run.owner:
        return owner_text(run.owner)
    line = one_line(run.problem)
    return line if len(line) <= MAX_PROBLEM else f"{line[:MAX_PROBLEM]}..."
