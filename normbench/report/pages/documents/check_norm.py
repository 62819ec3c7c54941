"""The JSON of `normbench check-norm`: the properties of a norm layer."""

from collections.abc import Sequence
from typing import Literal

from typing_extensions import TypedDict

from normbench.report.pages.documents.base import Document


class PropertyEntry(TypedDict):
    """One property that was measured.

    Attributes:
        name: The property.
        holds: yes, no, or "" where the question does not arise or has another answer.
        figure: By how much, where, why; "" where there is nothing to add.
        is_needed: Whether training relies upon it.
        is_fault: Whether training relies upon it and it is not so.
    """

    name: str
    holds: Literal["yes", "no", ""]
    figure: str
    is_needed: bool
    is_fault: bool


class NormEntry(TypedDict):
    """A norm layer, measured.

    Attributes:
        norm: The norm as it was named.
        shape: (C, *) of the samples it was measured on.
        properties: What was measured.
    """

    norm: str
    shape: Sequence[int]
    properties: Sequence[PropertyEntry]


DOCUMENT = Document("check-norm", "normbench check-norm", "The properties of a norm layer, measured.", (NormEntry,))
