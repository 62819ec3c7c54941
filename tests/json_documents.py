"""What a JSON document of normbench must hold, by its schema: keys, kinds of values, no key that is not described."""

from json_shapes import Schema, kind_of


def mistakes(schema, content):
    """Return a line for each place where an object is not as its schema says."""
    return list(_mistakes(Schema(schema, schema["$defs"]), content, schema["title"]))


def _mistakes(schema, value, place):
    kinds = schema.kinds()
    if kind_of(value) not in kinds | ({"integer"} if "number" in kinds else set()):
        yield f"{place}: must be one of {sorted(kinds)}, got {value!r}"
    elif not schema.allows(value):
        yield f"{place}: must be as in {schema.content}, got {value!r}"
    else:
        yield from _inner_mistakes(schema.fitting(value), value, place)


def _inner_mistakes(schema, value, place):
    properties, more = schema.content.get("properties", {}), schema.content.get("additionalProperties")
    if isinstance(value, dict):
        yield from (f"{place}.{key}: must be there" for key in schema.content.get("required", ()) if key not in value)
        for key, inner in value.items():
            if key in properties or isinstance(more, dict):
                yield from _mistakes(schema.of(properties.get(key, more)), inner, f"{place}.{key}")
            elif properties:
                yield f"{place}.{key}: must be described"
    if isinstance(value, list):
        listed = schema.content.get("prefixItems") or [schema.content.get("items", {})] * len(value)
        for i, (entry, inner) in enumerate(zip(listed, value, strict=True)):
            yield from _mistakes(schema.of(entry), inner, f"{place}.{i}")
