"""What a folder of ticks holds beside ticks, told on stderr."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import typer

__all__ = ["telling_passed_over"]


@contextmanager
def telling_passed_over(command: str) -> Iterator[None]:
    """Let a command tell in lines of its own, at its end, what else would be a NoTicksWarning."""
    from sabot.backtest.inputs import NoTicksWarning

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", NoTicksWarning)
        try:
            yield
        finally:
            told = [warning for warning in caught if issubclass(warning.category, NoTicksWarning)]
            for warning in told:
                typer.echo(f"{command}: {warning.message}", err=True)
    for warning in caught:
        if warning not in told:
            warnings.warn_explicit(warning.message, warning.category, warning.filename, warning.lineno)
