"""The JSON of `normbench probe`: the layers of a network before training, and what may go wrong in a study."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from typing_extensions import TypedDict

from normbench.evidence.statistics.growth import Growth, Spread
from normbench.findings import Finding
from normbench.report.pages.documents.base import Document, WithBlocks


@dataclass(frozen=True)
class GrowthEntry(Growth):
    """The growth of a std per layer.

    Attributes:
        word: explodes, vanishes, steady or not known.
    """

    word: str = ""


@dataclass(frozen=True)
class FindingEntry(Finding):
    """What may go wrong.

    Attributes:
        says: All of it in a sentence.
    """

    says: str = ""


class LayerEntry(TypedDict):
    """One layer over all seeds.

    Attributes:
        layer: The layer's name.
        kind: The layer's class.
        role: weights, norm, activation, other, or parameter, which lies in no layer.
        after: The last layer with weights that was called before it, or itself.
        shape: The weight's shape; empty without a weight.
        norm: Class of the norm that follows the weight; empty without one.
        is_hidden: Whether it has weights and is not the last such layer.
        statistics: What is wrong with running statistics; "" if nothing.
        nan_buffer: Name of a buffer that holds nan; "" without one.
        zeros: Names of its learned weights that are 0 throughout.
        word: steady, vanishes, explodes, constant, dead or not finite; "" for a parameter.
        std: Std of its output.
        grad_std: Std of the gradient at its output; null where there is none.
        figures: Means over seeds of its other figures, by name; geometric means of stds.
    """

    layer: str
    kind: str
    role: str
    after: str
    shape: Sequence[int]
    norm: str
    is_hidden: bool
    statistics: str
    nan_buffer: str
    zeros: Sequence[str]
    word: str
    std: Spread
    grad_std: Spread | None
    figures: Mapping[str, float]


class ProbeEntry(TypedDict):
    """The std of output and output gradient at every layer of a network, before any training.

    Attributes:
        name: The arm's label, or the name of the user's callable.
        setting: The input and the gradient that were sent through, in words.
        num_seeds: Number of seeds, each with its own initial weights.
        lines: Every layer, in order of execution.
        forward: Factor by which the output's std grows from one hidden layer to the next.
        backward: Factor by which the output gradient's std grows from one hidden layer to the one before.
        findings: Faults, and notes on what does no harm.
    """

    name: str
    setting: str
    num_seeds: int
    lines: Sequence[LayerEntry]
    forward: GrowthEntry | None
    backward: GrowthEntry | None
    findings: Sequence[FindingEntry]


class Probes(TypedDict):
    """The networks that were probed.

    Attributes:
        probes: An entry per arm, or one for the callable.
        findings: What may go wrong in the runs of the study; empty for a callable.
    """

    probes: Sequence[ProbeEntry]
    findings: Sequence[Finding]


DOCUMENT = Document(
    "probe", "normbench probe", "The layers of each arm's network, or of a callable's, untrained.", (Probes, WithBlocks)
)
