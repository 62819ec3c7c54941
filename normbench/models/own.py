"""The user's own network: any torch module that a callable makes."""

import inspect
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Literal

from pydantic import Field
from torch import Tensor, nn

from normbench.errors import SettingError
from normbench.models.base import ModelSpec, Shape
from normbench.norms.base import NormSpec
from normbench.own_code.error_lines import in_one_line
from normbench.own_code.frozen_settings import OwnSettings, arguments
from normbench.own_code.import_path import ImportPath
from normbench.own_code.running import load_own, running_own_code
from normbench.own_code.source_folder import Rooted
from normbench.random_streams import seed_globally


class OwnSpec(Rooted, ModelSpec):
    """Your own network: whatever torch module a callable of yours returns.

    The callable is given ``settings``, and ``input_shape`` and ``output_shape`` if it has arguments of these names.
    Initial weights are its own, drawn with torch, numpy and Python seeded by the run's seed.
    """

    takes_own: ClassVar[bool] = True
    name: Literal["own"] = "own"
    maker: ImportPath = Field(alias="build", examples=["my_net:build"])
    """What makes it, as package.module:callable; modules beside the study file are found first."""
    settings: OwnSettings
    """Arguments of the callable, by name."""
    output: str | int | None = Field(None, examples=["logits"])
    """Which part of what the network puts out is its output: a key, an attribute or a place; all of it if not said."""

    def build(self, input_shape: Shape, output_shape: Shape, norm: NormSpec, dropout: float) -> nn.Module:
        """Call the user's callable with seed 0; norm and dropout are the network's own."""
        return self.build_with(0, input_shape, output_shape)

    def build_with(
        self, seed: int, input_shape: Shape, output_shape: Shape, more: Mapping[str, Any] | None = None
    ) -> nn.Module:
        """Call the user's callable with torch, numpy and Python seeded; what it imports moves no random number.

        Args:
            seed: Seed of the three.
            input_shape: One sample's shape.
            output_shape: One output's shape.
            more: Arguments of the callable beside those that the settings name.

        Raises:
            SettingError: It cannot be imported, fails, or returns no module.
        """
        make = load_own(self.maker, self.folder, "build")
        if not callable(make) or isinstance(make, nn.Module):
            rule = f"must be a function or class that returns a network, it is a {type(make).__name__}"
            raise SettingError("build", rule, self.maker, "Wrap it: def make(): return ...")
        given = {**self._shapes(make, input_shape, output_shape), **arguments(self.settings), **(more or {})}
        with running_own_code(self.folder):
            seed_globally(seed)
            network = self._called(make, given)
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

    def _called(self, make: Callable[..., Any], given: Mapping[str, Any]) -> Any:
        try:
            return make(**given)
        except SettingError:
            raise
        except (Exception, SystemExit) as error:
            rule = f"must return a network, calling it ended with {in_one_line(error, self.folder)}"
            raise SettingError("build", rule, self.maker, "Its arguments stand under model.settings.") from error


class _Select:
    """A forward hook that takes one part of what a network puts out; a tensor alone is taken whole."""

    def __init__(self, part: str | int) -> None:
        self.part = part

    def __call__(self, _module: nn.Module, _inputs: tuple[Any, ...], output: Any) -> Tensor:
        if isinstance(output, Tensor):
            return output
        try:
            by_place = isinstance(output, Mapping) or isinstance(self.part, int)
            found: Tensor = output[self.part] if by_place else getattr(output, str(self.part))
        except (LookupError, AttributeError, TypeError):
            rule = f"must name a part of the {type(output).__name__} that the network puts out"
            raise SettingError("output", rule, self.part, _parts_of(output)) from None
        return found


def _parts_of(output: Any) -> str:
    if isinstance(output, Mapping):
        names = [str(key) for key in output]
    elif isinstance(output, tuple | list):
        names = list(getattr(output, "_fields", [])) or [str(place) for place in range(len(output))]
    else:
        names = [name for name in getattr(output, "__dict__", {}) if not name.startswith("_")]
    return f"It has {', '.join(names)}." if names else "Let the network put out a tensor, a tuple or a dict."
