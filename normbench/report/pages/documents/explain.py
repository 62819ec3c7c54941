"""The JSON of `normbench explain`: pages on parts and settings."""

from collections.abc import Mapping, Sequence
from typing import Any

from typing_extensions import TypedDict

from normbench.report.pages.documents.base import Document, WithBlocks


class Explanation(TypedDict):
    """The pages that a word asks for.

    Attributes:
        pages: An object per page; its "kind" says which other keys it has, those of what the page shows.
    """

    pages: Sequence[Mapping[str, Any]]


DOCUMENT = Document("explain", "normbench explain", "Pages on a part, a setting or a key.", (Explanation, WithBlocks))
