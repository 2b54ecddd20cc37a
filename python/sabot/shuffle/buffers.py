"""Rows on their way from one task to another in this process, in a fixed number of segments.

A segment is a credit: a permission to send so many bytes. A buffer has some of its own, and shares more with the other
buffers of its shuffle. Rows take credits when they are written and give them back when the reader has no use for them;
a writer without credits is told that fewer rows were taken. Nothing grows.
"""

import os
from collections.abc import Iterator

import pyarrow as pa

from sabot import _native
from sabot.errors import OptionError
from sabot.tables import ArrowData, check_kind

__all__ = ["NetworkBufferPool", "ShuffleBuffer", "SpillManager"]

_INT32_MAX = 2**31 - 1


class NetworkBufferPool:
    """The segments of a worker, fixed in number.

    pool_segments:    how many there are.
    segment_bytes:    of one.
    channel_segments: that a buffer has of its own. A row must fit into these.
    shuffle_segments: more, which the buffers of one shuffle share.
    Raises:           OptionError, if one of them is out of its range.
    """

    def __init__(
        self,
        pool_segments: int = 8_192,
        *,
        segment_bytes: int = 32_768,
        channel_segments: int = 2,
        shuffle_segments: int = 8,
    ) -> None:
        self._engine = _native.make_segment_pool(
            _int32(pool_segments), _int32(segment_bytes), _int32(channel_segments), _int32(shuffle_segments)
        )

    @property
    def available(self) -> int:
        """How many segments no shuffle has reserved."""
        return int(self._engine.segments_left)

    @property
    def settings(self) -> dict[str, int]:
        """As they were given."""
        return dict(self._engine.settings())

    def reserve(self, channels: int, *, spill: "SpillManager | None" = None) -> "list[ShuffleBuffer]":
        """The buffers of a shuffle, one a channel: channels x channel_segments + shuffle_segments segments.

        spill:   where rows go that find no credit.
        Returns: the buffers. The segments come back when the last of them is gone.
        Raises:  OptionError, if the pool has fewer segments left; it names the setting to raise.
        """
        reserved = self._engine.reserve(_int32(channels), None if spill is None else spill._engine)
        return [ShuffleBuffer._of(each) for each in reserved]

    def __repr__(self) -> str:
        return f"NetworkBufferPool({self.available} of {self.settings['pool_segments']} segments available)"


class SpillManager:
    """Takes rows of buffers to disk that would have to wait for credits: Arrow IPC files that go as they are read.

    folder:      where; made when it is needed. What is in it is gone when the buffers are.
    max_bytes:   of all its files at a time. A buffer that finds no room there either takes no more rows.
    when:        "overflow": rows that find no credit; "always": all of them.
    batch_bytes: of a file. A buffer holds up to three such batches in memory beside its segments.
    Raises:      OptionError, if an option is out of its range.
    """

    def __init__(
        self,
        folder: str | os.PathLike[str],
        *,
        max_bytes: int = 8 << 30,
        when: str = "overflow",
        batch_bytes: int = 2 << 20,
    ) -> None:
        if when not in ("overflow", "always"):
            raise OptionError(f"SpillManager: when is {when!r}. It is 'overflow' or 'always'.")
        self._folder = os.fspath(folder)
        self._engine = _native.Spill(self._folder, max_bytes, when == "always", batch_bytes)

    @property
    def folder(self) -> str:
        """Where the files are."""
        return self._folder

    @property
    def bytes_on_disk(self) -> int:
        """Of the rows in files now."""
        return int(self._engine.bytes_on_disk)

    @property
    def bytes_spilled(self) -> int:
        """Of all rows that went to disk so far."""
        return int(self._engine.bytes_spilled)


class ShuffleBuffer:
    """Both ends of one channel: a writer puts rows in, a reader takes them in the same order, as batches.

    Small batches are gathered until they fill a segment; flush sends what was gathered. One thread writes, one reads;
    they may be the same. Iterating reads until the writer has finished.

    pool:   reserves segments for one channel; NetworkBufferPool.reserve makes buffers that share some.
    spill:  where rows go that find no credit.
    Memory: of the segments, and of one more that fills. Rows are not copied: whole batches stay as long as some of
            their rows do.
    """

    _engine: "_native.ShuffleBuffer"

    def __init__(self, pool: NetworkBufferPool, *, spill: SpillManager | None = None) -> None:
        self._engine = pool.reserve(1, spill=spill)[0]._engine

    @classmethod
    def _of(cls, engine: "_native.ShuffleBuffer") -> "ShuffleBuffer":
        buffer = cls.__new__(cls)
        buffer._engine = engine
        return buffer

    def write(self, data: ArrowData, *, wait: float = 0.0) -> int:
        """Put rows in, as many as there are credits for.

        Input:   any Arrow data, with the columns of what was written before.
        wait:    seconds to wait for credits.
        Returns: how many rows were taken, from the first on: all, or fewer. Write the others again later.
        Raises:  SchemaError, if the columns are others. DataError, if a row is larger than the segments that a buffer
                 has of its own; it names the settings. OptionError after finish.
        """
        check_kind(type(data))
        return int(self._engine.write(data, wait))

    def flush(self, *, wait: float = 0.0) -> bool:
        """Send the rows that were gathered. False: there are no credits for all of them."""
        return bool(self._engine.flush(wait))

    def finish(self) -> None:
        """Say that no more rows come. What was not sent yet is sent as the reader makes room."""
        self._engine.finish()

    def read(self, *, wait: float = 0.0) -> pa.RecordBatch | None:
        """The next batch; None, if there is none now. The segments of the batch before go back to the writer.

        wait:    seconds to wait for one.
        """
        batch = self._engine.read(wait)
        return None if batch is None else pa.record_batch(batch)

    def release(self) -> None:
        """Give the segments of the last batch back before the next one is read."""
        self._engine.release()

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        while (batch := self.read(wait=float("inf"))) is not None:
            yield batch

    @property
    def finished(self) -> bool:
        """The writer said that no more rows come."""
        return bool(self._engine.finished)

    @property
    def ended(self) -> bool:
        """The reader has had all rows, and no more come."""
        return bool(self._engine.ended)

    @property
    def credits_held(self) -> int:
        """Segments of rows that were sent and not yet released."""
        return self.counters()["credits_held"]

    @property
    def bytes_queued(self) -> int:
        """Of rows that were written and not yet released, those on disk not counted."""
        return self.counters()["bytes_queued"]

    def counters(self) -> dict[str, int]:
        """rows_written, rows_read, bytes_sent, bytes_queued, credits_held, bytes_spilled, and credits_waited: how often
        the writer found too few credits."""
        return dict(self._engine.counters())


def _int32(value: int) -> int:
    """The engine says what the range is; what it could not even hold is out of it."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"expected a whole number of segments, channels or bytes, found {value!r}.")
    return max(-1, min(value, _INT32_MAX))
