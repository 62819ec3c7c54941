"""The JSON of every command: a table of keys for each document and each type in it, from their schemas."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from docs_blocks.markdown import table
from normbench.report.pages.documents.base import Document, find_documents

Schema = Mapping[str, Any]


def documents() -> str:
    """A section per document: the command that prints it, and its keys."""
    return "\n\n".join(map(_section, find_documents().values()))


def types() -> str:
    """A section per type that objects of some documents hold: its keys."""
    found: dict[str, Schema] = {}
    for document in find_documents().values():
        found |= document.schema()["$defs"]
    sections = (f"### {name}\n\n{one['description']}\n\n{_keys(one)}" for name, one in sorted(found.items()))
    return "\n\n".join(sections)


def _section(document: Document) -> str:
    schema = document.schema()
    shape = "A list, with an object each." if document.is_list else "One object."
    head = f"### {schema['title']}, version {document.version}\n\n`{document.command} --format json`. {shape}"
    return f"{head} {document.means}\n\n{_keys(schema)}"


def _keys(schema: Schema) -> str:
    required = schema.get("required", ())
    rows = [
        (f"`{key}`{'' if key in required else ' (not always)'}", type_text(one, is_linked=True), _cell(one))
        for key, one in schema["properties"].items()
    ]
    return table("key", "type", "what it is", rows=rows)


def _cell(schema: Schema) -> str:
    return re.sub(r"\bNone\b", "null", str(schema.get("description", "")).replace("``", "`"))


def type_text(schema: Schema, *, is_linked: bool = False) -> str:
    """The type of a key in words."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return f"[{name}](#{name.lower()})" if is_linked else name
    if "const" in schema:
        return f"`{schema['const']}`"
    if "enum" in schema:
        return " or ".join(f'"{word}"' for word in schema["enum"])
    if "anyOf" in schema:
        return _either([type_text(one, is_linked=is_linked) for one in schema["anyOf"]], is_page=is_linked)
    return _plain_type(schema, is_linked=is_linked)


def _either(texts: Sequence[str], *, is_page: bool) -> str:
    """Types of which a value has one; on a page each is named once. The list that the contract keeps stays as it is."""
    apart = [word for text in texts for word in ([text] if " of " in text else text.split(" or "))]
    return " or ".join(dict.fromkeys(apart if is_page else texts))


def _inner(text: str, *, is_page: bool) -> str:
    """A type within another; on a page in brackets where it could be read apart."""
    return f"({text})" if is_page and " or " in text else text


def _plain_type(schema: Schema, *, is_linked: bool) -> str:
    kind = schema.get("type", "anything")
    if kind == "array":
        inner = schema.get("prefixItems") or [schema.get("items", {})]
        texts = [_inner(type_text(one, is_linked=is_linked), is_page=is_linked) for one in inner]
        return f"list of {' and '.join(dict.fromkeys(texts))}"
    if kind == "object":
        more = schema.get("additionalProperties")
        if not isinstance(more, dict):
            return "object"
        return f"object of {_inner(type_text(more, is_linked=is_linked), is_page=is_linked)}"
    return " or ".join(kind) if isinstance(kind, list) else str(kind)


def all_keys() -> list[str]:
    """A line for every key of every document: document and version, type and key, type of the key."""
    return [line for document in find_documents().values() for line in _lines(document)]


def _lines(document: Document) -> Iterator[str]:
    schema = document.schema()
    for name, one in [("", schema), *sorted(schema["$defs"].items())]:
        for key, inner in one["properties"].items():
            mark = "" if key in one.get("required", ()) else "?"
            yield f"{document.name}/{document.version} {name}.{key}{mark}: {type_text(inner)}"


def undescribed() -> list[str]:
    """The keys whose type's docstring does not say what they are."""
    schemas = {document.name: document.schema() for document in find_documents().values()}
    return [
        f"{document}: {name}.{key}"
        for document, schema in schemas.items()
        for name, one in [("", schema), *schema["$defs"].items()]
        for key, inner in one["properties"].items()
        if not inner.get("description")
    ]
