"""Refuses networks whose modules cannot be exchanged, and gives lazy modules their shapes."""

from collections.abc import Iterator

from torch import nn
from torch.nn.parameter import is_lazy

from normbench.any_module.model_input import ModelInput
from normbench.any_module.plain_execution import refuse_scripted, same_global_random_states_after
from normbench.any_module.random_states import same_random_states_after
from normbench.errors import SettingError
from normbench.norm_swap.passes import forward
from normbench.norm_swap.recorder import Recorder

REFUSED = {
    "torch.nn.parallel": "Give the network inside it, and distribute that afterwards.",
    "torch.distributed": "Give the network from before it was distributed.",
    "torch.ao": "Give the network from before it was quantized.",
    "torchao": "Give the network from before it was quantized.",
}
"""Where modules of torch lie that cannot be exchanged, with the way out."""


def refuse_without_numbers(network: nn.Module) -> None:
    """Refuse a network on torch's meta device.

    Raises:
        SettingError: A parameter is there.
    """
    if any(parameter.is_meta for parameter in network.parameters()):
        way_out = "Make it on the CPU, or call its to_empty and initialize it."
        raise SettingError("model", "must have numbers", "parameters on the meta device", way_out)


def refuse_unswappable(network: nn.Module) -> None:
    """Refuse TorchScript, quantized and distributed modules, whose parts read each other.

    Raises:
        SettingError: With the module's name.
    """
    refuse_without_numbers(network)
    try:
        refuse_scripted(network)
    except SettingError as error:
        raise SettingError("model", f"{error.rule}{_place(error.key)}", error.value, error.way_out) from None
    for name, module in network.named_modules():
        way_out = next((way for home, way in REFUSED.items() if _lies_in(module, home)), "")
        if isinstance(module, nn.SyncBatchNorm):
            way_out = "Use nn.BatchNorm2d, and convert it after norms were replaced."
        if way_out:
            rule = f"must be made of plain modules of one process{_place(name)}"
            raise SettingError("model", rule, type(module).__name__, way_out)


def _place(name: str) -> str:
    return f", also {name}" if name not in ("", "model") else ""


def _lies_in(module: nn.Module, home: str) -> bool:
    return any(one.__module__ == home or one.__module__.startswith(f"{home}.") for one in type(module).__mro__)


def materialize(network: nn.Module, given: ModelInput) -> None:
    """Give lazy modules their shapes by a pass in evaluation, as their first call would; random states stay.

    Raises:
        SettingError: The network does not take the batch, or the pass does not call one of them.
    """
    if not list(_lazy(network)):
        return
    was_training = {module: module.training for module in network.modules()}
    recorder = Recorder(lambda _: False, lambda _: None)
    with same_random_states_after(network), same_global_random_states_after(), recorder:
        forward(network, given, recorder, training=False)
    for module, training in was_training.items():
        module.training = training
    for name in _lazy(network):
        rule = f"must have all shapes after a pass in evaluation, which does not call the module of {name}"
        raise SettingError("model", rule, "no shape", "Call the network once in training first.")


def _lazy(network: nn.Module) -> Iterator[str]:
    tensors = (*network.named_parameters(), *network.named_buffers())
    return (name for name, tensor in tensors if is_lazy(tensor))
