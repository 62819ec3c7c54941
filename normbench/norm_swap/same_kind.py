"""Checks the swap itself: with normbench's norms of the same kinds a network must compute the same bits as before."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn

from normbench.any_module.model_input import ModelInput
from normbench.any_module.plain_execution import same_global_random_states_after
from normbench.any_module.random_states import same_random_states_after
from normbench.any_module.tensors import named_tensors
from normbench.errors import SettingError
from normbench.models.base import BuiltNorm
from normbench.norm_swap.exchange import exchanged
from normbench.norm_swap.passes import forward, undisturbed
from normbench.norm_swap.recorder import Frame, Recorder
from normbench.norm_swap.replacement import Replacement, replacement
from normbench.norm_swap.sites import Found, find_norms
from normbench.norm_swap.swappable import materialize, refuse_unswappable
from normbench.norm_swap.trace import trace
from normbench.norms.base import NormSpec
from normbench.parts import find_specs


@dataclass(frozen=True)
class SameKind:
    """What a network puts out with normbench's norms of the same kinds, compared with its own.

    Attributes:
        num_checked: Number of norms that were replaced for the check.
        largest_difference: Of any value of the output, in training or evaluation; 0 where all bits are equal.
        first_site: The first norm whose own output differs; "" where none does.
        left_out: Why other norms were not replaced, by name.
    """

    num_checked: int
    largest_difference: float
    first_site: str
    left_out: Mapping[str, str]

    @property
    def is_bit_equal(self) -> bool:
        """Whether all bits are equal."""
        return not self.largest_difference and not self.first_site

    def __str__(self) -> str:
        if not self.num_checked:
            return "no norm of a known kind"
        left = f" ({len(self.left_out)} left out)" if self.left_out else ""
        if self.is_bit_equal:
            return f"bit-equal{left}"
        return f"differs by {self.largest_difference:.1g}, first at {self.first_site or 'the output'}{left}"


def same_kind_check(model: nn.Module, sample: Any) -> SameKind:
    """Compare a model's outputs with those that it has with normbench's norms of the same kinds and settings.

    A pass in training, which moves running statistics, is followed by one in evaluation, which uses them. The model
    and all random states are afterwards as they were.

    Raises:
        SettingError: The model does not take the batch, or its modules cannot be exchanged.

    Example:
        >>> import torch
        >>> model = nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.ReLU(), nn.Flatten(2), nn.LayerNorm(4))
        >>> print(same_kind_check(model, torch.randn(4, 3, 4, 4)))
        bit-equal
    """
    refuse_unswappable(model)
    given = ModelInput.of(sample, model)
    materialize(model, given)
    with same_random_states_after(model), same_global_random_states_after():
        made, left_out = _make(find_norms(model, trace(model, given)))
        before = _outputs(model, given, {one.found.module: one.site.path for one in made})
        with exchanged(model, {one.found.module: one.module for one in made}):
            after = _outputs(model, given, {one.module: one.site.path for one in made})
    return SameKind(len(made), _largest_difference(before[0], after[0]), _first_site(before[1], after[1]), left_out)


def _make(found: Sequence[Found]) -> tuple[list[Replacement], dict[str, str]]:
    made, left_out = [], {}
    for one in found:
        try:
            made.append(replacement(one, same_kind_spec(one), said=()))
        except SettingError as error:
            left_out[one.site.path] = f"{error.rule}, got {error.value!r}"
    return made, left_out


def same_kind_spec(one: Found) -> NormSpec:
    """Return the spec of normbench's norm of the same kind; eps, momentum and affine are those of the place.

    Raises:
        SettingError: There is none.
    """
    module: Any = one.module
    built_from = getattr(module, "built_from", None)
    if isinstance(built_from, BuiltNorm):
        return built_from.spec
    unfit = (
        "is never called" if not one.site.is_called else one.unknown or ("" if one.site.kind else "is no known norm")
    )
    if unfit or not one.is_registered or not one.site.path:
        raise SettingError("norm.name", unfit or "must be held by a module", one.site.class_name, "")
    settings = {"name": one.site.kind, **_settings_of_kind(one)}
    spec = find_specs("normbench.norms")[one.site.kind].model_validate(settings)
    assert isinstance(spec, NormSpec)
    return spec


def _settings_of_kind(one: Found) -> dict[str, Any]:
    module: Any = one.module
    if one.site.kind == "group_norm":
        return {"num_groups": module.num_groups}
    if one.site.kind == "local_response_norm":
        return {name: getattr(module, name) for name in ("size", "alpha", "beta", "k")}
    if one.site.kind not in ("layer_norm", "rms_norm"):
        return {}
    num_axes = len(getattr(module, "normalized_shape", (1,)))
    if num_axes == 1:
        return {"over": "position"}
    if num_axes != len(one.site.shapes[0]) - 1:
        raise SettingError("over", "must be over a position or a sample", module.normalized_shape, "")
    return {"over": "sample", "affine": "element"}


def _outputs(
    model: nn.Module, given: ModelInput, names: Mapping[nn.Module, str]
) -> tuple[list[Tensor], list[tuple[str, Tensor]]]:
    """Return what a model puts out in training, then in evaluation, and what its norms do."""
    of_norms: list[tuple[str, Tensor]] = []

    def see(frame: Frame) -> None:
        if isinstance(frame.output, Tensor):
            of_norms.append((names[frame.module], frame.output.detach().clone()))

    outputs = []
    with undisturbed(model), Recorder(names.__contains__, see) as recorder:
        for training in (True, False):
            output = forward(model, given, recorder, training=training)
            outputs += [tensor.detach().clone() for tensor in named_tensors(output).values()]
    return outputs, of_norms


def _largest_difference(before: Sequence[Tensor], after: Sequence[Tensor]) -> float:
    return max((_difference(one, other) for one, other in zip(before, after, strict=True)), default=0.0)


def _difference(one: Tensor, other: Tensor) -> float:
    """Return the largest difference; nan and inf at the same places count as none."""
    if one.shape != other.shape:
        return float("inf")
    same = (one == other) | (one.isnan() & other.isnan())
    return 0.0 if bool(same.all()) else float((one - other)[~same].abs().nan_to_num(float("inf")).max())


def _first_site(before: Sequence[tuple[str, Tensor]], after: Sequence[tuple[str, Tensor]]) -> str:
    pairs = zip(before, after, strict=True)
    return next((name for (name, one), (_, other) in pairs if _difference(one, other)), "")
