"""Where a backtest's ticks come from: tick files as they are, everything else converted to them first."""

import difflib
import os
import re
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from sabot.backtest.temporary_folder import temporary_folder
from sabot.errors import OptionError

__all__ = ["NoTicksWarning", "SecurityTicks", "ShowProgress", "TickProgress", "TickSource", "opened_ticks"]

# Security, path, rows, and why they cannot be used.
SecurityTicks = tuple[str, str, int, str]

_TOLD_MOST = 3  # Of files that hold no ticks.


class NoTicksWarning(UserWarning):
    """Files of a folder or a glob hold no ticks, or rows name no security: they are passed over."""


@dataclass(frozen=True, slots=True)
class TickProgress:
    """How far the conversion of ticks is."""

    rows: int
    fraction: float | None


ShowProgress = Callable[[TickProgress], object]


@dataclass(frozen=True)
class TickSource:
    """What a caller says of its ticks."""

    path: str | os.PathLike[str] | Sequence[str | os.PathLike[str]]  # Files, globs, folders.
    names: Sequence[str] | None = None  # Of sheets or securities; None: all.
    most: int | None = None  # Securities.
    header_row: int = 3
    ticks_dir: str | os.PathLike[str] | None = None  # Where converted ticks stay.
    workers: int | None = None  # That convert; None: one a core.

    def named(self) -> list[str]:
        """The paths as text."""
        several = [self.path] if isinstance(self.path, str | os.PathLike) else self.path
        return [os.fspath(path) for path in several]


@contextmanager
def opened_ticks(
    source: TickSource, progress: ShowProgress | None = None
) -> Iterator[tuple[list[SecurityTicks], list[str]]]:
    """The tick files of a source, in the order of their names; converted ones lie there as long as this lasts.

    Beside them the paths of all files that hold ticks of it, also those that were converted.
    """
    if source.most is not None and source.most < 1:
        raise OptionError(f"max_sheets must be >= 1, or None for all, found {source.most}.")
    named = source.named()
    if not named or not all(named):
        raise OptionError(
            "the path of the ticks is empty. Name a workbook, a CSV or Parquet file, or a folder of them."
        )
    if source.names is not None and isinstance(source.names, str):
        raise TypeError(f"sheet_names_filter must be a list of names. Write [{source.names!r}].")
    with ExitStack() as stack:
        found, to_convert = _looked_at(named)
        if to_convert:
            folder = source.ticks_dir or stack.enter_context(temporary_folder("sabot-ticks-"))
            found = _converted(to_convert, folder, source, progress)
        chosen = _chosen(sorted(_each_once(found), key=lambda ticks: ticks[0].lower()), source)
        yield chosen, [*to_convert, *(path for _, path, _, _ in found if path)]


def _looked_at(named: list[str]) -> tuple[list[SecurityTicks], list[str]]:
    """Tick files as they are; or all files, where they must be converted and joined."""
    from sabot import _native

    found, to_convert, passed_over = _native.find_ticks(named)
    if passed_over:
        told = "; ".join(why.rstrip(".") for why in passed_over[:_TOLD_MOST])
        more = f"; and {len(passed_over) - _TOLD_MOST} more" if len(passed_over) > _TOLD_MOST else ""
        warnings.warn(f"passed over, since they hold no ticks: {told}{more}", NoTicksWarning, stacklevel=2)
    return found, to_convert


def _converted(
    sources: list[str], folder: str | os.PathLike[str], source: TickSource, progress: ShowProgress | None
) -> list[SecurityTicks]:
    from sabot.backtest.ticks import converted_ticks

    def show(done: float, rows: int, _rejected: int) -> None:
        if progress is not None:
            progress(TickProgress(rows, done))

    most = source.most if source.names is None else None  # Which names there are is known when all are there.
    made = converted_ticks(
        sources,
        folder,
        header_row=source.header_row,
        max_workers=source.workers,
        max_sheets=most,
        progress=show,
    )
    found = []
    for each in made:
        if each.path or each.error:
            name = each.security or security_of(Path(each.source).stem)
            found.append((name, each.path or "", each.rows, each.error or ""))
        elif each.rejected > 0:
            warnings.warn(
                f"{each.rejected:,} rows of {each.source} name no security, and are left out. "
                "'sabot convert --rejects FILE' keeps them with their reasons.",
                NoTicksWarning,
                stacklevel=2,
            )
    return found


def _each_once(found: list[SecurityTicks]) -> list[SecurityTicks]:
    """Those that failed beside one of the same name get a name of their own.

    Raises:  OptionError, if two of one name can be run.
    """
    names: dict[str, int] = {}
    good = {ticks[0].lower() for ticks in found if not ticks[3]}
    once = []
    for name, path, rows, error in found:
        key = name.lower()
        names[key] = names.get(key, 0) + 1
        if error and (key in good or names[key] > 1):
            once.append((f"{name} ({names[key] + (key in good)})", path, rows, error))
        elif names[key] > 1 and not error and any(each[0].lower() == key and not each[3] for each in once):
            raise OptionError(f"{name}: two sources have ticks of it, one of them is {path}. Leave one of them out.")
        else:
            once.append((name, path, rows, error))
    return once


def _chosen(found: list[SecurityTicks], source: TickSource) -> list[SecurityTicks]:
    if source.names is not None:
        by_name = {ticks[0].lower(): ticks for ticks in found}
        for name in source.names:
            if security_of(name).lower() not in by_name:
                near = difflib.get_close_matches(security_of(name).lower(), by_name, n=3) or sorted(by_name)[:8]
                names = ", ".join(repr(by_name[each][0]) for each in near)
                raise OptionError(f"sheet_names_filter: there is no {name!r}. Nearest names: {names}.")
        wanted = {security_of(name).lower() for name in source.names}
        found = [ticks for ticks in found if ticks[0].lower() in wanted]
    return found[: source.most]


def security_of(name: str) -> str:
    """Of a sheet's name: ADNOCGAS of "ADNOCGAS UH Equity"."""
    return re.sub(r" +[A-Z]{2} Equity$", "", name.strip(), flags=re.IGNORECASE)
