"""study.json: the arms of a study with their folders, what its file says, and the seeds that were asked for."""

from typing import Annotated, Literal, NotRequired

from pydantic import AfterValidator, Field, with_config
from pydantic_core import PydanticCustomError
from typing_extensions import TypedDict

from normbench.storage.contents.shape import MOST, Shape
from normbench.storage.contents.values import (
    KEEPS_UNKNOWN,
    MAX_ENTRIES,
    AnySetting,
    Count,
    FileName,
    Flag,
    Must,
    NotNegative,
    Number,
    Seed,
    Setting,
    Sha256,
    Text,
    Word,
)

MAX_COUNT = 1_000_000
"""Most seeds that a count stands for; study files may ask for far fewer."""
SeedCount = Annotated[int, Field(ge=0, le=MAX_COUNT)]
Seeds = Annotated[list[Seed], Field(min_length=1, max_length=MAX_COUNT)]
Words = Annotated[list[Word], Field(max_length=MAX_ENTRIES)]


@with_config(KEEPS_UNKNOWN)
class ArmEntryContent(TypedDict):
    """One arm: its label, the name of its folder, what a grid sets in it, and which keys are tuned."""

    arm: Word
    name: NotRequired[Word]
    sets: NotRequired[dict[Word, Setting]]
    tuned: NotRequired[Words]
    identity: NotRequired[Sha256]
    folder: FileName


@with_config(KEEPS_UNKNOWN)
class BaselineContent(TypedDict):
    """The settings of the arms that others are compared with: the fields of Baseline."""

    said: Text
    name: NotRequired[Word]
    settings: NotRequired[dict[Word, Setting]]
    is_tuned: NotRequired[Flag]
    is_one_arm: NotRequired[Flag]


@with_config(KEEPS_UNKNOWN)
class CollapseContent(TypedDict):
    """A limit on the last value of a column, beyond which a run counts as collapsed."""

    metric: Word
    below: NotRequired[Number]
    above: NotRequired[Number]


@with_config(KEEPS_UNKNOWN)
class AskedContent(TypedDict):
    """Seeds that a command asked for, a count or a list, with its checks and the identities of its arms."""

    seeds: Annotated[SeedCount | Seeds, Must("must be a number of seeds, or a list of seeds")]
    check_after: Annotated[list[Count], Field(max_length=MAX_COUNT)] | None
    arms: Annotated[list[Sha256], Field(max_length=MAX_ENTRIES)]


@with_config(KEEPS_UNKNOWN)
class AcceptedContent(TypedDict):
    """Code of the user's that was changed and accepted: its digests by name, now and when the runs were made."""

    now: dict[Text, Word]
    then: dict[Text, Word]


@with_config(KEEPS_UNKNOWN)
class StudyContent(TypedDict, total=False):
    """The content of study.json; version 0.1.0 wrote no ``normbench``, and a text as baseline."""

    study: Word
    question: Text
    source: Text
    content_sha256: Annotated[Sha256 | Literal[""], Must("must be a sha256 in hex digits")]
    options: dict[Word, Setting]
    set: list[Text]
    normbench: Word
    numerics: Count
    engine: Word
    device: Word
    arms: Annotated[list[ArmEntryContent], Field(max_length=MAX_ENTRIES)]
    axes: Words
    named: Words
    seeds: Seeds
    baseline: Annotated[BaselineContent | Text | None, Must("must be what a study's baseline fixes")]
    is_plain: Flag
    tune: dict[Word, list[AnySetting]] | None
    collapse: Annotated[CollapseContent | Literal[False] | None, Must("must be what a study declares as a collapse")]
    tuning_seeds: Seeds
    margin: NotNegative | None
    quotes: dict[Word, Text]
    claims: list[AnySetting]
    accepted_code: list[AcceptedContent]
    source_path: Text
    collapse_changed_after_runs: Flag
    margin_changed_after_runs: Flag
    seed_history: list[AskedContent]


def _of_one_version(study: StudyContent) -> StudyContent:
    """Refuse a baseline as version 0.1.0 wrote it in a study of a later one."""
    if "normbench" in study and isinstance(study.get("baseline"), str):
        raise PydanticCustomError("must", "baseline: must be what a study's baseline fixes, no text")
    return study


STUDY: Shape[StudyContent] = Shape(Annotated[StudyContent, AfterValidator(_of_one_version)], MOST)
