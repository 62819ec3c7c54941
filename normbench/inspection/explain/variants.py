"""Reads the page of a variant that is not built and measured off its docstring and its fields."""

import inspect
import re
from dataclasses import dataclass

from pydantic.fields import FieldInfo

from normbench.inspection.explain.settings import SettingLine, default_lines
from normbench.inspection.explain.value_words import yaml_words
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
        good_for: When to use it; "" where nothing is said of that.
        bad_for: When not to use it.
    """

    part: str
    name: str
    caption: str
    paragraphs: tuple[str, ...]
    settings: tuple[SettingLine, ...]
    example: str
    source: str
    good_for: str = ""
    bad_for: str = ""


def explain_variant(part: str, variant: type[Spec]) -> VariantPage:
    """Return the page of one variant of a part, with its defaults; nothing of the user's is imported for it."""
    name: str = variant.model_fields["name"].default
    caption, *paragraphs = docstring_paragraphs(variant)
    about = getattr(variant, "about", None)
    required = {
        key: (info.examples or [None])[0] for key, info in variant.setting_fields().items() if _needs_example(info)
    }
    return VariantPage(
        part=part,
        name=name,
        caption=caption,
        paragraphs=tuple(paragraphs),
        settings=default_lines(variant),
        example=f"{part}: {yaml_words({'name': name} | required) if required else name}",
        source=source_of(variant),
        good_for=about.good_for if about else "",
        bad_for=about.bad_for if about else "",
    )


def _needs_example(info: FieldInfo) -> bool:
    return info.is_required() and bool(info.examples)


def docstring_paragraphs(variant: type[Spec]) -> list[str]:
    """Return the paragraphs and list items of a docstring, each in one line."""
    text = inspect.cleandoc(variant.__doc__ or "").replace("``", "`").replace("\\*", "*")
    parts = re.split(r"\n\s*\n|\n(?=- )", text)
    return [" ".join(part.split()) for part in parts]


def source_of(variant: type[Spec]) -> str:
    """Return the file that holds a variant, as a path of the package."""
    return f"{variant.__module__.replace('.', '/')}.py"
