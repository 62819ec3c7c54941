"""environment.json: when, where and with what a run was made, and what it cost."""

from pydantic import with_config
from typing_extensions import TypedDict

from normbench.storage.contents.shape import Shape
from normbench.storage.contents.values import KEEPS_UNKNOWN, Count, NotNegative, Text, Word


@with_config(KEEPS_UNKNOWN)
class EnvironmentContent(TypedDict, total=False):
    """The content of environment.json, in which nothing decides a number; durations are in seconds."""

    started_at: Word
    duration_s: NotNegative | None
    cpu_s: NotNegative | None
    cpu_s_per_step: NotNegative | None
    device: Word
    python: Word
    platform: Word
    num_threads: Count
    num_cpus: Count | None
    git_commit: Word | None
    versions: dict[Word, Word]
    place: Word
    code: dict[Text, Word]


ENVIRONMENT: Shape[EnvironmentContent] = Shape(EnvironmentContent)
