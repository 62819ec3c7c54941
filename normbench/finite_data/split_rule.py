"""SplitRule: what YAML may say under splits: how a seed cuts the rows into train, validation and test."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import Field, PlainSerializer, PlainValidator

from normbench.errors import SettingError, did_you_mean

How = Literal["folds", "random", "fixed"]
HOW: tuple[How, ...] = ("folds", "random", "fixed")
DEFAULT_NUM_FOLDS = 8
MIN_FOLDS, MAX_FOLDS = 3, 1000
NAMES = ("train", "validation", "test")
EXAMPLES = "Examples: folds, {folds: 10}, random, {random: {test: 0.3}}, fixed."
_ROUNDING = 1e-9


@dataclass(frozen=True)
class Shares:
    """Shares of the rows; together 1, each above 0."""

    train: float = 0.6
    validation: float = 0.2
    test: float = 0.2

    def in_order(self) -> tuple[float, float, float]:
        """Return the shares of train, validation and test."""
        return (self.train, self.validation, self.test)


@dataclass(frozen=True)
class SplitRule:
    """How a seed cuts the rows.

    ``folds``: the rows are dealt to folds of one size; each seed tests on another fold and validates on the next.
    ``random``: each seed draws its own split. ``fixed``: the data say which rows are train, validation and test.

    Attributes:
        how: One of the three.
        num_folds: Number of folds, >= 3; None for as many as fit, 8 at most.
        shares: Shares of a random split.
    """

    how: How
    num_folds: int | None = None
    shares: Shares = Shares()

    def as_yaml(self) -> Any:
        """Return what YAML would say."""
        if self.how == "random" and self.shares != Shares():
            return {"random": dict(zip(NAMES, self.shares.in_order(), strict=True))}
        return {"folds": self.num_folds} if self.num_folds else self.how


def read_split_rule(given: Any) -> SplitRule | None:
    """Return the rule that YAML says; null for the default.

    Raises:
        SettingError: It says no rule; the key is that below ``splits``, or empty.

    Example:
        >>> read_split_rule({"folds": 5}).num_folds, read_split_rule({"random": {"test": 0.3}}).shares.train
        (5, 0.5)
    """
    if given is None or isinstance(given, SplitRule):
        return given
    by_name = {how: SplitRule(how) for how in HOW}
    if isinstance(given, str) and given in by_name:
        return by_name[given]
    if isinstance(given, Mapping) and set(given) == {"folds"}:
        return SplitRule("folds", _num_folds(given["folds"]))
    if isinstance(given, Mapping) and set(given) == {"random"}:
        return SplitRule("random", shares=_shares(given["random"]))
    word = given if isinstance(given, str) else next(iter(given), "") if isinstance(given, Mapping) else ""
    raise SettingError(
        "", "must say one of folds, random, fixed", given, f"{did_you_mean(str(word), HOW)} {EXAMPLES}".strip()
    )


def _num_folds(given: Any) -> int | None:
    if given is None:
        return None
    if isinstance(given, bool) or not isinstance(given, int) or not MIN_FOLDS <= given <= MAX_FOLDS:
        rule = f"must be a whole number from {MIN_FOLDS} to {MAX_FOLDS:,}"
        raise SettingError("folds", rule, given, "One fold tests, one validates, the others train.")
    return given


def _shares(given: Any) -> Shares:
    """Return the shares; train has what the others leave, unless it is said."""
    if given is None:
        return Shares()
    if not isinstance(given, Mapping) or not set(given) <= set(NAMES) or not all(map(_is_share, given.values())):
        rule = "must hold shares above 0 and below 1 of train, validation, test"
        raise SettingError("random", rule, given, "Example: {random: {validation: 0.2, test: 0.2}}.")
    said = {"validation": Shares.validation, "test": Shares.test} | dict(given)
    shares = Shares(**({"train": round(1 - said["validation"] - said["test"], 12)} | said))
    if abs(sum(shares.in_order()) - 1) > _ROUNDING or shares.train <= 0:
        rule = f"must be shares that make 1 together, they are {', '.join(f'{one:g}' for one in shares.in_order())}"
        raise SettingError("random", rule, dict(given), "Leave out train: it has what the others leave.")
    return shares


def _is_share(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < 1


Splits = Annotated[
    SplitRule | None,
    PlainValidator(read_split_rule),
    PlainSerializer(lambda rule: rule and rule.as_yaml()),
    Field(
        title="folds, random or fixed, {folds: a whole number >= 3}, or {random: shares of validation and test}",
        examples=[{"folds": 5}],
    ),
]
"""A field that says how a seed cuts the rows; None where the data or the default decide."""
