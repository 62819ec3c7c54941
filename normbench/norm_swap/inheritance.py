"""Makes the settings of a norm for one place: what was not said is taken over from the norm that it replaces."""

from collections.abc import Collection, Mapping
from typing import Any

from pydantic import ValidationError

from normbench.norms.base import NormSpec

SAME_KIND_ONLY = "track_running_stats"
"""Whether there are running statistics is a matter of the kind: those of batch norm say nothing of instance norm."""


def spec_in_place_of(
    spec: NormSpec, kind: str, settings: Mapping[str, Any], said: Collection[str]
) -> tuple[NormSpec, tuple[str, ...]]:
    """Return a norm's spec with the eps, momentum, affine and running statistics of the norm that it replaces.

    Args:
        spec: The norm that is wanted.
        kind: normbench's name for the kind of the norm in its place.
        settings: That norm's settings.
        said: Names of the settings that stay as they are in ``spec``.

    Returns:
        The spec, and what it cannot take over, a sentence each.
    """
    taken, notes = {}, []
    for key, value in settings.items():
        if key not in type(spec).model_fields or key in said or (key == SAME_KIND_ONLY and kind != spec.name):
            continue
        wanted = _affine(spec, has_affine=value) if key == "affine" else value
        if _takes(spec, key, wanted):
            taken[key] = wanted
        else:
            has = f"{spec.name} has {_text(getattr(spec, key))}"
            notes.append(f"{key} was {_text(value)}, which {spec.name} does not take: {has}")
    return spec.model_copy(update=taken), tuple(notes)


def _affine(spec: NormSpec, *, has_affine: bool) -> Any:
    current = getattr(spec, "affine")  # noqa: B009 - of most norms alone
    return "none" if not has_affine else "channel" if current == "none" else current


def _takes(spec: NormSpec, key: str, value: Any) -> bool:
    if value == getattr(spec, key):
        return True
    try:
        type(spec).model_validate({"name": spec.name, key: value})
    except ValidationError:
        return False
    return True


def _text(value: Any) -> str:
    return "null" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
