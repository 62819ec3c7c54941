"""What norms are compared with: a float64 formula from what they declare, and torch's own layers.

The formula holds for every norm that subtracts a mean and divides by a standard deviation. A norm that computes
something else brings ``formula_<name>(spec, layer, x)``; one that torch has too, ``torch_<name>(spec, feature_shape)``.
"""

from math import prod

from torch import Tensor, nn

from normbench.norms.base import NormSpec, Properties, position_axes


def axis_letters(rank: int) -> list[str]:
    """Return the letters of a batch's axes, for samples with ``rank`` axes."""
    return ["N", "C", *position_axes((1,) * rank).split()]


def formula(spec: NormSpec, layer: nn.Module, x: Tensor, declared: Properties) -> Tensor:
    own = globals().get(f"formula_{spec.name}")
    return own(spec, layer, x) if own else _scale_and_shift(spec, layer, _standardized(spec, x, declared), declared)


def torch_layer(spec: NormSpec, feature_shape: tuple[int, ...]) -> nn.Module | None:
    """Return the same layer made by torch, or None where torch has none."""
    own = globals().get(f"torch_{spec.name}")
    return own(spec, feature_shape) if own else None


def _standardized(spec: NormSpec, x: Tensor, declared: Properties) -> Tensor:
    """Subtract mean and divide by std over the declared axes; "C/G" cuts the channels into blocks of neighbours."""
    averaged, letters = declared.averaged_axes.split(), axis_letters(x.dim() - 1)
    if not averaged:
        return x
    others = prod(size for letter, size in zip(letters, x.shape, strict=True) if letter not in {*averaged, "C"})
    num_blocks = declared.num_statistics // others if "C/G" in averaged else 1
    blocks = x.unflatten(1, (num_blocks, -1))
    axis_of = {"N": 0, "C": 2, "C/G": 2} | {letter: axis for axis, letter in enumerate(letters[2:], start=3)}
    dims = [axis_of[letter] for letter in averaged]
    centred = blocks - blocks.mean(dims, keepdim=True)
    return (centred / (centred.square().mean(dims, keepdim=True) + spec.eps).sqrt()).flatten(1, 2)


def _scale_and_shift(spec: NormSpec, layer: nn.Module, y: Tensor, declared: Properties) -> Tensor:
    """Multiply by the weight and add the bias: of each channel, or of each element of what was averaged."""
    if getattr(layer, "weight", None) is None:
        return y
    own_axes = declared.averaged_axes.split() if getattr(spec, "affine", "") == "element" else ["C"]
    letters = axis_letters(y.dim() - 1)
    shape = [size if letter in own_axes else 1 for letter, size in zip(letters, y.shape, strict=True)]
    return y * layer.weight.view(shape) + layer.bias.view(shape)


def torch_none(spec, feature_shape):  # noqa: ARG001 - as every torch_<name>
    return nn.Identity()


def torch_batch_norm(spec, feature_shape):
    layer = (nn.BatchNorm1d, nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)[len(feature_shape) - 1]
    return layer(feature_shape[0], spec.eps, spec.momentum, affine=spec.affine == "channel")


def torch_instance_norm(spec, feature_shape):
    layer = (nn.InstanceNorm1d, nn.InstanceNorm2d, nn.InstanceNorm3d)[len(feature_shape) - 2]
    return layer(feature_shape[0], spec.eps, affine=spec.affine == "channel")


def torch_group_norm(spec, feature_shape):
    return nn.GroupNorm(spec.num_groups, feature_shape[0], spec.eps, affine=spec.affine == "channel")


def torch_layer_norm(spec, feature_shape):
    """Torch's layer has a weight per element, and averages over the last axes only."""
    last_axes = {"sample": feature_shape, "map": feature_shape[1:], "row": feature_shape[-1:]}.get(spec.over)
    if last_axes is None or spec.affine == "channel":
        return None
    return nn.LayerNorm(last_axes, spec.eps, elementwise_affine=spec.affine == "element")
