"""Tells before the runs of a study are made which code and data of the user's changed since its earlier runs."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from normbench.scheduling.accepted_code import KnownRuns, identity_in
from normbench.scheduling.plan import on_device
from normbench.storage.identity import CODE, PACKAGE, is_of_code
from normbench.study.study import Study

DIGITS_SHOWN = 4


@dataclass(frozen=True)
class Change:
    """What changed since earlier runs of some arms.

    Attributes:
        arms: Labels of the arms.
        num_runs: Number of their finished runs.
        of_code: Changes of code, "blocks.py changed", in the order of the files.
        of_data: First digits of the data's digests, "ab12 -> cd34"; empty where they are the same.
        is_accepted: Whether the earlier runs count as runs of the code as it is now.
    """

    arms: tuple[str, ...]
    num_runs: int
    of_code: tuple[str, ...]
    of_data: tuple[str, ...]
    is_accepted: bool


def find_changes(study: Study, runs_dir: Path) -> list[Change]:
    """Return what changed since the finished runs of a study's arms; one change for all arms that it concerns.

    Arms that have runs made with the code and data as they are now are left out.
    """
    study, _ = on_device(study, runs_dir)
    as_it_is = replace(study, accepted=())
    identities = {arm: identity_in(as_it_is, config) for arm, config in study.arms.items()}
    if not any(identity.digests for identity in identities.values()):
        return []
    runs = KnownRuns(runs_dir / study.name)
    found: dict[tuple[tuple[str, ...], tuple[str, ...], bool], list[tuple[str, int]]] = {}
    for arm, config in study.arms.items():
        now, known = identities[arm], identity_in(study, config)
        earlier = runs.of(known) if now != known else runs.before(now)
        if earlier:
            changes = list(_differences(earlier.identity.digests, now.digests))
            of_code, of_data = (tuple(text for kind, text in changes if kind == wanted) for wanted in ("code", "data"))
            found.setdefault((of_code, of_data, now != known), []).append((arm, earlier.num_runs))
    return [
        Change(tuple(arm for arm, _ in arms), sum(num for _, num in arms), of_code, of_data, is_accepted)
        for (of_code, of_data, is_accepted), arms in found.items()
    ]


def _differences(then: Mapping[str, str], now: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Yield each digest that differs in words, with what it is of: code or data."""
    for name in sorted({*then, *now}):
        before, after = then.get(name), now.get(name)
        if before != after:
            yield ("code" if is_of_code(name) else "data"), _in_words(name, before, after)


def _in_words(name: str, before: str | None, after: str | None) -> str:
    if not is_of_code(name):
        return " -> ".join((digest or "none")[:DIGITS_SHOWN] for digest in (before, after))
    shown = name.removeprefix(CODE).removeprefix(PACKAGE)
    if before and after:
        return f"{shown} {before} became {after}" if name.startswith(PACKAGE) else f"{shown} changed"
    return f"{shown} is {'new' if after else 'gone'}"
