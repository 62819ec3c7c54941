"""normbench claims: test the claims of study files against their runs."""

from pathlib import Path
from typing import Annotated

import typer

GROUP = "Evidence"
PLACE = 2


def command(
    configs: Annotated[
        list[Path] | None,
        typer.Argument(readable=False, metavar="CONFIG", help="Study files; all in configs/ that make claims if none."),
    ] = None,
    runs_dir: Annotated[Path, typer.Option("--runs-dir", help="Where runs are kept.")] = Path("runs"),
    json_: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    markdown: Annotated[
        Path | None,
        typer.Option(
            "--markdown", metavar="FILE", help="Write a page, pictures and JSON beside it; other studies stay on it."
        ),
    ] = None,
) -> None:
    """Judge claims: holds, opposite, smaller, or cannot tell.

    Example: normbench claims configs/b01_weight_decay.yaml
    """
    from normbench.evidence.claims.study_verdicts import file_verdicts, files_with_claims
    from normbench.report.blocks.claims import claims_blocks
    from normbench.report.pages.json_text import claims_json
    from normbench.report.terminal.console import make_console
    from normbench.report.terminal.render import print_blocks

    paths = configs or files_with_claims(Path("configs"))
    verdicts = [verdict for path in paths for verdict in file_verdicts(path, runs_dir)]
    if markdown:
        from normbench.report.pages.claims_page import write_page

        write_page(markdown, verdicts)
    if json_:
        typer.echo(claims_json(verdicts))
    elif not markdown:
        print_blocks(make_console(), claims_blocks(verdicts))
