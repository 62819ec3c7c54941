"""What `normbench compare` writes: text, JSON, CSV or markdown, with the paragraph on methods where it is asked for."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import typer

from normbench.errors import ComparisonError
from normbench.evidence.claims.verdict import ClaimVerdict
from normbench.evidence.comparison.comparison import StudyComparison
from normbench.evidence.comparison.pivot import Pivot
from normbench.findings import Finding
from normbench.report.blocks.methods import methods
from normbench.report.blocks.tables import make_console
from normbench.report.pages.markdown import study_markdown
from normbench.report.terminal.claims import as_mapping, print_claims
from normbench.report.terminal.comparison import as_csv, as_json, pivots_csv, print_study_comparison
from normbench.report.terminal.layers import print_standouts

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
    comparisons: Sequence[StudyComparison],
    pivots: Sequence[Sequence[Pivot]],
    verdicts: Sequence[Sequence[ClaimVerdict]],
    standouts: Sequence[Sequence[Finding] | None],
    chosen: str,
    *,
    with_methods: bool,
) -> None:
    """Write the comparisons to stdout.

    Args:
        comparisons: One per study.
        pivots: The tables by settings of each study, empty where none were asked for.
        verdicts: Of the claims of each study, shown as text and in JSON.
        standouts: What stands out in the layers of each study, shown likewise; None where nothing was looked at.
        chosen: One of FORMATS, or "text".
        with_methods: Add each study's paragraph.
    """
    if chosen == "--json":
        all_of_each = zip(comparisons, pivots, verdicts, standouts, strict=True)
        typer.echo(as_json(comparisons, [_more(*of_one, with_methods=with_methods) for of_one in all_of_each]))
    elif chosen == "--csv":
        cells = [table for tables in pivots for table in tables]
        typer.echo(pivots_csv(cells) if cells else as_csv(comparisons), nl=False)
    elif chosen == "--markdown":
        for study, tables in zip(comparisons, pivots, strict=True):
            paragraph = f"\n\n{methods(study, tables)}" * with_methods
            typer.echo(f"{study_markdown(study, tables)}{paragraph}\n")
    else:
        _print(comparisons, pivots, verdicts, standouts, with_methods=with_methods)


def _more(
    study: StudyComparison,
    tables: Sequence[Pivot],
    verdicts: Sequence[ClaimVerdict],
    standouts: Sequence[Finding] | None,
    *,
    with_methods: bool,
) -> dict[str, Any]:
    said: dict[str, Any] = {"pivots": [asdict(table) for table in tables]} if tables else {}
    said |= {"claims": [as_mapping(verdict) for verdict in verdicts]} if verdicts else {}
    said |= {"standouts": [asdict(found) for found in standouts]} if standouts is not None else {}
    return said | ({"methods": methods(study, tables)} if with_methods else {})


def _print(
    comparisons: Sequence[StudyComparison],
    pivots: Sequence[Sequence[Pivot]],
    verdicts: Sequence[Sequence[ClaimVerdict]],
    standouts: Sequence[Sequence[Finding] | None],
    *,
    with_methods: bool,
) -> None:
    console = make_console()
    for i, (study, tables, claims, found) in enumerate(zip(comparisons, pivots, verdicts, standouts, strict=True)):
        if i:
            console.print()
        print_study_comparison(console, study, tables)
        if found is not None:
            console.print()
            print_standouts(console, found)
        if claims:
            console.print()
            print_claims(claims, console)
        if with_methods:
            console.print(f"\n{methods(study, tables)}", soft_wrap=True)
