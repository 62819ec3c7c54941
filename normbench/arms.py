"""Arms or grid, times seeds: which runs a study file stands for."""

import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from normbench.axes import Axis, arms_axis, expand, grid_axes, label, vary_axis, zip_axis
from normbench.contradictions import contradictions
from normbench.errors import ConfigError, SettingError, did_you_mean
from normbench.evidence.located import Located
from normbench.evidence.study_file import read_assignment, read_study_file
from normbench.study import RunConfig, Study
from normbench.wording import complaints_about, setting_complaint

MAX_SEEDS = 10_000
_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9_.=,-]")
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.=,+-]{0,119}$")]
Values = Annotated[list[Any], Field(min_length=1)]


class StudyKeys(BaseModel):
    """The keys of a study file beside the settings of its runs; every one is optional."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    study: Name | None = None
    seeds: Any = None
    arms: Annotated[dict[Name, dict[str, Any] | None], Field(min_length=1)] | None = None
    grid: Annotated[dict[str, Values], Field(min_length=1)] | None = None
    zip: Annotated[dict[str, Values], Field(min_length=1)] | None = None
    baseline: Any = None
    quotes: dict[str, str] | None = None

    @field_validator("seeds")
    @classmethod
    def _count_or_list(cls, seeds: object) -> object:
        listed = seeds if isinstance(seeds, list) and seeds else [seeds]
        is_count = seeds is None or listed == [seeds]
        low, high = (1, MAX_SEEDS) if is_count else (0, 2**31 - 1)
        if seeds is None or all(type(seed) is int and low <= seed <= high for seed in listed):
            return seeds
        rule = f"must be a count from 1 to {MAX_SEEDS:,} or a list of seeds from 0"
        raise SettingError("seeds", rule, seeds, "Example: seeds: 8")


def load_study(path: Path, *, set_: Sequence[str] = (), vary: Sequence[str] = (), seeds: int | None = None) -> Study:
    """Read a study file and check everything in it.

    Args:
        path: The YAML file.
        set_: ``KEY=VALUE`` changes of every arm.
        vary: ``KEY=A,B``: one arm per value, multiplied with the file's arms.
        seeds: Seeds 0 .. seeds - 1 instead of the file's.

    Raises:
        ConfigError: Every mistake found, one line each.
    """
    located = read_study_file(path)
    base = Located(
        {key: value for key, value in located.data.items() if key not in StudyKeys.model_fields}, located.places
    )
    with _Complaints() as complaints:
        with complaints.collected():
            keys = _study_keys(located)
        for text in set_:
            with complaints.collected():
                base = base.overridden(read_assignment("--set", _not_of_the_study("--set", text)))
        axes = []
        for text in vary:
            with complaints.collected():
                axes.append(vary_axis(_not_of_the_study("--vary", text)))
        if complaints.lines:  # what is wrong inside the arms cannot be known yet, what is wrong below them can
            with complaints.collected():
                _checked_configs({"": base})
    arms = expand(base, [*_file_axes(keys, located), *axes], _plain_name(base))
    configs = _checked_configs(arms)
    _refuse_equal_arms(configs, located)
    name = keys.study or _name_of(path)
    chosen = tuple(range(seeds)) if seeds else _seeds(keys.seeds)
    is_plain = keys.arms is None and keys.grid is None and keys.zip is None
    baseline = _baseline(keys.baseline, located, arms)
    return Study(name, _question(path), str(path), configs, chosen, baseline, is_plain, keys.quotes or {}, tuple(set_))


def _name_of(path: Path) -> str:
    """Return the file's stem; one that a folder's name cannot hold is told apart by its hash."""
    stem = path.resolve().stem.replace(" ", "_")
    name = _NOT_IN_NAMES.sub("_", stem).lstrip("_.=,-")[:100]
    return name if name == stem else f"{name or 'study'}-{sha256(stem.encode()).hexdigest()[:6]}"


class _Complaints:
    """Collects the mistakes of several stages; raises them all at the end of its block."""

    def __init__(self) -> None:
        self.lines: dict[str, None] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.lines:
            raise ConfigError(list(self.lines))

    @contextmanager
    def collected(self) -> Iterator[None]:
        try:
            yield
        except ConfigError as error:
            self.lines |= dict.fromkeys(error.complaints)


def _study_keys(located: Located) -> StudyKeys:
    said = {key: value for key, value in located.data.items() if key in StudyKeys.model_fields}
    try:
        return StudyKeys.model_validate(said)
    except ValidationError as error:
        raise ConfigError(complaints_about(error, StudyKeys, located)) from None


def _file_axes(keys: StudyKeys, located: Located) -> list[Axis]:
    named = [arms_axis(keys.arms, located)] if keys.arms else []
    coupled = [zip_axis(keys.zip, located)] if keys.zip else []
    return [*named, *grid_axes(keys.grid or {}, located), *coupled]


def _not_of_the_study(option: str, text: str) -> str:
    key = text.partition("=")[0].strip().partition(".")[0]
    if key in StudyKeys.model_fields:
        rule = "must be a setting of a run, got a key of the study"
        raise ConfigError([f"{option} {text}: {key}: {rule}. Edit the file."])
    return text


def _plain_name(base: Located) -> str:
    norm = base.data.get("norm", "none")
    name = norm.get("name") if isinstance(norm, dict) else norm
    return str(name)


def _checked_configs(arms: dict[str, Located]) -> dict[str, RunConfig]:
    configs: dict[str, RunConfig] = {}
    complaints: dict[str, None] = {}  # in order, each once: arms share most of their lines
    for name, located in arms.items():
        try:
            configs[name] = RunConfig.model_validate(located.data)
        except ValidationError as error:
            complaints |= dict.fromkeys(complaints_about(error, RunConfig, located))
        else:
            found = contradictions(configs[name])
            complaints |= dict.fromkeys(setting_complaint(error, located) for error in found)
    if complaints:
        raise ConfigError(list(complaints))
    return configs


def _refuse_equal_arms(configs: dict[str, RunConfig], located: Located) -> None:
    seen: dict[str, str] = {}
    for name, config in configs.items():
        first = seen.setdefault(config.hash(), name)
        if first != name:
            rule = f"must differ from the other arms, got the settings of {first!r}"
            raise ConfigError([f"{located.place(('arms', name))}: {name}: {rule}. Remove one of them."])


def _baseline(said: Any, located: Located, arms: Iterable[str]) -> str | None:
    names = list(arms)
    if said is None:
        return None
    name = ",".join(label(key, value) for key, value in said.items()) if isinstance(said, dict) else str(said)
    if name in names or (isinstance(said, dict) and any(_fixes(name, arm) for arm in names)):
        return name
    place = located.place(("baseline",))
    shown = ", ".join(names[:8])
    raise ConfigError([f"{place}: baseline: must be one of {shown}, got {name!r}.{did_you_mean(name, names)}"])


def _fixes(label: str, name: str) -> bool:
    return set(label.split(",")) <= set(name.split(","))


def _seeds(said: int | list[int] | None) -> tuple[int, ...]:
    return tuple(range(said)) if isinstance(said, int) else tuple(dict.fromkeys(said or [0]))


def _question(path: Path) -> str:
    """Return the comment lines the file begins with, as one sentence."""
    lines = []
    for line in path.read_text(encoding="utf-8").splitlines():
        if not line.startswith("#"):
            break
        lines.append(line.lstrip("# ").strip())
    return lines[0] if lines else ""
