"""Initial weights: each layer from a stream of its own, so that arms share them where shapes agree."""

import math

import torch
from torch import Tensor, nn

from normbench.models.base import weight_parameters, weighted_layers
from normbench.random_streams import derive_seed, stream


def initialize(model: nn.Module, init: str, scale: float, seed: int) -> None:
    """Draw all initial weights of a model anew.

    Every module starts from torch's default under a seed of its own name, so that a norm added to one
    layer moves no other layer's weights. Then ``init`` redraws the weights (not the biases) of the weighted
    layers: ``kaiming_normal`` has std sqrt(2 / fan_in) (He et al., 2015), ``xavier_normal``
    sqrt(2 / (fan_in + fan_out)) (Glorot and Bengio, 2010), ``normal`` 1, ``constant`` is 1 everywhere; each is
    multiplied by ``scale``.
    The global random state is not touched.
    """
    before = torch.default_generator.get_state()
    for name, module in model.named_modules():
        reset = getattr(module, "reset_parameters", None)
        if callable(reset):
            torch.default_generator.manual_seed(derive_seed(seed, "init", name))  # far cheaper than torch.manual_seed
            reset()
    torch.default_generator.set_state(before)
    for name, layer in weighted_layers(model).items():
        (weight,) = weight_parameters(layer)  # a parametrization is put on what is drawn here
        with torch.no_grad():
            if init != "default":
                weight.copy_(_draw(weight, init, stream(seed, "init", name, "weight")))
            weight.mul_(scale)


def _draw(weight: Tensor, init: str, generator: torch.Generator) -> Tensor:
    if init == "constant":
        return torch.ones(weight.shape)
    fan_in = weight[0].numel()
    fan_out = weight.shape[0] * weight[0][0].numel()
    std = {
        "kaiming_normal": math.sqrt(2 / fan_in),
        "xavier_normal": math.sqrt(2 / (fan_in + fan_out)),
        "normal": 1.0,
    }[init]
    return std * torch.randn(weight.shape, generator=generator)
