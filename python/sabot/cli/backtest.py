"""`sabot backtest`: a strategy over many securities."""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sabot.cli.errors import EXIT_DIFFERENT, InterruptedRunError, files_at
from sabot.cli.options import (
    ConfigFile,
    HeaderRow,
    MarketName,
    MaxSheets,
    StrategyLibraries,
    StrategyName,
    TickData,
    TicksFolder,
    find_strategies,
)
from sabot.cli.passed_over import telling_passed_over
from sabot.cli.progress import showing_progress

if TYPE_CHECKING:
    from sabot._native import SecurityResult
    from sabot.backtest.result import BacktestResult

__all__ = ["backtest"]

EXAMPLES = """[bold]Examples:[/bold]
sabot backtest --strategy v1_baseline --config config.json --data TickData.xlsx --output out/
sabot backtest --strategy v1_baseline --config config.json --data ticks/ --parallel --max-workers 4 --output out/
sabot backtest --strategy v1_baseline --data monday.xlsx --data tuesday.xlsx
sabot backtest --strategy v1_baseline --data 'ticks/2024-08-*.xlsx' --output out/
sabot backtest --strategy my_strategies:Skewed --data ticks/ --parallel --output out/
sabot backtest --strategy v1_baseline --data TickData.xlsx --ticks ticks/ --max-sheets 2"""

_WITHOUT_TRADES_MAX = 20  # Lines.

_DUST = 1e-9  # Below it is what rounding left of zero.

_NUMBERS = {
    "trades": "trades",
    "realized_pnl": "realized pnl",
    "fees": "fees",
    "max_drawdown": "max drawdown",
    "sharpe": "sharpe",
    "final_position": "position",
    "rows": "ticks",
    "rejected": "rejected",
}


def backtest(
    strategy: StrategyName,
    data: TickData,
    config: ConfigFile = None,
    output: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="For trades, equity and backtest_summary.csv.")
    ] = None,
    parquet: Annotated[bool, typer.Option("--parquet", help="The same files as Parquet, too.")] = False,
    parallel: Annotated[bool, typer.Option("--parallel", help="Several securities at a time.")] = False,
    max_workers: Annotated[
        int | None,
        typer.Option(metavar="N", min=1, help="How many at a time with --parallel: one a core, unless given."),
    ] = None,
    max_sheets: MaxSheets = None,
    chunk_size: Annotated[int, typer.Option(metavar="ROWS", min=1, help="Rows of a batch of ticks.")] = 100_000,
    header_row: HeaderRow = 3,
    market: MarketName = None,
    equity_interval: Annotated[
        str | None,
        typer.Option(
            metavar="DURATION",
            help="Between samples of the equity, such as 1s: a second for ticks of less than an hour, else a minute.",
        ),
    ] = None,
    ticks: TicksFolder = None,
    strategies: StrategyLibraries = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Show neither progress nor table.")] = False,
) -> None:
    """Run a strategy over the ticks of many securities.

    Each security runs on its own: one that fails has its error in the summary, the others are whole, and the exit code
    is 1. The files have the same bytes with and without --parallel.
    """
    from sabot.errors import OptionError

    if max_workers is not None and not parallel:
        raise OptionError("--max-workers is for --parallel. Add it, or leave --max-workers out.")
    find_strategies(strategy, strategies)
    before = files_at(output) if output is not None else set()
    try:
        with telling_passed_over("backtest"), showing_progress("backtest", quiet=quiet) as show:
            result = _run(
                strategy,
                data,
                {
                    "config": config,
                    "output_dir": output,
                    "parquet": parquet,
                    "max_sheets": max_sheets,
                    "chunk_size": chunk_size,
                    "header_row": header_row,
                    "ticks_dir": ticks,
                    "tables": False,
                    "progress": show and (lambda now: show(_Shown(now.rows, now.fraction))),
                },
                parallel=parallel,
                max_workers=max_workers,
                over_config={"market": market, "equity_interval": equity_interval},
            )
    except KeyboardInterrupt:
        raise InterruptedRunError(_left_in(output, before)) from None
    if not quiet:
        _show(result)
        _tell_without_trades(result)
        _tell_unmatched(config, result)
    if result.failed:
        for security, error in result.errors.items():
            typer.echo(f"sabot: {security}: {' '.join(error.split())}", err=True)
        raise typer.Exit(EXIT_DIFFERENT)


def _left_in(output: Path | None, before: set[tuple[str, int, int]]) -> str:
    """What a run that was interrupted left: files of a security take their names when both are complete."""
    if output is not None and any(name.endswith("_equity.csv") for name, *_ in files_at(output) - before):
        return f"The files of securities that were done are kept in {output}."
    return "Nothing was written: no security was done." if output is not None else "Nothing was written."


@dataclass(frozen=True, slots=True)
class _Shown:
    """How far the run is, as the bar shows it."""

    rows_read: int
    fraction: float | None
    rows_rejected: int = 0


def _run(
    strategy: str,
    data: list[str],
    options: dict[str, Any],
    *,
    parallel: bool,
    max_workers: int | None,
    over_config: dict[str, Any],
) -> "BacktestResult":
    from sabot.backtest import MarketMakingBacktest, run_parallel_backtest

    if parallel:
        return run_parallel_backtest(data, strategy, max_workers=max_workers, **over_config, **options)
    config = options.pop("config")
    return MarketMakingBacktest(config, strategy, **over_config).run_streaming(data, **options)


def _show(result: "BacktestResult") -> None:
    """The table of the summary."""
    rows = [_cells(run.result) for run in result.runs]
    head = ["security", *_NUMBERS.values()]
    if sys.stdout.isatty():
        from rich.table import Table

        from sabot.cli.report import print_whole

        table = Table(box=None, header_style="bold", pad_edge=False)
        for number, name in enumerate(head):
            table.add_column(name, justify="right" if number else "left")
        for row, run in zip(rows, result.runs, strict=True):
            table.add_row(*row, style="red" if run.result.error else None)
        print_whole(table)
    else:
        from sabot.cli.report import aligned

        for line in aligned([head, *rows], [number > 0 for number in range(len(head))]):
            typer.echo(line)
    where = f": {result.output_dir}" if result.output_dir else ""
    typer.echo(f"backtest: {result}{where}", err=True)


def _tell_without_trades(result: "BacktestResult") -> None:
    """Why securities did not trade, a line each."""
    from sabot.backtest.activity import why_no_trades

    without: list[tuple[str, Any]] = [
        (run.result.security, run.result.activity) for run in result.runs if run.result.trades == 0
    ]
    for security, activity in without[:_WITHOUT_TRADES_MAX]:
        typer.echo(f"backtest: {security}: no trades: {why_no_trades(activity)}.", err=True)
    if len(without) > _WITHOUT_TRADES_MAX:
        typer.echo(f"backtest: {len(without) - _WITHOUT_TRADES_MAX:,} more have no trades.", err=True)


def _tell_unmatched(config: Path | None, result: "BacktestResult") -> None:
    """Securities of the configuration that are not there: most likely names that are written otherwise."""
    if config is None:
        return
    import difflib
    import json

    from sabot.backtest.config import read_config

    names = {run.result.security.lower(): run.result.security for run in result.runs}
    for name in json.loads(read_config(config)):
        if name.upper() in ("DEFAULT", "MARKETS") or name.lower() in names:
            continue
        near = difflib.get_close_matches(name.lower(), names, n=3) or sorted(names)[:3]
        listed = ", ".join(repr(names[each]) for each in near)
        typer.echo(f"backtest: {config} names '{name}', of which there are no ticks here. Near: {listed}.", err=True)


def _cells(result: "SecurityResult") -> list[str]:
    cells = [result.security]
    if result.error:
        return [*cells, "failed", *[""] * (len(_NUMBERS) - 1)]
    for name in _NUMBERS:
        value = getattr(result, name)
        cells.append("" if value is None else f"{value:,}" if isinstance(value, int) else _number(value))
    return cells


def _number(value: float) -> str:
    """With two decimals; what is smaller than these show, such as a PnL in coin, with three digits."""
    return f"{value:.3g}" if _DUST < abs(value) < 0.1 else f"{value:z,.2f}"
