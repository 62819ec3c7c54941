"""The JSON of `normbench show`: everything in a run's folder."""

from collections.abc import Mapping, Sequence
from typing import Any

from typing_extensions import TypedDict

from normbench.evidence.layers.last_frames import FrameLine
from normbench.evidence.layers.layer_report import LayerReport
from normbench.report.pages.documents.base import Document
from normbench.report.pages.documents.runs import RunEntry
from normbench.storage.choices import Choice


class ShowExtras(TypedDict):
    """What a run's folder holds.

    Attributes:
        step: The step that it has reached; null where nothing is recorded.
        total_steps: The number of its steps; null where it is not known.
        settings: Every setting by full dotted key.
        metrics: The rows of metrics.csv, by column.
        layers: The std of weights, gradients and outputs of each layer.
        last_frames: The same at the last recorded steps, of a run that diverged or failed.
        error_lines: The last lines of error.txt.
        environment: The content of environment.json: when, where and with what it was made.
        files: The size of each file in bytes.
        choice: What tuning chose for its arm.
        command: The command that continues or repeats it; "" where none does.
    """

    step: int | None
    total_steps: int | None
    settings: Mapping[str, Any]
    metrics: Sequence[Mapping[str, Any]]
    layers: LayerReport | None
    last_frames: Sequence[FrameLine]
    error_lines: Sequence[str]
    environment: Mapping[str, Any]
    files: Mapping[str, int]
    choice: Choice | None
    command: str


DOCUMENT = Document("show", "normbench show", "Everything in a run's folder.", (RunEntry, ShowExtras))
