"""Draws initial weights, each layer from its own random stream, so that arms share them where shapes agree."""

import math

import torch
from torch import Tensor, nn

from normbench.any_module.allocation import allocate
from normbench.errors import SettingError
from normbench.models.base import weight_parameters, weighted_layers
from normbench.random_streams import derive_seed, stream


def materialize(network: nn.Module) -> nn.Module:
    """Allocate the memory of a network on the meta device, and draw torch's default weights from the global generator.

    All modules draw in order, as if they were built here, so that later draws are the same too. Tensors that no
    module draws are nan; ``check_all_drawn`` finds them.
    """
    network = allocate(network)
    with torch.no_grad():
        for tensor in (*network.parameters(), *network.buffers()):
            tensor.fill_(math.nan if tensor.is_floating_point() else 0)
    for module in network.modules():
        reset = getattr(module, "reset_parameters", None)
        if callable(reset):
            reset()
    return network


def check_all_drawn(network: nn.Module) -> None:
    """Refuse a network with a parameter or buffer that no module's ``reset_parameters`` sets.

    Raises:
        SettingError: With the tensor's name.
    """
    for name, tensor in (*network.named_parameters(), *network.named_buffers()):
        if tensor.is_floating_point() and bool(tensor.isnan().any()):
            rule = f"must be set by the reset_parameters of its module, {name} is not"
            raise SettingError("model", rule, name, "Move what sets it from __init__ to reset_parameters.")


def initialize(model: nn.Module, init: str, scale: float, seed: int) -> None:
    """Draw all initial weights of a model again, from the streams of ``seed``.

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
