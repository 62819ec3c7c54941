"""normbench report: write studies as HTML pages, from files alone."""

from pathlib import Path
from typing import Annotated

import typer

GROUP = "Evidence"
PLACE = 1


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
    pictures: Annotated[
        str | None,
        typer.Option("--pictures", metavar="png,svg,pdf", help="Also draw each picture as a file, in STUDY/pictures."),
    ] = None,
    runs_dir: Annotated[Path, typer.Option("--runs-dir", help="Where runs are kept.")] = Path("runs"),
) -> None:
    """Write a page to look at: answer, charts, tables, methods.

    A page is one HTML file that loads nothing: STUDY/report.html, or --out. Of several studies each gets its page, and
    an index leads to them: report.html in the runs folder, or --out. Charts of layers show the arms that tell the
    result: those of the answer, the baseline, the worst; --arms names others. --pictures draws for papers.

    Example: normbench report runs/lenet_bn
    """
    from normbench.report.figures.asked_pictures import read_suffixes, write_all_pictures
    from normbench.report.pages.html.written_pages import write_pages
    from normbench.storage.files.plain_text import one_line
    from normbench.storage.run_search import resolve_folder
    from normbench.storage.study_search import read_studies

    suffixes = read_suffixes(pictures)
    unreadable: list[str] = []
    found = read_studies([resolve_folder(study, runs_dir) for study in studies or ()] or [runs_dir], unreadable)
    for line in unreadable:
        typer.echo(one_line(line), err=True)
    for path in write_pages(found, out, arms or [], runs_dir):
        typer.echo(f"report   {path}")
    for path in write_all_pictures(found, suffixes):
        typer.echo(f"picture  {path}")
