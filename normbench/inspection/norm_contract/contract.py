"""Measures every property of a norm layer, one answer each: yes, no, or no answer, with a figure."""

import warnings
from collections.abc import Callable, Mapping
from contextlib import nullcontext, redirect_stdout
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Literal

from normbench.errors import SettingError
from normbench.inspection.norm_contract import further, needed
from normbench.inspection.norm_contract.answer import BATCH_SIZE, Answer
from normbench.inspection.norm_contract.measured_norm import MeasuredNorm, seeded
from normbench.norms.base import FeatureShape, NormSpec
from normbench.own_code.error_lines import in_one_line
from normbench.own_code.running import running_own_code
from normbench.random_streams import seeded_globally

Measure = Callable[[MeasuredNorm], Answer]
TRIED_SHAPES: tuple[FeatureShape, ...] = ((8, 6, 6), (8, 6), (8,), (8, 4, 4, 4))
"""Samples (C, *) that a norm is given if no shape is asked for: the first of them that it takes."""
SHAPE = "keeps shape, dtype, device"
NEEDED: Mapping[str, Measure] = {
    SHAPE: needed.keeps_shape,
    "leaves its input as it is": needed.leaves_input,
    "float32 agrees with float64": needed.precision,
    "gradients are correct": needed.gradients,
    "constant input stays finite": needed.constant_input,
    "state_dict round trip": needed.state_dict,
    "deep copy": needed.deep_copy,
    "leaves global random states": needed.random_states,
}
"""What training in normbench relies upon."""
FURTHER: Mapping[str, Measure] = {
    "second derivatives too": further.second_derivatives,
    "invariant to input scale": further.input_scale,
    "invariant to sample shift": further.sample_shift,
    "invariant to feature shift": further.feature_shift,
    "each sample for itself": further.sample_independent,
    "same in evaluation": further.same_in_eval,
    "random": further.randomness,
    "averages over": further.averaged_axes,
    "running statistics": further.running_statistics,
    "empty batch": further.empty_batch,
    "batch of one": further.batch_of_one,
    "half precision": further.half_precision,
    "vmap": further.under_vmap,
    "channels-last memory": further.channels_last,
}
PRINTS = "prints nothing"


@dataclass(frozen=True)
class Measured:
    """An answer, and what was asked.

    Attributes:
        name: The property.
        holds: yes, no, or "" where the question does not arise or has another answer.
        figure: By how much, where, why; "" where there is nothing to add.
        is_needed: Whether training relies upon it.
    """

    name: str
    holds: Literal["yes", "no", ""]
    figure: str
    is_needed: bool

    @property
    def is_fault(self) -> bool:
        """Whether training relies upon it and it is not so."""
        return self.is_needed and self.holds == "no"


@dataclass(frozen=True)
class NormContract:
    """All that was measured of a norm at one shape (C, *)."""

    feature_shape: FeatureShape
    properties: tuple[Measured, ...]


def measure_norm(spec: NormSpec, feature_shape: FeatureShape | None = None) -> NormContract:
    """Measure the properties of a norm; random states and standard output stay as they are.

    Args:
        spec: The norm with its settings.
        feature_shape: Shape (C, *) of the samples; the first of some usual ones that the norm takes if not given.

    Raises:
        SettingError: It cannot be made, or takes no such batch.
    """
    printed = StringIO()
    folder = _folder(spec)
    in_own_code = running_own_code(folder) if folder else nullcontext()
    with in_own_code, seeded_globally(0), redirect_stdout(printed), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # they come again where the layer is used
        shape = feature_shape or _first_taken(spec)
        norm = MeasuredNorm(spec, shape)
        _try(norm)
        found = [_measured(norm, SHAPE, needed.keeps_shape, is_needed=True)]
        if found[0].holds == "yes":  # of what is no norm, nothing else has a meaning
            found = [_measured(norm, name, measure, is_needed=True) for name, measure in NEEDED.items()]
            found += [_measured(norm, name, measure, is_needed=False) for name, measure in FURTHER.items()]
    lines = printed.getvalue().splitlines()
    if lines:
        found.append(Measured(PRINTS, "no", f"{len(lines):,} lines, the first: {lines[0]}", is_needed=False))
    return NormContract(shape, tuple(found))


def _folder(spec: NormSpec) -> Path | None:
    """Return the folder from which a layer of the user's own is found; None for a norm of normbench."""
    folder: Path | None = getattr(spec, "folder", None)
    return folder


def _first_taken(spec: NormSpec) -> FeatureShape:
    refused = []
    for shape in TRIED_SHAPES:
        try:
            _try(MeasuredNorm(spec, shape))
        except SettingError as error:
            refused.append(error)
        else:
            return shape
    raise refused[0]


def _try(norm: MeasuredNorm) -> None:
    """Refuse a norm that cannot be made, or does not get through a batch."""
    layer = norm.spec.build(norm.feature_shape)
    x = norm.batch(BATCH_SIZE).float()
    try:
        seeded(layer, x)
    except (Exception, SystemExit) as error:
        rule = f"must take a batch of shape {tuple(x.shape)}, it ended with {in_one_line(error, _folder(norm.spec))}"
        way_out = "Its forward gets one tensor (N, C, *); --shape gives it other samples (C, *)."
        raise SettingError("layer", rule, getattr(norm.spec, "layer", norm.spec.name), way_out) from error


def _measured(norm: MeasuredNorm, name: str, measure: Measure, *, is_needed: bool) -> Measured:
    try:
        answer = measure(norm)
    except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever fails is the answer
        answer = Answer("no", in_one_line(error, length=100))
    return Measured(name, answer.holds, answer.figure, is_needed)
