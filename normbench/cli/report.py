"""normbench report: write studies as HTML pages, from files alone."""

from collections.abc import Sequence
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
    claims: Annotated[
        bool, typer.Option("--claims", help="Write the page of all claims instead: as normbench claims judges them.")
    ] = False,
    runs_dir: Annotated[Path, typer.Option("--runs-dir", help="Where runs are kept.")] = Path("runs"),
) -> None:
    """Write a page to look at: answer, charts, tables, methods.

    A page is one HTML file that loads nothing: STUDY/report.html, or --out. Of several studies each gets its page, and
    an index leads to them: report.html in the runs folder, or --out. Charts of layers show the arms that tell the
    result: those of the answer, the baseline, the worst; --arms names others. --pictures draws for papers.

    --claims writes one page of what was found of every claim, to be filtered by verdict, study, document and text:
    claims.html in the runs folder, or --out.

    Example: normbench report runs/lenet_bn
    """
    from normbench.report.figures.asked_pictures import read_suffixes, write_all_pictures
    from normbench.report.pages.html.written_pages import write_pages
    from normbench.storage.files.plain_text import one_line
    from normbench.storage.run_search import resolve_folder
    from normbench.storage.study_search import read_studies

    if claims:
        others = [*(studies or ()), *(arms or ()), *filter(None, [pictures])]
        typer.echo(f"report   {_write_claims(out, runs_dir, others)}")
        return
    suffixes = read_suffixes(pictures)
    unreadable: list[str] = []
    found = read_studies([resolve_folder(study, runs_dir) for study in studies or ()] or [runs_dir], unreadable)
    for line in unreadable:
        typer.echo(one_line(line), err=True)
    for path in write_pages(found, out, arms or [], runs_dir):
        typer.echo(f"report   {path}")
    for path in write_all_pictures(found, suffixes):
        typer.echo(f"picture  {path}")


def _write_claims(out: Path | None, runs_dir: Path, others: Sequence[Path | str]) -> Path:
    """Write the page of all claims, which goes with --out and --runs-dir alone."""
    from normbench.errors import ComparisonError
    from normbench.evidence.claims.stored_verdicts import claim_files, judged_or_stored
    from normbench.evidence.second_look.full_verdicts import full_verdicts
    from normbench.report.pages.html.claims_page import write_claims_page

    if others:
        raise ComparisonError(f"--claims: must go without studies and pictures, got {others[0]}. Leave it out.")
    studies = judged_or_stored(claim_files(), runs_dir, full_verdicts)
    return write_claims_page([one for study in studies for one in study.verdicts], out, runs_dir)
