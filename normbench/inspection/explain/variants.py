"""Reads the page of a model, a dataset or an optimizer off its docstring and its fields."""

import inspect
import re
from dataclasses import dataclass

from normbench.inspection.explain.settings import SettingLine, setting_lines
from normbench.parts import Spec


@dataclass(frozen=True)
class VariantPage:
    """Holds all that `explain` says of a variant whose numbers are not measured.

    Attributes:
        part: Its key, such as ``model``.
        name: As in YAML.
        caption: What it is.
        paragraphs: What more there is to say.
        settings: With the values that hold if they are left out.
        example: A line of YAML.
        source: The file that holds it.
    """

    part: str
    name: str
    caption: str
    paragraphs: tuple[str, ...]
    settings: tuple[SettingLine, ...]
    example: str
    source: str


def explain_variant(part: str, spec: Spec) -> VariantPage:
    """Return the page of one variant of a part."""
    caption, *paragraphs = docstring_paragraphs(spec)
    return VariantPage(
        part=part,
        name=spec.name,
        caption=caption,
        paragraphs=tuple(paragraphs),
        settings=setting_lines(spec),
        example=f"{part}: {spec.name}",
        source=source_of(spec),
    )


def docstring_paragraphs(spec: Spec) -> list[str]:
    """Return the paragraphs and list items of a docstring, each in one line."""
    text = inspect.cleandoc(type(spec).__doc__ or "").replace("``", "`")
    parts = re.split(r"\n\s*\n|\n(?=- )", text)
    return [" ".join(part.split()) for part in parts]


def source_of(spec: Spec) -> str:
    """Return the file that holds a variant, as a path of the package."""
    return f"{type(spec).__module__.replace('.', '/')}.py"
