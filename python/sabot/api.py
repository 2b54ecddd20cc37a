"""The classes a pipeline is written with."""

from sabot.stream import RunSummary, Stream

__all__ = ["RunSummary", "Stream"]
