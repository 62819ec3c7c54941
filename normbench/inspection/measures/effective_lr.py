"""Measures the effective learning rate of weights whose scale the norm behind them takes away."""

from torch import Tensor, nn
from torch.nn.utils.parametrize import is_parametrized
from torch.optim import SGD

from normbench.inspection.measures.base import RecordedStep
from normbench.inspection.norm_readings import Probes
from normbench.models.base import BuiltNorm, Layer, weighted_layers


def measure(step: RecordedStep) -> Probes:
    """Return ``effective_lr`` of each layer with scale-free weights: lr / |w|^2 under SGD, lr / |w| under Adam.

    Where f(a w) = f(w) only the direction of w matters, and the gradient shrinks as w grows, so that a step of SGD
    turns w as a step of lr / |w|^2 would turn a unit vector; Adam has taken the gradient's size out already. The
    weights are scale-free where the first thing behind them that is not a ReLU is a norm which declares that its
    input's scale does not matter. A bias is part of w, unless that norm takes it away as well.

    References:
        van Laarhoven, L2 Regularization versus Batch and Weight Normalization, 2017.
        https://arxiv.org/abs/1706.05350
    """
    lrs = {id(p): float(group["lr"]) for group in step.optimizer.param_groups for p in group["params"]}
    power = 2 if isinstance(step.optimizer, SGD) else 1
    found: Probes = {}
    for layer, module in weighted_layers(step.model).items():
        names = scale_free(module, len(step.batch))
        length = sum(_squares(step.seen.weights[f"{layer}.{name}"]) for name in names) ** 0.5
        if length:
            found[layer] = {"effective_lr": lrs[id(module.get_parameter("weight"))] / length**power}
    return found


def scale_free(layer: Layer, batch_size: int) -> list[str]:
    """Return those of the layer's parameters whose common scale changes nothing: weight, perhaps bias, or none."""
    before_norm = layer.stages[: layer.stages.index("norm")] if "norm" in layer.stages else None
    built = getattr(getattr(layer, "norm", None), "built_from", None)
    is_homogeneous = before_norm == () or (before_norm == ("activation",) and isinstance(layer.activation, nn.ReLU))
    if not isinstance(built, BuiltNorm) or not is_homogeneous or is_parametrized(layer, "weight"):
        return []
    properties = built.spec.properties(built.feature_shape, batch_size=batch_size, training=True)
    if not properties.input_scale:
        return []
    has_bias = getattr(layer, "bias", None) is not None
    is_removed = properties.feature_shift and not before_norm
    return ["weight", "bias"] if has_bias and not is_removed else ["weight"]


def _squares(tensor: Tensor) -> float:
    return tensor.double().square().sum().item()
