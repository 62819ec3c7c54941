"""Writes the page of results: a table of verdicts, a picture per study, and the discussion of each claim."""

from collections.abc import Sequence
from functools import partial
from importlib.metadata import version
from itertools import groupby
from pathlib import Path

from normbench.errors import ComparisonError
from normbench.evidence.claims.many_claims import OLD_WORDS
from normbench.evidence.claims.margin_test import CANNOT_TELL, ExpectationResult
from normbench.evidence.claims.verdict import ClaimVerdict
from normbench.evidence.claims.verdicts_file import merge_by_study, read_verdicts
from normbench.report.blocks.block import Block, Line
from normbench.report.blocks.claims import (
    about_text,
    claims_table,
    effect_with_interval,
    expected,
    marked_words,
    seeds_held,
    summary_line,
)
from normbench.report.figures.claims import draw_claims
from normbench.report.pages.documents.claims import DOCUMENT
from normbench.report.pages.entry_rows import claim_rows
from normbench.report.pages.formats.base import Result
from normbench.report.pages.json_text import claim_mappings, claims_json
from normbench.storage.files.atomic import make_folder, replacing
from normbench.storage.files.json_files import write_text
from normbench.storage.identity import NUMERICS

VERDICTS_JSON = "verdicts.json"
RULES = """\
Each row is a sentence from a document, as a study that anyone can run again; its settings and its margin, the smallest
effect worth the sentence, were fixed before its runs. Every run of an arm is paired with the run of the same seed in
the other arms (same data, same batch order, where shapes agree the same initial weights). Verdicts speak of the
typical seed: signed ranks, guarded by the count of seeds. *Holds*: it lies beyond the margin. *Opposite*: it lies on
the other side of no effect. *Smaller than claimed*: it falls short of the margin. Else *cannot tell*. Effects are
ratios (x) for losses and changes, differences otherwise, pseudo-medians with their 95 % interval; p is two-sided. A
claim of several parts holds if each part does at 5 %; against it, p is corrected over the parts (Holm). A diverged run
counts as the worst possible, never as missing. What a run cannot be: evidence for other settings than its own."""
FINITE_RULE = (
    "On finite data a claim about new data is judged by the corrected t of its mean over the splits (Nadeau and "
    "Bengio, 2003), with failed runs at the constant predictor's value."
)
OLD_RULE = "*Supported* and *refuted* are verdicts of version 0.1.0, by a test of the mean."


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
    everything = merge_by_study(read_verdicts(pictures / VERDICTS_JSON), verdicts)
    write_text(pictures / VERDICTS_JSON, claims_json(everything, ascii_only=False) + "\n")
    write_text(path, page(everything, pictures.name))


def page(verdicts: Sequence[ClaimVerdict], pictures: str) -> str:
    """Return the page as markdown.

    Args:
        verdicts: The verdicts, in the order of the studies.
        pictures: Path of the folder of pictures, relative to the page.
    """
    table = ["| | claim | verdict | effect | expected | seeds | p |", "|---|---|---|---|---|---|---|"]
    words = marked_words(verdicts)
    table += [row for verdict, word in zip(verdicts, words, strict=True) for row in _rows(verdict, word)]
    studies = [_study(study, list(of_study), pictures) for study, of_study in groupby(verdicts, key=lambda v: v.study)]
    head = f"# Results\n\nWritten by `normbench claims --markdown`, normbench {version('normbench')}.\n\n{RULES}\n"
    others = (_on_finite_data, _of_older_rule, _of_other_numerics)
    counts = " ".join([summary_line(verdicts), *(line for of in others for line in of(verdicts))])
    return "\n".join([head, counts, "", *table, "", *studies]).rstrip() + "\n"


def _on_finite_data(verdicts: Sequence[ClaimVerdict]) -> list[str]:
    return [FINITE_RULE] if any(verdict.about for verdict in verdicts) else []


def _of_older_rule(verdicts: Sequence[ClaimVerdict]) -> list[str]:
    return [OLD_RULE] if any(verdict.verdict in OLD_WORDS for verdict in verdicts) else []


def _of_other_numerics(verdicts: Sequence[ClaimVerdict]) -> list[str]:
    """Return a sentence if runs have another numerics number than this version, which may give them other numbers."""
    numbers = {verdict.versions["numerics"] for verdict in verdicts if "numerics" in verdict.versions}
    others = " and ".join(sorted(numbers - {str(NUMERICS)}))
    way_out = "the changelog says which of them would give other numbers now"
    return [f"Runs of numerics {others} are not of this version, numerics {NUMERICS}; {way_out}."] if others else []


def _rows(verdict: ClaimVerdict, word: str) -> list[str]:
    says = verdict.says if len(verdict.parts) < 2 else f"{verdict.says} (all of {len(verdict.parts)})"
    says += f" ({about_text(verdict)})" * bool(verdict.about and verdict.parts)
    mark = word.removeprefix(verdict.verdict)
    first = f"| {verdict.id} | {_cell(says)} | **{verdict.verdict}**{mark}"
    if not verdict.parts:
        return [f"{first} | {_cell(verdict.why)} | | | |"]
    if len(verdict.parts) == 1:
        return [f"{first}{_figures(verdict, 0)}"]
    return [f"{first} | | | | |"] + [
        f"| | {_cell(part.expectation)} · {_cell(part.metric)} | {part.verdict}{_figures(verdict, i)}"
        for i, part in enumerate(verdict.parts)
    ]


def _figures(verdict: ClaimVerdict, number: int) -> str:
    part = verdict.parts[number]
    effect = effect_with_interval(part)
    return f" | {effect} | {expected(part)} | {seeds_held(part)} | {part.p_corrected:.2g} |"


def _study(study: str, verdicts: Sequence[ClaimVerdict], pictures: str) -> str:
    seeds = sorted({len(verdict.seeds) for verdict in verdicts if verdict.seeds})
    hashes = ", ".join(dict.fromkeys(verdict.hash for verdict in verdicts if verdict.hash))
    dates = sorted({verdict.date for verdict in verdicts if verdict.date})
    versions = next((verdict.versions for verdict in verdicts if verdict.versions), {})
    with_versions = "".join(f", {name} {version}" for name, version in versions.items())
    facts = f"{'/'.join(map(str, seeds))} seeds, settings {hashes}, run {dates[-1]}{with_versions}. " if dates else ""
    lines = [f"## {study}", "", f"{facts}Again: `{verdicts[0].command}`", "", f"![{study}]({pictures}/{study}.svg)", ""]
    for verdict in verdicts:
        lines += _paragraph(verdict)
    return "\n".join(lines)


def _paragraph(verdict: ClaimVerdict) -> list[str]:
    title, url, quote = (verdict.source.get(key, "") for key in ("title", "url", "quote"))
    where = f"[{title}]({url})" if url.startswith("http") else title
    source_text = f": “{quote}” {where}" if quote else f": {where}" if where else " (a control; no document says so)"
    lines = [f"**{verdict.id}** {verdict.says}{source_text} — **{verdict.verdict}**", ""]
    reason = f"{verdict.why}." if verdict.why and verdict.parts else ""
    undecided = "" if reason else " ".join(map(_undecided_text, verdict.parts))
    text = f"{reason} {' '.join(verdict.discussion.split()) or undecided}".strip()
    return lines + ([text, ""] if text else [])


def _undecided_text(part: ExpectationResult) -> str:
    """Return why an expectation is undecided; "" for a decided one."""
    if part.verdict != CANNOT_TELL:
        return ""
    found = f"{part.metric}, {part.expectation}: {effect_with_interval(part)} from {part.n} seeds"
    return f"{found} does not settle what was expected ({expected(part)})."


def _cell(text: str) -> str:
    return " ".join(text.replace("|", "\\|").split())
