"""From a checked document to a stream: each step is one call, and what a call raises gets the place of its step.

A new step is an entry in pipeline.schema.json and a row in _STEPS.
"""

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from sabot.errors import SabotError
from sabot.expressions import expr
from sabot.pipeline.document import Document, Node
from sabot.pipeline.names import mapping_of, steps_of
from sabot.stream import Stream

__all__ = ["Builder"]

Options = dict[str, Any]

_FORMATS = ("parquet", "csv", "ipc", "generator")
_NAMED = re.compile(r"'([^']*)'")


def _names(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else value


def _made(make: Callable[..., Any], columns: Mapping[str, Any], options: Options) -> Any:
    """What a method makes of columns by name."""
    texts = {name: _text(value) for name, value in columns.items()}
    if "parallelism" in texts:  # As a keyword it is the option.
        return make(*(expr(text).alias(name) for name, text in texts.items()), **options)
    return make(**texts, **options)


def _text(value: Any) -> str:
    """Expressions are text: YAML reads a lone number or true as such."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _select(stream: Any, columns: Any, options: Options) -> Any:
    if isinstance(columns, dict):
        return _made(stream.select, columns, options)
    return stream.select(*_names(columns), **options)


# Verb -> the call it stands for, given the stream, what the verb acts on, and the options beside it.
_STEPS: dict[str, Callable[[Any, Any, Options], Any]] = {
    "filter": lambda stream, expression, options: stream.filter(_text(expression), **options),
    "require": lambda stream, expression, options: stream.require(_text(expression), **options),
    "select": lambda stream, columns, options: _select(stream, columns, options),
    "with_columns": lambda stream, columns, options: _made(stream.with_columns, columns, options),
    "rename": lambda stream, columns, options: stream.rename(columns, **options),
    "key_by": lambda stream, columns, options: stream.key_by(*_names(columns), **options),
    "kernel": lambda stream, name, options: stream.kernel(name, **options),
    "union": lambda stream, others, options: stream.union(*others, **options),
    "data_quality": lambda stream, by, options: stream.data_quality(by=by, **options),
}
# After a mistake in one of these the columns are still known, so that what follows can be checked.
_KEEPS_COLUMNS = {"filter", "require", "key_by", "data_quality", "union"}


class Builder:
    """Makes the stream of one document. Mistakes are noted in the document; a stream with mistakes is None."""

    def __init__(self, document: Document, folder: Path) -> None:
        self._document = document
        self._folder = folder
        self._root = root = mapping_of(document.root)
        self._sources = mapping_of(root.get("sources")) or ({"source": root["source"]} if "source" in root else {})
        self._named = "sources" in root
        self._streams: dict[str, Stream | None] = {}  # By source, as far as they were made.
        self._in_work: list[str] = []

    def stream(self) -> Stream | None:
        """The whole pipeline but its sink."""
        first = next(iter(self._sources))
        stream = self._source(first)
        for name in self._sources:  # All of them, so that all mistakes are found.
            self._source(name)
        stream = self._steps(stream, self._root.get("steps"), "steps", start=first)
        if stream is None:
            return None
        runs = {key: self._root[key].plain() for key in ("parallelism", "ordering") if key in self._root}
        return stream.options(**runs) if runs else stream

    def step(self, stream: Stream, more: Options) -> Stream | None:
        """The stream with one step, which is the whole document; its call takes more options."""
        return self._step(stream, self._document.root, "", more=more)

    def sink(self) -> tuple[str, Path | str, Options] | None:
        """Format, path and options, if there is a sink."""
        if "sink" not in self._root:
            return None
        sink = mapping_of(self._root["sink"])
        kind = next(key for key in sink if key in _FORMATS)
        options = {key: value.plain() for key, value in sink.items() if key != kind}
        if "rejects" in options:
            options["rejects"] = self._path(sink["rejects"])
        return kind, self._path(sink[kind]), options

    # --- calls ---

    def _source_path(self, name: str) -> str:
        return f"sources.{name}" if self._named else "source"

    def _source(self, name: str) -> Stream | None:
        if name not in self._streams:
            self._in_work.append(name)
            self._streams[name] = self._open(self._sources[name], self._source_path(name))
            self._in_work.pop()
        return self._streams[name]

    def _open(self, node: Node, path: str) -> Stream | None:
        source = mapping_of(node)
        kind = next(key for key in source if key in _FORMATS)
        options = {key: value.plain() for key, value in source.items() if key not in (kind, "steps")}
        opener: Any = getattr(Stream, f"from_{kind}")
        main = source[kind]

        def call() -> Any:
            return opener(kind=main.value, **options) if kind == "generator" else opener(self._path(main), **options)

        stream = self._called(call, source, kind, path)
        return self._steps(stream, source.get("steps"), f"{path}.steps")

    def _steps(self, stream: Stream | None, steps: Node | None, path: str, start: str = "") -> Stream | None:
        for index, entry in enumerate(steps_of(steps)):
            if stream is None:
                return None
            stream = self._step(stream, entry, f"{path}[{index}]", start)
        return stream

    def _step(
        self, stream: Stream, entry: Node, where: str, start: str = "", more: Options | None = None
    ) -> Stream | None:
        """The stream with one step; after a mistake as it was, where that is of use to those that follow."""
        step = mapping_of(entry)
        verb = next(iter(_verbs(step)))
        options = {key.rstrip("_"): value.plain() for key, value in step.items() if key != verb}
        main = step[verb].plain()
        if verb == "union":
            main = self._others(step[verb], where, start)
            if main is None:
                return stream
        if verb == "kernel" and "lambda" in options:
            options["lambda_"] = options.pop("lambda")
        uid = options.pop("uid", None)
        options |= more or {}

        def call() -> Any:
            made = _STEPS[verb](stream, main, options)
            return made if uid is None else made.uid(uid)

        applied = self._called(call, step, verb, where)
        return stream if applied is None and verb in _KEEPS_COLUMNS else applied

    def _others(self, node: Node, path: str, start: str) -> list[Stream] | None:
        streams: list[Stream] = []
        for name in [str(entry.value) for entry in steps_of(node) or [node]]:
            if name == start or name in self._in_work:
                message = f"source '{name}' cannot take in its own rows."
                self._document.add(node.place, f"{path}.union", message)
                return None
            if name not in self._sources or (stream := self._source(name)) is None:
                return None  # Noted already.
            streams.append(stream)
        return streams

    def _called(self, call: Callable[[], Any], step: dict[str, Node], verb: str, path: str) -> Stream | None:
        already = len(self._document.problems)
        try:
            stream: Stream = call()
            return stream
        except (SabotError, OSError, TypeError, ValueError) as error:
            place, key = _place_of(error, step, verb)
            where = f"{path}.{key}"
            # What the check of names has said already, the engine says again.
            said = {problem.path for problem in self._document.problems[:already]}
            if not any(problem == where or problem.startswith(f"{path}.") for problem in said):
                self._document.add(place.place, where, _message(error))
            return None

    def _path(self, node: Node) -> Any:
        if isinstance(node.value, list):
            return [self._path(entry) for entry in node.value]
        text = str(node.value)
        if "://" in text:
            return text
        # What the command line says is meant from where it is typed.
        return Path(text) if node.place.origin else self._folder / text


def _verbs(step: dict[str, Node]) -> list[str]:
    return [key for key in step if key in _STEPS]


def _message(error: BaseException) -> str:
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    text = str(error)
    return text if text.rstrip().endswith((".", "^", "?")) else f"{text}."


def _place_of(error: BaseException, step: dict[str, Node], verb: str) -> tuple[Node, str]:
    """The value that a message is about: an option it names, else a value it quotes, else what the verb acts on."""
    names = _NAMED.findall(str(error))
    for name in names:
        key = name if name in step else f"{name}_"
        if key in step and key != verb:
            return step[key], key
    columns = mapping_of(step[verb])
    for name in names:
        if name in columns:
            return columns[name], f"{verb}.{name}"
    for key, node in step.items():
        found = _value_in(node, names)
        if found is not None:
            return found, key
    return step[verb], verb


def _value_in(node: Node, names: list[str]) -> Node | None:
    if isinstance(node.value, dict):
        entries = list(node.value.values())
    elif isinstance(node.value, list):
        entries = node.value
    else:
        return node if node.value in names else None
    return next((found for entry in entries if (found := _value_in(entry, names)) is not None), None)
