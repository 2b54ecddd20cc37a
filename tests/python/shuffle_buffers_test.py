"""Buffers between tasks: credits, backpressure, spilled rows, and who waits for whom."""

import gc
import threading
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.ipc as ipc
import pytest
from sabot.errors import DataError, OptionError, SchemaError

from sabot.shuffle import NetworkBufferPool, ShuffleBuffer, SpillManager

FOREVER = 60.0  # Longer than any test takes; nothing waits so long unless it is broken.


def rows(begin: int, end: int) -> pa.RecordBatch:
    """Rows of 16 bytes: 64 of them are 1,024 bytes, a segment."""
    return pa.record_batch(
        {"number": pa.array(range(begin, end), pa.int64()), "half": [each / 2 for each in range(begin, end)]}
    )


def small_pool(**settings: int) -> NetworkBufferPool:
    return NetworkBufferPool(**{"pool_segments": 100, "segment_bytes": 1_024, **settings})


def numbers(batches: Any) -> list[int]:
    return [number for batch in batches for number in batch["number"].to_pylist()]


# --- wrong use ---


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"pool_segments": 0}, "pool_segments is 0; it must be from 1"),
        ({"pool_segments": 2**70}, "pool_segments is 2147483647"),
        ({"segment_bytes": 10}, "segment_bytes is 10"),
        ({"channel_segments": 0}, "channel_segments is 0"),
        ({"shuffle_segments": -1}, "shuffle_segments is -1"),
    ],
)
def test_settings_are_checked(settings: dict[str, int], message: str) -> None:
    with pytest.raises(OptionError, match=message):
        NetworkBufferPool(**settings)
    with pytest.raises(TypeError, match="whole number"):
        NetworkBufferPool(2.5)  # type: ignore[arg-type]


def test_a_pool_that_is_exhausted_names_the_setting() -> None:
    pool = small_pool(pool_segments=20)
    first = ShuffleBuffer(pool)
    assert pool.available == 10
    with pytest.raises(OptionError, match=r"a gate of 2 channels needs 12 segments.*has 10 of 20 left.*pool_segments"):
        pool.reserve(2)
    with pytest.raises(OptionError, match="channels is 0"):
        pool.reserve(0)
    assert pool.available == 10, "what was refused took nothing"
    del first
    gc.collect()
    assert pool.available == 20
    assert pool.settings == {
        "pool_segments": 20,
        "segment_bytes": 1_024,
        "channel_segments": 2,
        "shuffle_segments": 8,
    }


def test_what_cannot_be_written_says_so() -> None:
    buffer = ShuffleBuffer(small_pool())
    with pytest.raises(TypeError):
        buffer.write("rows")  # type: ignore[arg-type]
    assert buffer.write(rows(0, 3)) == 3
    with pytest.raises(SchemaError, match=r"(?s)has the columns other: int64.*those before it had number: int64"):
        buffer.write(pa.record_batch({"other": [1]}))
    wide = ShuffleBuffer(small_pool())
    with pytest.raises(DataError, match=r"about 30\d\d bytes.*holds 2048.*Raise segment_bytes or channel_segments"):
        wide.write(pa.record_batch({"text": ["x" * 3_000]}))
    buffer.finish()
    with pytest.raises(OptionError, match="finish"):
        buffer.write(rows(3, 4))
    assert numbers(buffer) == [0, 1, 2]


@pytest.mark.parametrize(
    ("options", "message"),
    [({"when": "never"}, "when is 'never'"), ({"max_bytes": 0}, "max_bytes is 0"), ({"batch_bytes": 0}, "batch_bytes")],
)
def test_spilling_is_checked(tmp_path: Path, options: dict[str, Any], message: str) -> None:
    with pytest.raises(OptionError, match=message):
        SpillManager(tmp_path, **options)


# --- credits ---


def test_rows_come_out_as_they_went_in() -> None:
    buffer = ShuffleBuffer(NetworkBufferPool())
    table = pa.table({"symbol": pa.array(["A", None, "B"]).dictionary_encode(), "price": [1.5, None, float("nan")]})
    assert buffer.read() is None
    assert buffer.write(table) == 3
    assert buffer.read() is None, "gathered, not yet sent"
    assert buffer.bytes_queued > 0
    assert buffer.flush()
    batch = buffer.read()
    assert batch is not None
    assert batch.schema == table.schema
    assert batch.to_pydict()["symbol"] == ["A", None, "B"]
    assert not buffer.ended
    buffer.finish()
    assert buffer.read() is None
    assert buffer.ended


def test_small_batches_share_a_segment() -> None:
    buffer = ShuffleBuffer(small_pool())
    for number in range(64):
        assert buffer.write(rows(number, number + 1)) == 1
    assert buffer.credits_held == 1, "64 rows of 16 bytes"
    batch = buffer.read()
    assert batch is not None
    assert batch.equals(rows(0, 64))


def test_a_writer_without_credits_is_told_and_nothing_grows() -> None:
    buffer = ShuffleBuffer(small_pool())
    bound = 10 * 1_024
    taken = buffer.write(rows(0, 5_000))
    assert taken == bound // 16
    assert (buffer.credits_held, buffer.bytes_queued) == (10, bound)
    assert buffer.write(rows(taken, 5_000)) == 0
    assert buffer.counters()["credits_waited"] == 2
    first = buffer.read()
    assert first is not None
    assert buffer.write(rows(taken, 5_000)) == 0, "the reader still has its batch"
    buffer.release()
    assert buffer.credits_held == 0
    more = buffer.write(rows(taken, 5_000))
    assert more == bound // 16
    assert numbers([first, buffer.read()]) == list(range(taken + more))


def test_buffers_of_a_shuffle_share_segments_and_keep_their_own() -> None:
    first, second = small_pool().reserve(2)
    assert first.write(rows(0, 640)) == 640, "two of its own, and all eight shared ones"
    assert second.write(rows(0, 5_000)) == 2 * 64, "its own are always there"
    assert first.read() is not None
    first.release()
    assert second.write(rows(128, 5_000)) == 8 * 64, "those that came back"


def test_what_is_left_at_the_end_goes_as_it_is_read() -> None:
    buffer = ShuffleBuffer(small_pool())
    taken = buffer.write(rows(0, 639))
    taken += buffer.write(rows(taken, 700))
    assert not buffer.flush()
    buffer.finish()
    assert numbers(buffer) == list(range(taken))
    assert buffer.ended


def test_a_reader_and_a_writer_wait_for_one_another() -> None:
    buffer, total = ShuffleBuffer(small_pool()), 20_000
    most = 0

    def write() -> None:
        for begin in range(0, total, 700):
            batch = rows(begin, min(begin + 700, total))
            assert buffer.write(batch, wait=FOREVER) == batch.num_rows
        buffer.finish()

    writer = threading.Thread(target=write)
    writer.start()
    found: list[int] = []
    for batch in buffer:
        most = max(most, buffer.bytes_queued)
        found += batch["number"].to_pylist()
    writer.join()
    assert found == list(range(total))
    assert most <= 11 * 1_024, "its segments, and the one that fills"


# --- disk ---


@pytest.mark.parametrize("when", ["overflow", "always"])
def test_spilled_rows_come_back_in_order_and_leave_no_file(tmp_path: Path, when: str) -> None:
    spill = SpillManager(tmp_path / "spill", when=when, batch_bytes=4_096)
    buffer = ShuffleBuffer(small_pool(), spill=spill)
    for begin in range(0, 20_000, 500):
        assert buffer.write(rows(begin, begin + 500), wait=FOREVER) == 500, "a writer need not wait for the reader"
    buffer.finish()
    assert spill.bytes_spilled > 0
    assert numbers(buffer) == list(range(20_000))
    assert spill.bytes_on_disk == 0
    assert list(Path(spill.folder).iterdir()) == []
    spilled = spill.bytes_spilled
    assert buffer.counters()["bytes_spilled"] == spilled
    del buffer
    gc.collect()
    assert spill.bytes_spilled == spilled, "of buffers that are gone, too"


def test_spilled_files_are_arrow_and_go_with_their_buffer(tmp_path: Path) -> None:
    spill = SpillManager(tmp_path, batch_bytes=4_096)
    buffer = ShuffleBuffer(small_pool(), spill=spill)
    for begin in range(0, 20_000, 500):
        assert buffer.write(rows(begin, begin + 500), wait=FOREVER) == 500
    files = [each for each in tmp_path.iterdir() if each.suffix == ".arrow"]
    assert files
    with ipc.open_file(files[0]) as file:
        assert file.schema.names[:2] == ["number", "half"]
    del buffer, spill
    gc.collect()  # The disk's work is done when nobody holds the manager any more.
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_quota_is_backpressure(tmp_path: Path) -> None:
    spill = SpillManager(tmp_path, batch_bytes=1_024, max_bytes=4_096)
    buffer = ShuffleBuffer(small_pool(), spill=spill)
    taken = 0
    while some := buffer.write(rows(taken, taken + 64), wait=0.2):
        taken += some
        assert taken < 10_000, "it took everything"
    assert spill.bytes_on_disk <= 4_096
    buffer.finish()
    assert numbers(buffer) == list(range(taken))
