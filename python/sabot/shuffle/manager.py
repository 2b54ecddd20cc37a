"""ShuffleManager: the buffers of an agent's shuffles, partition by partition."""

import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, fields
from difflib import get_close_matches
from types import TracebackType
from typing import Any
from weakref import WeakValueDictionary

import pyarrow as pa

from sabot.errors import OptionError, SchemaError
from sabot.shuffle.buffers import NetworkBufferPool, ShuffleBuffer, SpillManager
from sabot.shuffle.partitioners import (
    HashPartitioner,
    Partitioner,
    ShuffleEdgeType,
    create_partitioner,
)
from sabot.tables import ArrowData, check_kind

__all__ = ["ShuffleManager", "ShuffleMetrics"]

_agents: "WeakValueDictionary[str, ShuffleManager]" = WeakValueDictionary()  # Of this process, by id.
_agents_lock = threading.Lock()


@dataclass(frozen=True, slots=True)
class ShuffleMetrics:
    """What passed through a shuffle so far, over all its partitions."""

    rows_written: int = 0
    rows_read: int = 0
    bytes_sent: int = 0
    bytes_queued: int = 0  # Written and not yet released.
    credits_held: int = 0  # Segments of these.
    credits_waited: int = 0  # How often a writer found too few.
    bytes_spilled: int = 0

    def __add__(self, other: "ShuffleMetrics") -> "ShuffleMetrics":
        return ShuffleMetrics(*(getattr(self, each.name) + getattr(other, each.name) for each in fields(self)))


@dataclass(slots=True)
class _Shuffle:
    operator_id: str
    edge_type: ShuffleEdgeType
    schema: pa.Schema | None
    partitioner: Partitioner | None  # None of FORWARD, whose writer knows the partition.
    buffers: list[ShuffleBuffer]
    senders: list[str]  # Agents that write it, in the order in which they are read.
    waiting: dict[int, pa.RecordBatch] = field(default_factory=dict)  # By partition: rows that found no room.
    lock: threading.Lock = field(default_factory=threading.Lock)


class ShuffleManager:
    """The shuffles of one agent. What it writes it keeps in buffers; who reads takes them from the agents that wrote.

    Agents find each other by their ids within one process. One in another process is not reached; host and port are
    what it is known by.

    agent_id:    of this agent, unique in the process while it is open.
    pool:        the segments of all its shuffles; of its own, unless given.
    spill:       where rows go that find no credit; unless given their writer waits.
    Raises:      OptionError, if there is such an agent already.
    """

    def __init__(
        self,
        agent_id: str,
        agent_host: str = "127.0.0.1",
        agent_port: int = 8816,
        *,
        pool: NetworkBufferPool | None = None,
        spill: SpillManager | None = None,
    ) -> None:
        self._agent_id, self._host, self._port = agent_id, agent_host, agent_port
        self._pool = NetworkBufferPool() if pool is None else pool
        self._spill = spill
        self._shuffles: dict[str, _Shuffle] = {}
        self._closed = False
        with _agents_lock:
            if agent_id in _agents:
                raise OptionError(f"ShuffleManager: agent '{agent_id}' is in this process already. Close it first.")
            _agents[agent_id] = self

    @property
    def agent_id(self) -> str:
        """Of this agent."""
        return self._agent_id

    @property
    def address(self) -> str:
        """host:port"""
        return f"{self._host}:{self._port}"

    @property
    def pool(self) -> NetworkBufferPool:
        """The segments of its shuffles."""
        return self._pool

    @property
    def shuffle_ids(self) -> list[str]:
        """Of the shuffles that were registered, in their order."""
        return list(self._shuffles)

    def register_shuffle(
        self,
        operator_id: str,
        num_partitions: int,
        partition_keys: str | Sequence[str] = (),
        edge_type: ShuffleEdgeType | int | str = ShuffleEdgeType.HASH,
        schema: pa.Schema | None = None,
        *,
        boundaries: Any = None,
        key_groups: int | None = None,
    ) -> str:
        """Reserve the segments of a shuffle, and make its buffers.

        partition_keys: of HASH; the column of RANGE. Of the others none.
        schema:         of its rows; unless given that of the first batch.
        boundaries:     of RANGE, one fewer than partitions.
        key_groups:     of HASH, as HashPartitioner has them.
        Returns: its id: operator_id, and behind that of a second one "-2". The same calls give the same ids everywhere.
        Raises:  OptionError, if the pool has too few segments left, or the partitioner cannot be made. SchemaError, if
                 schema is not None and lacks a key.
        """
        self._check_open()
        kind = _edge_type(edge_type)
        keys = [partition_keys] if isinstance(partition_keys, str) else list(partition_keys)
        partitioner = _partitioner(kind, num_partitions, keys, schema, boundaries, key_groups)
        number = 1 + sum(each.operator_id == operator_id for each in self._shuffles.values())
        shuffle_id = operator_id if number == 1 else f"{operator_id}-{number}"
        if shuffle_id in self._shuffles:
            raise OptionError(f"register_shuffle: '{shuffle_id}' is the id of another shuffle. Rename the operator.")
        buffers = self._pool.reserve(num_partitions, spill=self._spill)
        self._shuffles[shuffle_id] = _Shuffle(operator_id, kind, schema, partitioner, buffers, [self._agent_id])
        return shuffle_id

    def set_senders(self, shuffle_id: str, agents: Sequence[str]) -> None:
        """Say which agents write a shuffle; read_partition takes them in this order. Unless told, this one."""
        self._shuffle(shuffle_id).senders = list(agents)

    # --- who writes ---

    def write(self, shuffle_id: str, data: ArrowData, *, wait: float = 0.0) -> int:
        """Divide rows among the partitions.

        wait:    seconds to wait for credits.
        Returns: how many rows were taken: all, or none while rows of an earlier call still find no room. Memory is that
                 of the buffers, and of one such call.
        Raises:  OptionError, if the shuffle is FORWARD, whose rows have no partition of their own: write_partition.
                 SchemaError, if the columns are others. DataError, if a row is too large for a buffer; afterwards the
                 shuffle can only be closed.
        """
        check_kind(type(data))
        shuffle = self._shuffle(shuffle_id)
        if shuffle.partitioner is None:
            raise OptionError(f"write: shuffle '{shuffle_id}' is FORWARD. Say which partition: write_partition.")
        batch = _batch_of(data)
        self._check_schema(shuffle_id, shuffle, batch.schema)
        with shuffle.lock:
            if not _passed_on(shuffle, wait):
                return 0
            for partition, part in enumerate(shuffle.partitioner.partition(batch)):
                if part is not None and part.num_rows > 0:
                    shuffle.waiting[partition] = part
            _passed_on(shuffle, wait)
        return int(batch.num_rows)

    def write_partition(self, shuffle_id: str, partition_id: int, data: ArrowData, *, wait: float = 0.0) -> int:
        """Put rows into one partition, whatever their key is.

        Returns: how many rows were taken, from the first on. Write the others again later.
        Raises:  OptionError, if there is no such partition. Else as write.
        """
        check_kind(type(data))
        shuffle = self._shuffle(shuffle_id)
        buffer = self._buffer(shuffle_id, shuffle, partition_id)
        batch = _batch_of(data)
        self._check_schema(shuffle_id, shuffle, batch.schema)
        with shuffle.lock:
            if not _passed_on(shuffle, wait, partition_id):
                return 0
            return buffer.write(batch, wait=wait)

    def flush_partition(self, shuffle_id: str, partition_id: int, *, wait: float = 0.0) -> bool:
        """Send what was gathered for a partition. False: there are no credits for all of it."""
        shuffle = self._shuffle(shuffle_id)
        buffer = self._buffer(shuffle_id, shuffle, partition_id)
        with shuffle.lock:
            return _passed_on(shuffle, wait, partition_id) and buffer.flush(wait=wait)

    def flush(self, shuffle_id: str, *, wait: float = 0.0) -> bool:
        """flush_partition of all partitions."""
        partitions = range(len(self._shuffle(shuffle_id).buffers))
        flushed = [self.flush_partition(shuffle_id, each, wait=wait) for each in partitions]
        return all(flushed)

    def finish(self, shuffle_id: str, *, wait: float = 0.0) -> bool:
        """Say that this agent writes no more rows of a shuffle.

        Returns: whether it could be said: False, while rows of an earlier write still find no room. What buffers have
                 gathered goes as it is read.
        """
        shuffle = self._shuffle(shuffle_id)
        with shuffle.lock:
            if not _passed_on(shuffle, wait):
                return False
            for buffer in shuffle.buffers:
                buffer.finish()
        return True

    # --- who reads ---

    def read_partition(
        self, shuffle_id: str, partition_id: int, upstream_agents: Sequence[str] | None = None, *, wait: float = 0.0
    ) -> Iterator[pa.RecordBatch]:
        """The rows of a partition that were flushed, as batches, agent after agent.

        upstream_agents: the ids, or host:port, of those who wrote; unless given, as set_senders said, else this one.
        wait:    seconds to wait where an agent has no rows now, but has not finished.
        Returns: an iterator, which ends where there are no more rows now; one of an agent that has finished ends with
                 its last row. Rows of an agent come in the order in which it wrote them. The segments of a batch go
                 back when the next one is taken, or the iterator ends.
        Raises:  OptionError, if there is no such partition, or an agent is not in this process.
        """
        shuffle = self._shuffle(shuffle_id)
        named = shuffle.senders if upstream_agents is None else upstream_agents
        sources: list[tuple[_Shuffle, ShuffleBuffer]] = []
        for agent in [named] if isinstance(named, str) else named:
            upstream = self if agent in (self._agent_id, self.address) else _agent(agent, self)
            theirs = upstream._shuffle(shuffle_id)
            sources.append((theirs, upstream._buffer(shuffle_id, theirs, partition_id)))
        return _read(sources, partition_id, wait)

    # --- both ---

    def metrics(self, shuffle_id: str) -> ShuffleMetrics:
        """What this agent wrote of a shuffle, and who reads took of it."""
        total = ShuffleMetrics()
        for buffer in self._shuffle(shuffle_id).buffers:
            total += ShuffleMetrics(**buffer.counters())
        return total

    def close(self) -> None:
        """Drop all shuffles with what is in them; their segments go back to the pool."""
        self._closed = True
        self._shuffles.clear()
        with _agents_lock:
            if _agents.get(self._agent_id) is self:
                del _agents[self._agent_id]

    def __enter__(self) -> "ShuffleManager":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"ShuffleManager('{self._agent_id}', {self.address}, {len(self._shuffles)} shuffles)"

    def _check_open(self) -> None:
        if self._closed:
            raise OptionError(f"ShuffleManager: agent '{self._agent_id}' is closed. Make a new one.")

    def _shuffle(self, shuffle_id: str) -> _Shuffle:
        self._check_open()
        if shuffle_id not in self._shuffles:
            raise OptionError(
                f"agent '{self._agent_id}' has no shuffle '{shuffle_id}'."
                + (_nearest(shuffle_id, list(self._shuffles)) or " Register it first.")
            )
        return self._shuffles[shuffle_id]

    def _buffer(self, shuffle_id: str, shuffle: _Shuffle, partition_id: int) -> ShuffleBuffer:
        if not isinstance(partition_id, int) or not 0 <= partition_id < len(shuffle.buffers):
            raise OptionError(
                f"shuffle '{shuffle_id}' has the partitions 0 to {len(shuffle.buffers) - 1}, found {partition_id!r}."
            )
        return shuffle.buffers[partition_id]

    def _check_schema(self, shuffle_id: str, shuffle: _Shuffle, schema: pa.Schema) -> None:
        if shuffle.schema is None:
            shuffle.schema = schema
        if not shuffle.schema.equals(schema):
            raise SchemaError(
                f"shuffle '{shuffle_id}': a batch has the columns {_columns(schema)}, expected "
                f"{_columns(shuffle.schema)}. Select or cast them before they are written."
            )


def _read(sources: list[tuple[_Shuffle, ShuffleBuffer]], partition: int, wait: float) -> Iterator[pa.RecordBatch]:
    for shuffle, buffer in sources:
        try:
            while True:
                buffer.release()  # Rows that wait for room may need it.
                if shuffle.waiting and shuffle.lock.acquire(blocking=False):  # Else their writer is at it.
                    try:
                        _passed_on(shuffle, 0.0, partition)
                    finally:
                        shuffle.lock.release()
                batch = buffer.read(wait=float("inf") if buffer.finished else wait)
                if batch is None:
                    break
                yield batch
        finally:
            buffer.release()


def _passed_on(shuffle: _Shuffle, wait: float, partition: int | None = None) -> bool:
    """Whether the rows that found no room (of one partition, or all) have found some now. Under the shuffle's lock."""
    for each in [*shuffle.waiting] if partition is None else [partition] if partition in shuffle.waiting else []:
        rest = shuffle.waiting[each]
        rest = rest.slice(shuffle.buffers[each].write(rest, wait=wait))
        if rest.num_rows == 0:
            del shuffle.waiting[each]
        else:
            shuffle.waiting[each] = rest
    return not shuffle.waiting if partition is None else partition not in shuffle.waiting


def _agent(name: str, reader: ShuffleManager) -> ShuffleManager:
    with _agents_lock:
        here = dict(_agents)
    found = here.get(name) or next((each for each in here.values() if each.address == name), None)
    if found is None:
        raise OptionError(
            f"read_partition: agent {name!r} is not in this process, which has {', '.join(sorted(here))}."
            f"{_nearest(name, list(here))} A ShuffleManager reads from agents of its own process only; "
            f"'{reader.agent_id}' cannot reach another one."
        )
    return found


def _edge_type(given: ShuffleEdgeType | int | str) -> ShuffleEdgeType:
    try:
        return ShuffleEdgeType[given.upper()] if isinstance(given, str) else ShuffleEdgeType(given)
    except (KeyError, ValueError):
        names = ", ".join(kind.name for kind in ShuffleEdgeType)
        raise OptionError(f"register_shuffle: there is no edge type {given!r}. There are {names}.") from None


def _partitioner(
    kind: ShuffleEdgeType,
    num_partitions: int,
    keys: list[str],
    schema: pa.Schema | None,
    boundaries: Any,
    key_groups: int | None,
) -> Partitioner | None:
    if kind in (ShuffleEdgeType.HASH, ShuffleEdgeType.RANGE) and not keys:
        raise OptionError(f"register_shuffle: a {kind.name} shuffle needs partition_keys.")
    if kind is ShuffleEdgeType.RANGE and len(keys) > 1:
        raise OptionError(f"register_shuffle: RANGE goes by one column, found {', '.join(keys)}.")
    if kind not in (ShuffleEdgeType.HASH, ShuffleEdgeType.RANGE) and keys:
        raise OptionError(f"register_shuffle: a {kind.name} shuffle has no keys, found {', '.join(keys)}.")
    if kind is ShuffleEdgeType.FORWARD:
        return None
    if kind is ShuffleEdgeType.HASH:
        return HashPartitioner(num_partitions, keys, schema, key_groups=key_groups)
    column = keys[0] if kind is ShuffleEdgeType.RANGE else None
    return create_partitioner(kind, num_partitions, column=column, boundaries=boundaries, schema=schema)


def _batch_of(data: ArrowData) -> pa.RecordBatch:
    """All rows as one batch, uncopied where they come as one."""
    if isinstance(data, pa.RecordBatch):
        return data
    if not hasattr(data, "__arrow_c_stream__"):
        return pa.record_batch(data)
    table = pa.table(data).combine_chunks()
    batches = table.to_batches()
    return batches[0] if batches else pa.RecordBatch.from_pylist([], schema=table.schema)


def _columns(schema: pa.Schema) -> str:
    return ", ".join(f"{each.name} {each.type}" for each in schema)


def _nearest(name: str, names: list[str]) -> str:
    near = get_close_matches(name, names)
    return f" Nearest names: {', '.join(map(repr, near))}." if near else ""
