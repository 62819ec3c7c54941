"""Writes the page of results as HTML: every claim by what was found of it, to be filtered, and a picture per study."""

from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from normbench.errors import ComparisonError
from normbench.evidence.claims.outcomes import OUTCOMES
from normbench.evidence.claims.verdict import ClaimVerdict
from normbench.report.blocks.claim_facts import HEADINGS, ClaimFacts, claims_facts
from normbench.report.blocks.claims import together_text
from normbench.report.figures.claims import draw_claims
from normbench.report.pages.claims_markdown import rules, study_facts, summary_counts
from normbench.report.pages.html.rendering import rendered, write_page
from normbench.storage.files.atomic import make_folder

CLAIMS_HTML = "claims.html"
CONTROL = "none, a control"
"""What stands in place of a document where none makes the claim."""


@dataclass(frozen=True)
class ClaimsSection:
    """The claims of which the same was found.

    Attributes:
        name: Its anchor.
        heading: Its heading.
        facts: What is said of each claim.
    """

    name: str
    heading: str
    facts: Sequence[ClaimFacts]


@dataclass(frozen=True)
class StudyPart:
    """What the page has of a study: name, facts, the command that runs it, and its picture as a data address."""

    name: str
    facts: str
    command: str
    picture: str


def write_claims_page(verdicts: Sequence[ClaimVerdict], out: Path | None, runs_dir: Path) -> Path:
    """Write the page, into the runs folder if not told where; return its path.

    Raises:
        ComparisonError: The file cannot be written.
    """
    if out is not None and out.suffix != ".html":
        raise ComparisonError(f"--out {out}: must end in .html, got {out.suffix!r}. Example: --out claims.html")
    path = out or runs_dir / CLAIMS_HTML
    try:
        make_folder(path.parent)
    except OSError as error:
        rule = "must lie in a folder this user may write"
        raise ComparisonError(f"{path}: {rule}, got: {error.strerror}. Choose another with --out FILE.") from None
    write_page(path, claims_page(verdicts))
    return path


def claims_page(verdicts: Sequence[ClaimVerdict]) -> str:
    """Return the page as HTML; equal verdicts give equal pages."""
    facts = claims_facts(verdicts)
    sorted_facts = [(outcome, [one for one in facts if one.outcome == outcome]) for outcome in OUTCOMES]
    return rendered(
        "claims.html.j2",
        title="Claims",
        facts=facts,
        counts=summary_counts(verdicts),
        together=together_text(verdicts),
        sections=[ClaimsSection(one.replace(" ", "-"), HEADINGS[one], found) for one, found in sorted_facts if found],
        studies=[_study(name, list(of)) for name, of in groupby(verdicts, key=lambda one: one.study)],
        documents=list(dict.fromkeys(one.source.get("title") or CONTROL for one in verdicts)),
        control=CONTROL,
        rules=[text.replace("*", "") for text in rules(verdicts)],
    )


def _study(name: str, verdicts: Sequence[ClaimVerdict]) -> StudyPart:
    picture = f"data:image/svg+xml;base64,{b64encode(draw_claims(verdicts)).decode()}"
    return StudyPart(name, study_facts(verdicts), verdicts[0].command, picture)
