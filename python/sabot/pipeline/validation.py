"""Checks a document against the pipeline's JSON schema, and says of each mistake where it is and what was meant.

Understands what pipeline.schema.json uses of JSON Schema 2020-12. Where a schema offers several mappings (`oneOf`), the
required key of each, such as `filter` or `kernel`, is what tells them apart.
"""

from typing import Any

from sabot.pipeline.document import Document, Node
from sabot.pipeline.problems import did_you_mean, near_names

__all__ = ["check_schema"]

Schema = dict[str, Any]

_WORDS = {
    "object": "a mapping",
    "array": "a list",
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "null": "nothing",
}


def check_schema(document: Document, schema: Schema) -> None:
    """Note every mistake in the document."""
    _Check(document, schema).node(document.root, schema, "")


class _Check:
    def __init__(self, document: Document, root: Schema) -> None:
        self._document = document
        self._definitions: dict[str, Schema] = root.get("$defs", {})

    def node(self, node: Node, schema: Schema, path: str) -> None:
        chosen = self._chosen(node, self._resolved(schema), path)
        if chosen is None:
            return
        wanted = _types(chosen)
        if wanted and not any(_is(node.value, kind) for kind in wanted):
            self._add(node, path, f"expected {_expected(chosen, wanted)}, found {_found(node)}.")
            return
        if "enum" in chosen and node.value not in chosen["enum"]:
            names = [str(name) for name in chosen["enum"]]
            near = did_you_mean(str(node.value), names) if near_names(str(node.value), names) else ""
            self._add(node, path, f"found {_found(node)}, expected one of {', '.join(names)}.{near}")
        if isinstance(node.value, dict):
            self._mapping(node, chosen, path)
        elif isinstance(node.value, list):
            if len(node.value) < chosen.get("minItems", 0):
                self._add(node, path, f"an empty list, expected {chosen.get('title', 'at least one entry')}.")
            for index, entry in enumerate(node.value):
                self.node(entry, chosen.get("items", {}), f"{path}[{index}]")
        elif isinstance(node.value, (int, float)) and not isinstance(node.value, bool):
            self._number(node, chosen, path)
        elif node.value == "" and chosen.get("minLength"):
            self._add(node, path, f"empty text, expected {_expected(chosen, ['string'])}.")

    def _mapping(self, node: Node, schema: Schema, path: str) -> None:
        assert isinstance(node.value, dict)
        properties, others = schema.get("properties", {}), schema.get("additionalProperties", True)
        title = schema.get("title", "this mapping")
        if len(node.value) < schema.get("minProperties", 0):
            self._add(node, path, f"an empty mapping, expected {title}.")
        for key, value in node.value.items():
            below = f"{path}.{key}" if path else key
            if key in properties:
                self.node(value, properties[key], below)
            elif isinstance(others, dict):
                self.node(value, others, below)
            elif not others:
                place = node.keys[key]
                self._document.add(place, path, f"{title} has no key '{key}'.{did_you_mean(key, properties)}")
        for key in schema.get("required", ()):
            if key not in node.value:
                self._add(node, path, f"{title} needs the key '{key}'.")

    def _number(self, node: Node, schema: Schema, path: str) -> None:
        number: Any = node.value
        if "minimum" in schema and not number >= schema["minimum"]:
            self._add(node, path, f"expected a number >= {schema['minimum']}, found {number}.")
        if "maximum" in schema and not number <= schema["maximum"]:
            self._add(node, path, f"expected a number <= {schema['maximum']}, found {number}.")

    # --- which of several ---

    def _chosen(self, node: Node, schema: Schema, path: str) -> Schema | None:
        """The schema with its oneOf decided; None, if no alternative fits and that was noted."""
        if "oneOf" not in schema:
            return schema
        alternatives = [self._resolved(alternative) for alternative in schema["oneOf"]]
        if all("type" not in alternative and "enum" not in alternative for alternative in alternatives):
            if isinstance(node.value, dict):  # Keys that exclude each other, in a schema that says the rest itself.
                self._one_key(node, [alternative["required"][0] for alternative in alternatives], schema, path)
            return schema
        fitting = [entry for entry in alternatives if any(_is(node.value, kind) for kind in _types(entry))]
        if not fitting:
            kinds = [_expected(entry, _types(entry)) for entry in alternatives]
            kinds = [schema["title"]] if "title" in schema else list(dict.fromkeys(kinds))
            self._add(node, path, f"expected {' or '.join(kinds)}, found {_found(node)}.")
            return None
        if len(fitting) == 1:
            return fitting[0]
        verbs = {entry["required"][0]: entry for entry in fitting}
        verb = self._one_key(node, list(verbs), schema, path)
        return verbs[verb] if verb else None

    def _one_key(self, node: Node, keys: list[str], schema: Schema, path: str) -> str | None:
        assert isinstance(node.value, dict)
        title = schema.get("title", "this mapping")
        present = [key for key in node.value if key in keys]
        if len(present) == 1:
            return present[0]
        if present:
            place = node.keys[present[1]]
            self._document.add(place, path, f"{title} has one of '{present[0]}' and '{present[1]}', not both.")
            return None
        found = [key for key in node.value if near_names(key, keys)] or list(node.value)
        if not found:
            self._add(node, path, f"an empty mapping, expected {title}: {_either(keys)}.")
            return None
        if "properties" in schema and found[0] in schema["properties"]:
            self._add(node, path, f"{title} needs {_either(keys)}.")
            return None
        if "properties" not in schema:  # Otherwise the key is reported as an unknown one.
            message = f"'{found[0]}' is not known as {title}.{did_you_mean(found[0], keys)}"
            self._document.add(node.keys[found[0]], path, message)
        elif not near_names(found[0], keys):
            self._add(node, path, f"{title} needs {_either(keys)}.")
        return None

    def _resolved(self, schema: Schema) -> Schema:
        while "$ref" in schema:
            schema = self._definitions[schema["$ref"].removeprefix("#/$defs/")]
        return schema

    def _add(self, node: Node, path: str, message: str) -> None:
        self._document.add(node.place, path, message)


def _types(schema: Schema) -> list[str]:
    kinds = schema.get("type", [])
    return [kinds] if isinstance(kinds, str) else kinds


def _is(value: object, kind: str) -> bool:
    match kind:
        case "object":
            return isinstance(value, dict)
        case "array":
            return isinstance(value, list)
        case "string":
            return isinstance(value, str)
        case "boolean":
            return isinstance(value, bool)
        case "integer":
            return isinstance(value, int) and not isinstance(value, bool)
        case "number":
            return isinstance(value, (int, float)) and not isinstance(value, bool)
    return value is None


def _expected(schema: Schema, kinds: list[str]) -> str:
    return str(schema["title"]) if "title" in schema else " or ".join(_WORDS[kind] for kind in kinds)


def _found(node: Node) -> str:
    match node.value:
        case None:
            return "nothing"
        case bool():
            return str(node.value).lower()
        case str():
            shown = node.value if len(node.value) <= 60 else node.value[:57] + "..."
            return f"the text '{shown}'"
        case int() | float():
            return f"the number {node.value}"
        case dict():
            keys = ", ".join(node.value)
            return f"a mapping ({keys})" if keys and len(keys) <= 60 else "a mapping"
        case _:
            return "a list"


def _either(keys: list[str]) -> str:
    quoted = [f"'{key}'" for key in keys]
    return f"{', '.join(quoted[:-1])} or {quoted[-1]}" if len(quoted) > 1 else quoted[0]
