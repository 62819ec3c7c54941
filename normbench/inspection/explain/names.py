"""Finds the pages that a name asks for: a part's variant, a regularizer, a setting, or several of them."""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import asdict
from typing import Any

from normbench.errors import ConfigError, SettingError, did_you_mean
from normbench.inspection.explain.norms import explain_norm
from normbench.inspection.explain.read_spec import read_spec
from normbench.inspection.explain.regularizers import REGULARIZERS
from normbench.inspection.explain.settings import all_settings, choices_page, part_packages
from normbench.inspection.explain.variants import explain_variant
from normbench.inspection.explain.weights import explain_weight_parametrization
from normbench.norms.base import NormSpec
from normbench.parts import Spec, find_specs, unfinished_specs
from normbench.study.complaints import HINTS
from normbench.weight_parametrizations.base import WeightParametrizationSpec

MEASURED = ("norm", "weight_parametrization")
"""The parts that are built and measured, so that their settings can be set."""
DEFAULT_SHAPE = (32, 64, 14, 14)
"""(N, C, H, W) that norms are built for if no other is asked for."""
FOLLOW_SHAPE = frozenset({"norm", "all_norms"})
"""Kinds of pages that are made for a shape."""
COMPUTED = frozenset({"norm", "weight_parametrization", "regularizer"})
"""Kinds of pages whose numbers can be computed by hand."""
Page = dict[str, Any]
"""What a page says as plain data, and its ``kind``."""


def find_pages(
    name: str, shape: Sequence[int] | None = None, assignments: Sequence[str] = (), *, by_hand: bool = False
) -> list[Page]:
    """Return the pages that a name asks for.

    Args:
        name: Of a variant, a setting, in full or its last step, or a key of a study.
        shape: (N, C, *) that norms are built for; None for the usual one.
        assignments: ``KEY=VALUE`` for settings of a norm or a weight parametrization.
        by_hand: Whether to compute single numbers step by step.

    Raises:
        ConfigError: No page goes by this name, or a setting does not fit.
    """
    parts = [part for part, package in part_packages().items() if name in find_specs(package)]
    is_measured = any(part in MEASURED and not _variant(part, name).takes_own for part in parts)
    refuse_assignments(name, () if is_measured else assignments)
    norms_shape = shape or DEFAULT_SHAPE
    pages = [_variant_page(part, name, norms_shape, assignments, by_hand=by_hand) for part in parts]
    if name in REGULARIZERS:
        pages.append({"kind": "regularizer", **asdict(REGULARIZERS[name](by_hand=by_hand))})
    pages += _setting_pages(name, norms_shape)
    if not pages:
        unknown = f"explain {name}: must be a part, a setting or a key of a study, got {name!r}.{_hint(name)}"
        raise ConfigError([line for found, line in unfinished_parts() if found == name] or [unknown])
    refuse_unused(name, {page["kind"] for page in pages}, shape, by_hand=by_hand)
    return pages


def unfinished_parts() -> list[tuple[str, str]]:
    """Return the name of each part whose file is not finished, and a line that says what it lacks."""
    return [pair for package in part_packages().values() for pair in unfinished_specs(package).items()]


def refuse_assignments(name: str | None, assignments: Sequence[str]) -> None:
    """Refuse ``--set`` where nothing is built that has settings.

    Raises:
        ConfigError: There are some.
    """
    if assignments:
        rule = f"must go with the name of a norm or a weight parametrization, got {name or 'none'}"
        raise ConfigError([f"--set {assignments[0]}: {rule}. Example: explain group_norm --set num_groups=4"])


def refuse_unused(
    name: str | None, kinds: AbstractSet[str], shape: Sequence[int] | None, *, by_hand: bool = False
) -> None:
    """Refuse ``--shape`` and ``--by-hand`` where no page among ``kinds`` follows them.

    Raises:
        ConfigError: One of them is given and would be ignored.
    """
    got = f"got {name or 'none'}"
    if shape and not kinds & FOLLOW_SHAPE:
        text = ",".join(map(str, shape))
        rule = f"must go with norm or the name of a norm, {got}"
        raise ConfigError([f"--shape {text}: {rule}. Example: explain batch_norm --shape {text}"])
    if by_hand and not kinds & COMPUTED:
        rule = f"must go with a norm, a weight parametrization, {' or '.join(REGULARIZERS)}, {got}"
        raise ConfigError([f"--by-hand: {rule}. Example: explain layer_norm --by-hand"])


def _hint(name: str) -> str:
    known = HINTS.get(name.lower())
    near = f" {known}" if known else did_you_mean(name, all_names())
    return near or " `normbench explain` lists them."


def all_names() -> list[str]:
    """Return every word that `explain` takes."""
    names = {name for package in part_packages().values() for name in find_specs(package)}
    return sorted(names | set(REGULARIZERS) | {name for page in all_settings() for name in page.names})


def _variant_page(part: str, name: str, shape: Sequence[int], assignments: Sequence[str], *, by_hand: bool) -> Page:
    if part not in MEASURED or _variant(part, name).takes_own:
        return {"kind": "variant", **asdict(explain_variant(part, _variant(part, name)))}
    spec = read_spec(part, name, assignments)
    if isinstance(spec, NormSpec):
        try:
            return {"kind": "norm", **asdict(explain_norm(spec, shape, by_hand=by_hand))}
        except SettingError as error:
            raise ConfigError([f"explain {name} --shape {','.join(map(str, shape))}: {error}"]) from None
    assert isinstance(spec, WeightParametrizationSpec), "else it would not be measured"
    return {"kind": "weight_parametrization", **asdict(explain_weight_parametrization(spec, by_hand=by_hand))}


def _variant(part: str, name: str) -> type[Spec]:
    return find_specs(part_packages()[part])[name]


def _setting_pages(name: str, shape: Sequence[int]) -> list[Page]:
    pages: list[Page] = []
    for page in all_settings():
        if name in page.names:
            pages.append({"kind": "setting", **asdict(page)})
            choices = choices_page(page.key)
            if page.key == "norm":
                pages.append({"kind": "all_norms", "shape": tuple(shape), "norms": all_norms(shape)})
            elif choices:
                pages.append({"kind": "choices", **asdict(choices)})
    return pages


def all_norms(shape: Sequence[int]) -> list[Mapping[str, Any]]:
    """Return what is measured of every norm; of one that refuses the shape, or is the user's, its name alone."""
    rows: list[Mapping[str, Any]] = []
    for name, spec in find_specs(part_packages()["norm"]).items():
        if spec.takes_own:
            rows.append({"name": name, "takes_own": True})
            continue
        norm: Spec = spec()  # type: ignore[call-arg]
        assert isinstance(norm, NormSpec)
        try:
            rows.append(asdict(explain_norm(norm, shape)))
        except SettingError:
            rows.append({"name": norm.name})
    return rows


def overview() -> Page:
    """Return all names by kind; the settings of parts stand on the parts' pages."""
    parts = {part: list(find_specs(package)) for part, package in part_packages().items()}
    settings: dict[str, list[str]] = {}
    for page in all_settings():
        kind = "recording" if page.key.startswith("recording.") else page.belongs_to
        settings.setdefault(kind, []).append(page.key.rpartition(".")[2] if kind == "recording" else page.key)
    titles = {"every run": "run keys", "recording": "recording:", "a study": "study keys"}
    kinds = {title: settings[kind] for kind, title in titles.items()}
    return {"kind": "overview", "parts": parts, "settings": kinds}
