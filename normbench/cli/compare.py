"""normbench compare: the comparison again, from files alone."""

from pathlib import Path
from typing import Annotated

import typer

RunsDir = Annotated[Path, typer.Option("--runs-dir", help="Where runs are kept.")]


def command(
    paths: Annotated[list[Path] | None, typer.Argument(help="Study folders; all under --runs-dir if none.")] = None,
    runs_dir: RunsDir = Path("runs"),
    baseline: Annotated[
        str | None, typer.Option("--baseline", metavar="ARM", help="What arms are judged against.")
    ] = None,
    json_: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    csv_: Annotated[bool, typer.Option("--csv", help="Print CSV, one line per arm.")] = False,
) -> None:
    """Compare the arms of finished runs: a table per study, rows labelled by what differs.

    With a baseline every arm gets its effect, paired by seed, with interval, p and verdict.

    Example: normbench compare runs/lenet_bn
    """
    from normbench.evidence.comparison import compare_runs
    from normbench.evidence.effects import with_effects
    from normbench.report.comparison_text import as_csv, as_json, print_comparisons

    comparisons = [with_effects(comparison, baseline) for comparison in compare_runs(paths or (), runs_dir)]
    if json_:
        typer.echo(as_json(comparisons))
    elif csv_:
        typer.echo(as_csv(comparisons), nl=False)
    else:
        print_comparisons(comparisons)
