"""Single sources and steps of a pipeline, for those who put them together themselves."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sabot.errors import OptionError
from sabot.pipeline import _static_schema
from sabot.pipeline.building import Builder
from sabot.pipeline.document import Document
from sabot.pipeline.names import check_step
from sabot.pipeline.validation import check_schema
from sabot.stream import Stream

__all__ = ["apply_step", "open_source"]


def open_source(parameters: Mapping[str, Any], who: str) -> Stream:
    """The stream of a source as a pipeline describes it, such as {"parquet": "ticks/", "columns": ["price"]}.

    who:    what messages call it. Relative paths begin at the working directory.
    Raises: PipelineError, with every mistake.
    """
    document = _document({"source": dict(parameters)}, who)
    check_schema(document, _static_schema())
    document.check()
    stream = Builder(document, Path()).stream()
    document.check()
    assert stream is not None
    return stream


def apply_step(stream: Stream, step: Mapping[str, Any], who: str, **options: Any) -> Stream:
    """The stream with one step of a pipeline, such as {"filter": "price > 0"}. A union takes streams: Stream.union.

    who:     what messages call it.
    options: more for the method of Stream that the step stands for.
    Raises:  PipelineError, with every mistake.
    """
    if "union" in step:
        raise OptionError(f"{who}: a union takes streams, not names. Connect its inputs.")
    document = _document(dict(step), who)
    schema = _static_schema()
    check_schema(document, {**schema["$defs"]["step"], "$defs": schema["$defs"]})
    document.check()
    check_step(document)
    document.check()
    applied = Builder(document, Path()).step(stream, options)
    document.check()
    assert applied is not None
    return applied


def _document(value: dict[str, Any], who: str) -> Document:
    try:
        json.dumps(value, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise OptionError(f"{who}: parameters have no JSON: {error}. Use text, numbers, lists, dicts.") from None
    return Document.of_value(who, value)
