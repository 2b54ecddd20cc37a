"""The classes a pipeline is written with."""

from sabot.stream import Progress, RunSummary, Stream

__all__ = ["Progress", "RunSummary", "Stream"]
