"""Pipelines as YAML or JSON: where rows come from, the steps they pass, where they go.

    pipeline = sabot.pipeline.load("features.yaml")
    print(pipeline.run())

The description has no code in it, so it can come from anywhere. docs/reference/pipeline-yaml.md has all it can say.
"""

import json
import os
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sabot.errors import OptionError
from sabot.pipeline.problems import PipelineError, Place, Problem

if TYPE_CHECKING:
    from sabot.checkpoint import CheckpointCoordinator
    from sabot.stream import RunSummary, Stream

__all__ = ["Pipeline", "PipelineError", "Place", "Problem", "Sink", "load", "parse", "schema"]


_JOB_NAME = re.compile(r"[A-Za-z0-9_.-]+")


@dataclass(frozen=True, slots=True)
class Sink:
    """Where the rows go: the format, the path, and the options of Stream.to_<format>."""

    format: str
    path: Path | str
    options: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Pipeline:
    """A described pipeline, checked as far as it can be before rows flow."""

    name: str
    stream: "Stream"
    sink: Sink | None

    def run(
        self,
        *,
        strict: bool | None = None,
        rejects: str | os.PathLike[str] | None = None,
        parallelism: int | None = None,
        checkpoints: "CheckpointCoordinator | str | os.PathLike[str] | None" = None,
        progress: Callable[[Any], None] | None = None,
    ) -> "RunSummary":
        """Run into the sink. Arguments that are given go before what the description says.

        strict:      a rejected row is an error.
        rejects:     a file for rejected rows.
        parallelism: copies of each step that says no number and may have copies.
        checkpoints: as in Stream.options.
        progress:    called now and then while the run lasts, on this thread.
        Raises:      OptionError, if there is no sink. What the stream's sources, steps and sink raise.
        """
        if self.sink is None:
            raise OptionError(
                f"{self.name}: the pipeline has no sink to run into. Add one, such as sink: {{parquet: out.parquet}}, "
                f"or iterate its stream."
            )
        given = {"strict": strict, "rejects": rejects, "progress": progress}
        described = dict(self.sink.options)
        if strict and rejects is None:  # A strict run has no rows to keep.
            described.pop("rejects", None)
        if rejects is not None and strict is None:
            described.pop("strict", None)
        options = described | {name: value for name, value in given.items() if value is not None}
        stream = self.stream.options(parallelism=parallelism, checkpoints=checkpoints)
        if _JOB_NAME.fullmatch(self.name):
            stream = stream._in_job(self.name)
        write: Callable[..., RunSummary] = getattr(stream, f"to_{self.sink.format}")
        return write(self.sink.path, **options)

    def explain(self) -> str:
        """What would run, as text."""
        stream: Any = self.stream
        lines = [f"pipeline {self.name}", str(stream.explain())]
        if self.sink:
            plain = {name: str(each) if isinstance(each, Path) else each for name, each in self.sink.options.items()}
            options = "".join(f", {name}={value!r}" for name, value in plain.items())
            lines.append(f"to_{self.sink.format}({os.fspath(self.sink.path)!r}{options})")
        return "\n".join(lines)


def load(path: str | os.PathLike[str], *, overrides: Iterable[str] = ()) -> Pipeline:
    """Read a pipeline's description, YAML or (with a name that ends in .json) JSON.

    Paths:     in it that are relative begin at its own folder, so it means the same wherever it is started; those in
               overrides begin at the working directory.
    overrides: values that replace its own, such as "steps[0].alpha=0.1" or "source.rows=1000".
    Raises:    PipelineError, with every mistake and its line. OSError, if the file cannot be read.
    """
    file = Path(path)
    return parse(
        file.read_bytes(), name=os.fspath(path), folder=file.parent, is_json=file.suffix == ".json", overrides=overrides
    )


def parse(
    text: str | bytes,
    *,
    name: str = "pipeline",
    folder: str | os.PathLike[str] = ".",
    is_json: bool = False,
    overrides: Iterable[str] = (),
) -> Pipeline:
    """As load, of a text. name: what messages call it; folder: where its relative paths begin."""
    from sabot.pipeline.document import Document
    from sabot.pipeline.validation import check_schema

    document = Document.read(name, text, is_json=is_json)
    if document.root.value is None:
        document.root.value = {}
        message = "is empty. A pipeline has a source, steps and a sink."
        document.add(document.root.place, "", message)
        document.check()
    for assignment in overrides:
        document.override(assignment)
    check_schema(document, _static_schema())

    from sabot.pipeline.building import Builder
    from sabot.pipeline.names import check_names

    faults = len(document.problems)
    check_names(document)
    if faults:
        document.check()

    builder = Builder(document, Path(folder))
    stream = builder.stream()
    document.check()
    assert stream is not None
    assert isinstance(document.root.value, dict)
    named = document.root.value.get("name")
    sink = builder.sink()
    return Pipeline(str(named.value) if named else Path(name).stem, stream, Sink(*sink) if sink else None)


@cache
def _static_schema() -> dict[str, Any]:
    text = (files("sabot.pipeline") / "pipeline.schema.json").read_text(encoding="utf-8")
    schema: dict[str, Any] = json.loads(text)
    return schema


def schema() -> dict[str, Any]:
    """The JSON schema of a description, with the kernels that this version has and their options, for editors."""
    from sabot.registry import KERNELS

    result: dict[str, Any] = json.loads(json.dumps(_static_schema()))
    steps = result["$defs"]["step"]["oneOf"]
    step = next(entry for entry in steps if entry["required"] == ["kernel"])
    step["properties"]["kernel"] |= {"enum": list(KERNELS)}
    step["additionalProperties"] = True
    step["allOf"] = [
        {
            "if": {"properties": {"kernel": {"const": info.name}}},
            "then": {
                "description": info.summary,
                "properties": {option.name.rstrip("_"): _option_schema(option) for option in info.options},
                "required": [option.name for option in info.options if option.required],
                "propertyNames": {"enum": [*step["properties"], *(option.name.rstrip("_") for option in info.options)]},
            },
        }
        for info in KERNELS.values()
    ]
    return result


def _option_schema(option: Any) -> dict[str, Any]:
    names = {"bool": "boolean", "int": "integer", "float": "number", "str": "string", "None": "null"}
    described = f"{option.doc} {option.range}".strip()
    entry = {"type": [names[part] for part in option.type.split(" | ")], "description": described}
    return entry if option.required else entry | {"default": option.default}
