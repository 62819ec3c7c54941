"""One thing that a probe finds wrong: the layer, the figure, the likely cause and the way out."""

from dataclasses import dataclass

WORDS = {
    "not finite": "the output is not finite",
    "gradient not finite": "the gradient is not finite on its way back",
    "dead": "dead units",
    "gradient cut off": "no gradient comes back",
    "weights too small": "the weights are too small",
    "weights too large": "the weights are too large",
    "vanishes": "the output vanishes",
    "explodes": "the output explodes",
    "gradient vanishes": "the gradient vanishes on its way back",
    "gradient explodes": "the gradient explodes on its way back",
}
INITIALIZE = (
    "Initialize with std sqrt(2 / fan_in) before a ReLU, sqrt(1 / fan_in) else"
    " (init: kaiming_normal, torch.nn.init.kaiming_normal_)"
)


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong.

    Attributes:
        layer: Where it begins, in the direction the signal or the gradient goes.
        word: One of WORDS.
        figure: The numbers it rests on.
        cause: The likely one.
        way_out: What to try.
        layers: All it is about.
    """

    layer: str
    word: str
    figure: str
    cause: str
    way_out: str
    layers: tuple[str, ...]

    def sentence(self) -> str:
        """Say what is wrong and where."""
        more = len(self.layers) - 1
        others = f" and in {more} more layer{'' if more == 1 else 's'}" if more else ""
        return f"{self.layer}{others}: {WORDS[self.word]}, {self.figure}."
