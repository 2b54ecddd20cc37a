"""What Sabot raises. A message says where, what was found, what was expected and what to do."""

__all__ = ["DataError", "FunctionError", "OptionError", "SabotError", "SchemaError", "SnapshotError"]


class SabotError(Exception):
    """The root of Sabot's errors."""


class SchemaError(SabotError, ValueError):
    """A column is missing, is of another type or exists already; or the schema changed between batches."""


class OptionError(SabotError, ValueError):
    """A kernel or an option is unknown, out of its range, or contradicts another."""


class DataError(SabotError, ValueError):
    """A value cannot be used: a damaged file, a time that overflows."""


class SnapshotError(SabotError, ValueError):
    """A snapshot of another kernel, of other options or of another version; or a table that is no snapshot."""


class FunctionError(SabotError):
    """A Python function of a pipeline failed. What it raised is the cause (`__cause__`), with its traceback."""
