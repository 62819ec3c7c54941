"""Audit: the norms of a network as a batch meets them, and what became of them; as text, a table."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from normbench.norm_swap.layers import channels_first
from normbench.norms.base import FeatureShape

INSERTED = "inserted"


@dataclass(frozen=True)
class Site:
    """One norm of a network.

    Attributes:
        path: Its name in the network: ``layer1.0.bn1``; "" where it is registered nowhere.
        aliases: Its other names, where it is registered several times.
        class_name: Its class before anything was replaced; its ``origin`` where nothing was there.
        kind: normbench's norm of the same kind; "" where it is none that is known.
        calls: Calls in a forward pass in training.
        calls_in_backward: Calls in which activation checkpointing computes forward again.
        calls_in_eval: Calls in evaluation.
        shapes: Shapes of its inputs in the batch, each once, in order.
        num_samples: Samples of that batch.
        batch_axis: Axis of the batch; None where no axis follows the order of the samples.
        channel_axis: Axis of the channels, from 0.
        settings: Its eps, momentum, affine and track_running_stats, where it has them.
        origin: Why a norm was put where the network has none: "inserted", after the layer that holds it; "" elsewhere.
        tail: Modules of its own that act on what it has normalized, by name: ``{"act": "SiLU"}``.
        becomes: Class of the norm in its place; "" where it was not replaced.
        norm_path: Name of that norm: below ``path`` where something is wrapped around it.
        new_settings: Settings of that norm.
        groups: Number of groups, and channels in each, where that norm has groups.
        notes: What may not be expected, a sentence each.
    """

    path: str
    aliases: tuple[str, ...]
    class_name: str
    kind: str
    calls: int
    calls_in_backward: int
    calls_in_eval: int
    shapes: tuple[tuple[int, ...], ...]
    num_samples: int
    batch_axis: int | None
    channel_axis: int
    settings: Mapping[str, Any] = field(default_factory=dict)
    origin: str = ""
    tail: Mapping[str, str] = field(default_factory=dict)
    becomes: str = ""
    norm_path: str = ""
    new_settings: Mapping[str, Any] = field(default_factory=dict)
    groups: tuple[int, int] | None = None
    notes: tuple[str, ...] = ()

    @property
    def is_called(self) -> bool:
        """Whether any pass calls it."""
        return bool(self.calls or self.calls_in_backward or self.calls_in_eval)

    @property
    def num_features(self) -> int:
        """Number of channels; 0 where no pass calls it."""
        return self.shapes[0][self.channel_axis] if self.shapes else 0

    @property
    def feature_shape(self) -> FeatureShape:
        """One sample's shape as a norm in its place sees it, (C, *); () where no pass calls it."""
        return channels_first(self.shapes[0], self.batch_axis or 0, self.channel_axis) if self.shapes else ()

    @property
    def rows_per_sample(self) -> float:
        """Length of its batch axis for each sample of the batch: above 1 where steps or windows are rows."""
        return self.shapes[0][self.batch_axis or 0] / self.num_samples if self.shapes else 1.0


@dataclass(frozen=True)
class LooseNorm:
    """Norms that are computed outside of norm modules, in the forward of one module.

    Attributes:
        path: The module's name; "" for the network itself.
        class_name: Its class.
        names: The functions, one for each time: ``("layer_norm", "layer_norm")``.
        is_on_weights: Whether they act on a weight, as weight standardization does, and not on what comes in.
    """

    path: str
    class_name: str
    names: tuple[str, ...]
    is_on_weights: bool


@dataclass(frozen=True)
class Audit:
    """The norms of a network, and what became of them.

    Attributes:
        norm: Name of the norm that was put in their place; "kept" where none was.
        sites: The norms, in the order in which they are registered.
        loose: Norms that are computed outside of norm modules.
        not_touched: Modules that are called norms, by name with their class, and compute none that is known.
        num_parameters: Numbers of learned values before and after.
        num_activations: Activation functions that run in a forward pass, as many after as before.
        same_kind: What the check of the same kind found, where it was made.
        elsewhere: How initial weights elsewhere compare with those of the network with its own norms, where it was made
            with others.
    """

    norm: str
    sites: tuple[Site, ...]
    loose: tuple[LooseNorm, ...]
    not_touched: Mapping[str, str]
    num_parameters: tuple[int, int]
    num_activations: int
    same_kind: str = ""
    elsewhere: str = ""

    @property
    def swapped(self) -> tuple[Site, ...]:
        """The norms that were put into the network, in the place of others or where it had none."""
        return tuple(site for site in self.sites if site.becomes)

    @property
    def never_called(self) -> tuple[Site, ...]:
        """The norms that no pass calls; they are left as they are."""
        return tuple(site for site in self.sites if not site.is_called)

    @property
    def notes(self) -> dict[str, tuple[str, ...]]:
        """What may not be expected, by the norm's name."""
        return {site.path: site.notes for site in self.sites if site.notes}

    def __str__(self) -> str:
        from normbench.norm_swap.table import text_of

        return text_of(self)
