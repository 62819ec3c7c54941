"""Finds the variants of each part by their files, and makes their specs from YAML: Settings, Spec, OneOf, About."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import cache
from types import ModuleType
from typing import Annotated, Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field, GetCoreSchemaHandler, field_validator
from pydantic.fields import FieldInfo
from pydantic_core import CoreSchema, core_schema

from normbench.errors import SettingError
from normbench.storage.files.part_files import Parts, UnfinishedError, import_parts

MAX_SIZE = 1_000_000
"""Most features, classes or units on one axis."""
MAX_DEPTH = 10_000
"""Most layers or blocks of a network."""
MAX_SAMPLES = 100_000_000
Widths = Annotated[
    tuple[Annotated[int, Field(strict=True, ge=1, le=MAX_SIZE)], ...],
    Field(strict=False, min_length=1, max_length=MAX_DEPTH),
]
"""A list of sizes in YAML, each at least 1."""
MAX_ENTRIES = 100
"""Most entries of a list of which each costs something at every step, and of a list of fixed words."""
MAX_NAMES = 10_000
"""Most names or patterns in a list."""
SMALLEST_FLOAT, LARGEST_FLOAT = 2.0**-126, (2 - 2**-23) * 2.0**127
"""What float32 holds in full precision: from 1.18e-38 to 3.40e+38; torch refuses larger numbers, or makes them inf."""


class Settings(BaseModel):
    """A mapping of settings in YAML: unknown keys are refused, nothing is changed once read, numbers fit float32."""

    # Strict: "16" is not a number and true is not 1. Frozen: settings can be hashed.
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)

    @field_validator("*")
    @classmethod
    def _refuse_numbers_beyond_float32(cls, value: Any) -> Any:
        for number in value if isinstance(value, tuple) else (value,):
            if isinstance(number, float) and number and not SMALLEST_FLOAT <= abs(number) <= LARGEST_FLOAT:
                rule = "must be 0 or of a size from 1.2e-38 to 3.4e+38, which float32 holds"
                way_out = "Write a larger number." if abs(number) < 1 else "Write a smaller number."
                raise SettingError("", rule, number, way_out)
        return value


class Spec(Settings, ABC):
    """The settings of one variant of a part in YAML, and ``build``, which makes its object."""

    model_config = ConfigDict(serialize_by_alias=True)  # a key in YAML may have the name of a method

    takes_own: ClassVar[bool] = False
    """Whether it stands for code or files of the user's, so that there is none without settings."""
    name: str

    @abstractmethod
    def build(self, *args: Any, **kwargs: Any) -> Any:
        """Make the object that this spec describes."""

    @classmethod
    def setting_names(cls) -> list[str]:
        """Return the keys of all settings but the name, as YAML writes them, in the order of the file."""
        return list(cls.setting_fields())

    @classmethod
    def setting_fields(cls) -> dict[str, FieldInfo]:
        """Return type, default and docstring of each setting by its key in YAML, without the name."""
        return {info.alias or key: info for key, info in cls.model_fields.items() if key != "name"}

    def setting(self, key: str) -> Any:
        """Return the value of a setting by its key in YAML."""
        fields = {info.alias or key: key for key, info in type(self).model_fields.items()}
        return getattr(self, fields[key])

    def changed(self) -> dict[str, Any]:
        """Return the settings that differ from their defaults; a variant of another part as YAML holds it."""
        changed = self.model_dump(mode="json", exclude_defaults=True, exclude={"name"})
        values = {key: self.setting(key) for key in changed}
        return changed | {key: value.as_yaml() for key, value in values.items() if isinstance(value, Spec)}

    def as_yaml(self) -> str | dict[str, Any]:
        """Return the name, or a mapping of the name and the settings that differ from their defaults."""
        changed = self.changed()
        return {"name": self.name, **changed} if changed else self.name


def find_specs(package: str) -> dict[str, type[Spec]]:
    """Import every file of a package and return the specs by name, sorted; unfinished files are left out.

    The file's name is the variant's name: ``normbench.norms.group_norm`` defines the spec ``group_norm``.
    """
    return _parts(package).found


def unfinished_specs(package: str) -> dict[str, str]:
    """Return a line for each file of a package that defines no complete variant, by file name."""
    return _parts(package).unfinished


@cache
def _parts(package: str) -> Parts[type[Spec]]:
    return import_parts(package, _spec_in)


def _spec_in(module: ModuleType, name: str) -> type[Spec]:
    specs = [thing for thing in vars(module).values() if _is_spec_of(thing, module.__name__)]
    if len(specs) != 1:
        got = ", ".join(spec.__name__ for spec in specs) or "none"
        raise UnfinishedError(f"must define one Spec with the name {name!r}, got {got}")
    spec: type[Spec] = specs[0]
    found = spec.model_fields["name"].default
    if found != name:
        raise UnfinishedError(f"{spec.__name__}.name must be the file's, {name!r}, got {found!r}")
    if not vars(spec).get("__doc__"):
        raise UnfinishedError(f"{spec.__name__} must have a docstring, got none")
    missing = [*sorted(spec.__abstractmethods__), *_unset_class_variables(spec)]
    if missing:
        raise UnfinishedError(f"{spec.__name__} must define {', '.join(missing)}, got nothing of that name")
    return spec


def _unset_class_variables(spec: type[Spec]) -> list[str]:
    """Return the class variables that a base class declares and the spec does not set, such as ``about``."""
    announced = [name for base in reversed(spec.__mro__) for name in getattr(base, "__class_vars__", ())]
    return [name for name in dict.fromkeys(announced) if not name.startswith("_") and not hasattr(spec, name)]


def _is_spec_of(thing: Any, module: str) -> bool:
    return (
        isinstance(thing, type)
        and issubclass(thing, Spec)
        and thing.__module__ == module
        and "name" in thing.model_fields
    )


@dataclass(frozen=True)
class OneOf:
    """Annotates a field that holds one variant of a part: ``Annotated[NormSpec, OneOf("normbench.norms")]``.

    In YAML the field is a mapping with ``name``, or the bare name; without a name it is the ``default`` variant.
    The static type stays the base class.
    """

    package: str
    default: str | None = None

    def __get_pydantic_core_schema__(self, _source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        choices = {name: handler.generate_schema(spec) for name, spec in find_specs(self.package).items()}
        union = core_schema.tagged_union_schema(choices=choices, discriminator=_name_of)
        return core_schema.no_info_before_validator_function(self._as_mapping, union)

    def _as_mapping(self, value: Any) -> Any:
        if isinstance(value, dict) and self.default and "name" not in value:
            return {"name": self.default, **value}
        return {"name": value} if isinstance(value, str) else value


def _name_of(value: Any) -> Any:
    return value.get("name") if isinstance(value, dict) else getattr(value, "name", None)


@dataclass(frozen=True)
class Given:
    """The value of a name in a variant's formula that is no plain mean or variance, and how it comes about."""

    value: float
    how: str


@dataclass(frozen=True)
class About:
    """Facts about a variant that cannot be measured: formula, source and advice.

    Attributes:
        formula: Formula of one output value, in the names of the layer's settings, parameters and statistics. The
            contract test evaluates it in float64 against the layer.
        paper: Authors, title and year; "" where there is no paper.
        url: Address of the paper; "" where there is none.
        good_for: When to use it.
        bad_for: When not to use it.
        disagreements: Differences between implementations, one sentence each.
        documents: Errors of the documents about it, one sentence each.
    """

    formula: str
    good_for: str
    bad_for: str
    paper: str = ""
    url: str = ""
    disagreements: tuple[str, ...] = ()
    documents: tuple[str, ...] = ()
