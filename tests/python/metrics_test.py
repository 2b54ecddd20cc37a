"""What a run tells of its tasks and channels."""

import re
from collections import Counter
from pathlib import Path

import pytest
from sabot.stream import RunSummary

from sabot import Stream
from sabot.metrics import Metric

ROWS = 60_000
PAGE = Path(__file__).resolve().parents[2] / "docs" / "reference" / "metrics.md"


@pytest.fixture(scope="module")
def summary(tmp_path_factory: pytest.TempPathFactory) -> RunSummary:
    """Of a run with copies and a key."""
    ticks = Stream.from_generator(rows=ROWS, symbols=60, seed=3)
    stream = ticks.filter("volume > 1000").kernel("ewma", alpha=0.06, parallelism=3)
    return stream.to_parquet(tmp_path_factory.mktemp("metrics") / "out.parquet")


def named(summary: RunSummary, name: str) -> Metric:
    return next(metric for metric in summary.metrics if metric.name == name)


def test_a_summary_without_a_run_has_none() -> None:
    empty = RunSummary(rows_read=0, rows_written=0, rows_rejected=0, seconds=0.0)
    assert empty.metrics == []
    assert empty.prometheus() == ""


def test_rows_are_those_of_the_summary(summary: RunSummary) -> None:
    assert summary.rows_read == ROWS
    assert named(summary, "sabot_rows_read_total").total == ROWS
    assert 0 < named(summary, "sabot_rows_written_total").total == summary.rows_written < ROWS


def test_each_task_and_channel_has_a_sample(summary: RunSummary) -> None:
    tasks = [sample.labels["task"] for sample in named(summary, "sabot_task_steps_total").samples]
    assert [task for task in tasks if task.startswith("kernel_0[")] == ["kernel_0[0]", "kernel_0[1]", "kernel_0[2]"]
    channels = named(summary, "sabot_channel_rows_total")
    into_kernels = Counter[str]()
    for sample in channels.samples:
        into_kernels[sample.labels["to"]] += int(sample.value)
    rows = [into_kernels[f"kernel_0[{copy}]"] for copy in range(3)]
    assert sum(rows) == summary.rows_written, "each row goes to one copy of the kernel"
    assert all(rows)
    assert named(summary, "sabot_channel_queued_bytes").total == 0, "nothing is on its way at the end"


def test_busy_shares_are_shares(summary: RunSummary) -> None:
    for metric in summary.metrics:
        if metric.name.endswith("_ratio") or metric.name.endswith("_share"):
            assert metric.kind == "gauge"
            assert all(0 <= sample.value <= 1 for sample in metric.samples)


def test_the_hottest_keys_are_known(summary: RunSummary) -> None:
    hot = named(summary, "sabot_hot_key_share")
    shares = {sample.labels["key"]: sample.value for sample in hot.samples}
    assert shares["S0000"] == max(shares.values()), "the generator's first symbol is its most active one"


def test_kinds_and_names_follow_prometheus(summary: RunSummary) -> None:
    for metric in summary.metrics:
        assert re.fullmatch(r"sabot_[a-z_]+", metric.name)
        assert (metric.kind == "counter") == metric.name.endswith("_total")
        assert metric.help.endswith(".")
        assert metric.samples


def test_the_text_has_every_metric(summary: RunSummary) -> None:
    lines = summary.prometheus().splitlines()
    values = [line for line in lines if not line.startswith("#")]
    assert len(values) == sum(len(metric.samples) for metric in summary.metrics)
    for metric in summary.metrics:
        assert f"# TYPE {metric.name} {metric.kind}" in lines
        assert f"# HELP {metric.name} {metric.help}" in lines


def test_the_page_explains_every_metric_and_no_other(summary: RunSummary) -> None:
    described = set(re.findall(r"^\| `(sabot_[a-z_]+)`", PAGE.read_text(), re.MULTILINE))
    assert described == {metric.name for metric in summary.metrics}
