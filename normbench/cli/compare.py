"""normbench compare: the comparison again, from files alone."""

from pathlib import Path
from typing import Annotated

import typer

RunsDir = Annotated[Path, typer.Option("--runs-dir", help="Where runs are kept.")]


def command(
    paths: Annotated[list[Path] | None, typer.Argument(help="Study folders; all under --runs-dir if none.")] = None,
    runs_dir: RunsDir = Path("runs"),
    metric: Annotated[
        list[str] | None, typer.Option("--metric", metavar="M", help="What to compare, e.g. 'best test_loss'.")
    ] = None,
    baseline: Annotated[
        str | None, typer.Option("--baseline", metavar="ARM", help="What arms are judged against.")
    ] = None,
    json_: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    csv_: Annotated[bool, typer.Option("--csv", help="Print CSV, one line per arm.")] = False,
) -> None:
    """Compare the arms of finished runs: a table per study, rows labelled by what differs.

    --metric takes a column of metrics.csv or a layer's statistic, weight.std@hidden2, and before it last, first, best,
    change (last / first), max_after STEP or steps_to VALUE. With a baseline the first metric is judged: effect paired
    by seed, interval, p, verdict.

    Example: normbench compare runs/lenet_bn --metric test_loss
    """
    from normbench.evidence.comparison import compare_runs
    from normbench.evidence.effects import with_effects
    from normbench.report.comparison_text import as_csv, as_json, print_comparisons

    comparisons = [
        with_effects(comparison, baseline) for comparison in compare_runs(paths or (), runs_dir, metric or ())
    ]
    if json_:
        typer.echo(as_json(comparisons))
    elif csv_:
        typer.echo(as_csv(comparisons), nl=False)
    else:
        print_comparisons(comparisons)
