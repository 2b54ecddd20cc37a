"""A YAML or JSON text as a tree of values that know where they stand.

The scalars are those of YAML 1.2: `1e6` is a number, `on` and `12:30` are text. JSON is read by the same parser, after
it was found to be JSON.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml
from yaml.composer import Composer
from yaml.parser import Parser
from yaml.reader import Reader, ReaderError
from yaml.resolver import BaseResolver
from yaml.scanner import Scanner

from sabot.pipeline.problems import PipelineError, Place, Problem, did_you_mean

__all__ = ["Document", "Node", "Value"]

Value = dict[str, "Node"] | list["Node"] | str | int | float | bool | None

_NODES_MAX = 100_000
_DEPTH_MAX = 100
_TAG = "tag:yaml.org,2002:"
_MERGE = "<<"
_SET_PART = re.compile(r"([^.\[\]]+)|\[(\d+)\]")


@dataclass(slots=True)
class Node:
    """A value and its place; of a mapping also the places of its keys."""

    value: Value
    place: Place
    keys: dict[str, Place] = field(default_factory=dict)

    def plain(self) -> Any:
        """The value without places."""
        if isinstance(self.value, dict):
            return {key: node.plain() for key, node in self.value.items()}
        if isinstance(self.value, list):
            return [node.plain() for node in self.value]
        return self.value


class Document:
    """The text of one description, its tree, and what is wrong with it so far."""

    def __init__(self, name: str, text: str) -> None:
        self.name = name
        self.text = text
        self.problems: list[Problem] = []
        self.root = Node({}, Place(1, 1))

    @classmethod
    def read(cls, name: str, data: bytes | str, *, is_json: bool = False) -> "Document":
        """Parse the text. Raises PipelineError, if it is no YAML or, with is_json, no JSON."""
        document = cls(name, data if isinstance(data, str) else "")
        if isinstance(data, bytes):
            document.text = document._decoded(data)
        text = document.text
        if is_json:
            document._check_json()
            text = text.replace("\t", " ")  # Tabs may indent JSON; none can stand in its strings.
        document.root = document._parsed(text, "")
        return document

    @classmethod
    def of_value(cls, name: str, value: Any) -> "Document":
        """A document that was never text: dicts, lists and scalars. Its problems stand in `name`."""
        document = cls(name, "")
        document.root = _node_of(value, Place(1, 1, name))
        return document

    def add(self, place: Place, path: str, message: str) -> None:
        """Take note of a problem."""
        self.problems.append(Problem(place, path.removeprefix("."), message))

    def check(self) -> None:
        """Raise PipelineError, if there are problems."""
        if self.problems:
            raise PipelineError(self.name, self.text, self.problems)

    def override(self, assignment: str) -> None:
        """Change one value: "steps[0].alpha=0.1", where the value is YAML. Missing mappings on the way are made."""
        origin = f"--set {assignment}"
        place = Place(1, 1, origin)
        path, equals, text = assignment.partition("=")
        parts = [part[0] or int(part[1]) for part in _SET_PART.findall(path.strip())]
        if not equals or not parts:
            self.add(place, "", "expected KEY.PATH=VALUE, such as steps[0].alpha=0.1.")
            return
        node, found = self.root, ""
        for part in parts[:-1]:
            if isinstance(part, str) and isinstance(node.value, dict):
                node.value.setdefault(part, Node({}, place))
                node.keys.setdefault(part, place)
            child = self._child(node, part, found, place)
            if child is None:
                return
            node, found = child, found + (f"[{part}]" if isinstance(part, int) else f"{'.' if found else ''}{part}")
        last = parts[-1]
        value = self._parsed(text, origin)
        if isinstance(last, str) and isinstance(node.value, dict):
            node.value[last] = value
            node.keys[last] = place
        elif self._child(node, last, found, place) is not None:
            node.value[last] = value  # type: ignore[index]

    def _child(self, node: Node, part: str | int, path: str, place: Place) -> Node | None:
        if isinstance(node.value, list) and isinstance(part, int):
            if part < len(node.value):
                return node.value[part]
            self.add(place, path, f"has {len(node.value)} entries, the first of which is [0], so there is no [{part}].")
        elif isinstance(node.value, dict) and isinstance(part, str):
            return node.value[part]
        elif isinstance(node.value, list):
            self.add(place, path, f"is a list: name an entry by its number, such as [0], not by '{part}'.")
        else:
            self.add(place, path, f"has no entries, so '{part}' cannot be set in it.")
        return None

    # --- text to nodes ---

    def _failure(self, line: int, column: int, message: str, origin: str = "") -> PipelineError:
        return PipelineError(self.name, self.text, [Problem(Place(line, column, origin), "", message)])

    def _decoded(self, data: bytes) -> str:
        if b"\0" in data[:4096]:
            raise self._failure(1, 1, "this is no text. A pipeline is YAML; `sabot head` shows files of data.")
        try:
            return data.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            before = error.object[: error.start].decode("utf-8", "replace")
            line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
            self.text = data.decode("utf-8-sig", "replace")
            raise self._failure(
                line, column, f"byte 0x{error.object[error.start]:02x} is not UTF-8. Save the file as UTF-8."
            ) from None

    def _check_json(self) -> None:
        try:
            json.loads(self.text)
        except json.JSONDecodeError as error:
            raise self._failure(error.lineno, error.colno, f"this is no JSON: {error.msg}.") from None
        except RecursionError:
            raise self._failure(1, 1, f"lists and mappings stand more than {_DEPTH_MAX} deep.") from None

    def _parsed(self, text: str, origin: str) -> Node:
        try:
            composed = _Loader(text).get_single_node()
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
            raise self._failure(line, column, _in_words(error), origin) from None
        except ReaderError as error:
            before = text[: error.position]
            line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
            message = f"the character U+{error.character:04X} is not allowed in YAML. Remove it."
            raise self._failure(line, column, message, origin) from None
        except RecursionError:
            raise self._failure(1, 1, f"lists and mappings stand more than {_DEPTH_MAX} deep.", origin) from None
        if composed is None:
            return Node(None, Place(1, 1, origin))
        return _Reading(self, origin).node(composed, "")


def _node_of(value: Any, place: Place) -> Node:
    if isinstance(value, dict):
        entries = {str(key): _node_of(entry, place) for key, entry in value.items()}
        return Node(entries, place, dict.fromkeys(entries, place))
    return Node([_node_of(entry, place) for entry in value] if isinstance(value, list | tuple) else value, place)


def _in_words(error: yaml.MarkedYAMLError) -> str:
    problem = error.problem or ""
    if "'\\t'" in problem:
        return "a tab. YAML is indented with spaces only: replace the tabs by spaces."
    if "another document" in problem:
        return "a second document begins here. A file describes one pipeline: remove this line and what follows it."
    if "undefined alias" in problem:
        return f"{problem.removeprefix('found ')}: no anchor of that name (&name) stands above it."
    if "mapping values are not allowed" in problem:
        return "a ':' that makes no sense here. Put text that has ': ' in it into quotes, and mind the indentation."
    context = f" {error.context}" if error.context else ""
    return f"this is no YAML:{context} {problem}.".replace("  ", " ")


class _Scalars(BaseResolver):
    """What a scalar without quotes is."""


for _tag, _pattern in {
    "null": r"~|null|Null|NULL|",
    "bool": r"true|True|TRUE|false|False|FALSE",
    "int": r"[-+]?[0-9]+(_[0-9]+)*|0o[0-7]+|0x[0-9a-fA-F]+",
    "float": r"[-+]?(\.[0-9]+|[0-9]+(_[0-9]+)*(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)",
}.items():
    _Scalars.add_implicit_resolver(_TAG + _tag, re.compile(f"^(?:{_pattern})$"), None)


class _Loader(Reader, Scanner, Parser, Composer, _Scalars):
    def __init__(self, text: str) -> None:
        Reader.__init__(self, text)
        Scanner.__init__(self)
        Parser.__init__(self)
        Composer.__init__(self)
        _Scalars.__init__(self)


class _Reading:
    """Turns composed nodes into ours; problems that leave the rest readable go to the document."""

    def __init__(self, document: Document, origin: str) -> None:
        self._document = document
        self._origin = origin
        self._inside: set[int] = set()  # Collections that are being read: an alias to one of them has no end.
        self._nodes = 0

    def node(self, composed: Any, path: str) -> Node:
        self._nodes += 1
        place = self._place(composed)
        if self._nodes > _NODES_MAX:
            raise self._document._failure(
                place.line, place.column, f"more than {_NODES_MAX:,} values, with what aliases repeat.", self._origin
            )
        if isinstance(composed, yaml.ScalarNode):
            return Node(self._scalar(composed, path), place)
        if id(composed) in self._inside:
            raise self._document._failure(
                place.line, place.column, "this anchor contains an alias of itself.", self._origin
            )
        if len(self._inside) == _DEPTH_MAX:
            message = f"lists and mappings stand more than {_DEPTH_MAX} deep."
            raise self._document._failure(place.line, place.column, message, self._origin)
        self._inside.add(id(composed))
        if composed.tag not in (_TAG + "map", _TAG + "seq"):
            self._unknown_tag(composed, path)
        read = self._mapping if isinstance(composed, yaml.MappingNode) else self._list
        result = read(composed, path, place)
        self._inside.discard(id(composed))
        return result

    def _list(self, composed: Any, path: str, place: Place) -> Node:
        return Node([self.node(entry, f"{path}[{index}]") for index, entry in enumerate(composed.value)], place)

    def _mapping(self, composed: Any, path: str, place: Place) -> Node:
        values: dict[str, Node] = {}
        keys: dict[str, Place] = {}
        merged: list[Node] = []
        for key_node, value_node in composed.value:
            key, key_place = self._key(key_node, path), self._place(key_node)
            if key is None:
                continue
            value = self.node(value_node, f"{path}.{key}" if path else key)
            if key == _MERGE and key_node.style is None:
                merged += self._merged(value, path)
            elif key in values:
                first = keys[key]
                self._document.add(key_place, path, f"'{key}' stands here twice; the first is in line {first.line}.")
            else:
                values[key], keys[key] = value, key_place
        for other in merged:
            for key, value in other.value.items():  # type: ignore[union-attr]
                keys.setdefault(key, other.keys[key])
                values.setdefault(key, value)
        return Node(values, place, keys)

    def _key(self, composed: Any, path: str) -> str | None:
        if isinstance(composed, yaml.ScalarNode):
            return str(composed.value)
        place = self._place(composed)
        self._document.add(place, path, "a key must be text. Put text that begins with '{' or '[' into quotes.")
        return None

    def _merged(self, value: Node, path: str) -> Iterator[Node]:
        entries = value.value if isinstance(value.value, list) else [value]
        for entry in entries:
            if isinstance(entry.value, dict):
                yield entry
            else:
                self._document.add(value.place, path, "'<<' takes an alias of a mapping, or a list of such.")

    def _scalar(self, composed: Any, path: str) -> str | int | float | bool | None:
        text, tag = composed.value, composed.tag.removeprefix(_TAG)
        try:
            match tag:
                case "str":
                    return str(text)
                case "null":
                    return None
                case "bool":
                    return {"true": True, "false": False}[text.lower()]
                case "int":
                    return int(text, 0) if text.lower().startswith(("0o", "0x")) else int(text)
                case "float":
                    return float(text.replace(".inf", "inf").replace(".Inf", "inf").replace(".nan", "nan").lower())
        except (KeyError, ValueError):
            self._document.add(self._place(composed), path, f"'{text}' is no {tag}, as its tag !!{tag} says.")
            return None
        self._unknown_tag(composed, path)
        return str(text)

    def _unknown_tag(self, composed: Any, path: str) -> None:
        tag = composed.tag.replace(_TAG, "!!")
        known = ["!!str", "!!int", "!!float", "!!bool", "!!null", "!!map", "!!seq"]
        message = f"the tag {tag} is not known here. Remove it.{did_you_mean(tag, known)}"
        self._document.add(self._place(composed), path, message)

    def _place(self, composed: Any) -> Place:
        if self._origin:
            return Place(1, 1, self._origin)
        return Place(composed.start_mark.line + 1, composed.start_mark.column + 1)
