"""What `normbench compare` writes: text, JSON, CSV or markdown, with the paragraph on methods where it is asked for."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import typer

from normbench.errors import ComparisonError
from normbench.evidence.comparison import StudyComparison
from normbench.evidence.pivot import Pivot
from normbench.report.comparison_text import as_csv, as_json, pivots_csv, print_study_comparison
from normbench.report.markdown_text import study_markdown
from normbench.report.methods_text import methods
from normbench.report.tables import make_console

FORMATS = ("--json", "--csv", "--markdown")


def chosen_format(*, json: bool, csv: bool, markdown: bool, with_methods: bool) -> str:
    """Return which of FORMATS was asked for, or "text".

    Raises:
        ComparisonError: More than one was, or a paragraph among the lines of a CSV.
    """
    chosen = [name for name, is_asked in zip(FORMATS, (json, csv, markdown), strict=True) if is_asked]
    if len(chosen) > 1:
        raise ComparisonError(f"{' '.join(chosen)}: must be one format, got {len(chosen)}. Leave one out.")
    if csv and with_methods:
        raise ComparisonError(
            "--csv --methods: must be lines of numbers, got a paragraph too. Use --json or --markdown."
        )
    return chosen[0] if chosen else "text"


def show(
    comparisons: Sequence[StudyComparison], pivots: Sequence[Sequence[Pivot]], chosen: str, *, with_methods: bool
) -> None:
    """Write the comparisons to stdout.

    Args:
        comparisons: One per study.
        pivots: The tables by settings of each study, empty where none were asked for.
        chosen: One of FORMATS, or "text".
        with_methods: Add each study's paragraph.
    """
    if chosen == "--json":
        pairs = zip(comparisons, pivots, strict=True)
        typer.echo(as_json(comparisons, [_more(study, tables, with_methods) for study, tables in pairs]))
    elif chosen == "--csv":
        cells = [table for tables in pivots for table in tables]
        typer.echo(pivots_csv(cells) if cells else as_csv(comparisons), nl=False)
    elif chosen == "--markdown":
        for study, tables in zip(comparisons, pivots, strict=True):
            paragraph = f"\n\n{methods(study, tables)}" * with_methods
            typer.echo(f"{study_markdown(study, tables)}{paragraph}\n")
    else:
        _print(comparisons, pivots, with_methods=with_methods)


def _more(study: StudyComparison, tables: Sequence[Pivot], with_methods: bool) -> dict[str, Any]:
    said: dict[str, Any] = {"pivots": [asdict(table) for table in tables]} if tables else {}
    return said | ({"methods": methods(study, tables)} if with_methods else {})


def _print(comparisons: Sequence[StudyComparison], pivots: Sequence[Sequence[Pivot]], *, with_methods: bool) -> None:
    console = make_console()
    for i, (study, tables) in enumerate(zip(comparisons, pivots, strict=True)):
        if i:
            console.print()
        print_study_comparison(console, study, tables)
        if with_methods:
            console.print(f"\n{methods(study, tables)}", soft_wrap=True)
