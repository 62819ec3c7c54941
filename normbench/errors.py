"""The exceptions for mistakes of users; their tree is in this docstring.

NormbenchError            one line for the user, exit code 2
    ConfigError           a config is invalid; holds one line per mistake
        DataError         the user's data cannot be read or split; holds a SettingError per mistake
    RunFolderError        a run's folder is missing, damaged or in use
        ContentError      a file is whole, but holds something else than normbench writes
        OldRunsError      a study was made by a version whose runs this one does not read
    ComparisonError       the runs cannot be compared as requested
    RunFailedError        a run failed, and the command cannot continue; exit code 1
SettingError (ValueError) a layer, model or dataset refuses a setting; becomes a ConfigError line
"""

from collections.abc import Iterable, Sequence
from difflib import get_close_matches


class NormbenchError(Exception):
    """A mistake that the user can correct; its text is printed without a traceback."""


class ConfigError(NormbenchError, ValueError):
    """A config is invalid; holds all mistakes in it."""

    def __init__(self, complaints: Sequence[str]) -> None:
        super().__init__("\n".join(complaints))
        self.complaints = tuple(complaints)


class RunFolderError(NormbenchError):
    """A run's folder is missing, damaged or in use."""


class ContentError(RunFolderError):
    """A file is whole, but holds something else than normbench writes."""


class OldRunsError(RunFolderError):
    """A study was made by a version whose runs this one does not read."""


class RunFailedError(NormbenchError):
    """A run failed, and the command cannot continue without it."""


class ComparisonError(NormbenchError):
    """The runs cannot be compared as requested."""


class SettingError(ValueError):
    """A part refuses the value of one of its settings.

    Raised by layers, models and datasets; the code that reads the config adds the file and line.

    Attributes:
        layer: Name of the layer that refuses; "" if it is no layer.
    """

    def __init__(self, key: str, rule: str, value: object, way_out: str, layer: str = "") -> None:
        super().__init__(f"{key}: {rule}, got {value!r}. {way_out}")
        self.key, self.rule, self.value, self.way_out, self.layer = key, rule, value, way_out, layer

    def within(self, part: str, layer: str = "") -> "SettingError":
        """Return the error with its key below ``part`` and the layer's name in its rule."""
        key, where = ".".join(filter(None, (part, self.key))), f" of layer {layer}" if layer else ""
        return SettingError(key, f"{self.rule}{where}", self.value, self.way_out, layer or self.layer)


class DataError(ConfigError):
    """The user's data cannot be read or split; holds all mistakes in them, by settings of ``dataset``."""

    def __init__(self, mistakes: Sequence[SettingError]) -> None:
        super().__init__([str(mistake.within("dataset")) for mistake in mistakes])
        self.mistakes = tuple(mistakes)


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return " Did you mean 'x'?" for the nearest known word, or nothing; of capitals and small letters apart.

    Example:
        >>> did_you_mean("h1", ["H1", "unet"])
        " Did you mean 'H1'?"
    """
    by_letters = {one.casefold(): one for one in known}
    near = get_close_matches(word.casefold(), by_letters, n=1, cutoff=0.6)
    return f" Did you mean {by_letters[near[0]]!r}?" if near else ""


def known_names(word: object, known: Iterable[str], heading: str = "One of", *, hint: str = "", most: int = 0) -> str:
    """Return the way out where a name is not known: the nearest one, or what else to write, then all there are.

    Args:
        word: What was written.
        known: The names there are.
        heading: What they are.
        hint: What to write, if that is known better than the nearest name.
        most: Most names listed, the first ones; 0 for all.

    Example:
        >>> known_names("h1", ["H1", "unet"]), known_names(7, ["a", "b", "c"], "Arms", most=2)
        ("Did you mean 'H1'? One of: H1, unet.", 'Arms: a, b ...')
    """
    names = list(known)
    shown = names[: most or len(names)]
    end = " ..." if len(shown) < len(names) else "."
    meant = hint or did_you_mean(str(word), names).strip()
    return f"{meant} {heading}: {', '.join(shown) or 'none'}{end}".lstrip()


def divisors_text(number: int) -> str:
    """Return the divisors of a number as text: "1, 2, 3, 6"."""
    return ", ".join(str(d) for d in range(1, number + 1) if number % d == 0)
