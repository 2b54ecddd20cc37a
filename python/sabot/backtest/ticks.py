"""Ticks from where they are to what a backtest reads: one Parquet file a security."""

import os
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from sabot import _native
from sabot.file_paths import Path, paths

if TYPE_CHECKING:
    import pyarrow as pa

    from sabot.runs import Progress

__all__ = ["convert_ticks", "converted_ticks"]


def convert_ticks(
    source: Path | Sequence[Path],
    output_dir: Path,
    *,
    header_row: int = 3,
    max_workers: int | None = None,
    max_sheets: int | None = None,
    market: str | None = None,
    day_first: bool = True,
    overwrite: bool = False,
    rejects: Path | None = None,
    progress: "Callable[[Progress], object] | None" = None,
) -> "pa.Table":
    """Turn a tick workbook, CSV or Parquet files, or trades with quotes into tick files, one a security.

    A workbook holds a security a sheet, named by its Bloomberg ticker; columns `Dates` (or `Date` and `Time`), `Type`,
    `Price` and `Size` (or `Volume`) are found by name in row `header_row`. A CSV or Parquet file with such columns is
    one security, named after the file, or as many as its column `symbol` or `security` names. Files of trades (no
    `Type`) and of quotes (`bid_px`, `bid_sz`, `ask_px`, `ask_sz`) belong together by their symbols.

    What several inputs have of one security is joined by time; equal times keep the order of the inputs as they are
    named (a folder's and a glob's by name), and then that of their rows.

    A file that was made of the same content with the same options is left as it is. One that was made from inputs that
    are not named is not overwritten, unless `overwrite`: its security has an error that names both. A sheet or a file
    that cannot be read is an error in its row of the result, and the others are converted; files appear when they are
    complete. What a conversion that was killed has left in the folder is removed.

    source:      a file, a glob, a folder, or several of them.
    header_row:  of each sheet, counted from 1.
    max_workers: sheets and files at a time. None: one a core.
    max_sheets:  only the first sheets of a workbook.
    market:      the session preset that the files name. None: `adx` for a workbook, none for the rest.
    day_first:   of text dates with the year last, whether 03/04/2024 is 3 April.
    overwrite:   whether a file of ticks from other inputs is lost to those from these.
    rejects:     a CSV file for the rows that were rejected, with where they stand and why. None: they are counted.
    progress:    called with how far it is, some times a second; what it raises ends the conversion.
    Returns: a row a security: security, source, path, rows, rejected, reordered (rows that stood behind a later one),
             skipped (it was up to date), error (null, if there was none; then path is null).
    Raises:  FileNotFoundError, if a source is missing; OptionError; DataError or SchemaError, if a single source cannot
             be read at all.
    """
    from sabot.runs import Progress
    from sabot.tables import table_of

    def told(done: float, rows: int, rejected: int) -> None:
        if progress is not None:
            progress(Progress(rows_read=rows, rows_written=rows - rejected, rows_rejected=rejected, fraction=done))

    converted = converted_ticks(
        source,
        output_dir,
        header_row=header_row,
        max_workers=max_workers,
        max_sheets=max_sheets,
        market=market,
        day_first=day_first,
        overwrite=overwrite,
        rejects=rejects,
        progress=told if progress is not None else None,
    )
    return table_of(_native.converted_ticks_table(converted))


def converted_ticks(
    source: Path | Sequence[Path],
    output_dir: Path,
    *,
    header_row: int = 3,
    max_workers: int | None = None,
    max_sheets: int | None = None,
    market: str | None = None,
    day_first: bool = True,
    overwrite: bool = False,
    rejects: Path | None = None,
    progress: Callable[[float, int, int], object] | None = None,
) -> list[_native.ConvertedTicks]:
    """The same as convert_ticks, without pyarrow: an object a security, with the result's columns as attributes.

    progress: called with the part that is done (of 1), the rows read and those of them that were rejected.
    """
    return _native.convert_ticks(
        paths(source),
        os.fspath(output_dir),
        header_row,
        0 if max_workers is None else max_workers,
        max_sheets,
        market,
        day_first,
        overwrite,
        None if rejects is None else os.fspath(rejects),
        progress,
    )
