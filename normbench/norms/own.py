"""The user's own norm: a layer class by its import path."""

import inspect
from typing import Any, ClassVar, Literal

import torch
from pydantic import Field
from torch import nn
from torch.nn.parameter import is_lazy

from normbench.any_module.plain_execution import refuse_scripted
from normbench.errors import SettingError
from normbench.norms.base import FeatureShape, NormSpec, Properties
from normbench.own_code.error_lines import in_one_line
from normbench.own_code.frozen_settings import OwnSettings, arguments
from normbench.own_code.import_path import ImportPath
from normbench.own_code.running import load_own, running_own_code
from normbench.own_code.source_folder import Rooted
from normbench.parts import About


class OwnNormSpec(Rooted, NormSpec):
    r"""Your own norm: a layer that is made for the number of channels, and takes (N, C, \*).

    The class is called with the number of channels and ``settings``; with ``feature_shape`` instead, one sample's
    shape (C, \*), if it has an argument of that name.
    """

    takes_own: ClassVar[bool] = True
    about: ClassVar[About] = About(
        formula="what the layer computes",
        good_for="A norm that normbench does not have; normbench check-norm prints its properties.",
        bad_for="What normbench has: its layers are tested.",
    )
    name: Literal["own"] = "own"
    layer: ImportPath = Field(examples=["my_norms:MyNorm"])
    """The layer's class, as package.module:Class; modules beside the study file are found first."""
    settings: OwnSettings
    """Further arguments of the class, by name."""

    def build(self, feature_shape: FeatureShape) -> nn.Module:
        """Call the user's class with the number of channels, or with the shape if it asks for that.

        Raises:
            SettingError: It cannot be imported, fails, or makes no module.
        """
        make: Any = load_own(self.layer, self.folder, "layer")
        if not callable(make) or isinstance(make, nn.Module):
            rule = f"must be a class of layers, or a function that makes one, it is a {type(make).__name__}"
            raise SettingError("layer", rule, self.layer, "Example: layer: my_norms:MyNorm")
        first = {"feature_shape": feature_shape} if _asks_for_the_shape(make) else {}
        try:
            with running_own_code(self.folder, draws=True), torch.device("cpu"):  # also where others have no memory
                more = arguments(self.settings)
                layer = make(**first, **more) if first else make(feature_shape[0], **more)
        except SettingError:
            raise
        except (Exception, SystemExit) as error:
            ended = in_one_line(error, self.folder)
            rule = f"must make a layer for features of shape {feature_shape}, it ended with {ended}"
            way_out = "It is called with the number of channels; further arguments stand under norm.settings."
            raise SettingError("layer", rule, self.layer, way_out) from error
        if not isinstance(layer, nn.Module):
            rule = f"must make a torch.nn.Module, it made a {type(layer).__name__}"
            raise SettingError("layer", rule, self.layer, "Derive it from torch.nn.Module.")
        self._refuse_unfinished(layer)
        return layer

    def _refuse_unfinished(self, layer: nn.Module) -> None:
        """Refuse a layer that cannot be watched, or whose parameters have no shape yet."""
        try:
            refuse_scripted(layer)
        except SettingError as error:
            raise SettingError("layer", error.rule, self.layer, "Make it without torch.jit.") from None
        parameters: dict[str, Any] = dict(layer.named_parameters())
        lazy = next((name for name, one in parameters.items() if is_lazy(one)), None)
        if lazy:
            rule = f"must have the shapes of all parameters when it is made, that of {lazy} is left open"
            raise SettingError("layer", rule, self.layer, "Use a layer that is not lazy: its channels are given.")

    def properties(self, feature_shape: FeatureShape, *, batch_size: int, training: bool) -> Properties:
        """Return nothing that is declared: ``normbench check-norm`` measures."""
        return Properties()


def _asks_for_the_shape(make: Any) -> bool:
    try:
        return "feature_shape" in inspect.signature(make).parameters
    except (TypeError, ValueError):
        return False
