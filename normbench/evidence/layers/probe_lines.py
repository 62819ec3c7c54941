"""What one pass forward and backward shows of a layer, and the same over several seeds."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from normbench.evidence.layers.layer_report import DEAD_SHARE, word_for
from normbench.evidence.statistics.growth import Spread
from normbench.evidence.statistics.means import mean_of

Role = Literal["weights", "norm", "activation", "other"]
"""``weights`` multiply the signal by a matrix or filters; ``other`` has parameters too: embeddings, scales."""


@dataclass(frozen=True)
class LayerSeen:
    """One layer in one pass.

    Attributes:
        layer: Its name; of an activation that is called again, with the number of the call: ``relu#2``.
        kind: Its class.
        role: What it does to the signal.
        after: The layer with weights that was last called before it, or itself.
        shape: Its weight's shape; empty without one.
        norm: Class of the norm that follows its weights; empty without one.
        is_hidden: It has weights and is not the last one: what growth over depth is fitted to.
        figures: ``mean std max_abs zero_share`` of its output. Where there are such things, ``grad_std`` of the
            gradient that comes back to the output; ``weight_std``, ``weight_max_abs`` and ``weight_grad_std`` of its
            weight; ``weight_gain``, rms(weight) sqrt(fan_in), by which untrained weights multiply the rms of what comes
            in (He et al., 2015); ``bias_mean``; ``values_per_unit``; ``dead_share``, the units whose output is 0
            throughout; ``no_grad_share``, those whose output gets no gradient; ``input_finite``, ``weight_finite``
            and whether the weight is ``learned``, 1 or 0.
    """

    layer: str
    kind: str
    role: Role
    after: str
    shape: tuple[int, ...]
    norm: str
    is_hidden: bool
    figures: Mapping[str, float]


@dataclass(frozen=True)
class ProbeLine:
    """One layer over all seeds.

    Attributes:
        seen: The layer in the first seed that calls it, for all that is not a number.
        std: Of its output.
        grad_std: Of the gradient that comes back to the output; None where none does.
        figures: Means over seeds of the other figures; of stds geometric ones.
        word: steady, vanishes, explodes, constant, dead or not finite.
    """

    seen: LayerSeen
    std: Spread
    grad_std: Spread | None
    figures: Mapping[str, float]
    word: str

    @property
    def layer(self) -> str:
        """Its name."""
        return self.seen.layer

    def figure(self, name: str) -> float:
        """Return one of the figures, nan where the layer has none of the name."""
        return self.figures.get(name, math.nan)

    @property
    def is_switched_off(self) -> bool:
        """Its weight starts at 0, as the last one of a residual branch may on purpose."""
        return self.figure("weight_max_abs") == 0


def merge_seeds(seeds: Sequence[Sequence[LayerSeen]]) -> list[ProbeLine]:
    """Return each layer over all seeds that call it, in the order of the first seed."""
    by_layer: dict[str, list[LayerSeen]] = {}
    for seed in seeds:
        for seen in seed:
            by_layer.setdefault(seen.layer, []).append(seen)
    first = next((Spread.of(_values(found, "std")).value for found in by_layer.values() if found[0].is_hidden), 0.0)
    lines: list[ProbeLine] = []
    for found in by_layer.values():
        lines.append(_line(found, first, has_vanished=any(line.word == "vanishes" for line in lines)))
    return lines


def _line(found: Sequence[LayerSeen], first: float, *, has_vanished: bool) -> ProbeLine:
    names = dict.fromkeys(name for seen in found for name in seen.figures)
    figures = {name: _mean(name, _values(found, name)) for name in names}
    grads = _values(found, "grad_std")
    return ProbeLine(
        seen=found[0],
        std=Spread.of(_values(found, "std")),
        grad_std=Spread.of(grads) if grads else None,
        figures=figures,
        word=_word(found[0], figures, first, has_vanished=has_vanished),
    )


def _word(seen: LayerSeen, figures: Mapping[str, float], first: float, *, has_vanished: bool) -> str:
    """Only scales of layers with weights are compared with the first one's: a norm sets its own.

    Zeros alone are dead units, or of a signal that has vanished before what float32 makes of it.
    """
    std, zeros, largest = (figures[key] for key in ("std", "zero_share", "max_abs"))
    can_die = "dead_share" in figures
    if can_die and zeros >= DEAD_SHARE and not has_vanished:
        return "dead"
    is_compared = seen.role == "weights" and figures.get("weight_max_abs") != 0
    word = word_for((std, None), first if is_compared else 0.0, zeros, largest)
    return "steady" if word == "dead" and not can_die else word


def _values(found: Sequence[LayerSeen], name: str) -> list[float]:
    return [seen.figures[name] for seen in found if name in seen.figures]


def _mean(name: str, values: Sequence[float]) -> float:
    return Spread.of(values).value if name.endswith("std") else mean_of(values)
