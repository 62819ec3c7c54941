"""Collects the places where a norm does not fit, and says all of them in one error."""

from collections.abc import Iterator
from contextlib import contextmanager

from normbench.errors import SettingError
from normbench.norm_swap.audit import Site
from normbench.norms.base import NormSpec

POLICY = "num_groups: {at_most: 32, min_channels: 2}"


class Failures:
    """Settings that do not fit, by what is wrong with them."""

    def __init__(self, spec: NormSpec) -> None:
        self._spec = spec
        self._places: dict[str, list[str]] = {}
        self._first: SettingError | None = None
        self._ways_out: dict[str, None] = {}

    @contextmanager
    def at(self, site: Site) -> Iterator[None]:
        """Collect an error of the block."""
        try:
            yield
        except SettingError as error:
            rule = error.rule.removesuffix(f" of layer {site.path}")
            self._places.setdefault(rule, []).append(site.path)
            self._first = self._first or error
            self._ways_out[error.way_out] = None

    def raise_if_any(self) -> None:
        """Raise one error for all that were collected.

        Raises:
            SettingError: There was one.
        """
        if self._first is None:
            return
        is_own = self._first.key.startswith("norm.layer")  # its rules end with what Python said
        end = " (in the place of {})" if is_own else " of {}"
        rule = "; ".join(rule + end.format(", ".join(paths)) for rule, paths in self._places.items())
        way_out = next(iter(self._ways_out)) if len(self._ways_out) == 1 else "Choose settings that fit all of them."
        if self._first.key == "norm.num_groups":
            way_out = f"{way_out.removesuffix('.')}, or {POLICY}."
        raise SettingError(self._first.key, rule, self._first.value, way_out, self._first.layer)
