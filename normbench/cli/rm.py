"""normbench rm: remove runs, arms and studies that are not running."""

import sys
from pathlib import Path
from typing import Annotated

import typer

GROUP = "Folders"
PLACE = 3


def command(
    paths: Annotated[
        list[Path], typer.Argument(metavar="PATH", help="Runs, arms or studies; as given or under --runs-dir.")
    ],
    runs_dir: Annotated[Path, typer.Option("--runs-dir", help="Where runs are kept.")] = Path("runs"),
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Remove runs, arms and studies inside the runs folder.

    Also runs set aside as seed-<n>.old-<k>. It lists them and asks first. If one of them is running, or was not made by
    normbench, nothing is removed.

    Example: normbench rm lenet_bn --yes
    """
    from normbench.errors import ConfigError
    from normbench.report.blocks.states import removal_lines
    from normbench.storage.files.plain_text import one_line
    from normbench.storage.removal import plan_removal, remove

    removals = plan_removal(paths, runs_dir)
    *listed, total = removal_lines(removals)
    if not yes:
        if not sys.stdin.isatty():
            raise ConfigError([f"rm: must be confirmed, got no terminal to ask at about {total}. Add --yes."])
        typer.echo("\n".join([*listed, f"together {total}"]), err=True)
        if not typer.confirm("Remove them for good?", err=True):
            typer.echo("nothing removed")
            return
    problems = remove(removals, runs_dir)
    typer.echo(f"removed {total}")
    for line in problems:
        typer.echo(one_line(line), err=True)
    if problems:
        raise typer.Exit(1)
