"""Every mistake a user can make; the tree is the docstring.

NormbenchError            one line for the user, exit code 2
    ConfigError           a config says something it must not; carries one line per mistake
    RunFolderError        a run's folder is missing, damaged or occupied
        OldRunsError      a study was made by a version whose runs are not mixed with this one's
    ComparisonError       what was asked of the runs cannot be answered
    RunFailedError        a run failed, and what depends on it cannot go on; exit code 1
SettingError (ValueError) a layer, model or dataset refuses a setting; becomes a ConfigError line
"""

from collections.abc import Iterable, Sequence
from difflib import get_close_matches


class NormbenchError(Exception):
    """A mistake the user can mend; its text is all they need to see."""


class ConfigError(NormbenchError, ValueError):
    """A config that cannot be run, with every mistake in it at once."""

    def __init__(self, complaints: Sequence[str]) -> None:
        super().__init__("\n".join(complaints))
        self.complaints = tuple(complaints)


class RunFolderError(NormbenchError):
    """A run's folder is missing, damaged or occupied."""


class OldRunsError(RunFolderError):
    """A study was made by a version whose runs are not mixed with this one's."""


class RunFailedError(NormbenchError):
    """A run failed, and what depends on it cannot go on."""


class ComparisonError(NormbenchError):
    """What was asked of the runs cannot be answered from them."""


class SettingError(ValueError):
    """A part refuses the value of one of its settings.

    Raised by layers, models and datasets, which know no file; whoever reads the config adds the place.

    Attributes:
        layer: Which layer of a network refuses, where it is one.
    """

    def __init__(self, key: str, rule: str, value: object, way_out: str, layer: str = "") -> None:
        super().__init__(f"{key}: {rule}, got {value!r}. {way_out}")
        self.key, self.rule, self.value, self.way_out, self.layer = key, rule, value, way_out, layer

    def within(self, part: str, layer: str = "") -> "SettingError":
        """Return the same refusal, seen from the config: key under ``part``, rule with the layer's name."""
        key, where = f"{part}.{self.key}" if part else self.key, f" of layer {layer}" if layer else ""
        return SettingError(key, f"{self.rule}{where}", self.value, self.way_out, layer or self.layer)


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return " Did you mean 'x'?" for the nearest known word, or nothing."""
    near = get_close_matches(word, list(known), n=1, cutoff=0.6)
    return f" Did you mean {near[0]!r}?" if near else ""


def divisors(number: int) -> str:
    """Return the divisors of ``number`` as a list for the eye: "1, 2, 3, 6"."""
    return ", ".join(str(d) for d in range(1, number + 1) if number % d == 0)
