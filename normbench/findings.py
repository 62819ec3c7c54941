"""Finding: what may go wrong in a layer, why it matters, the way out; what arms share is said once."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

Level = Literal["error", "warning", "note"]

LEVELS: tuple[Level, ...] = ("error", "warning", "note")
"""An error stops; a warning is told before training; a note is told where one asks for it."""


@dataclass(frozen=True)
class Finding:
    """What a check says of one layer.

    Attributes:
        level: error, warning or note.
        layer: The layer's name, as in reports; "" where none is to blame.
        what: What is so, the layer being the subject: "averages over 4 values per channel".
        why: Why it matters; "" where ``what`` says it.
        fix: The way out.
        check: What found it: a file of ``normbench/inspection/checks``.
    """

    level: Level
    layer: str
    what: str
    why: str
    fix: str
    check: str = ""


@dataclass(frozen=True)
class SharedFinding:
    """What a check says of several layers of several arms in the same words.

    Attributes:
        level: error, warning or note.
        layers: Names of the layers, from input to output.
        what: What is so.
        why: Why it matters.
        fix: The way out.
        check: What found it.
        arms: Names of the arms of which all that is true.
    """

    level: Level
    layers: tuple[str, ...]
    what: str
    why: str
    fix: str
    check: str
    arms: tuple[str, ...]


def share_findings(by_arm: Mapping[str, Iterable[Finding]]) -> list[SharedFinding]:
    """Say once what several layers and arms have in common, worst level first."""
    arms: dict[SharedFinding, list[str]] = {}
    for arm, findings in by_arm.items():
        for finding in _over_layers(findings):
            arms.setdefault(finding, []).append(arm)
    shared = [
        SharedFinding(one.level, one.layers, one.what, one.why, one.fix, one.check, tuple(names))
        for one, names in arms.items()
    ]
    return sorted(shared, key=lambda finding: LEVELS.index(finding.level))


def _over_layers(findings: Iterable[Finding]) -> Sequence[SharedFinding]:
    layers: dict[Finding, list[str]] = {}
    for one in findings:
        layers.setdefault(Finding(one.level, "", one.what, one.why, one.fix, one.check), []).append(one.layer)
    return [
        SharedFinding(one.level, tuple(names), one.what, one.why, one.fix, one.check, arms=())
        for one, names in layers.items()
    ]
