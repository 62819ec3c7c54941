""".timings.json: what runs were measured to cost, in seconds, and on which machine with which versions."""

from typing import Any

from pydantic import with_config
from typing_extensions import TypedDict

from normbench.storage.contents.shape import Shape
from normbench.storage.contents.values import KEEPS_UNKNOWN, NotNegative, Word


@with_config(KEEPS_UNKNOWN)
class TimingsContent(TypedDict):
    """The content of .timings.json: seconds by name, for each kind of run."""

    measured_with: dict[Word, Any]
    timings: dict[Word, dict[Word, NotNegative]]


TIMINGS: Shape[TimingsContent] = Shape(TimingsContent)
