"""What a JSON schema tells of a file: a whole example, every place in it, and values that a place must not hold."""

ODD = (None, True, 1, 0.5, "x", [], {})
"""One value of each kind that JSON has."""
KINDS = {bool: "boolean", int: "integer", float: "number", str: "string", list: "array", dict: "object"}


class Schema:
    """One place in a JSON schema; ``$ref`` is followed."""

    def __init__(self, content, defs):
        self.content = defs[content["$ref"].rpartition("/")[2]] if "$ref" in content else content
        self.defs = defs

    def of(self, content):
        return Schema(content, self.defs)

    @property
    def either(self):
        return [self.of(one) for one in self.content.get("anyOf", ())]

    def kinds(self):
        """Return the kinds of values that are allowed; all where it says nothing."""
        if self.either:
            return set.union(*(one.kinds() for one in self.either))
        if self.listed is not None:
            return {kind_of(value) for value in self.listed}
        said = self.content.get("type", [*KINDS.values(), "null"])
        return {said} if isinstance(said, str) else set(said)

    @property
    def listed(self):
        """The only values that are allowed; None where they are not listed."""
        return self.content.get("enum", [self.content["const"]] if "const" in self.content else None)

    def allows(self, value):
        """Return whether a value is among those that are listed, where they are."""
        schema = self.fitting(value)
        return schema.listed is None or value in schema.listed

    def fitting(self, value):
        """Return the schema, of several the first that allows a value of this kind and, where it lists some, it."""
        alike = [one for one in self.either if kind_of(value) in one.kinds() or "number" in one.kinds()]
        return next((one for one in alike if one.listed is None or value in one.listed), alike[0]) if alike else self

    def example(self):
        """Return a value with every key that is named, and one entry in each list and mapping."""
        content = self.either[0].content if self.either else self.content
        if self.either:
            return self.either[0].example()
        if "enum" in content or "const" in content:
            return content.get("enum", [content.get("const")])[0]
        match content.get("type"):
            case "object":
                more = content.get("additionalProperties")
                entry = {"a": self.of(more).example()} if isinstance(more, dict) else {}
                return entry | {key: self.of(one).example() for key, one in content.get("properties", {}).items()}
            case "array":
                entries = content.get("prefixItems") or [content["items"]]
                return [self.of(one).example() for one in entries]
            case "integer":
                return max(1, content.get("minimum", 1))
            case kind:
                return {"number": 0.5, "string": "a", "boolean": True}.get(kind)

    def places(self, value, path=()):
        """Yield the path, the schema and whether it must be there, of every place in a value below this one."""
        content = next((one.content for one in self.either if kind_of(value) in one.kinds()), self.content)
        properties, more = content.get("properties", {}), content.get("additionalProperties")
        if isinstance(value, dict):
            for key, inner in value.items():
                of = properties.get(key) or (more if isinstance(more, dict) else {})
                yield (*path, key), self.of(of), key in content.get("required", ())
                yield from self.of(of).places(inner, (*path, key))
        if isinstance(value, list):
            for i, inner in enumerate(value):
                of = (content.get("prefixItems") or [content.get("items", {})] * len(value))[i]
                yield (*path, i), self.of(of), False
                yield from self.of(of).places(inner, (*path, i))

    def refused(self):
        """Return values that are not allowed: of other kinds, out of bounds, too long, of another form."""
        kinds, content = self.kinds(), self.content
        kinds |= {"integer"} if "number" in kinds else set()
        wrong = [value for value in ODD if kind_of(value) not in kinds]
        if "minimum" in content:
            wrong += [content["minimum"] - 1, content["maximum"] + 1, 10**400] if "maximum" in content else [-1.0]
        if content.get("type") == "number":
            wrong += [float("inf"), float("nan"), 10**400]
        if content.get("maxLength", 10**9) < 10_000:
            wrong += ["x" * (content["maxLength"] + 1)]
        wrong += [[]] if "minItems" in content and "prefixItems" not in content else []
        return wrong + ["/"] * ("pattern" in content) + ["no such word"] * ("enum" in content or "const" in content)


def kind_of(value):
    return "null" if value is None else KINDS[type(value)]


def put(content, path, value):
    """Return a content with another value at a path."""
    if not path:
        return value
    step, *rest = path
    if isinstance(content, dict):
        return content | {step: put(content[step], rest, value)}
    return [put(inner, rest, value) if i == step else inner for i, inner in enumerate(content)]


def without(content, path):
    """Return a content without the key at a path."""
    *rest, last = path
    if not rest:
        return {key: value for key, value in content.items() if key != last}
    inner = content
    for step in rest:
        inner = inner[step]
    return put(content, rest, {key: value for key, value in inner.items() if key != last})
