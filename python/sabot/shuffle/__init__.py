"""Rows from task to task, in one process: who gets which row, how many may be on their way, and what goes to disk.

Partitioners divide rows; buffers carry them in segments of a pool, and refuse what finds no room; a spill manager takes
that to disk; a shuffle manager has the buffers of all partitions, and a coordinator those of a whole plan. The jobs of
Stream and JobGraph use the same engine and need none of these.
"""

from sabot.key_groups import KeyGroupMoves
from sabot.shuffle.buffers import NetworkBufferPool, ShuffleBuffer, SpillManager
from sabot.shuffle.coordinator import ShuffleCoordinator
from sabot.shuffle.manager import ShuffleManager, ShuffleMetrics
from sabot.shuffle.partitioners import (
    BroadcastPartitioner,
    HashPartitioner,
    HotKey,
    Partitioner,
    RangePartitioner,
    RoundRobinPartitioner,
    ShuffleEdgeType,
    create_partitioner,
    key_group,
    key_hash,
)

__all__ = [
    "BroadcastPartitioner",
    "HashPartitioner",
    "HotKey",
    "KeyGroupMoves",
    "NetworkBufferPool",
    "Partitioner",
    "RangePartitioner",
    "RoundRobinPartitioner",
    "ShuffleBuffer",
    "ShuffleCoordinator",
    "ShuffleEdgeType",
    "ShuffleManager",
    "ShuffleMetrics",
    "SpillManager",
    "create_partitioner",
    "key_group",
    "key_hash",
]
