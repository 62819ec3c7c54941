"""summary.json: how a run ended, its last numbers, its layers, and the sha256 of each file beside it."""

from typing import Annotated, Literal, NotRequired

from pydantic import AfterValidator, Field, with_config
from pydantic_core import PydanticCustomError
from typing_extensions import TypedDict

from normbench.storage.contents.shape import Shape
from normbench.storage.contents.values import (
    KEEPS_UNKNOWN,
    MAX_KEY,
    Count,
    FileName,
    Flag,
    Float,
    Must,
    Positive,
    Seed,
    Sha256,
    Word,
)
from normbench.storage.run_status import RunStatus

Status = Annotated[Literal[RunStatus.FINISHED, RunStatus.DIVERGED], Must("must say finished or diverged")]
Splits = Annotated[Literal["folds", "random", "fixed"], Must("must be folds, random or fixed")]


@with_config(KEEPS_UNKNOWN)
class LayerContent(TypedDict):
    """One weighted layer: its name, its weight's shape, and whether a norm follows.

    Of a layer that is not normbench's own also its role, and the name under which layer_stats.csv has its weight.
    """

    name: Word
    shape: Annotated[list[Count], Field(max_length=MAX_KEY)]
    has_norm: Flag
    role: NotRequired[Word]
    weight: NotRequired[Word]


@with_config(KEEPS_UNKNOWN)
class FiniteContent(TypedDict):
    """Data of which there are only so many rows, and how a run's seed splits them."""

    num_rows: Positive
    unit: Word
    splits: Splits
    num_folds: NotRequired[Positive | None]


@with_config(KEEPS_UNKNOWN)
class RecordedContent(TypedDict):
    """What a run recorded: the steps between two rows, the kinds of histograms, and each switch that was on."""

    every_steps: NotRequired[Count]
    histograms: NotRequired[list[Word]]


@with_config(KEEPS_UNKNOWN)
class SummaryContent(TypedDict):
    """The content of summary.json; what version 0.1.0 did not write may be missing.

    Null stands for a number that is not finite.
    """

    seed: NotRequired[Seed]
    identity: NotRequired[Sha256]
    recorded: NotRequired[RecordedContent]
    status: Status
    step: Count
    metrics: NotRequired[dict[Word, Float | None]]
    constant_predictor: NotRequired[dict[Word, Float | None]]
    num_parameters: Count
    num_norm_parameters: NotRequired[Count]
    layers: list[LayerContent]
    steps_per_epoch: NotRequired[Positive]
    total_steps: Count
    finite: NotRequired[FiniteContent | None]
    num_train: NotRequired[Count]
    num_validation: NotRequired[Count]
    num_test: NotRequired[Count]
    decay_kind: NotRequired[Word]
    numerics: NotRequired[Count]
    engine: NotRequired[Word]
    files: dict[FileName, Sha256]


def split_size(summary: SummaryContent, split: str) -> int | None:
    """Return the number of samples of a split, of which datasets have others beside the usual; None where it has none.

    Example:
        >>> sizes: SummaryContent = {"num_train": 10, "num_longer": "many"}  # type: ignore[typeddict-item]
        >>> split_size(sizes, "train"), split_size(sizes, "longer")
        (10, None)
    """
    found = summary.get(f"num_{split}")
    return found if isinstance(found, int) and found > 0 else None


def _with_split_sizes(summary: SummaryContent) -> SummaryContent:
    """Refuse finite data without the sizes of their splits, all of which hold some rows."""
    finite = summary.get("finite")
    if finite is None:
        return summary
    sizes = summary.get("num_train", 0), summary.get("num_validation", 0), summary.get("num_test", 0)
    if not all(sizes) or sizes[0] >= finite["num_rows"]:
        rule = "finite: must stand beside num_train, num_validation and num_test, rows of num_rows"
        raise PydanticCustomError("must", rule)
    return summary


SUMMARY: Shape[SummaryContent] = Shape(
    Annotated[SummaryContent, AfterValidator(_with_split_sizes)], writer="the run wrote it"
)
