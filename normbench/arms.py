"""Arms or grid, times seeds: which runs a study file stands for."""

import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import product
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from normbench.errors import ConfigError, SettingError, did_you_mean
from normbench.evidence.study_file import Loc, Located, read_assignment, read_study_file
from normbench.study import RunConfig, Study, contradictions
from normbench.wording import complaints_about, setting_complaint

MAX_ARMS = 10_000
MAX_SEEDS = 10_000
_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9_.=,-]")
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.=,-]{0,99}$")]
Values = Annotated[list[Any], Field(min_length=1)]


class StudyKeys(BaseModel):
    """The keys of a study file beside the settings of its runs; every one is optional."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    study: Name | None = None
    seeds: Any = None
    arms: Annotated[dict[Name, dict[str, Any] | None], Field(min_length=1)] | None = None
    grid: dict[str, Values] | None = None
    zip: dict[str, Values] | None = None
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
        with complaints.collected():
            for text in set_:
                base = base.overridden(_checked_assignment("--set", text))
            axes = [_vary_axis(text) for text in vary]
        if complaints.lines:  # what is wrong inside the arms cannot be known yet, what is wrong below them can
            with complaints.collected():
                _checked_configs({"": base})
    arms = _arms(base, _file_axes(keys, located) + axes)
    configs = _checked_configs(arms)
    name = keys.study or _NOT_IN_NAMES.sub("_", path.resolve().stem)
    chosen = tuple(range(seeds)) if seeds else _seeds(keys.seeds)
    is_plain = keys.arms is None and keys.grid is None and keys.zip is None
    baseline = _baseline(keys.baseline, located, arms)
    return Study(name, _question(path), str(path), configs, chosen, baseline, is_plain, keys.quotes or {})


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


Axis = list[tuple[str, Located]]
"""Named alternatives, of which every arm takes one."""


def _study_keys(located: Located) -> StudyKeys:
    said = {key: value for key, value in located.data.items() if key in StudyKeys.model_fields}
    try:
        return StudyKeys.model_validate(said)
    except ValidationError as error:
        raise ConfigError(complaints_about(error, StudyKeys, located)) from None


def _checked_assignment(option: str, text: str) -> Located:
    change = read_assignment(option, text)
    key = next(iter(change.data)).partition(".")[0]
    if key in StudyKeys.model_fields:
        raise ConfigError(
            [f"{option} {text}: {key}: must be written in the file, got it on the command line. Edit the file."]
        )
    return change


def _file_axes(keys: StudyKeys, located: Located) -> list[Axis]:
    axes: list[Axis] = []
    if keys.arms:
        axes.append([(name, _inside(located, ("arms", name), change or {})) for name, change in keys.arms.items()])
    for key, values in (keys.grid or {}).items():
        axes.append(
            [(_label(key, value), _at(located, ("grid", key, i), {key: value})) for i, value in enumerate(values)]
        )
    if keys.zip:
        axes.append(_zip_axis(keys.zip, located))
    return axes


def _zip_axis(coupled: dict[str, list[Any]], located: Located) -> Axis:
    lengths = {key: len(values) for key, values in coupled.items()}
    if len(set(lengths.values())) > 1:
        raise ConfigError(
            [f"{located.place(('zip',))}: zip: must hold lists of one length, got {lengths}. Make them equal."]
        )
    axis: Axis = []
    for i in range(min(lengths.values())):
        change = {key: values[i] for key, values in coupled.items()}
        parts = [_at(located, ("zip", key, i), {key: value}) for key, value in change.items()]
        merged = Located(change, {loc: place for part in parts for loc, place in part.places.items()})
        axis.append((",".join(_label(key, value) for key, value in change.items()), merged))
    return axis


def _vary_axis(text: str) -> Axis:
    key, _, values = text.partition("=")
    listed = read_assignment("--vary", f"{key}=[{values}]")
    place = f"--vary {text}"
    if key.partition(".")[0] in StudyKeys.model_fields:
        raise ConfigError([f"{place}: {key}: must be a setting of a run, got a key of the study. Edit the file."])
    return [(_label(key, value), Located({key: value}, {(key,): place})) for value in listed.data[key.strip()]]


def _inside(located: Located, loc: Loc, data: dict[str, Any]) -> Located:
    size = len(loc)
    return Located(data, {known[size:]: place for known, place in located.places.items() if known[:size] == loc})


def _at(located: Located, loc: Loc, data: dict[str, Any]) -> Located:
    inner = {(loc[1], *known[3:]): place for known, place in located.places.items() if known[:3] == loc}
    return Located(data, inner)


def _label(key: str, value: Any) -> str:
    """Return "batch_size=2" or "norm=group_norm,num_groups=4": readable in a path and in TensorBoard."""
    short = key.rpartition(".")[2]
    if isinstance(value, dict):
        name = [f"{short}={value['name']}"] if "name" in value else []
        return ",".join(name + [_label(inner, v) for inner, v in value.items() if inner != "name"])
    text = "x".join(str(v) for v in value) if isinstance(value, list) else str(value)
    return f"{short}={''.join(c if c.isalnum() or c in '._-+' else '_' for c in text)}"


def _arms(base: Located, axes: Sequence[Axis]) -> dict[str, Located]:
    size = 1
    for axis in axes:
        size *= len(axis)
    if size > MAX_ARMS:
        raise ConfigError(
            [f"{base.place(())}: must stand for at most {MAX_ARMS:,} arms, got {size:,}. Split the study."]
        )
    arms: dict[str, Located] = {}
    for combination in product(*axes):
        settings = base
        for _, change in combination:
            settings = settings.overridden(change)
        name = ",".join(label for label, _ in combination) or _plain_name(base)
        if name in arms:
            raise ConfigError(
                [f"{settings.place(())}: must name each arm once, got {name!r} twice. Remove one of them."]
            )
        arms[name] = settings
    return arms


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
    _refuse_equal_arms(configs, arms)
    return configs


def _refuse_equal_arms(configs: dict[str, RunConfig], arms: dict[str, Located]) -> None:
    seen: dict[str, str] = {}
    for name, config in configs.items():
        first = seen.setdefault(config.hash(), name)
        if first != name:
            rule = f"must differ from the other arms, got the settings of {first!r}"
            raise ConfigError([f"{arms[name].place(())}: {name}: {rule}. Remove one of them."])


def _baseline(said: Any, located: Located, arms: Iterable[str]) -> str | None:
    names = list(arms)
    if said is None:
        return None
    label = ",".join(_label(key, value) for key, value in said.items()) if isinstance(said, dict) else str(said)
    if label in names or (isinstance(said, dict) and any(_fixes(label, name) for name in names)):
        return label
    place = located.place(("baseline",))
    shown = ", ".join(names[:8])
    raise ConfigError([f"{place}: baseline: must be one of {shown}, got {label!r}.{did_you_mean(label, names)}"])


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
