"""claim.json: the process that makes a run, or how its attempt ended."""

from typing import Annotated

from pydantic import Field, with_config
from typing_extensions import TypedDict

from normbench.storage.contents.shape import Shape
from normbench.storage.contents.values import KEEPS_UNKNOWN, MAX_INT, Must, Text, Word

Pid = Annotated[int, Field(ge=1, le=MAX_INT), Must("must be the number of a process")]
"""To the system, -1 means all processes."""


@with_config(KEEPS_UNKNOWN)
class ClaimContent(TypedDict):
    """The content of claim.json: the fields of Owner."""

    token: Word
    pid: Pid
    host: Word
    sight: Word
    born: Word
    started_at: Word
    status: Word
    error: Text


CLAIM: Shape[ClaimContent] = Shape(ClaimContent)
