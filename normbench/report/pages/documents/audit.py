"""The JSON of `normbench audit`: the norms of the user's own network, and what becomes of them."""

from collections.abc import Mapping, Sequence
from typing import Any

from typing_extensions import TypedDict

from normbench.report.pages.documents.base import Document, WithBlocks


class AuditEntry(TypedDict):
    """The norms of a network, and what becomes of them in arms that treat them alike.

    Attributes:
        arms: Names of the arms.
        audit: The norm that is put in, each norm of the network under "sites", and the answer of the same-kind check.
        same_kind: How the outputs compare with those under normbench's norms of the same kinds.
        rows: The cells of the table that the terminal shows, a row per norm.
        totals: How many norms were replaced, kept and made, in words.
    """

    arms: Sequence[str]
    audit: Mapping[str, Any]
    same_kind: Mapping[str, Any]
    rows: Sequence[Sequence[str]]
    totals: Sequence[str]


class StudyAudits(TypedDict):
    """The audits of a study.

    Attributes:
        study: The study's name.
        audits: An entry for each set of norms; none for normbench's own models.
    """

    study: str
    audits: Sequence[AuditEntry]


DOCUMENT = Document(
    "audit", "normbench audit", "The norms of your own network, and what becomes of them.", (StudyAudits, WithBlocks)
)
