"""The user's own network: any torch module that a callable makes."""

import inspect
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Literal

from pydantic import Field
from torch import Tensor, nn

from normbench.errors import SettingError
from normbench.models.base import ModelSpec, Shape
from normbench.norms.base import NormSpec
from normbench.own_code.frozen_settings import OwnSettings
from normbench.own_code.import_path import in_one_line, load_object
from normbench.own_code.source_folder import Rooted


class OwnSpec(Rooted, ModelSpec):
    """Your own network: whatever torch module a callable of yours returns.

    The callable is given ``settings``, and ``input_shape`` and ``output_shape`` if it has arguments of these names.
    Initial weights are its own, drawn with torch, numpy and Python seeded by the run's seed.
    """

    takes_own: ClassVar[bool] = True
    name: Literal["own"] = "own"
    maker: str = Field(alias="build", examples=["my_net:build"])
    """What makes it, as package.module:callable; modules beside the study file are found first."""
    settings: OwnSettings
    """Arguments of the callable, by name."""
    output: str | int | None = Field(None, examples=["logits"])
    """Which part of what the network puts out is its output: a key, an attribute or a place; all of it if not said."""

    def build(self, input_shape: Shape, output_shape: Shape, norm: NormSpec, dropout: float) -> nn.Module:
        """Call the user's callable; norm and dropout are the network's own, and the seed is the caller's."""
        make = load_object(self.maker, self.folder, "build")
        if not callable(make) or isinstance(make, nn.Module):
            rule = f"must be a function or class that returns a network, it is a {type(make).__name__}"
            raise SettingError("build", rule, self.maker, "Wrap it: def make(): return ...")
        arguments = {**self._shapes(make, input_shape, output_shape), **self.settings}
        network = self._called(make, arguments)
        if not isinstance(network, nn.Module):
            rule = f"must return a torch.nn.Module, it returned a {type(network).__name__}"
            raise SettingError("build", rule, self.maker, "Wrap it: def make(): return ...")
        if self.output is not None:
            network.register_forward_hook(_Select(self.output))
        return network

    def _shapes(self, make: Callable[..., Any], input_shape: Shape, output_shape: Shape) -> Mapping[str, Shape]:
        offered = {"input_shape": input_shape, "output_shape": output_shape}
        try:
            asked = inspect.signature(make).parameters
        except (TypeError, ValueError):
            return {}
        return {key: shape for key, shape in offered.items() if key in asked}

    def _called(self, make: Callable[..., Any], arguments: Mapping[str, Any]) -> Any:
        try:
            return make(**arguments)
        except SettingError:
            raise
        except (Exception, SystemExit) as error:
            rule = f"must return a network, calling it ended with {in_one_line(error)}"
            raise SettingError("build", rule, self.maker, "Its arguments stand under model.settings.") from error


class _Select:
    """A forward hook that takes one part of what a network puts out."""

    def __init__(self, part: str | int) -> None:
        self.part = part

    def __call__(self, _module: nn.Module, _inputs: tuple[Any, ...], output: Any) -> Tensor:
        has_places: Any = output if isinstance(output, Mapping | tuple | list) else vars(output)
        return has_places[self.part]  # type: ignore[no-any-return]
