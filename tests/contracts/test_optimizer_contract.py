"""Every optimizer: two steps by hand, in float64.

Each variant needs its rule here, ``rule_<name>(spec, w, weight_decay)``: a generator that yields a weight,
is sent its gradient and yields the weight after the step.
"""

from copy import deepcopy
from inspect import signature

import pytest
import torch
from contracts.variants import all_settings, each, variants
from torch import nn

EVERY_OPTIMIZER = pytest.mark.parametrize("spec", each(all_settings("optimizers", tried_floats=(0.0,))))
START = (1.5, -0.25)
GRADIENTS = ((0.5, 2.0), (-1.0, 0.125))
LR = 0.03  # of none of the specs: the run scales it by the batch size


def rule_sgd(spec, w, weight_decay):
    velocity = 0.0
    gradient = yield w
    while True:
        gradient = gradient + weight_decay * w
        velocity = spec.momentum * velocity + gradient
        w = w - LR * (gradient + spec.momentum * velocity if spec.nesterov else velocity)
        gradient = yield w


def rule_adam(spec, w, weight_decay):
    gradient = yield w
    mean = square = 0.0
    for step in range(1, 3):
        gradient = gradient + weight_decay * w
        mean, square, direction = _adam_direction(spec, step, mean, square, gradient)
        w = w - LR * direction
        gradient = yield w


def rule_adamw(spec, w, weight_decay):
    gradient = yield w
    mean = square = 0.0
    for step in range(1, 3):
        mean, square, direction = _adam_direction(spec, step, mean, square, gradient)
        w = w * (1 - LR * weight_decay) - LR * direction
        gradient = yield w


def _adam_direction(spec, step, mean, square, gradient):
    mean = spec.beta1 * mean + (1 - spec.beta1) * gradient
    square = spec.beta2 * square + (1 - spec.beta2) * gradient**2
    corrected, corrected_square = mean / (1 - spec.beta1**step), square / (1 - spec.beta2**step)
    return mean, square, corrected / (corrected_square**0.5 + spec.eps)


def two_steps_by_hand(spec, weight_decay):
    rule = globals().get(f"rule_{spec.name}")
    assert rule, f"{spec.name} needs rule_{spec.name}, its step written by hand, in {__file__}"
    trails = []
    for w, gradients in zip(START, zip(*GRADIENTS, strict=True), strict=True):
        steps = rule(spec, w, weight_decay)
        trails.append([next(steps), *(steps.send(gradient) for gradient in gradients)])
    return [list(weights) for weights in zip(*trails, strict=True)]


def two_steps(optimizer, weight):
    trail = [weight.tolist()]
    for gradient in GRADIENTS:
        weight.grad = torch.tensor(gradient, dtype=weight.dtype)
        optimizer.step()
        trail.append(weight.tolist())
    return trail


def weights(dtype=torch.float64):
    return nn.Parameter(torch.tensor(START, dtype=dtype))


@EVERY_OPTIMIZER
@pytest.mark.parametrize("weight_decay", [0.0, 0.1])
def test_two_steps_are_those_made_by_hand(spec, weight_decay):
    weight = weights()
    optimizer = spec.build([{"params": [weight], "weight_decay": weight_decay}], LR)
    expected = two_steps_by_hand(spec, weight_decay)
    for step, by_hand in zip(two_steps(optimizer, weight), expected, strict=True):
        assert step == pytest.approx(by_hand, rel=1e-12)


@EVERY_OPTIMIZER
def test_each_group_decays_by_its_own_weight_decay(spec):
    decayed, free = weights(), weights()
    groups = [{"params": [decayed], "weight_decay": 0.1}, {"params": [free], "weight_decay": 0.0}]
    optimizer = spec.build(groups, LR)
    for gradient in GRADIENTS:
        decayed.grad, free.grad = (torch.tensor(gradient, dtype=torch.float64) for _ in range(2))
        optimizer.step()
    assert decayed.tolist() == pytest.approx(two_steps_by_hand(spec, 0.1)[-1], rel=1e-12)
    assert free.tolist() == pytest.approx(two_steps_by_hand(spec, 0.0)[-1], rel=1e-12)


@EVERY_OPTIMIZER
def test_float32_steps_agree_with_those_made_by_hand(spec):
    weight = weights(torch.float32)
    optimizer = spec.build([{"params": [weight], "weight_decay": 0.1}], LR)
    expected = two_steps_by_hand(spec, 0.1)
    assert two_steps(optimizer, weight)[-1] == pytest.approx(expected[-1], rel=1e-5)


@EVERY_OPTIMIZER
def test_a_state_restored_after_one_step_makes_the_same_second_step(spec):
    weight, restored_weight = weights(), weights()
    groups = [{"params": [weight], "weight_decay": 0.1}]
    optimizer = spec.build(groups, LR)
    weight.grad = torch.tensor(GRADIENTS[0], dtype=torch.float64)
    optimizer.step()
    restored = spec.build([{"params": [restored_weight], "weight_decay": 0.0}], 2 * LR)
    restored.load_state_dict(deepcopy(optimizer.state_dict()))
    restored_weight.data.copy_(weight.data)
    for which, step in ((weight, optimizer), (restored_weight, restored)):
        which.grad = torch.tensor(GRADIENTS[1], dtype=torch.float64)
        step.step()
    assert torch.equal(restored_weight, weight)


@pytest.mark.parametrize("variant", each(variants("optimizers")))
def test_the_declared_kind_of_decay_is_what_a_zero_gradient_shows(variant):
    weight = weights()
    optimizer = variant().build([{"params": [weight], "weight_decay": 0.1}], LR)
    weight.grad = torch.zeros_like(weight)
    optimizer.step()
    shrunk_by = 1 - LR * 0.1
    decoupled = [shrunk_by * w for w in START]
    if variant.decay_kind == "decoupled":
        assert weight.tolist() == pytest.approx(decoupled, rel=1e-12)
    else:
        assert variant.decay_kind == "L2"
        assert weight.tolist() == pytest.approx(one_step_without_gradient(variant(), 0.1), rel=1e-12)


def one_step_without_gradient(spec, weight_decay):
    rule = globals()[f"rule_{spec.name}"]
    steps = [rule(spec, w, weight_decay) for w in START]
    return [(next(step), step.send(0.0))[1] for step in steps]


def plain_of(optimizer):
    """Return torch's own optimizer with the same settings, on copies of the parameters."""
    (kind,) = [one for one in type(optimizer).__mro__ if one.__module__.startswith("torch.optim.")][-2:-1]
    groups = [{**group, "params": deepcopy(group["params"])} for group in optimizer.param_groups]
    return kind(
        groups, **{key: value for key, value in optimizer.defaults.items() if key in signature(kind).parameters}
    )


def draw_gradients(optimizers, step):
    """Give all the same gradients; one parameter has none in the third step."""
    generator = torch.Generator().manual_seed(step)
    numbers = [parameter for group in optimizers[0].param_groups for parameter in group["params"]]
    drawn = [torch.randn(one.shape, generator=generator, dtype=one.dtype) for one in numbers]
    for optimizer in optimizers:
        mine = [parameter for group in optimizer.param_groups for parameter in group["params"]]
        for i, (parameter, gradient) in enumerate(zip(mine, drawn, strict=True)):
            parameter.grad = None if i == 1 and step == 2 else gradient.clone()


def are_equal(one, other):
    if isinstance(one, torch.Tensor):
        return torch.equal(one, other)
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(are_equal(one[key], other[key]) for key in one)
    if isinstance(one, list):
        return len(one) == len(other) and all(map(are_equal, one, other))
    return one == other


@EVERY_OPTIMIZER
def test_steps_and_states_have_the_bits_of_torchs_own_optimizer(spec):
    shapes = [(7, 5), (5,), (3, 4, 2), ()]
    numbers = [nn.Parameter(torch.randn(shape, generator=torch.Generator().manual_seed(9))) for shape in shapes]
    numbers.append(nn.Parameter(torch.linspace(-1, 1, 9, dtype=torch.float64)))
    groups = [{"params": numbers[:3], "weight_decay": 0.1}, {"params": numbers[3:], "weight_decay": 0.0}]
    ours = spec.build(groups, LR)
    plain = plain_of(ours)
    for step in range(6):
        for optimizer in (ours, plain):
            for group in optimizer.param_groups:
                group["lr"] = LR / (1 + step)
        draw_gradients([ours, plain], step)
        ours.step()
        plain.step()
        assert are_equal(ours.param_groups, plain.param_groups), f"step {step}"
        assert are_equal(ours.state_dict(), plain.state_dict()), f"step {step}"
        if step == 3:  # each goes on from what the other saved
            saved = deepcopy(ours.state_dict()), deepcopy(plain.state_dict())
            plain.load_state_dict(saved[0])
            ours.load_state_dict(saved[1])
