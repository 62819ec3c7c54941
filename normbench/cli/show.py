"""normbench show: print one run's report, from files alone."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from normbench.cli._format import AsJson, Format, chosen_format, print_result

if TYPE_CHECKING:
    from normbench.storage.run_states import RunState

GROUP = "Folders"
PLACE = 2
MAX_NAMED = 8


def command(
    run: Annotated[
        Path, typer.Argument(metavar="RUN", help="A run's folder, or one that holds one run; also under --runs-dir.")
    ],
    runs_dir: Annotated[Path, typer.Option("--runs-dir", help="Where runs are kept.")] = Path("runs"),
    layers: Annotated[
        Literal["ends", "all"], typer.Option("--layers", help="Layers shown of a long network.")
    ] = "ends",
    format_: Format = None,
    json_: AsJson = False,
) -> None:
    """Show one run: losses, std per layer, status and files.

    For a run that failed it also shows the error, and the command that continues it.

    Example: normbench show lenet_bn
    """
    from normbench.evidence.layers.run_report import report_run
    from normbench.report.blocks.layers import LONG
    from normbench.report.blocks.one_run import one_run_blocks
    from normbench.report.pages.documents.show import DOCUMENT
    from normbench.report.pages.formats.base import Result
    from normbench.report.pages.json_text import run_mapping
    from normbench.report.terminal.console import make_console
    from normbench.report.terminal.render import print_blocks

    chosen = chosen_format(format_, json=json_)
    report = report_run(_only_run(run, runs_dir))
    blocks = one_run_blocks(report, None if layers == "all" else LONG)
    if chosen:
        print_result(Result(DOCUMENT, lambda: run_mapping(report), lambda: [blocks], report.metrics.rows), chosen)
    else:
        print_blocks(make_console(), blocks)


def _only_run(path: Path, runs_dir: Path) -> "RunState":
    from normbench.errors import RunFolderError
    from normbench.storage.run_search import find_runs, resolve_folder

    found = find_runs(resolve_folder(path, runs_dir))
    if len(found.runs) == 1:
        return found.runs[0]
    for line in (*found.unreadable, *found.odd):
        raise RunFolderError(line)
    names = [f"{run.arm.name}/{run.name}" for run in found.runs[:MAX_NAMED]]
    listed = f"{len(found.runs)}: {', '.join(names)}{' and more' * (len(found.runs) > MAX_NAMED)}" if names else "none"
    way_out = "Name one of them." if names else "See what there is: normbench list"
    raise RunFolderError(f"{path}: must hold one run, got {listed}. {way_out}")
