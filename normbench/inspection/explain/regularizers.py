"""Computes what dropout and weight decay do to a few numbers, with torch and the optimizers themselves."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from normbench.inspection.explain.by_hand.outputs import ByHand
from normbench.inspection.explain.by_hand.steps import STEPS, decay_by_hand, dropout_by_hand
from normbench.optimizers.adam import AdamSpec
from normbench.optimizers.adamw import AdamWSpec
from normbench.optimizers.base import OptimizerSpec
from normbench.optimizers.sgd import SGDSpec
from normbench.random_streams import derive_seed

NUM_ONES, DROPPED_VALUE = 10_000, 3.0
START, GRADIENT, LR, WEIGHT_DECAY, NUM_STEPS = 1.0, 0.5, 0.1, 0.1, 3


@dataclass(frozen=True)
class NumberTable:
    """Holds a table of numbers with a sentence: one row per rule.

    Attributes:
        caption: What was done to get them.
        columns: What each number is.
        rows: Name and numbers.
    """

    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, tuple[float, ...]], ...]


@dataclass(frozen=True)
class RegularizerExplanation:
    """Holds all that `explain` says of dropout or weight decay."""

    name: str
    rules: tuple[tuple[str, str], ...]
    table: NumberTable
    paper: str
    url: str
    notes: tuple[str, ...]
    by_hand: tuple[ByHand, ...] = ()


def explain_dropout(*, by_hand: bool = False) -> RegularizerExplanation:
    """Drop some of a row of ones and sum the others, by torch's rule and by the older one."""
    rows = [row for p in (0.3, 0.5) for row in _dropout_rows(p)]
    caption = f"{NUM_ONES:,} ones, dropped with probability p, then summed"
    return RegularizerExplanation(
        name="dropout",
        rules=(
            ("training", "x * mask / (1 - p), mask is 0 with probability p"),
            ("evaluation", "x"),
            ("older rule, training", "x * mask"),
            ("older rule, evaluation", "x * (1 - p)"),
        ),
        table=NumberTable(caption, ("in training", "std by theory", "in evaluation"), tuple(rows)),
        paper="Srivastava et al., Dropout: A Simple Way to Prevent Neural Networks from Overfitting, 2014",
        url="https://jmlr.org/papers/v15/srivastava14a.html",
        notes=(
            "normbench, like torch, scales in training, so that evaluation needs no change.",
            "dropout is the probability of zeroing; older code often asks for keep_prob, 1 minus that.",
            "Behind dropout the variance in training is 1 / (1 - p) times that in evaluation (zero-mean inputs).",
            "A norm's running statistics are then wrong in evaluation.",
            "The document prints its losses in training mode, where dropout adds its own noise to them.",
        ),
        by_hand=tuple(_dropped(p) for p in (0.3, 0.5)) if by_hand else (),
    )


def _dropped(p: float) -> ByHand:
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(derive_seed(1, "explain", f"dropout {p}"))
        out = nn.Dropout(p)(torch.full((NUM_ONES,), DROPPED_VALUE, dtype=torch.float64))
    return dropout_by_hand(DROPPED_VALUE, p, out.max().item())


def _dropout_rows(p: float) -> list[tuple[str, tuple[float, ...]]]:
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(derive_seed(1, "explain", f"dropout {p}"))
        kept = nn.Dropout(p)(torch.ones(NUM_ONES, dtype=torch.float64))
    spread = (NUM_ONES * p * (1 - p)) ** 0.5
    total = kept.sum().item()
    evaluated = nn.Dropout(p).eval()(torch.ones(NUM_ONES, dtype=torch.float64)).sum().item()
    scaled = (f"p = {p}", (total, spread / (1 - p), evaluated))
    older = (f"p = {p}, older rule", (total * (1 - p), spread, NUM_ONES * (1 - p)))
    return [scaled, older]


def explain_weight_decay(*, by_hand: bool = False) -> RegularizerExplanation:
    """Make three steps on one weight with each optimizer, with and without weight decay."""
    plain, velocity = SGDSpec(lr=LR, momentum=0.0), SGDSpec(lr=LR)
    specs = {
        "sgd, momentum 0": plain,
        "sgd, momentum 0.9": velocity,
        "adam": AdamSpec(lr=LR),
        "adamw": AdamWSpec(lr=LR),
    }
    rows = [
        (f"{name}, weight_decay {decay:g}", tuple(steps_of_one_weight(spec, decay)))
        for name, spec in specs.items()
        for decay in (0.0, WEIGHT_DECAY)
    ]
    caption = f"one weight from {START:g}, gradient {GRADIENT:g} at every step, lr {LR:g}"
    return RegularizerExplanation(
        name="weight_decay",
        rules=(
            ("sgd", "v <- momentum * v + (gradient + weight_decay * w); w <- w - lr * v"),
            ("adam", "the gradient is replaced by gradient + weight_decay * w, then rescaled like any gradient"),
            ("adamw", "w <- (1 - lr * weight_decay) * w, beside adam's step"),
        ),
        table=NumberTable(caption, tuple(f"w after {step}" for step in range(1, NUM_STEPS + 1)), tuple(rows)),
        paper="Krogh and Hertz, A Simple Weight Decay Can Improve Generalization, 1991;"
        " Loshchilov and Hutter, Decoupled Weight Decay Regularization, 2017",
        url="https://arxiv.org/abs/1711.05101",
        notes=(
            "Under sgd and adam it is L2: weight_decay / 2 * w^2 joins the loss; its gradient passes through momentum.",
            "Under adam a weight with large gradients is decayed less; adamw decays all alike.",
            "Where a norm follows a weight, the weight's scale changes only the effective learning rate lr / |w|^2.",
            "Weight decay then acts as a schedule.",
            "decay_on: weights leaves out biases and norms; all is what torch does and the documents did.",
            "The document writes the step without lr, as if lr were 1.",
        ),
        by_hand=tuple(_decayed(name, spec) for name, spec in specs.items()) if by_hand else (),
    )


def _decayed(what: str, spec: OptimizerSpec) -> ByHand:
    settings = {key: value for key, value in spec.model_dump().items() if isinstance(value, float)}
    known = {**settings, "gradient": GRADIENT, "weight_decay": WEIGHT_DECAY, "w": START}
    by_torch = steps_of_one_weight(spec, WEIGHT_DECAY)
    return decay_by_hand(f"{what}, weight_decay {WEIGHT_DECAY:g}", STEPS[spec.name], known, by_torch)


def steps_of_one_weight(spec: OptimizerSpec, weight_decay: float) -> list[float]:
    """Return one weight after each of a few steps."""
    weight = nn.Parameter(torch.tensor([START], dtype=torch.float64))
    optimizer = spec.build([{"params": [weight], "weight_decay": weight_decay}], spec.lr)
    return [_step(weight, optimizer) for _ in range(NUM_STEPS)]


def _step(weight: Tensor, optimizer: torch.optim.Optimizer) -> float:
    weight.grad = torch.full_like(weight, GRADIENT)
    optimizer.step()
    return weight.item()


REGULARIZERS = {"dropout": explain_dropout, "weight_decay": explain_weight_decay}
