"""Document: one kind of JSON object that normbench prints; its JSON schema is made from types and their docstrings."""

import inspect
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, NotRequired

from typing_extensions import TypedDict

from normbench.storage.files.part_files import Parts, UnfinishedError, import_parts

_ATTRIBUTE = re.compile(r"^    (\w+): (.*?)(?=^    \w|^\S|\Z)", re.MULTILINE | re.DOTALL)
Patches = dict[tuple[str, str], Mapping[str, Any]]
NUMBER: Mapping[str, Any] = {"type": ["number", "null"]}
"""A number that is not finite, inf or nan, is null."""


@dataclass(frozen=True)
class Document:
    """One kind of JSON object.

    Attributes:
        name: Its ``format`` is ``normbench/`` and this.
        command: The command that prints it.
        means: What an object is about, in a sentence.
        types: The dataclasses and TypedDicts whose keys it has.
        version: It is raised where a key goes or its meaning changes; a key may be added without.
        is_list: Whether the command prints a list of them.
        patched: Schemas in place of those of a type's key, or of a key that the type has as a property, by (type, key).
        may_lack: Each (type, key) that is not in every object of the type.
    """

    name: str
    command: str
    means: str
    types: Sequence[Any]
    version: int = 1
    is_list: bool = False
    patched: Patches = field(default_factory=dict)
    may_lack: Sequence[tuple[str, str]] = ()

    @property
    def stamp(self) -> dict[str, Any]:
        """The keys with which every object begins."""
        return {"format": f"normbench/{self.name}", "version": self.version}

    def schema(self) -> dict[str, Any]:
        """Return the JSON schema of an object."""
        defs, roots = _schemas(self.types)
        for (type_, key), other in self.patched.items():
            known = defs[type_]["properties"].get(key, {})
            defs[type_]["properties"][key] = {"description": known.get("description", ""), **other}
            defs[type_]["required"] += [key] * (not known)
        for type_, key in self.may_lack:
            defs[type_]["required"].remove(key)
        merged: dict[str, Any] = {"properties": {}, "required": []}
        for root in (defs.pop(name) for name in roots):
            merged["properties"] |= root["properties"]
            merged["required"] += root.get("required", [])
        stamp = {key: {"const": value, "description": _STAMPED[key]} for key, value in self.stamp.items()}
        return {
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "title": f"normbench/{self.name}",
            "description": self.means,
            "type": "object",
            "properties": stamp | merged["properties"],
            "required": [*stamp, *dict.fromkeys(merged["required"])],
            "$defs": defs,
        }


_STAMPED = {
    "format": "What the object is.",
    "version": "Raised where a key goes or changes its meaning; keys may be added without.",
}


def find_documents() -> dict[str, Document]:
    """Return the document of every file of this folder, by its name."""
    return {document.name: document for document in _parts().found.values()}


@cache
def _parts() -> Parts[Document]:
    return import_parts(__name__.rpartition(".")[0], lambda module, _: _require_document(vars(module)))


def _require_document(content: Mapping[str, Any]) -> Document:
    if not isinstance(content.get("DOCUMENT"), Document):
        raise UnfinishedError("must define DOCUMENT, got none")
    return content["DOCUMENT"]  # type: ignore[no-any-return]


def _schemas(types: Sequence[Any]) -> tuple[dict[str, Any], list[str]]:
    """Return the schemas of types and of all that they hold, by name, and the names of the types themselves."""
    from pydantic import TypeAdapter
    from pydantic.json_schema import GenerateJsonSchema

    class Generated(GenerateJsonSchema):
        """Every field of a dataclass is written; a number that is not finite is null."""

        def float_schema(self, schema: Any) -> dict[str, Any]:
            return dict(NUMBER)

        def dataclass_schema(self, schema: Any) -> dict[str, Any]:
            made = super().dataclass_schema(schema)
            return _described(made, schema["cls"]) | {"required": list(made["properties"])}

        def typed_dict_schema(self, schema: Any) -> dict[str, Any]:
            return _described(super().typed_dict_schema(schema), schema["cls"])

    asked = [(i, "serialization", TypeAdapter(one)) for i, one in enumerate(types)]
    refs, content = TypeAdapter.json_schemas(asked, schema_generator=Generated)  # type: ignore[arg-type]
    names = [refs[i, "serialization"]["$ref"].rpartition("/")[2] for i in range(len(types))]
    return content["$defs"], names


def _described(schema: Mapping[str, Any], type_: type) -> dict[str, Any]:
    """Return a type's schema with its docstring taken apart: a first line, and a description of each key."""
    meanings: dict[str, str] = {}
    for base in reversed(type_.__mro__):
        attributes = inspect.cleandoc(base.__doc__ or "").partition("Attributes:\n")[2]
        meanings |= {key: " ".join(text.split()) for key, text in _ATTRIBUTE.findall(attributes)}
    properties = {
        key: _plain(one) | ({"description": meanings[key]} if key in meanings else {})
        for key, one in schema.get("properties", {}).items()
    }
    kept = {key: value for key, value in schema.items() if key not in ("title", "description", "properties")}
    summary = " ".join(inspect.cleandoc(type_.__doc__ or "").split("\n\n")[0].split())
    return {"description": summary} | kept | {"properties": properties}


def _plain(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return a key's schema without the title and the default that Python has for it."""
    return {key: value for key, value in schema.items() if key not in ("title", "default")}


class LineContent(TypedDict):
    """A line below a table.

    Attributes:
        text: A sentence, facts or a command.
        label: A word before it.
        is_command: Whether it can be copied into a shell.
        is_paragraph: Whether it is written for a paper.
        remark: The purpose of a command.
        verdict: The verdict that its label tells.
    """

    text: NotRequired[str]
    label: NotRequired[str]
    is_command: NotRequired[bool]
    is_paragraph: NotRequired[bool]
    remark: NotRequired[str]
    verdict: NotRequired[str]


class ColumnContent(TypedDict):
    """A column of a table.

    Attributes:
        title: Its title.
        group: The title over it and its neighbours.
        what: The metric of its values, or which text of an effect the terminal shows.
        values: A value per row: text, a number, a list of sizes, a SeedSummary, an Effect, or null.
    """

    title: str
    group: NotRequired[str]
    what: NotRequired[str]
    values: list[Any]


class BlockContent(TypedDict):
    """A section of what the terminal shows: a heading, a table, lines, a picture; keys without content are left out.

    Attributes:
        heading: Its subject.
        columns: The table.
        lines: The lines below it.
        figure: Path of a picture.
    """

    heading: NotRequired[str]
    columns: NotRequired[list[ColumnContent]]
    lines: NotRequired[list[LineContent]]
    figure: NotRequired[str]


class WithBlocks(TypedDict):
    """What the terminal shows.

    Attributes:
        blocks: The sections that the terminal shows, with their numbers unrounded.
    """

    blocks: list[BlockContent]
