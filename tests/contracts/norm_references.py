"""What norms are compared with: a float64 formula from what they declare, and torch's own layers.

The formula holds for every norm that subtracts a mean and divides by a standard deviation. A norm that averages nothing
is compared with the formula that it prints. One that averages and has no ``eps`` computes something else: its printed
formula, which ``test_about_contract.py`` evaluates on images, is its reference. One with
``eps`` that computes something else brings ``formula_<name>(spec, layer, x)``; one that torch has too may bring
``torch_<name>(spec, feature_shape)``.
"""

from math import prod

import torch
from torch import Tensor, nn

from normbench.inspection.explain.by_hand.arithmetic import FUNCTIONS
from normbench.inspection.norm_contract.measured_norm import axis_letters
from normbench.norms.base import NormSpec, Properties, position_axes

FORMULA_FUNCTIONS = {name: getattr(torch, name) for name in FUNCTIONS} | {"max": torch.maximum}
"""The functions that a printed formula may call, of tensors."""


def formula(spec: NormSpec, layer: nn.Module, x: Tensor, declared: Properties) -> Tensor:
    own = globals().get(f"formula_{spec.name}")
    if own:
        return own(spec, layer, x)
    if declared.averaged_axes:
        return _scale_and_shift(spec, layer, _standardized(spec, x, declared), declared)
    return _printed(spec, layer, x)


def has_formula(spec: NormSpec, declared: Properties) -> bool:
    """Return whether there is a formula that holds for features of every shape."""
    return f"formula_{spec.name}" in globals() or hasattr(spec, "eps") or not declared.averaged_axes


def _printed(spec: NormSpec, layer: nn.Module, x: Tensor) -> Tensor:
    """Evaluate the formula that `explain` prints, of a norm that takes no statistics."""
    known = {"x": x, "weight": 1.0, "bias": 0.0, **FORMULA_FUNCTIONS, **learned_by(layer, x.dim())}
    return eval(spec.about.formula, {"__builtins__": {}}, known)


def learned_by(layer: nn.Module, num_axes: int) -> dict[str, Tensor]:
    """Return the layer's own parameters by name, each with the axes of a sample where it has one value per channel."""
    own = dict(layer.named_parameters(recurse=False))
    per_channel = (-1,) + (1,) * (num_axes - 2)
    return {name: value.view(per_channel) if value.dim() == 1 else value for name, value in own.items()}


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


def formula_rms_norm(spec, layer, x):
    """x / sqrt(mean(x^2) + eps) * weight."""
    y = (
        x
        / (
            x.square().mean((1,) if spec.over == "position" else tuple(range(1, x.dim())), keepdim=True) + spec.eps
        ).sqrt()
    )
    if layer.weight is None:
        return y
    return y * layer.weight.view(-1, *(1 for _ in x.shape[2:])) if layer.weight.dim() == 1 else y * layer.weight


def formula_ghost_batch_norm(spec, layer, x):
    """Batch norm of each chunk; a chunk of one value per channel joins the one before."""
    chunks = list(x.split(spec.ghost_size))
    if len(chunks) > 1 and chunks[-1][:, 0].numel() == 1:
        chunks[-2:] = [torch.cat(chunks[-2:])]
    normal = Properties(averaged_axes=" ".join(["N", position_axes(tuple(x.shape[1:]))]), num_statistics=x.shape[1])
    y = torch.cat([_standardized(spec, chunk, normal) for chunk in chunks])
    return _scale_and_shift(spec, layer, y, normal)


def formula_local_response_norm(spec, layer, x):  # noqa: ARG001 - as every formula_<name>
    """x / (k + alpha / size * the window's sum of squares) ** beta, channel by channel."""
    y, num_features = torch.empty_like(x), x.shape[1]
    for channel in range(num_features):
        first = channel - spec.size // 2
        window = x[:, max(0, first) : max(0, first + spec.size)]
        y[:, channel] = x[:, channel] / (spec.k + spec.alpha / spec.size * window.square().sum(1)) ** spec.beta
    return y


def formula_switchable_norm(spec, layer, x):
    """(x - sum_k w_k mean_k) / sqrt(sum_k v_k var_k + eps), each moment straight from its own values of x."""
    positions = tuple(range(2, x.dim()))
    dims = {"instance": positions, "layer": (1, *positions), "batch": (0, *positions)}
    shares = zip(layer.kinds, layer.mean_weight.softmax(0), layer.var_weight.softmax(0), strict=True)
    mean = var = 0
    for kind, mean_share, var_share in shares:
        mean = mean + mean_share * x.mean(dims[kind], keepdim=True)
        var = var + var_share * _switchable_var(x, dims[kind], official=spec.compat == "official")
    return _scale_and_shift(spec, layer, (x - mean) / (var + spec.eps).sqrt(), Properties())


def _switchable_var(x, dims, *, official):
    """Biased; or as published: from unbiased variances of single maps, mean square less squared mean."""
    if not official or x.dim() == 2:
        return x.var(dims, correction=int(official), keepdim=True)
    positions, others = tuple(range(2, x.dim())), [dim for dim in dims if dim < 2]
    square = x.var(positions, correction=1, keepdim=True) + x.mean(positions, keepdim=True).square()
    return (square.mean(others, keepdim=True) if others else square) - x.mean(dims, keepdim=True).square()


def formula_ibn(spec, layer, x):
    """Instance norm on floor(ratio C) channels, batch norm on the rest."""
    num_instance, positions = int(spec.ratio * x.shape[1]), position_axes(tuple(x.shape[1:]))
    shares = (
        (layer.instance_norm, x[:, :num_instance], positions),
        (layer.batch_norm, x[:, num_instance:], f"N {positions}"),
    )
    y = [
        _scale_and_shift(spec, part, _standardized(spec, share, Properties(averaged_axes=averaged)), Properties())
        for part, share, averaged in shares
        if share.numel()
    ]
    return torch.cat(y, dim=1)


def formula_adain(spec, layer, x):
    """Batch norm of std(style) (x - mean(x)) / std(x) + mean(style), the styles being those of a permuted batch."""
    torch.default_generator.manual_seed(1)  # as the layer's pass
    if torch.rand(()) < spec.probability:
        positions = tuple(range(2, x.dim()))
        mean, std = x.mean(positions, keepdim=True), (x.var(positions, correction=0, keepdim=True) + spec.eps).sqrt()
        order = torch.randperm(len(x))
        x = std[order] * (x - mean) / std + mean[order]
    normal = Properties(averaged_axes=f"N {position_axes(tuple(x.shape[1:]))}")
    return _scale_and_shift(spec, layer, _standardized(spec, x, normal), normal)


def formula_noisy_batch_norm(spec, layer, x):
    """Batch norm, then a factor and a shift per sample and channel around those of the step."""
    torch.default_generator.manual_seed(1)  # as the layer's pass
    size = x.shape[:2]
    mean_shift = spec.noise_shift * (2 * torch.rand(size[1]).double() - 1)
    mean_factor = 1 + (spec.noise_scale - 1) * torch.rand(size[1]).double()
    shift = mean_shift - spec.noise_spread + 2 * spec.noise_spread * torch.rand(size).double()
    factor = mean_factor + spec.noise_spread * torch.randn(size).double()
    normal = Properties(averaged_axes=f"N {position_axes(tuple(x.shape[1:]))}")
    y = _scale_and_shift(spec, layer, _standardized(spec, x, normal), normal)
    per_map = (..., *(None for _ in x.shape[2:]))
    return y * factor[per_map] + shift[per_map]


def formula_filter_response_norm(spec, layer, x):
    """max(x / sqrt(mean(x^2) + eps) * weight + bias, threshold), with |learned_eps| more where maps have one value."""
    eps = spec.eps if x[0, 0].numel() > 1 else spec.eps + layer.learned_eps.abs()
    y = (
        x / (x.square().mean(tuple(range(2, x.dim())), keepdim=True) + eps).sqrt()
        if x.dim() > 2
        else x / (x**2 + eps).sqrt()
    )
    y = _scale_and_shift(spec, layer, y, Properties())
    return torch.maximum(y, layer.threshold.view(-1, *(1 for _ in x.shape[2:])))


def formula_evo_norm_s0(spec, layer, x):
    """x sigmoid(gate x) / std of the group, weight and bias; the rule makes 6 groups of maps, 1 of single values."""
    num_groups = spec.num_groups if isinstance(spec.num_groups, int) else 6 if x.dim() > 2 else 1
    blocks = x.unflatten(1, (num_groups, -1)).flatten(2)
    std = (blocks.var(2, correction=0) + spec.eps).sqrt().repeat_interleave(x.shape[1] // num_groups, 1)
    per_channel = (-1, *(1 for _ in x.shape[2:]))
    gated = x * torch.sigmoid(x * layer.gate.view(per_channel))
    return _scale_and_shift(spec, layer, gated / std.view(*x.shape[:2], *per_channel[1:]), Properties())


def torch_none(spec, feature_shape):  # noqa: ARG001 - as every torch_<name>
    return nn.Identity()


def torch_batch_norm(spec, feature_shape):
    layer = (nn.BatchNorm1d, nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)[len(feature_shape) - 1]
    return layer(feature_shape[0], spec.eps, spec.momentum, spec.affine == "channel", spec.track_running_stats)


def torch_instance_norm(spec, feature_shape):
    layer = (nn.InstanceNorm1d, nn.InstanceNorm2d, nn.InstanceNorm3d)[len(feature_shape) - 2]
    return layer(feature_shape[0], spec.eps, spec.momentum, spec.affine == "channel", spec.track_running_stats)


def torch_group_norm(spec, feature_shape):
    num_groups = spec.num_groups or feature_shape[0] // spec.channels_per_group
    return nn.GroupNorm(num_groups, feature_shape[0], spec.eps, affine=spec.affine == "channel")


def torch_rms_norm(spec, feature_shape):
    """Torch's layer has a weight per element, and averages over the last axes only."""
    if spec.over == "position" or spec.affine == "channel":
        return None
    return nn.RMSNorm(feature_shape, spec.eps, elementwise_affine=spec.affine == "element")


def torch_local_response_norm(spec, feature_shape):
    return nn.LocalResponseNorm(spec.size, spec.alpha, spec.beta, spec.k) if len(feature_shape) < 4 else None


def torch_layer_norm(spec, feature_shape):
    """Torch's layer has a weight per element, and averages over the last axes only."""
    last_axes = {"sample": feature_shape, "map": feature_shape[1:], "row": feature_shape[-1:]}.get(spec.over)
    if last_axes is None or spec.affine == "channel":
        return None
    return nn.LayerNorm(last_axes, spec.eps, elementwise_affine=spec.affine == "element")
