"""Reads off the fields that check a file what each setting takes, means and stands for if it is left out."""

import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from normbench.inspection.explain.meanings import meanings
from normbench.inspection.explain.value_words import default_words, example_value, type_words, yaml_words
from normbench.parts import OneOf, Spec, find_specs
from normbench.study.config import RunConfig
from normbench.study.setting_groups import RecordingConfig
from normbench.study.study_keys import StudyKeys

CONFIG_PAGE, PARTS_PAGE = "docs/config.md", "docs/parts.md"
TOP_LEVEL = "top level of a study file, or of an arm under arms:"


@dataclass(frozen=True)
class SettingPage:
    """Holds all that `explain` says of one setting.

    Attributes:
        key: In full, such as ``optimizer.lr``.
        belongs_to: Whose setting it is: "every run", the variants of a part, ...
        type: The values it takes.
        default: What holds if it is left out, as YAML writes it.
        meaning: What it does, unit and range.
        where: Where it is written.
        example: Lines of YAML.
        docs: The page that says more.
    """

    key: str
    belongs_to: str
    type: str
    default: str
    meaning: str
    where: str
    example: tuple[str, ...]
    docs: str

    @property
    def names(self) -> set[str]:
        """The words that ask for it: its key, and the last step of that."""
        return {self.key, self.key.rpartition(".")[2]}


@dataclass(frozen=True)
class SettingLine:
    """Holds a setting in one line: its name, a value, what it does."""

    key: str
    value: str
    meaning: str


@dataclass(frozen=True)
class ChoicesPage:
    """Holds what a key that takes a part, or a mapping of settings, may hold: a line for each name."""

    key: str
    choices: tuple[SettingLine, ...]


def part_packages() -> dict[str, str]:
    """Return the package of each part by its key: ``norm`` is ``normbench.norms``."""
    return {key: part.package for key, info in RunConfig.model_fields.items() if (part := _part(info))}


def _part(info: FieldInfo) -> OneOf | None:
    return next((mark for mark in info.metadata if isinstance(mark, OneOf)), None)


def setting_lines(spec: Spec) -> tuple[SettingLine, ...]:
    """Return the settings of a variant with the values that it has."""
    told = meanings(type(spec))
    return tuple(SettingLine(key, yaml_words(spec.setting(key)), told[key]) for key in spec.setting_names())


def default_lines(variant: type[Spec]) -> tuple[SettingLine, ...]:
    """Return the settings of a variant with the values that hold if they are left out."""
    fields, told = variant.setting_fields().items(), meanings(variant)
    return tuple(SettingLine(key, _default_or_must(info), told[key]) for key, info in fields)


def _default_or_must(info: FieldInfo) -> str:
    return "must be given" if info.is_required() else default_words(info)


@cache
def all_settings() -> tuple[SettingPage, ...]:
    """Return a page per setting of a run, its recording, its parts and the study; variants that agree share one."""
    return (*_run_settings(), *_recording_settings(), *_study_keys(), *_part_settings())


def choices_page(key: str) -> ChoicesPage | None:
    """Return what stands below a key, None for a setting that has nothing below."""
    if key == "recording":
        fields, told = RecordingConfig.model_fields.items(), meanings(RecordingConfig)
        return ChoicesPage(key, tuple(SettingLine(k, default_words(info), told[k]) for k, info in fields))
    if key not in part_packages():
        return None
    variants = find_specs(part_packages()[key]).items()
    return ChoicesPage(key, tuple(SettingLine(name, "", caption_of(spec)) for name, spec in variants))


def caption_of(spec: type[BaseModel]) -> str:
    """Return the first line of a docstring."""
    return (spec.__doc__ or "").partition("\n")[0].replace("``", "`")


def _run_settings() -> Iterator[SettingPage]:
    for key, info in RunConfig.model_fields.items():
        part = _part(info)
        value = example_value(info, _choices(part))
        flat = {key: value, **_beside(info)}
        meaning = meanings(RunConfig)[key]
        yield _page(key, "every run", info, meaning, TOP_LEVEL + _commands(flat), flat, CONFIG_PAGE)


def _choices(part: OneOf | None) -> list[str]:
    """Return the variants that a name alone may stand for, but none."""
    specs = find_specs(part.package) if part else {}
    return [name for name, spec in specs.items() if name != "none" and not spec.takes_own]


def _recording_settings() -> Iterator[SettingPage]:
    for field, info in RecordingConfig.model_fields.items():
        key, value = f"recording.{field}", example_value(info)
        place = "under recording:" + _commands({key: value})
        meaning = meanings(RecordingConfig)[field]
        yield _page(key, "every run", info, meaning, place, {"recording": {field: value}}, CONFIG_PAGE)


def _study_keys() -> Iterator[SettingPage]:
    for key, info in StudyKeys.model_fields.items():
        place = "top level of a study file, beside the settings"
        yield _page(key, "a study", info, meanings(StudyKeys)[key], place, {key: example_value(info)}, CONFIG_PAGE)


def _part_settings() -> Iterator[SettingPage]:
    for part, package in part_packages().items():
        found: dict[tuple[str, str, str, str], list[str]] = {}
        for name, spec in find_specs(package).items():
            for key, info in spec.setting_fields().items():
                told = (key, type_words(info), default_words(info), meanings(spec)[key])
                found.setdefault(told, []).append(name)
        yield from (_part_page(part, told[0], names) for told, names in found.items())


def _part_page(part: str, field: str, names: list[str]) -> SettingPage:
    spec = find_specs(part_packages()[part])[names[0]]
    fields, meaning = spec.setting_fields(), meanings(spec)[field]
    info = fields[field]
    key, value = f"{part}.{field}", example_value(info)
    place = f"under {part}:" + _commands({key: value})
    beside = {name: one.examples[0] for name, one in fields.items() if one.is_required() and one.examples}
    example = {part: {"name": names[0], **beside, field: value}}
    return _page(key, ", ".join(names), info, meaning, place, example, PARTS_PAGE)


def _beside(info: FieldInfo) -> dict[str, Any]:
    """Return the settings without which a value of this one is refused."""
    extra: Any = info.json_schema_extra if isinstance(info.json_schema_extra, dict) else {}
    return dict(extra.get("beside", {}))


def _commands(settings: dict[str, Any]) -> str:
    options = [f"--set {shlex.quote(f'{key}={yaml_words(value)}')}" for key, value in settings.items()]
    return f"\nor {' '.join(options)}"


def _page(
    key: str, belongs_to: str, info: FieldInfo, meaning: str, where: str, example: dict[str, Any], docs: str
) -> SettingPage:
    return SettingPage(
        key=key,
        belongs_to=belongs_to,
        type=type_words(info),
        default=default_words(info),
        meaning=meaning,
        where=where,
        example=tuple(f"{name}: {yaml_words(value)}" for name, value in example.items()),
        docs=docs,
    )
