"""identity.json: everything that decides the numbers of an arm's runs, but for the seed."""

from pydantic import with_config
from typing_extensions import TypedDict

from normbench.storage.contents.shape import Shape
from normbench.storage.contents.values import KEEPS_UNKNOWN, AnySetting, Count, Sha256, Text, Word


@with_config(KEEPS_UNKNOWN)
class IdentityContent(TypedDict):
    """The content of identity.json: the fields of RunIdentity, and their sha256."""

    identity: Sha256
    settings: dict[Word, AnySetting]
    device: Word
    context: dict[Word, AnySetting]
    numerics: Count
    engine: Word
    digests: dict[Text, Word]


IDENTITY: Shape[IdentityContent] = Shape(IdentityContent)
