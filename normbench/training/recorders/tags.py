"""Names the tags of TensorBoard, by which it groups its cards and sorts them."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Self

from torch import Tensor

from normbench.inspection.watch.frame import Frame

ENDINGS = {"weight": "", "grad": "_grad", "update": "_update"}
"""What follows the parameter's name, by kind: so a weight stands before its gradient, and both side by side."""


class LayerTags:
    """Tags of what is shown of each layer: ``01_conv1/weight``, ``01_conv1/weight_grad``, ``02_conv2/weight``.

    TensorBoard makes a group of the cards whose tags are equal up to the first slash, and sorts groups and cards by
    name. So a group is a layer, and its number the place of its weight in the network. What has no weight of its own
    bears the number of the weight before it, ``01_conv1.norm``: a layer has the same number with a norm as without.

    Args:
        layers: Pairs of layer and number, from input to output.
        hidden: Names of the parameters of which nothing is shown.
    """

    def __init__(self, layers: Sequence[tuple[str, int]], hidden: Iterable[str] = ()) -> None:
        self.layers, self.hidden = list(layers), frozenset(hidden)
        width = max(2, len(str(max((number for _, number in layers), default=0))))
        self._named = {layer: f"{number:0{width}}_{layer}" for layer, number in layers}

    @classmethod
    def of(cls, frame: Frame, *, with_biases: bool) -> Self:
        """Number the layers of a frame's network; without biases the tensors of one dimension are hidden, too."""
        hidden = () if with_biases else [name for name, tensor in frame.weights.items() if is_bias_like(name, tensor)]
        return cls(number_layers(frame.weights, list(frame.activations)), hidden)

    def tag(self, kind: str, name: str) -> str:
        """Return the tag of a parameter's weight, gradient or update, or of a layer's activation."""
        if kind not in ENDINGS:
            return f"{self.named(name)}/{kind}"
        layer, own = layer_and_own_name(name)
        return f"{self.named(layer)}/{own}{ENDINGS[kind]}"

    def named(self, layer: str) -> str:
        """Return a layer's name with its number; one that is not known, without."""
        return self._named.get(layer, layer)


def number_layers(weights: Mapping[str, Tensor], called: Sequence[str]) -> list[tuple[str, int]]:
    """Return each layer and its number, from input to output: how many weights stand up to it.

    Args:
        weights: Every parameter by name.
        called: The layers in the order of their calls; others stand behind what holds them, or the parameter before.
    """
    places = {name: place for place, name in enumerate(called)}
    order = {name: (place, -1) for name, place in places.items()}
    place, has_weight = -1, set[str]()
    for i, (name, tensor) in enumerate(weights.items()):
        layer, _ = layer_and_own_name(name)
        place = next((places[around] for around in _around(layer) if around in places), place)
        order.setdefault(layer, (place, i))
        has_weight |= set() if is_bias_like(name, tensor) else {layer}
    found, number = list[tuple[str, int]](), 0
    for layer in sorted(order, key=order.__getitem__):
        number += layer in has_weight
        found.append((layer, number))
    return found


def is_bias_like(name: str, tensor: Tensor) -> bool:
    """Return whether a parameter is a bias, a norm's scale, or another tensor of one dimension.

    Weights of a layer with one input or output are none: (200, 1); the lengths of weight normalization are: (200, 1).
    """
    _, own = layer_and_own_name(name)
    return tensor.dim() < 2 or (own != "weight" and tensor.numel() == len(tensor))


def layer_and_own_name(parameter: str) -> tuple[str, str]:
    """Return the layer of a parameter and its name there; one of the network itself is a layer's weight.

    Example:
        >>> layer_and_own_name("conv1.norm.weight"), layer_and_own_name("class_token")
        (('conv1.norm', 'weight'), ('class_token', 'weight'))
    """
    layer, _, own = parameter.rpartition(".")
    return (layer, own) if layer else (parameter, "weight")


def _around(layer: str) -> list[str]:
    """Return a layer and what holds it, from the inside out."""
    parts = layer.split(".")
    return [".".join(parts[:end]) for end in range(len(parts), 0, -1)]
