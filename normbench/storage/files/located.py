"""Located: nested settings with the place where each was written, which can be overridden by others."""

from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

from normbench.errors import ConfigError

MAX_DEPTH = 20
"""Most steps in the key of a setting."""

Loc = tuple[str | int, ...]
"""Path of keys in nested settings: ("norm", "num_groups")."""

# Setting one of these on top of a file replaces the other: a run has one budget.
ALTERNATIVES = {"num_steps": "num_epochs", "num_epochs": "num_steps"}


@dataclass
class Located:
    """Nested settings, and the place where each was written: "configs/a.yaml:6" or "--set norm=none"."""

    data: dict[str, Any]
    places: dict[Loc, str] = field(default_factory=dict)

    def place(self, loc: Loc) -> str:
        """Return the place of ``loc``, or of the nearest mapping or list around it that has one."""
        while loc and loc not in self.places:
            loc = loc[:-1]
        return self.places.get(loc, "")

    def overridden(self, changes: "Located") -> "Located":
        """Return a copy with ``changes`` applied: a mapping with a name replaces a part, one without a name changes it.

        Raises:
            ConfigError: A key with more dots than any setting has.
        """
        result = Located(deepcopy(self.data), dict(self.places))
        for key, value in changes.data.items():
            if key.count(".") >= MAX_DEPTH:
                rule = f"must name a setting, at most {MAX_DEPTH} deep, got {key.count('.') + 1} steps"
                raise ConfigError([f"{changes.place((key,))}: {key[:20]}...: {rule}. Example: norm.eps"])
            result._override(result.data, tuple(key.split(".")), (), value, changes, (key,))
        return result

    def _override(self, into: dict[str, Any], keys: Loc, at: Loc, value: Any, changes: "Located", source: Loc) -> None:
        key, rest = str(keys[0]), keys[1:]
        if not at and ALTERNATIVES.get(key) not in changes.data:
            into.pop(ALTERNATIVES.get(key, ""), None)
        here = (*at, key)
        merges = bool(rest) or (isinstance(value, dict) and "name" not in value)
        if key in into and (not merges or into[key] is None):  # of thousands of new keys nothing is known
            self._forget(here)
        if not merges:
            into[key] = deepcopy(value)
            self._remember(here, value, changes, source)
            return
        known = into.get(key)
        into[key] = known if isinstance(known, dict) else {"name": known} if isinstance(known, str) else {}
        self.places.setdefault(here, changes.place(source))
        if rest:
            self._override(into[key], rest, here, value, changes, source)
        else:
            for inner, inner_value in value.items():
                self._override(into[key], (inner,), here, inner_value, changes, (*source, inner))

    def _forget(self, loc: Loc) -> None:
        self.places = {known: place for known, place in self.places.items() if known[: len(loc)] != loc}

    def _remember(self, loc: Loc, value: Any, changes: "Located", source: Loc) -> None:
        self.places[loc] = changes.place(source)
        if not isinstance(value, dict | list):
            return
        size = len(source)
        inner = {known[size:]: place for known, place in changes.places.items() if known[:size] == source}
        self.places |= {(*loc, *tail): place for tail, place in inner.items() if tail}
