"""Settings and parts as tables, read off the classes that check them; these import torch."""

import json
from contextlib import suppress

from pydantic import BaseModel, ValidationError
from pydantic_core import to_jsonable_python

from docs_blocks.markdown import table
from normbench.errors import SettingError
from normbench.inspection.explain.meanings import meanings
from normbench.inspection.explain.value_words import default_words
from normbench.parts import Spec, find_specs
from normbench.study.config import RunConfig
from normbench.study.setting_groups import RecordingConfig, SwapConfig
from normbench.study.study_keys import StudyKeys
from normbench.training.stack.stackable import obstacle


def run_settings() -> str:
    """Every setting of a run, its recording and its swap with its default; those of parts have tables of their own."""
    inner = {"recording": RecordingConfig, "swap": SwapConfig}
    below = {f"{part}.{key}": info for part, config in inner.items() for key, info in config.model_fields.items()}
    fields = {**RunConfig.model_fields, **below}
    told = meanings(RunConfig)
    for part, config in inner.items():
        told = told | {f"{part}.{key}": text for key, text in meanings(config).items()}
    rows = [(f"`{key}`", default_of(info), told[key]) for key, info in fields.items()]
    return table("setting", "default", "what it does", rows=rows)


def default_of(info) -> str:
    if info.is_required():
        return "must be given"
    return f"`{default_words(info) if isinstance(info.default, BaseModel) else yaml_word(info.default)}`"


def study_keys() -> str:
    """Every key of a study with what it says."""
    rows = [(f"`{key}`", text) for key, text in meanings(StudyKeys).items()]
    return table("key", "what it says", rows=rows)


STACK_TRIALS = {"mlp": "gaussian_clusters", "rnn": "sequences", "transformer": "sequences"}
"""A dataset for each model that takes no images."""


def what_stacks() -> str:
    """The models, and the norms in dense networks, that are trained as one, as a sentence."""
    models = [name for name in find_specs("normbench.models") if not why_not_stacked(name, "none")]
    norms = [name for name in find_specs("normbench.norms") if not why_not_stacked("mlp", name)]
    return f"Models that stack: {words(models)}. Norms that stack in `mlp`: {words(norms)}."


def words(names: list[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def why_not_stacked(model: str, norm: str) -> str:
    """What keeps networks with a norm from being trained as one with others."""
    settings = {"model": model, "dataset": STACK_TRIALS.get(model, "banknotes"), "norm": norm}
    with suppress(ValidationError, SettingError):
        return obstacle(RunConfig.model_validate(settings))
    return "it needs more settings, or does not go into this network"


def parts(package: str) -> str:
    """Every variant of a part: its name in YAML, what it is, and its settings with their defaults."""
    rows = [(f"`{name}`", spec_caption(spec), spec_settings(spec)) for name, spec in find_specs(package).items()]
    return table("name", "what it is", "settings", rows=rows)


def spec_caption(spec: type) -> str:
    return (spec.__doc__ or "").partition("\n")[0].replace("``", "`")


def spec_settings(spec) -> str:
    fields = spec.setting_fields().items()
    return "<br>".join(
        f"`{key}`: must be given" if info.is_required() else default_line(key, info) for key, info in fields
    )


def default_line(key: str, info) -> str:
    default = info.get_default(call_default_factory=True)
    plain = default.as_yaml() if isinstance(default, Spec) else to_jsonable_python(default)
    return f"`{key}: {yaml_word(plain)}`"


def yaml_word(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)
