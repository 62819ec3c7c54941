"""Reads one variant of a part with settings, as a config would, with a config's messages."""

from collections.abc import Sequence
from typing import Any

from pydantic import ConfigDict, ValidationError, create_model

from normbench.errors import ConfigError
from normbench.parts import Spec
from normbench.storage.files.located import Located
from normbench.storage.files.yaml_file import read_assignment
from normbench.study.complaints import complaints_about
from normbench.study.config import RunConfig


def read_spec(part: str, name: str, assignments: Sequence[str], place: str = "") -> Spec:
    """Return the variant that ``part: {name: NAME, ...}`` stands for.

    Args:
        part: The part's key.
        name: The variant's.
        assignments: ``KEY=VALUE`` for its settings; the key may begin with the part's.
        place: Where the name stands, for errors; that of ``explain`` if not given.

    Raises:
        ConfigError: A setting it does not have, or a value it does not take.
    """
    fields: dict[str, Any] = {part: (RunConfig.model_fields[part].rebuild_annotation(), ...)}
    schema = create_model("OnePart", __config__=ConfigDict(extra="forbid", strict=True), **fields)
    located = Located({part: {"name": name}}, {(part,): place or f"explain {name}"})
    for text in assignments:
        located = located.overridden(read_assignment("--set", f"{part}.{text.removeprefix(f'{part}.')}", shown=text))
    try:
        spec: Spec = getattr(schema.model_validate(located.data), part)
    except ValidationError as error:
        raise ConfigError(complaints_about(error, schema, located)) from None
    return spec
