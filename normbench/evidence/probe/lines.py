"""ProbeLine: the figures of one layer averaged over seeds, with a word such as steady, vanishes or constant."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from normbench.evidence.layers.layer_report import DEAD_SHARE, word_for
from normbench.evidence.probe.network_reading import LayerReading, Role
from normbench.evidence.statistics.growth import Spread
from normbench.evidence.statistics.means import mean_of


@dataclass(frozen=True)
class ProbeLine:
    """One layer over all seeds.

    Attributes:
        reading: The layer's reading in the first seed that calls it, for its names and shapes.
        std: Std of its output; nan for a parameter that lies in no layer.
        grad_std: Std of the gradient at its output; None where there is none.
        figures: Means over seeds of the other figures; geometric means of stds.
        word: steady, vanishes, explodes, constant, dead or not finite; "" for a parameter.
        num_seeds: Seeds that call it.
    """

    reading: LayerReading
    std: Spread
    grad_std: Spread | None
    figures: Mapping[str, float]
    word: str
    num_seeds: int = 1

    @property
    def layer(self) -> str:
        """The layer's name."""
        return self.reading.layer

    def figure(self, name: str) -> float:
        """Return the figure of this name, nan where the layer has none."""
        return self.figures.get(name, math.nan)

    @property
    def has_output(self) -> bool:
        """Whether it is a layer, not a parameter alone."""
        return self.reading.role != "parameter"

    @property
    def is_constant(self) -> bool:
        """Whether its output is the same whatever comes into the network."""
        return is_same(self.figures, self.reading.role)

    @property
    def is_switched_off(self) -> bool:
        """Whether its weight starts at 0, which the last weight of a residual branch may do on purpose."""
        return self.figure("weight_max_abs") == 0

    @property
    def is_compared(self) -> bool:
        """Whether its scale tells something: it is not switched off, and no norm of its own takes the scale away."""
        return _is_compared(self.reading, self.figures)

    @property
    def waits(self) -> bool:
        """Whether its parameters get a gradient only once a weight that starts at 0 has moved, or by chance."""
        return self.figure("waits") > 0


def merge_seeds(seeds: Sequence[Sequence[LayerReading]]) -> list[ProbeLine]:
    """Average each layer over all seeds that call it; return the layers in the order of the first seed."""
    by_layer: dict[str, list[LayerReading]] = {}
    for seed in seeds:
        for reading in seed:
            by_layer.setdefault(reading.layer, []).append(reading)
    hidden = [found for found in by_layer.values() if found[0].is_hidden]
    compared = [found for found in hidden if _is_compared(found[0], found[0].figures)]
    first = next((Spread.of(_values(found, "std")).value for found in compared), 0.0)
    lines: list[ProbeLine] = []
    for found in by_layer.values():
        lines.append(_line(found, first, has_vanished=any(line.word == "vanishes" for line in lines)))
    return lines


def _line(found: Sequence[LayerReading], first: float, *, has_vanished: bool) -> ProbeLine:
    names = dict.fromkeys(name for reading in found for name in reading.figures)
    figures = {name: _mean(name, _values(found, name)) for name in names}
    grads = _values(found, "grad_std")
    return ProbeLine(
        reading=found[0],
        std=Spread.of(_values(found, "std")),
        grad_std=Spread.of(grads) if grads else None,
        figures=figures,
        word=_word(found[0], figures, first, has_vanished=has_vanished),
        num_seeds=len(found),
    )


def _word(reading: LayerReading, figures: Mapping[str, float], first: float, *, has_vanished: bool) -> str:
    """Return the word for a layer's output; only layers with weights are compared with the first one's std.

    An output of zeros means dead units, unless the signal has vanished before this layer.
    """
    if reading.role == "parameter":
        return ""
    std, zeros, largest = (figures[key] for key in ("std", "zero_share", "max_abs"))
    can_die = "dead_share" in figures
    if can_die and zeros >= DEAD_SHARE and not has_vanished:
        return "dead"
    is_compared = reading.role == "weights" and (_is_compared(reading, figures) or has_vanished)
    word = word_for((std, None), first if is_compared else 0.0, zeros, largest)
    is_constant = (word == "dead" and not can_die) or (word == "steady" and is_same(figures, reading.role))
    return "constant" if is_constant else word


def _is_compared(reading: LayerReading, figures: Mapping[str, float]) -> bool:
    is_off = figures.get("weight_max_abs") == 0 or (figures.get("std") == 0 and bool(reading.zeros))
    gets_zeros = figures.get("input_zero") == 1
    return not (is_off or gets_zeros or figures.get("norm_apart", 0) > 0)


def is_same(figures: Mapping[str, float], role: Role) -> bool:
    """Return whether a layer puts out the same whatever comes into the network; tables of places always do."""
    return figures.get("change") == 0 and role != "other"


def _values(found: Sequence[LayerReading], name: str) -> list[float]:
    return [reading.figures[name] for reading in found if name in reading.figures]


def _mean(name: str, values: Sequence[float]) -> float:
    return Spread.of(values).value if name.endswith("std") else mean_of(values)
