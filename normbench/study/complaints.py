"""Turns the errors of pydantic and of parts into lines for users, with a place, a rule and a way out."""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from normbench.errors import SettingError, did_you_mean, known_names
from normbench.parts import OneOf, Spec, find_specs, unfinished_specs
from normbench.storage.files.located import Loc, Located

# Words from documents and other libraries that users type, and how normbench spells them.
HINTS = {
    "lenet_bn": "Write model: lenet, norm: batch_norm.",
    "bn": "Write batch_norm.",
    "batchnorm": "Write batch_norm.",
    "ln": "Write layer_norm.",
    "in": "Write instance_norm.",
    "gn": "Write group_norm.",
    "rmb": "Write banknotes.",
    "keep_prob": "Write dropout: the probability of zeroing, 1 - keep_prob.",
    "l2": "Write weight_decay.",
    "epochs": "Write num_epochs.",
    "steps": "Write num_steps.",
    "max_iter": "Write num_steps.",
    "bs": "Write batch_size.",
}

MOST_TOLD = 160
"""Letters of a value that a part refuses: there it may say what was found, such as which file, and why."""
STUDY_KEYS = (
    *("study", "seeds", "arms", "grid", "zip", "baseline", "quotes"),
    *("engine", "tune", "keep_given", "collapse", "margin", "claims"),
)
"""Keys of a study file that are not settings of its runs."""

MOST_NAMES = 3
"""Variants that are named where a setting of theirs stands in the wrong place."""


def complaints_about(error: ValidationError, schema: type[BaseModel], located: Located, at: Loc = ()) -> list[str]:
    """Return one line per error of pydantic: place, key, rule, value, way out.

    Args:
        error: The error of pydantic.
        schema: The pydantic model that the settings were validated as.
        located: The settings and their places.
        at: Path of the validated mapping in ``located``, e.g. ("arms", "wide").
    """
    details = error.errors()
    refused = {detail["loc"][:-1] for detail in details}  # a list whose entries are refused is not too short as well
    return [
        _complaint(detail, schema, located, at)
        for detail in details
        if detail["type"] != "too_short" or detail["loc"] not in refused
    ]


def setting_complaint(error: SettingError, located: Located, at: Loc = ()) -> str:
    """Return the line for an error that a part raised."""
    loc = (*at, *error.key.split("."))
    text = f"{error.rule}, got {_value_text(error.value, MOST_TOLD)}. {error.way_out}".rstrip()
    return _line(located.place(loc), ".".join(map(str, loc)), text)


def _complaint(detail: ErrorDetails, schema: type[BaseModel], located: Located, at: Loc) -> str:
    error = detail.get("ctx", {}).get("error")
    if isinstance(error, SettingError):
        part = ".".join(map(str, _without_tags(detail["loc"], schema)))
        is_whole = f"{error.key}.".startswith(f"{part}.")  # a validator may name its key from the top
        return setting_complaint(error if is_whole else error.within(part), located, at)
    loc = (*at, *_without_tags(detail["loc"], schema))
    key = ".".join(str(step) for step in loc)
    if detail["type"] == "extra_forbidden":
        return _line(located.place(loc), key, _unknown_key(detail, schema))
    if detail["type"] == "missing":
        return _line(located.place(loc[:-1]), key, f"must be given, got nothing. {_choices(schema, detail['loc'])}")
    if detail["type"] in ("union_tag_invalid", "union_tag_not_found"):
        return _line(located.place(loc), key, _unknown_variant(detail, schema))
    rule = RULES.get(detail["type"], _pydantic_rule)(detail)
    return _line(located.place(loc), key, f"{rule}, got {_value_text(detail['input'])}.{_suggestion(detail, schema)}")


def _line(place: str, key: str, text: str) -> str:
    return f"{place}: {key}: {text}" if key else f"{place}: {text}"


def _pydantic_rule(detail: ErrorDetails) -> str:
    return f"must hold: {detail['msg'][:1].lower()}{detail['msg'][1:]}"


RULES: dict[str, Callable[[ErrorDetails], str]] = {
    "greater_than_equal": lambda d: f"must be >= {d['ctx']['ge']:g}",
    "greater_than": lambda d: f"must be > {d['ctx']['gt']:g}",
    "less_than_equal": lambda d: f"must be <= {d['ctx']['le']:g}",
    "less_than": lambda d: f"must be < {d['ctx']['lt']:g}",
    "int_type": lambda _: "must be a whole number",
    "int_parsing_size": lambda _: "must be a whole number of fewer digits",
    "float_type": lambda _: "must be a number",
    "finite_number": lambda _: "must be a finite number",
    "bool_type": lambda _: "must be true or false",
    "string_type": lambda _: "must be text",
    "tuple_type": lambda _: "must be a list",
    "list_type": lambda _: "must be a list",
    "dict_type": lambda _: "must be a mapping",
    "model_type": lambda _: "must be a mapping of settings",
    "too_long": lambda d: f"must have {d['ctx']['max_length']:,} entries or fewer",
    "too_short": lambda d: f"must have {d['ctx']['min_length']} entry or more",
    "literal_error": lambda _: "must be a known name",
    "string_pattern_mismatch": lambda _: "must be letters, digits, '_', '-' and '.', starting with a letter or digit",
}


def _suggestion(detail: ErrorDetails, schema: type[BaseModel]) -> str:
    if detail["type"] in ("model_type", "tuple_type"):
        example = _example(schema, detail["loc"])
        return f" {example}" if example else ""
    if detail["type"] != "literal_error":
        return ""
    known = detail["ctx"]["expected"].replace(" or ", ", ").replace("'", "").split(", ")
    return f" {known_names(detail['input'], known)}"


def _unknown_variant(detail: ErrorDetails, schema: type[BaseModel]) -> str:
    *parents, key = detail["loc"]
    package = _part_of(_spec_at(tuple(parents), schema)[0], str(key)).package
    variants = find_specs(package)
    given = detail["input"].get("name") if isinstance(detail["input"], dict) else detail["input"]
    if str(given) in unfinished_specs(package):
        return f"must be a finished part, got {_value_text(given)}. {unfinished_specs(package)[str(given)]}"
    hint = _import_path_hint(str(given), key) or HINTS.get(str(given).lower()) if given is not None else None
    way_out = known_names(given, variants, hint=hint or "")
    if given is None and isinstance(detail["input"], dict):
        fits = max(variants, key=lambda name: len(detail["input"].keys() & set(variants[name].setting_names())))
        listed = known_names("", variants, hint=f"Write name: {fits}.")
        return f"must have a name, got {_value_text(detail['input'])}. {listed}"
    return f"must be a known name, got {_value_text(given)}. {way_out}"


def _import_path_hint(given: str, key: str | int) -> str:
    """Return how to name something of one's own where its import path stands in the place of a name."""
    field = {"model": "build", "norm": "layer", "dataset": "source"}.get(str(key))
    is_path = re.fullmatch(r"[\w.]+:[\w.]+", given)
    return f"Write {key}: {{name: own, {field}: {given}}}." if field and is_path else ""


def _unknown_key(detail: ErrorDetails, schema: type[BaseModel]) -> str:
    """Say what the key should be; only where that is not known, which keys there are."""
    *parents, key = detail["loc"]
    key = str(key)
    owner, name = _spec_at(tuple(parents), schema)
    known = owner.setting_names() if issubclass(owner, Spec) else list(owner.model_fields)
    way_out = HINTS.get(key.lower(), "")
    if not (way_out or parents):
        way_out = _part_with_setting(key, schema) or _name_of_a_part(key, detail["input"], schema)
    if way_out:
        return f"is not a setting of {name}. {way_out}"
    near = did_you_mean(key, known if parents else (*known, *STUDY_KEYS)).strip()
    return f"is not a setting of {name}. {known_names('', known, 'Settings', hint=near)}"


def _spec_at(parents: Loc, schema: type[BaseModel]) -> tuple[type[BaseModel], str]:
    """Return the spec at a path such as ("norm", "group_norm"), and its name."""
    owner, name = schema, "a run"
    variants: Mapping[str, type[Spec]] = {}
    for step in map(str, parents):
        if step in variants:
            owner, name, variants = variants[step], step, {}
            continue
        part = _part_or_none(owner, step)
        variants = find_specs(part.package) if part else {}
        if step in owner.model_fields:
            owner, name = _model_in(owner.model_fields[step].annotation) or owner, step
    return owner, name


def _model_in(annotation: Any) -> type[BaseModel] | None:
    """Return the model of settings in the type of a field, which may be one of several types."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next(filter(None, map(_model_in, get_args(annotation))), None)


def _part_with_setting(key: str, schema: type[BaseModel]) -> str:
    candidates = [
        (name != part.default, name, field)
        for field in schema.model_fields
        if (part := _part_or_none(schema, field))
        for name, spec in find_specs(part.package).items()
        if key in spec.setting_names()
    ]
    if not candidates:
        return ""
    is_other, name, field = min(candidates, key=lambda one: one[0])  # the default variant before others
    names = [one for _, one, its_field in candidates if its_field == field] if is_other else [name]
    told = " or ".join(names) if len(names) <= MOST_NAMES else f"{name} and others"
    return f"It is a setting of {told}: write it under {field}."


def _name_of_a_part(key: str, value: Any, schema: type[BaseModel]) -> str:
    """Return the way out of "batch_norm.momentum: 0.2": norm.momentum."""
    for field in schema.model_fields:
        part = _part_or_none(schema, field)
        if part and key in find_specs(part.package):
            inner = [f"{field}.{name}" for name in value] if isinstance(value, dict) else []
            article = "an" if field[0] in "aeiou" else "a"
            return f"It is {article} {field.replace('_', ' ')}: write {', '.join(inner) or f'{field}: {key}'}."
    return ""


def _choices(schema: type[BaseModel], loc: Loc) -> str:
    part = _part_or_none(schema, str(loc[-1]))
    if part:
        return f"Write one of {', '.join(find_specs(part.package))}."
    return _example(schema, loc) or "Add it."


def _example(schema: type[BaseModel], loc: Loc) -> str:
    """Return a setting as it may be written, "Example: build: my_net:build"; "" where its field has none."""
    fields = _spec_at(loc[:-1], schema)[0].model_fields
    examples = next((one.examples for name, one in fields.items() if loc[-1] in (name, one.alias)), None)
    return f"Example: {loc[-1]}: {_as_yaml(examples[0])}" if examples else ""


def _as_yaml(value: Any) -> str:
    if isinstance(value, dict):
        return f"{{{', '.join(f'{key}: {_as_yaml(one)}' for key, one in value.items())}}}"
    return str(value)


def _part_of(schema: type[BaseModel], key: str) -> OneOf:
    part = _part_or_none(schema, key)
    assert part is not None, key
    return part


def _part_or_none(schema: type[BaseModel], key: str) -> OneOf | None:
    info = schema.model_fields.get(key)
    return next((m for m in info.metadata if isinstance(m, OneOf)), None) if info else None


def _without_tags(loc: Iterable[str | int], schema: type[BaseModel]) -> Loc:
    """Drop pydantic's variant names: ("norm", "group_norm", "num_groups") -> ("norm", "num_groups")."""
    steps = [step for step in loc if step != "[key]"]  # pydantic's step for "the key itself"
    parts = [_part_or_none(_spec_at(tuple(steps[:i]), schema)[0], str(step)) for i, step in enumerate(steps)]
    return tuple(step for step, before in zip(steps, [None, *parts], strict=False) if before is None)


def _value_text(value: Any, most: int = 60) -> str:
    text = repr(value) if not isinstance(value, dict | list | tuple) else str(value)
    return text if len(text) <= most else f"{text[: most - 3]}..."
