"""finished.json: a study whose runs are all finished, as a command that asks for it again shows it."""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, with_config
from typing_extensions import TypedDict

from normbench.storage.contents.choice import ChoiceFields, refuse_other_trials
from normbench.storage.contents.shape import MOST, Shape
from normbench.storage.contents.values import KEEPS_UNKNOWN, Count, FileName, Flag, Float, Must, Seed, Text, Word


@with_config(KEEPS_UNKNOWN)
class FinishedRunContent(TypedDict):
    """One run that was asked for."""

    arm: Word
    folder: FileName
    seed: Seed


class FindingContent(TypedDict):
    """What may go wrong in a network: the fields of Finding."""

    level: Annotated[Literal["error", "warning", "note"], Must("must be error, warning or note")]
    layers: list[Text]
    what: Text
    figure: Text
    why: Text
    way_out: Text
    source: Text
    arms: list[Text]
    value: Float | None
    num_seeds: Count
    of_seeds: Count


@with_config(KEEPS_UNKNOWN)
class EndContent(TypedDict):
    """Why no more seeds were added, after how many, and after how many at the latest."""

    why: Annotated[Literal["decided", "unlikely", "open", "failed", "nothing"], Must("must be why a study ended")]
    after: Count
    last: Count


@with_config(KEEPS_UNKNOWN)
class ScreenContent(TypedDict):
    """The lines of a report, each with whether it is a header, and what they depend on."""

    shown_as: dict[Word, Any]
    rows: list[tuple[Text, Flag]]


@with_config(KEEPS_UNKNOWN)
class FinishedContent(TypedDict):
    """The content of finished.json: what was asked, the sha256 of each deciding file, and what is shown."""

    asked: dict[Word, Any]
    files: dict[Text, Word]
    runs: list[FinishedRunContent]
    texts: list[Text]
    findings: list[FindingContent]
    choices: list[Annotated[ChoiceFields, AfterValidator(refuse_other_trials)]]
    end: EndContent | None
    screen: ScreenContent | None


FINISHED: Shape[FinishedContent] = Shape(FinishedContent, MOST)
