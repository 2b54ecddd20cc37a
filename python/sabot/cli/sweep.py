"""`sabot sweep`: a strategy with many parameter sets over many securities."""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sabot.cli.errors import EXIT_DIFFERENT, InterruptedRunError
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
    from sabot.backtest.sweep_result import SweepResult
    from sabot.backtest.sweeping import SweepProgress

__all__ = ["sweep"]

EXAMPLES = """[bold]Examples:[/bold]
sabot sweep --strategy v1_baseline --data ticks/ --grid refill_interval_sec=60,180,300 --grid quote_size=25000,50000
sabot sweep --strategy v1_baseline --data ticks/ --random refill_interval_sec=10:600:log --samples 1000 --output out/
sabot sweep --strategy v1_baseline --data ticks/ --random quote_size=1000:50000:int --random queue=fifo,risk_averse \
--samples 500 --seed 7
sabot sweep --strategy v1_baseline --config config.json --data TickData.xlsx --sets sets.csv --metric pnl
sabot sweep --strategy my_strategies:Skewed --data ticks/ --grid skew=0,0.5,1 --output out/"""

_ROWS = 10
_SHOWN = ("trades", "pnl", "fees", "max_drawdown", "sharpe", "deflated_sharpe")
_ERRORS_SHOWN = 5


def sweep(
    strategy: StrategyName,
    data: TickData,
    config: ConfigFile = None,
    grid: Annotated[
        list[str] | None,
        typer.Option(metavar="KEY=A,B,...", help="Values of a parameter; each with each of the other --grid."),
    ] = None,
    random: Annotated[
        list[str] | None,
        typer.Option(
            metavar="KEY=LOW:HIGH[:log|:int]",
            help="A range to draw a parameter from: even, even in its logarithm, or whole numbers with both ends; "
            "KEY=A,B,... draws one of these.",
        ),
    ] = None,
    samples: Annotated[int | None, typer.Option(metavar="N", min=1, help="How many sets --random draws.")] = None,
    seed: Annotated[int, typer.Option(metavar="N", min=0, help="Of --random: the same sets on every machine.")] = 0,
    sets: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="The sets: JSON, a list of objects; or CSV, a column a parameter."),
    ] = None,
    max_workers: Annotated[
        int | None, typer.Option(metavar="N", min=1, help="Threads, or processes: one a core, unless given.")
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="For sweep_results.csv and sweep_summary.csv; keeps what is done."),
    ] = None,
    restart: Annotated[bool, typer.Option("--restart", help="Forget what the folder holds of a sweep.")] = False,
    metric: Annotated[str, typer.Option(metavar="NAME", help="What the best sets are best by.")] = "sharpe",
    max_sheets: MaxSheets = None,
    header_row: HeaderRow = 3,
    market: MarketName = None,
    ticks: TicksFolder = None,
    sets_per_scan: Annotated[
        int,
        typer.Option(
            metavar="N", min=1, help="Sets by which a security's ticks are gone through at once; no result changes."
        ),
    ] = 4_096,
    strategies: StrategyLibraries = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Show neither progress nor table.")] = False,
) -> None:
    """Run a strategy with many parameter sets. One by its name reads each security's ticks once for all of them.

    Shows the best sets over all securities, and what the best one is worth after so many were tried: its deflated
    Sharpe ratio is the probability that its true Sharpe ratio is above what luck alone gives the best of them. Ended
    or killed, the same command goes on where it was. A simulation that fails has its error in sweep_results.csv, and
    the exit code is 1.
    """
    from sabot.backtest.sweeping import sweep as run

    find_strategies(strategy, strategies)
    try:
        with telling_passed_over("sweep"), showing_progress("sweep", quiet=quiet) as show:
            result = run(
                data,
                strategy,
                config,
                grid=_grid(grid),
                random=_ranges(random),
                sets=sets,
                samples=samples,
                seed=seed,
                max_workers=max_workers,
                output_dir=output,
                metric=metric,
                restart=restart,
                sets_per_scan=sets_per_scan,
                max_sheets=max_sheets,
                header_row=header_row,
                market=market,
                ticks_dir=ticks,
                progress=show and (lambda now: show(_Shown.of(now))),
            )
    except KeyboardInterrupt:
        begun = output is not None and (output / "sweep.json").exists()
        left = f"What was done is kept in {output}: the same command goes on." if begun else "Nothing was written."
        raise InterruptedRunError(left) from None
    if not quiet:
        _show(result)
    if result.failed:
        _tell_errors(result)
        raise typer.Exit(EXIT_DIFFERENT)


@dataclass(frozen=True, slots=True)
class _Shown:
    """How far the run is, as the bar shows it: of what earlier runs have left to do."""

    rows_read: int
    fraction: float | None
    rows_rejected: int = 0

    @classmethod
    def of(cls, now: "SweepProgress") -> "_Shown":
        resumed = now.simulations_resumed / now.simulations_all if now.simulations_all else 0.0
        if now.fraction is None or resumed >= 1:
            return cls(now.ticks, now.fraction)
        return cls(now.ticks, max((now.fraction - resumed) / (1 - resumed), 0.0))


def _grid(options: list[str] | None) -> dict[str, list[Any]] | None:
    return None if not options else {key: _values(value) for key, value in _pairs("--grid", options, "KEY=A,B,...")}


def _ranges(options: list[str] | None) -> dict[str, Any] | None:
    if not options:
        return None
    pairs = _pairs("--random", options, "KEY=LOW:HIGH, KEY=LOW:HIGH:log, KEY=LOW:HIGH:int or KEY=A,B,...")
    return {key: _range(key, value) for key, value in pairs}


def _pairs(option: str, given: list[str], form: str) -> list[tuple[str, str]]:
    from sabot.errors import OptionError

    pairs: dict[str, str] = {}
    for text in given:
        key, equals, value = text.partition("=")
        key, value = key.strip(), value.strip()
        if not equals or not key or not value:
            raise OptionError(f"{option} {text}: expected {form.removesuffix('.')}.")
        if key in pairs:
            raise OptionError(f"{option} {text}: '{key}' is given twice. Put all of it into one {option}.")
        pairs[key] = value
    return list(pairs.items())


def _values(text: str) -> list[Any]:
    from sabot.backtest.sweep_sets import value_of

    return [value_of(part.strip()) for part in text.split(",")]


def _range(key: str, text: str) -> Any:
    from sabot.backtest.sweep_sets import value_of
    from sabot.errors import OptionError

    if ":" not in text:
        return _values(text)
    low, high, *scale = (part.strip() for part in text.split(":"))
    bounds = (value_of(low), value_of(high))
    if len(scale) > 1 or not all(isinstance(bound, float) for bound in bounds) or scale not in ([], ["log"], ["int"]):
        raise OptionError(f"--random {key}={text}: expected LOW:HIGH, LOW:HIGH:log or LOW:HIGH:int, with numbers.")
    return (*bounds, *scale)


def _show(result: "SweepResult") -> None:
    """The best sets, and what they are worth."""
    ranked = result.ranked()
    names = [*result.parameters, *dict.fromkeys((result.metric, *_SHOWN))]
    rows = [["set", *names]]
    for row in ranked.slice(0, _ROWS).to_pylist():
        rows.append([str(row["set"]), *(_cell(row[name]) for name in names)])
    if sys.stdout.isatty():
        from rich.table import Table

        from sabot.cli.report import print_whole

        table = Table(box=None, header_style="bold", pad_edge=False)
        for name in rows[0]:
            table.add_column(name, justify="right")
        for cells in rows[1:]:
            table.add_row(*cells)
        print_whole(table)
    else:
        from sabot.cli.report import aligned

        for line in aligned(rows, [True] * len(rows[0])):
            typer.echo(line)
    if ranked.num_rows == 0:
        typer.echo(f"sweep: no set has a value of {result.metric}.", err=True)
    if result.warning is not None:
        typer.echo(f"sweep: {result.warning}", err=True)
    where = f": {result.output_dir}" if result.output_dir else ""
    typer.echo(f"sweep: {result}{where}", err=True)


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:,.0f}" if value == round(value) and abs(value) < 1e15 else f"{value:,.4g}"
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)


def _tell_errors(result: "SweepResult") -> None:
    import pyarrow.compute as pc

    table = result.table
    failed = table.filter(pc.is_valid(table["error"])).select(["set", "security", "error"])
    for row in failed.slice(0, _ERRORS_SHOWN).to_pylist():
        typer.echo(f"sabot: set {row['set']}, {row['security']}: {' '.join(row['error'].split())}", err=True)
    if failed.num_rows > _ERRORS_SHOWN:
        where = f", all of them in {result.output_dir}/sweep_results.csv" if result.output_dir else ""
        typer.echo(f"sabot: {failed.num_rows - _ERRORS_SHOWN:,} more{where}", err=True)
