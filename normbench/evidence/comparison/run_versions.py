"""Versions: with which versions, devices and engines some runs were made."""

from collections.abc import Iterable

from normbench.storage.run_folder import Run


class Versions:
    """Collects the versions, devices and engines of runs, by name; most runs have those of the one before."""

    def __init__(self) -> None:
        self._found: dict[str, dict[str, None]] = {}
        self._last: object = None

    def add(self, runs: Iterable[Run]) -> None:
        """Add those of some runs."""
        for run in runs:
            environment, engine = run.environment, run.summary.get("engine")
            used = engine, environment.get("python"), environment.get("device"), environment.get("versions", {})
            if used != self._last:
                named = dict(zip(("engine", "python", "device"), used, strict=False)) | used[-1]
                for name, version in named.items():
                    if version:
                        self._found.setdefault(name, {})[str(version)] = None
                self._last = used

    def by_name(self) -> dict[str, list[str]]:
        """Return all of them by name, in the order in which they were met."""
        return {name: list(versions) for name, versions in self._found.items()}
