"""Writes the page of results as files: markdown, a picture per study, and the verdicts as JSON."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from itertools import groupby
from pathlib import Path

from normbench.errors import ComparisonError
from normbench.evidence.claims.verdict import ClaimVerdict
from normbench.evidence.claims.verdicts_file import merge_by_study, read_verdicts
from normbench.report.blocks.block import Block, Line
from normbench.report.blocks.claims import claims_table, summary_line
from normbench.report.figures.claims import draw_claims
from normbench.report.pages.claims_markdown import page
from normbench.report.pages.documents.claims import DOCUMENT
from normbench.report.pages.entry_rows import claim_rows
from normbench.report.pages.formats import json
from normbench.report.pages.formats.base import Result
from normbench.report.pages.json_text import claim_mappings
from normbench.storage.files.atomic import make_folder, replacing
from normbench.storage.files.json_files import write_text

VERDICTS_JSON = "verdicts.json"


def claims_result(verdicts: Sequence[ClaimVerdict]) -> Result:
    """Return the verdicts for a format: a table with a row per expectation, and how many there are of each."""

    def pages() -> list[list[Block]]:
        return [[Block("Claims", claims_table(verdicts), [Line(summary_line(verdicts))])]]

    return Result(DOCUMENT, partial(claim_mappings, verdicts), pages, partial(claim_rows, verdicts))


def write_page(path: Path, verdicts: Sequence[ClaimVerdict]) -> None:
    """Write the page, and the pictures and verdicts as JSON into a folder beside it.

    Studies on the page that are not in ``verdicts`` keep their rows.

    Raises:
        ComparisonError: The page cannot be written.
    """
    if path.suffix != ".md":
        raise ComparisonError(
            f"--markdown {path}: must end in .md, got {path.suffix!r}. Example: --markdown RESULTS.md"
        )
    pictures = path.with_suffix("")
    try:
        _write(path, pictures, verdicts)
    except OSError as error:
        rule = "must lie in a folder this user may write"
        raise ComparisonError(f"--markdown {path}: {rule}, got: {error.strerror}. Choose another.") from None


def _write(path: Path, pictures: Path, verdicts: Sequence[ClaimVerdict]) -> None:
    make_folder(pictures)
    for study, of_study in groupby(verdicts, key=lambda verdict: verdict.study):
        with replacing(pictures / f"{study}.svg") as part:
            part.write_bytes(draw_claims(list(of_study)))
    kept = pictures / VERDICTS_JSON
    everything = [replace(one, stored=True) for one in merge_by_study(read_verdicts(kept), verdicts)]
    write_text(kept, json.write(claims_result(everything)) + "\n")
    write_text(path, page(read_verdicts(kept), pictures.name))
