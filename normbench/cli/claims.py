"""normbench claims: test the claims of study files against their runs."""

from pathlib import Path
from typing import Annotated

import typer

from normbench.cli._format import AsJson, Format, chosen_format, print_result

GROUP = "Evidence"
PLACE = 2


def command(
    configs: Annotated[
        list[Path] | None,
        typer.Argument(
            readable=False,
            metavar="CONFIG",
            help="Study files, or names of normbench configs; all with claims if none.",
        ),
    ] = None,
    details: Annotated[bool, typer.Option("--details", help="Every claim with all its numbers.")] = False,
    runs_dir: Annotated[Path, typer.Option("--runs-dir", help="Where runs are kept.")] = Path("runs"),
    format_: Format = None,
    json_: AsJson = False,
    markdown: Annotated[
        Path | None,
        typer.Option(
            "--markdown", metavar="FILE", help="Write a page, pictures and JSON beside it; other studies stay on it."
        ),
    ] = None,
) -> None:
    """Judge claims: holds, opposite, smaller, or cannot tell.

    Of a study that normbench ships and that has no runs here the stored verdicts are shown. What is longer than a
    screen is shown in short: a line or two for each claim, or names by what was found; --details shows it all.

    Example: normbench claims b01_weight_decay
    """
    from normbench.evidence.claims.stored_verdicts import claim_files, judged_or_stored
    from normbench.evidence.second_look.full_verdicts import full_verdicts
    from normbench.report.blocks.stored_claims import short_verdicts_blocks, study_verdicts_blocks
    from normbench.report.pages.claims_page import claims_result
    from normbench.report.terminal.console import make_console
    from normbench.report.terminal.render import first_that_fits, print_blocks

    chosen = chosen_format(format_, json=json_)
    studies = judged_or_stored(configs or claim_files(), runs_dir, full_verdicts)
    verdicts = [verdict for study in studies for verdict in study.verdicts]
    if markdown:
        from normbench.report.pages.claims_page import write_page

        write_page(markdown, verdicts)
    if chosen:
        print_result(claims_result(verdicts), chosen)
    elif not markdown:
        console = make_console()
        blocks = study_verdicts_blocks(studies, runs_dir, console.width, in_full=bool(configs))
        shorter = short_verdicts_blocks(studies, runs_dir, console.width, in_full=bool(configs))
        print_blocks(console, blocks if details else first_that_fits([blocks], shorter, width=console.width))
