"""Asks of a norm layer what training relies upon: shapes, precision, gradients, copies, random states."""

from copy import deepcopy

import torch
from torch import Tensor

from normbench.inspection.norm_contract import copies, numbers
from normbench.inspection.norm_contract.answer import AGE, BATCH_SIZE, Answer, in_both_modes, yes_if
from normbench.inspection.norm_contract.further import randomness
from normbench.inspection.norm_contract.measured_norm import MODES, MeasuredNorm

SCALE_TOLERANCE, OFFSET_TOLERANCE = 1e-5, 2e-3
"""Largest error of float32, as a share of the output. It rounds by 6e-8; an offset of 1000 std makes that 6e-5."""


def keeps_shape(norm: MeasuredNorm) -> Answer:
    """Output of the input's shape, dtype and device, in both precisions and modes."""
    for dtype in (torch.float32, torch.float64):
        for training in MODES.values():
            x = norm.batch(BATCH_SIZE, dtype)
            y: object = norm.layer(dtype=dtype, training=training)(x.clone())
            if not isinstance(y, Tensor):
                return Answer("no", f"it puts out a {type(y).__name__}")
            if (y.shape, y.dtype, y.device) != (x.shape, x.dtype, x.device):
                return Answer("no", f"{_described(x)} becomes {_described(y)}")
    return Answer("yes")


def _described(x: Tensor) -> str:
    return f"{tuple(x.shape)} {str(x.dtype).removeprefix('torch.')}"


def leaves_input(norm: MeasuredNorm) -> Answer:
    """Input tensors are not written to."""
    x = norm.batch(BATCH_SIZE)
    found = {mode: not copies.changes_its_input(norm.layer(training=training), x) for mode, training in MODES.items()}
    return yes_if(all(found.values()), "" if all(found.values()) else "it writes to the tensor that it is given")


def precision(norm: MeasuredNorm) -> Answer:
    """Float32 against float64, near 0 and at an offset of 1000."""
    layer = norm.layer(dtype=torch.float32)
    near = numbers.precision_error(layer, norm.batch(8, torch.float32))
    far = numbers.precision_error(layer, 1e3 + 0.1 * norm.batch(8, torch.float32))
    good = near <= SCALE_TOLERANCE and far <= OFFSET_TOLERANCE
    if not good and randomness(norm).holds == "yes":
        return Answer("", "cannot be compared: it draws other random numbers in each")
    return yes_if(good, f"errs by {near:.0e}, far from 0 by {far:.0e}")


def gradients(norm: MeasuredNorm) -> Answer:
    """First derivatives against finite differences, in both modes."""
    x = norm.batch(3)
    return in_both_modes({m: numbers.has_right_gradients(norm.layer(age=1, training=t), x) for m, t in MODES.items()})


def constant_input(norm: MeasuredNorm) -> Answer:
    """Outputs and gradients for a batch of one value, 0 and 3."""
    found = {
        f"{value:g}": numbers.is_finite_throughout(norm.layer(), torch.full_like(norm.batch(3), value))
        for value in (0.0, 3.0)
    }
    wrong = [value for value, good in found.items() if not good]
    return yes_if(not wrong, f"output or gradient of a batch of {' and '.join(wrong)} is not" if wrong else "")


def state_dict(norm: MeasuredNorm) -> Answer:
    """A new layer that is given the state of one that has trained."""
    return yes_if(copies.is_restored(norm.layer(age=AGE), norm.layer(), norm.batch(BATCH_SIZE)))


def deep_copy(norm: MeasuredNorm) -> Answer:
    """A deep copy of a layer that has trained."""
    layer, x = norm.layer(age=AGE), norm.batch(BATCH_SIZE)
    return yes_if(copies.is_same_everywhere(deepcopy(layer), layer, x))


def random_states(norm: MeasuredNorm) -> Answer:
    """Whose random numbers are drawn; a random layer draws torch's, which a run seeds and saves."""
    x = norm.batch(BATCH_SIZE)
    drawn = {who: None for training in MODES.values() for who in copies.drawn_from(norm.layer(training=training), x)}
    is_random = randomness(norm).holds == "yes"
    if is_random and list(drawn) == ["torch"]:
        return Answer("", "it draws from torch's, which a run seeds and saves")
    return yes_if(not drawn, f"it draws from {' and '.join(f'{who}' for who in drawn)}" if drawn else "")
