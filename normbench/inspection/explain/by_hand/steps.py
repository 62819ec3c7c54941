"""Computes steps with weight decay, and a dropped value, line by line, as one would by hand."""

from collections.abc import Mapping, Sequence

from normbench.inspection.explain.by_hand.arithmetic import number_text, steps, substituted, value_of
from normbench.inspection.explain.by_hand.outputs import ByHand

Rules = tuple[tuple[str, str], ...]
"""Assignments in order: a name and the formula of its new value."""
MEANS: Rules = (
    ("m", "beta1 * m + (1 - beta1) * g"),
    ("s", "beta2 * s + (1 - beta2) * g ** 2"),
)
ADAM_STEP = "lr * (m / (1 - beta1 ** t)) / (sqrt(s / (1 - beta2 ** t)) + eps)"
COUPLED: Rules = (("g", "gradient + weight_decay * w"),)
STEPS: Mapping[str, Rules] = {
    "sgd": (*COUPLED, ("v", "momentum * v + g"), ("w", "w - lr * v")),
    "adam": (*COUPLED, *MEANS, ("w", f"w - {ADAM_STEP}")),
    "adamw": (("g", "gradient"), *MEANS, ("w", f"(1 - lr * weight_decay) * w - {ADAM_STEP}")),
}
"""A step of each optimizer with weight decay, for the gradient of one weight."""
KEPT, DROPPED = "x * mask / (1 - p)", 0


def decay_by_hand(what: str, rules: Rules, known: Mapping[str, float], by_torch: Sequence[float]) -> ByHand:
    """Make as many steps as torch has made, with a line for each assignment.

    Args:
        what: The optimizer with its settings.
        rules: One step.
        known: Values of all names; those that rules assign start at 0, the weight as given.
        by_torch: The weight after each of torch's steps.
    """
    values = dict.fromkeys((name for name, _ in rules), 0.0) | dict(known)
    lines: list[tuple[str, str]] = [(name, f"<- {formula}") for name, formula in rules]
    for step in range(1, len(by_torch) + 1):
        values["t"] = step
        for i, (name, formula) in enumerate(rules):
            text = substituted(formula, values)
            values[name] = value_of(formula, values)
            lines.append(
                ("" if i else f"step {step}", " = ".join(dict.fromkeys((name, text, number_text(values[name])))))
            )
    return ByHand(what, tuple(lines), values["w"], by_torch[-1])


def dropout_by_hand(x: float, p: float, by_torch: float) -> ByHand:
    """Scale a value that dropout keeps, and zero one that it drops; beside it the mean over both cases.

    Args:
        x: The value.
        p: The probability of zeroing.
        by_torch: What torch makes of a value that it keeps.
    """
    known = {"x": x, "p": p}
    (kept_line, *rest), kept = steps(KEPT, known | {"mask": 1})
    dropped, mean = steps(KEPT, known | {"mask": DROPPED})[0], "(1 - p) * kept + p * 0"
    text = f"{substituted(mean, known | {'kept': kept})} = {number_text(value_of(mean, known | {'kept': kept}))}"
    lines = (
        ("training", KEPT),
        ("kept", " = ".join([kept_line, *rest])),
        ("dropped", f"{dropped[0]} = {dropped[-1]}"),
        ("on average", f"{mean} = {text}, as in evaluation"),
    )
    return ByHand(f"one value x = {number_text(x)} under p = {p:g}", lines, kept, by_torch)
