"""normbench list: list the runs under the runs folder with their status."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from normbench.cli._format import AsJson, Format, chosen_format, print_result

if TYPE_CHECKING:
    from collections.abc import Sequence

    from normbench.report.blocks.block import Block
    from normbench.report.pages.formats.base import Result
    from normbench.storage.run_search import FoundRuns
    from normbench.storage.run_states import RunState

GROUP = "Folders"
PLACE = 1


def command(
    paths: Annotated[
        list[Path] | None, typer.Argument(metavar="PATH", help="Studies, arms or runs; all under --runs-dir if none.")
    ] = None,
    runs_dir: Annotated[Path, typer.Option("--runs-dir", help="Where runs are kept.")] = Path("runs"),
    runs: Annotated[bool, typer.Option("--runs", help="A row per run instead of one per arm.")] = False,
    status: Annotated[
        list[str] | None, typer.Option("--status", metavar="STATUS", help="Only runs in it, e.g. failed.")
    ] = None,
    format_: Format = None,
    json_: AsJson = False,
) -> None:
    """List studies, their arms and the states of their runs.

    Finished and diverged are results. Running: its process is alive. Interrupted, failed and stopped: the command that
    ran it continues it. Damaged: its summary cannot be read; the same command makes it again.

    Example: normbench list --status failed --status stopped --runs
    """
    from normbench.report.blocks import states
    from normbench.report.terminal.console import make_console
    from normbench.report.terminal.render import print_blocks
    from normbench.storage.files.plain_text import one_line
    from normbench.storage.run_states import count_by_arm

    chosen = chosen_format(format_, json=json_)
    wanted = _check_statuses(status or [])
    found = _find_runs(paths or [], runs_dir)
    for line in (*found.unreadable, *found.odd):
        typer.echo(one_line(line), err=True)
    shown = [run for run in found.runs if not wanted or run.status in wanted]
    if not shown and not chosen:
        typer.echo(_no_runs_text(found.runs, wanted, paths or [runs_dir]))
        return
    blocks = states.runs_blocks(shown) if runs else states.arms_blocks(count_by_arm(shown))
    blocks = [*blocks, states.counts_block(shown)]
    if chosen:
        print_result(_result(shown, blocks, by_run=runs), chosen)
    else:
        print_blocks(make_console(), blocks)


def _result(runs: "Sequence[RunState]", blocks: "Sequence[Block]", *, by_run: bool) -> "Result":
    from normbench.report.blocks.states import arm_entry, run_entry
    from normbench.report.pages.documents import list as arms_document
    from normbench.report.pages.documents import runs as runs_document
    from normbench.report.pages.entry_rows import entry_rows
    from normbench.report.pages.formats.base import Result
    from normbench.storage.run_states import count_by_arm

    entries = list(map(run_entry, runs)) if by_run else list(map(arm_entry, count_by_arm(runs)))
    document = runs_document.DOCUMENT if by_run else arms_document.DOCUMENT
    return Result(document, lambda: entries, lambda: [blocks], lambda: entry_rows(entries))


def _check_statuses(given: list[str]) -> list[str]:
    from normbench.errors import ConfigError, known_names
    from normbench.storage.run_status import FOLDER_STATUSES

    wrong = [status for status in given if status not in FOLDER_STATUSES]
    if wrong:
        rule = "must be a status of a run"
        raise ConfigError(
            [f"--status {text}: {rule}, got {text!r}. {known_names(text, FOLDER_STATUSES)}" for text in wrong]
        )
    return given


def _find_runs(paths: list[Path], runs_dir: Path) -> "FoundRuns":
    from normbench.errors import RunFolderError
    from normbench.storage.run_search import find_runs, resolve_folder
    from normbench.storage.shipped_configs import RUN_FIRST

    if not paths and not runs_dir.is_dir():
        rule = "must be a folder with runs, got no folder"
        raise RunFolderError(f"{runs_dir}: {rule}. {RUN_FIRST}")
    return find_runs(*(resolve_folder(path, runs_dir) for path in paths) if paths else [runs_dir])


def _no_runs_text(runs: "Sequence[RunState]", wanted: list[str], paths: list[Path]) -> str:
    from normbench.storage.shipped_configs import RUN_FIRST

    where = ", ".join(map(str, paths))
    if runs:
        return f"{where}: none of {len(runs)} runs is {' or '.join(wanted)}."
    return f"{where}: no runs yet. {RUN_FIRST}"
