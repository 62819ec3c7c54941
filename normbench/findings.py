"""Finding: what is wrong in which layers, by what figure, why, and the way out; what arms share is said once."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

Level = Literal["error", "warning", "note"]

LEVELS: tuple[Level, ...] = ("error", "warning", "note")
"""An error stops; a warning is told before training; a note is told where one asks for it."""
MAX_NAMED = 4
"""Layers, or arms; of more, the ends or the first are named and the others are counted."""


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong, found before training, by a probe, or by the measures taken during training.

    Attributes:
        level: error, warning or note.
        layers: Names of the layers, as in reports; empty where none is to blame. Before training from input to output;
            else the first is where it begins or is worst.
        what: What is so, the layers being the subject: "averages over 4 values per channel", "dead units".
        figure: The numbers it rests on, of the first layer; "" where ``what`` says them.
        why: Why it matters, or the likely cause; "" where ``what`` says it.
        way_out: What to do.
        source: The rule that found it: a check's file, a fault of the probe, a function over the measures.
        arms: Names of the arms of which it is true; empty where there is only one.
        value: The figure as a number, by which findings of one source are compared: the larger the worse.
        num_seeds: In how many runs of an arm.
        of_seeds: Of how many.
    """

    level: Level
    layers: tuple[str, ...]
    what: str
    figure: str = ""
    why: str = ""
    way_out: str = ""
    source: str = ""
    arms: tuple[str, ...] = ()
    value: float | None = None
    num_seeds: int = 1
    of_seeds: int = 1

    @property
    def where(self) -> str:
        """Name the layers; beside a figure the first, since it is that one's, and the number of the others."""
        if not self.layers:
            return ""
        more = len(self.layers) - 1
        first = name_layer(self.layers[0], is_list=more > 0 and not self.figure)
        if not self.figure and more < MAX_NAMED:
            return ", ".join([first, *self.layers[1:]])
        if not self.figure:
            return f"{first} ... {self.layers[-1]} ({more + 1} layers)"
        return first + (f" and {more} more layer{'s' * (more > 1)}" if more > 0 else "")

    def sentence(self) -> str:
        """Say where what is wrong, by which figure, in how many seeds.

        Example:
            >>> Finding("warning", ("fc1", "fc2"), "dead units", "95 % put out 0", num_seeds=2, of_seeds=3).sentence()
            'fc1 and 1 more layer: dead units, 95 % put out 0 (2 of 3 seeds).'
            >>> Finding("note", ("fc1", "fc2"), "takes away the bias").sentence()
            'fc1, fc2: takes away the bias'
        """
        text = ": ".join(part for part in (self.where, self.what) if part)
        seeds = f" ({self.num_seeds} of {self.of_seeds} seeds)" if self.of_seeds > 1 else ""
        return f"{text}, {self.figure}{seeds}." if self.figure else text


def name_layer(name: str, *, is_list: bool = False) -> str:
    """Return a layer's name, after "layer" where it is a number, as the parts of torch's ``Sequential`` have.

    Args:
        name: The layer's name.
        is_list: Whether the names of others follow it.

    Example:
        >>> name_layer("fc1"), name_layer("4"), name_layer("0", is_list=True)
        ('fc1', 'layer 4', 'layers 0')
    """
    return f"layer{'s' * is_list} {name}" if name[:1].isdigit() else name


def name_some(names: Sequence[str], separator: str = ", ") -> str:
    """Name the first few, and count the others.

    Example:
        >>> name_some(["a", "b"]), name_some(list("abcdef"))
        ('a, b', 'a, b, c, d and 2 more')
    """
    more = f" and {len(names) - MAX_NAMED} more" if len(names) > MAX_NAMED else ""
    return separator.join(names[:MAX_NAMED]) + more


def share_findings(by_arm: Mapping[str, Iterable[Finding]]) -> list[Finding]:
    """Join findings that say the same of several layers, then those that are the same in several arms.

    Returns:
        Findings with their arms, the worst level first.
    """
    arms: dict[Finding, list[str]] = {}
    for arm, findings in by_arm.items():
        for finding in _over_layers(findings):
            arms.setdefault(finding, []).append(arm)
    shared = [replace(finding, arms=tuple(names)) for finding, names in arms.items()]
    return sorted(shared, key=lambda finding: LEVELS.index(finding.level))


def _over_layers(findings: Iterable[Finding]) -> list[Finding]:
    layers: dict[Finding, list[str]] = {}
    for finding in findings:
        layers.setdefault(replace(finding, layers=()), []).extend(finding.layers)
    return [replace(finding, layers=tuple(names)) for finding, names in layers.items()]
