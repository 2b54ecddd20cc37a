"""Features in several copies of each step: what runs, what it did, and that it is the same bits."""

import tempfile
from pathlib import Path

import sabot

with tempfile.TemporaryDirectory() as directory:
    ticks = Path(directory) / "ticks.parquet"
    sabot.Stream.from_generator(rows=100_000, symbols=20).to_parquet(ticks)

    # Two copies prepare rows, three compute by symbol, each with the symbols that are its own.
    app = sabot.App("features")
    features = (
        app.stream(ticks, parallelism=2)
        .with_columns(mid="(bid + ask) / 2")
        .kernel("ewma", column="mid", span=20, parallelism=3)
        .kernel("rolling_std", window=50, parallelism=3)
    )
    print(features.explain(tasks=True))

    summary = features.to_parquet(Path(directory) / "features.parquet")
    sent = next(metric for metric in summary.metrics if metric.name == "sabot_channel_rows_total")
    print(f"{summary}; {sum(sample.value for sample in sent.samples):,.0f} rows passed between tasks")

    # One copy of everything, on one thread, writes the same bytes.
    features.options(parallelism=1, threads=1).to_parquet(Path(directory) / "alone.parquet")
    result = sabot.verify(features, runs=3)
    print(result)
    assert result.equal
    assert sabot.diff(Path(directory) / "features.parquet", Path(directory) / "alone.parquet").equal
