"""normbench report: write studies as HTML pages, from files alone."""

from pathlib import Path
from typing import Annotated

import typer

GROUP = "Evidence"


def command(
    studies: Annotated[
        list[Path] | None, typer.Argument(metavar="STUDY", help="Study folders; all under --runs-dir if none.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="Where the page is written, of several the index.")
    ] = None,
    arms: Annotated[
        list[str] | None, typer.Option("--arms", metavar="NAME,...", help="Arms whose layers are drawn.")
    ] = None,
    runs_dir: Annotated[Path, typer.Option("--runs-dir", help="Where runs are kept.")] = Path("runs"),
) -> None:
    """Write a page to look at: answer, charts, tables, methods.

    A page is one HTML file that loads nothing: STUDY/report.html, or --out. Of several studies each gets its page, and
    an index leads to them: report.html in the runs folder, or --out.

    Example: normbench report runs/lenet_bn
    """
    from normbench.report.pages.html.written_pages import write_pages
    from normbench.storage.files.plain_text import one_line
    from normbench.storage.study_search import read_studies

    unreadable: list[str] = []
    found = read_studies(studies or [runs_dir], unreadable)
    for line in unreadable:
        typer.echo(one_line(line), err=True)
    for path in write_pages(found, out, arms or [], runs_dir):
        typer.echo(f"report   {path}")
