"""Takes means, variances and mean squares of a few numbers, with a line for each step."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from normbench.inspection.explain.by_hand.arithmetic import Shown, number_text

Lines = tuple[tuple[str, str], ...]
"""Labels and texts."""
MOMENTS = ("mean_square", "mean", "var")
"""What a name in a formula may end in, the longest first."""


@dataclass(frozen=True)
class Moments:
    """Holds what was taken of some numbers: the lines that lead there, and the value of each name."""

    lines: Lines
    values: Mapping[str, float]


def moment_of(name: str) -> str:
    """Return which moment a name stands for, such as ``var`` for ``batch_var``; "" for none."""
    return next((moment for moment in MOMENTS if name == moment or name.endswith(f"_{moment}")), "")


def moments(names: Sequence[str], numbers: Sequence[float]) -> Moments:
    """Take the moments that go by ``names``, all of the same numbers."""
    whose = names[0].removesuffix(moment_of(names[0]))
    wanted = {moment_of(name) for name in names}
    lines, found = [(_label(whose, "values"), ", ".join(map(number_text, numbers)))], {}
    if wanted & {"mean", "var"}:
        found[f"{whose}mean"], text = _average(numbers)
        lines.append((f"{whose}mean", text))
    if "var" in wanted:
        differences = [number - found[f"{whose}mean"] for number in numbers]
        squares = [difference**2 for difference in differences]
        found[f"{whose}var"], text = _average(squares)
        lines += [("less mean", ", ".join(map(number_text, differences)))]
        lines += [("squared", ", ".join(map(number_text, squares))), (f"{whose}var", text)]
    if "mean_square" in wanted:
        found[f"{whose}mean_square"], text = _average([number**2 for number in numbers])
        lines.append((f"{whose}mean_square", text))
    return Moments(tuple(lines), found)


def sum_of_squares(numbers: Sequence[float]) -> tuple[float, str]:
    """Return the sum of all squares, and the line that gives it."""
    squares = [number**2 for number in numbers]
    return sum(squares), f"{_sum(squares)} = {number_text(sum(squares))}"


def _average(numbers: Sequence[float]) -> tuple[float, str]:
    """Return the mean, and the line that gives it."""
    total, n = sum(numbers), len(numbers)
    return total / n, f"({_sum(numbers)}) / {n} = {number_text(total)} / {n} = {number_text(total / n)}"


def _sum(numbers: Sequence[float]) -> str:
    return " + ".join(repr(Shown(number)) for number in numbers)


def _label(whose: str, what: str) -> str:
    return f"{whose.replace('_', ' ')}{what}"
