"""What a setting's line says is what pydantic would read from the class, found only when it is asked for."""

from typing import ClassVar

from pydantic import BaseModel, ConfigDict, Field

from normbench.inspection.explain.meanings import meanings
from normbench.study.config import RunConfig


class Base(BaseModel):
    """A class of settings."""

    marks: ClassVar[int] = 1
    """No setting."""
    first: int = 1
    """The first, from 1."""
    second: float = Field(2.0, alias="and")
    """The second,
    in two lines.
    """
    untold: bool = False


class Derived(Base):
    """A class with one more, and one that is told anew."""

    first: int = 3
    """The first, from 3."""
    third: str = ""
    """The third."""


class AsRead(Derived):
    """The same for pydantic, which reads its own lines only."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    fourth: int = 4
    """The fourth."""


def test_each_setting_has_the_line_under_its_field_or_none():
    assert meanings(Base) == {"first": "The first, from 1.", "and": "The second,\nin two lines.", "untold": ""}
    assert meanings(Derived) == meanings(Base) | {"first": "The first, from 3.", "third": "The third."}


def test_pydantic_reads_the_same():
    assert meanings(AsRead)["fourth"] == AsRead.model_fields["fourth"].description


def test_no_class_of_settings_reads_its_source_when_it_is_made():
    assert {info.description for info in RunConfig.model_fields.values()} == {None}
