"""How volatile was it? Several estimators over real trades, as a table and, with matplotlib, as pictures.

    python examples/volatility_of_ticks.py                        the table alone
    python examples/volatility_of_ticks.py pictures               and pictures/*.svg; --format png for PNG
    python examples/volatility_of_ticks.py pictures --generated   of made-up ticks

SABOT_REAL_DATA names the folder that holds crypto_trades.parquet; without it the ticks are made up.
"""

import argparse
import math
import os
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
from sabot.fintech import BipowerVarKernel, LogReturnsKernel, MedRVKernel, RealizedVarKernel, RiskMetricsVolKernel

import sabot
from sabot import fintech

SECOND = 1_000_000_000
STEP = 2 * SECOND  # Apart enough that trades at the bid and at the ask do not look like moves of the price.
WINDOW = 30  # Steps: one minute.
SPACINGS = [1, 2, 5, 10, 20, 50, 100, 200, 500]  # Trades from one return to the next.


def real_trades(folder: Path) -> pa.Table:
    """Trades of three instruments, in the order of the receiver's clock: those of the exchanges differ."""
    trades = sabot.Stream.from_parquet(folder / "crypto_trades.parquet").rename({"local_ts": "timestamp"})
    chosen = "symbol == 'BTCUSDT.SPOT' or symbol == 'BTCUSDT.USDM' or symbol == 'ETHUSDT.USDM'"
    return trades.filter(chosen).select("symbol", "timestamp", "price").collect().sort_by("timestamp")


def generated_trades() -> pa.Table:
    """Ten minutes of three made-up instruments, all of which jump by 20 basis points after five."""
    ticks = sabot.Stream.from_generator(rows=60_000, symbols=3, kind="trades", mean_gap_ns=10_000_000, skew=0, seed=5)
    table = ticks.select("symbol", "timestamp", "price").collect()
    times = table["timestamp"].cast("int64")
    late = pc.greater(pc.subtract(times, times[0]), 5 * 60 * SECOND)
    prices = pc.multiply(table["price"], pc.if_else(late, 1.002, 1.0))
    return table.set_column(1, "timestamp", times).set_column(2, "price", prices)


def sampled(trades: pa.Table) -> pa.Table:
    """The last trade of each symbol in each step of time."""
    step = pc.divide(trades["timestamp"], STEP)
    last = trades.append_column("step", step).group_by(["symbol", "step"], use_threads=False)
    table = last.aggregate([("price", "last"), ("timestamp", "last")])
    # Groups come in no order that is promised, and returns need that of time.
    return table.rename_columns({"price_last": "price", "timestamp_last": "timestamp"}).sort_by("timestamp")


def estimates(prices: pa.Table) -> pa.Table:
    """Volatility over the last minute by four estimators, all in basis points a minute."""
    computed = fintech.chain(
        prices,
        [
            LogReturnsKernel(),
            RealizedVarKernel(window=WINDOW),
            BipowerVarKernel(window=WINDOW),
            MedRVKernel(window=WINDOW),
            RiskMetricsVolKernel(),
        ],
    )
    in_bps = {name: pc.multiply(pc.sqrt(computed[name]), 1e4) for name in ("realized_var", "bipower_var", "medrv")}
    in_bps["riskmetrics_vol"] = pc.multiply(computed["riskmetrics_vol"], 1e4 * math.sqrt(WINDOW))  # Of one step.
    for name, column in in_bps.items():
        computed = computed.set_column(computed.column_names.index(name), name, column)
    return computed


def signature(trades: pa.Table) -> dict[str, list[float]]:
    """Volatility of the whole time, in basis points, by how many trades lie between two prices.

    It falls where trades bounce between bid and ask, and rises where one large order trades at price after price.
    """
    curves: dict[str, list[float]] = {name: [] for name in sorted(set(trades["symbol"].to_pylist()))}
    for spacing in SPACINGS:
        for name, curve in curves.items():
            rows = trades.filter(pc.equal(trades["symbol"], name))
            rows = fintech.log_returns(rows.take(pa.array(range(0, len(rows), spacing))))
            curve.append(1e4 * math.sqrt(pc.sum(pc.power(rows["log_return"], 2)).as_py()))
    return curves


ESTIMATORS = {  # Output -> what the legend says, and the colour.
    "realized_var": ("realized variance", "#1f4e9c"),
    "bipower_var": ("bipower variance", "#d1651f"),
    "medrv": ("median realized variance", "#2c8a57"),
    "riskmetrics_vol": ("RiskMetrics, lambda 0.94", "#8a8f98"),
}


def print_table(computed: pa.Table, curves: dict[str, list[float]]) -> None:
    """Medians over time, and the volatility of all of it by the spacing of its prices."""
    print(f"{'bps a minute, median':<26}" + "".join(f"{name:>18}" for name in ESTIMATORS))
    for name in curves:
        rows = computed.filter(pc.equal(computed["symbol"], name))
        medians = [pc.quantile(rows[output], 0.5)[0].as_py() for output in ESTIMATORS]
        print(f"{name:<26}" + "".join(f"{median:>18.2f}" for median in medians))
    print(f"\n{'bps, all of the time':<26}" + "".join(f"{f'every {spacing}':>11}" for spacing in SPACINGS))
    for name, curve in curves.items():
        print(f"{name:<26}" + "".join(f"{value:>11.1f}" for value in curve))


def draw(computed: pa.Table, curves: dict[str, list[float]], folder: Path, suffix: str) -> list[Path]:
    """One picture of the estimators over time, one of what the spacing of trades does."""
    try:
        import matplotlib as mpl
        from matplotlib.figure import Figure
    except ImportError:
        sys.exit("Pictures need matplotlib: pip install 'sabot[examples]'")

    mpl.rcParams["svg.hashsalt"] = "sabot"  # The same picture, the same file.
    symbol = next(iter(curves))
    rows = computed.filter(pc.equal(computed["symbol"], symbol))
    minutes = pc.divide(pc.subtract(rows["timestamp"], rows["timestamp"][0]), 60.0 * SECOND).to_numpy()

    over_time = Figure(figsize=(8, 5), layout="constrained")
    price, volatility = over_time.subplots(2, 1, sharex=True, height_ratios=[1, 1.6])
    price.plot(minutes, rows["price"].to_numpy(), color="#222222", linewidth=1)
    price.set(title=f"{symbol}, one price each {STEP // SECOND} s", ylabel="price")
    for output, (label, color) in ESTIMATORS.items():
        width = 1 if output == "riskmetrics_vol" else 1.5
        volatility.plot(minutes, rows[output].to_numpy(), label=label, color=color, linewidth=width)
    volatility.set(xlabel="minutes", ylabel="volatility, bps a minute", ylim=(0, None))
    volatility.legend(frameon=False, fontsize="small", ncols=2)

    by_spacing = Figure(figsize=(8, 4), layout="constrained")
    axes = by_spacing.subplots()
    for name, curve in curves.items():
        axes.plot(SPACINGS, curve, marker="o", markersize=4, label=name)
    axes.set(
        title="Volatility of the whole time, by how many trades lie between two prices",
        xlabel="trades from one price to the next",
        ylabel="bps",
        xscale="log",
        ylim=(0, None),
        xticks=SPACINGS,
        xticklabels=SPACINGS,
    )
    axes.minorticks_off()
    axes.legend(frameon=False, fontsize="small")

    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for name, figure in (("volatility_estimators", over_time), ("volatility_by_spacing", by_spacing)):
        for axis in figure.axes:
            axis.spines[["top", "right"]].set_visible(False)
            axis.grid(color="#e6e6e6", linewidth=0.6)
        written.append(folder / f"{name}.{suffix}")
        nothing = dict.fromkeys(("Creator", "Date", "Format", "Type"))  # The same bytes whenever it is drawn.
        figure.savefig(written[-1], dpi=120, metadata=nothing if suffix == "svg" else None)
    return written


def main() -> None:
    """Print the table, and draw if a folder is given."""
    parser = argparse.ArgumentParser(description="Several volatility estimators over trades.")
    parser.add_argument("folder", nargs="?", type=Path, help="where to put pictures; needs matplotlib")
    parser.add_argument("--format", choices=["svg", "png"], default="svg", help="of the pictures")
    parser.add_argument("--generated", action="store_true", help="take made-up ticks")
    arguments = parser.parse_args()

    data = Path(os.environ.get("SABOT_REAL_DATA", Path(__file__).resolve().parents[1] / "../shared/data"))
    real = (data / "crypto_trades.parquet").exists() and not arguments.generated
    trades = real_trades(data) if real else generated_trades()
    print(f"{len(trades):,} {'real' if real else 'made-up'} trades\n")
    computed, curves = estimates(sampled(trades)), signature(trades)
    print_table(computed, curves)
    if arguments.folder is not None:
        for path in draw(computed, curves, arguments.folder, arguments.format):
            print(path)


if __name__ == "__main__":
    main()
