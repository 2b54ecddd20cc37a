"""Shuffles of agents in one process: all rows, keys together, in order, in bounded memory."""

import asyncio
import random
from collections.abc import Iterator
from itertools import chain
from typing import Any

import pyarrow as pa
import pytest
from sabot.errors import OptionError, SchemaError
from sabot.execution import JobGraph, OperatorType

from sabot.shuffle import (
    HashPartitioner,
    NetworkBufferPool,
    ShuffleCoordinator,
    ShuffleEdgeType,
    ShuffleManager,
    ShuffleMetrics,
    SpillManager,
    key_hash,
)

SCHEMA = pa.schema([("user", pa.string()), ("amount", pa.int64())])


def payments(begin: int, end: int) -> pa.RecordBatch:
    users = [f"user {random.Random(each).randrange(40)}" for each in range(begin, end)]
    return pa.record_batch({"user": users, "amount": range(begin, end)}, schema=SCHEMA)


@pytest.fixture
def manager() -> Iterator[ShuffleManager]:
    with ShuffleManager("agent-1") as manager:
        yield manager


# --- wrong use ---


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (("pay", 4, [], "HASH"), OptionError, "HASH shuffle needs partition_keys"),
        (("pay", 4, ["user"], "REBALANCE"), OptionError, "REBALANCE shuffle has no keys, found user"),
        (("pay", 4, ["user", "amount"], "RANGE"), OptionError, "RANGE goes by one column, found user, amount"),
        (("pay", 4, "user", "RANGE"), OptionError, "RANGE needs boundaries"),
        (("pay", 4, "user", "HSAH"), OptionError, "no edge type 'HSAH'"),
        (("pay", 0, "user"), OptionError, "0"),
        (("pay", 4, "usr", "HASH", SCHEMA), SchemaError, "'usr' is missing"),
        (("pay", 5_000, "user"), OptionError, "pool_segments"),
    ],
)
def test_shuffles_that_cannot_be(manager: ShuffleManager, arguments: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        manager.register_shuffle(*arguments)
    assert manager.shuffle_ids == []


def test_what_is_not_there_is_named(manager: ShuffleManager) -> None:
    shuffle = manager.register_shuffle("payments", 4, "user", schema=SCHEMA)
    with pytest.raises(OptionError, match=r"no shuffle 'paymnts'.*Nearest names: 'payments'"):
        manager.write("paymnts", payments(0, 1))
    for partition in (4, -1, "0"):
        with pytest.raises(OptionError, match="has the partitions 0 to 3"):
            manager.read_partition(shuffle, partition)  # type: ignore[arg-type]
    with pytest.raises(SchemaError, match=r"columns user string, expected user string, amount int64"):
        manager.write(shuffle, pa.record_batch({"user": ["a"]}))
    forward = manager.register_shuffle("forward", 2, edge_type=ShuffleEdgeType.FORWARD)
    with pytest.raises(OptionError, match=r"is FORWARD\. Say which partition"):
        manager.write(forward, payments(0, 1))


def test_an_agent_in_another_process_is_not_reached(manager: ShuffleManager) -> None:
    shuffle = manager.register_shuffle("payments", 4, "user")
    with pytest.raises(OptionError, match=r"'agent-2' is not in this process, which has agent-1.*own process only"):
        manager.read_partition(shuffle, 0, ["agent-2"])
    with pytest.raises(OptionError, match="'agent-1' is in this process already"):
        ShuffleManager("agent-1")
    manager.close()
    with pytest.raises(OptionError, match="'agent-1' is closed"):
        manager.metrics(shuffle)
    ShuffleManager("agent-1").close()


# --- one agent ---


def test_ids_follow_from_the_calls(manager: ShuffleManager) -> None:
    ids = [manager.register_shuffle("pay", 2, "user"), manager.register_shuffle("pay", 2, "user")]
    assert ids == ["pay", "pay-2"] == manager.shuffle_ids
    assert manager.pool.available == 8_192 - 2 * (2 * 2 + 8)
    manager.close()


@pytest.mark.parametrize("kind", ["HASH", "RANGE", "REBALANCE", "BROADCAST"])
def test_each_type_divides_as_its_partitioner_does(manager: ShuffleManager, kind: str) -> None:
    keys: Any = {"HASH": "user", "RANGE": "amount"}.get(kind, ())
    bounds = [100, 400] if kind == "RANGE" else None
    shuffle = manager.register_shuffle("pay", 3, keys, kind, boundaries=bounds)
    batch = payments(0, 1_000)
    assert manager.write(shuffle, batch) == 1_000
    assert manager.finish(shuffle)
    found = [numbers(manager.read_partition(shuffle, partition)) for partition in range(3)]
    if kind == "HASH":
        owners = [hashed % 256 * 3 // 256 for hashed in key_hash(batch, "user").to_pylist()]
        assert found == [[row for row, owner in enumerate(owners) if owner == each] for each in range(3)]
    elif kind == "RANGE":
        assert found == [list(range(100)), list(range(100, 400)), list(range(400, 1_000))]
    elif kind == "REBALANCE":
        assert sorted(chain(*found)) == list(range(1_000))
    else:
        assert found == [list(range(1_000))] * 3


def numbers(batches: Any) -> list[int]:
    return [number for batch in batches for number in batch["amount"].to_pylist()]


def test_partitions_are_written_and_flushed_one_by_one(manager: ShuffleManager) -> None:
    shuffle = manager.register_shuffle("forward", 2, edge_type="FORWARD")
    assert manager.write_partition(shuffle, 1, payments(0, 10)) == 10
    assert list(manager.read_partition(shuffle, 1)) == [], "not flushed"
    assert manager.flush_partition(shuffle, 1)
    assert list(manager.read_partition(shuffle, 0)) == []
    assert numbers(manager.read_partition(shuffle, 1, "127.0.0.1:8816")) == list(range(10))
    assert manager.metrics(shuffle).rows_read == 10


def test_rows_without_room_wait_and_later_ones_are_refused() -> None:
    pool = NetworkBufferPool(100, segment_bytes=1_024)
    with ShuffleManager("agent-1", pool=pool) as manager:
        shuffle = manager.register_shuffle("pay", 2, "user")
        assert manager.write(shuffle, payments(0, 5_000)) == 5_000
        assert manager.write(shuffle, payments(5_000, 5_001)) == 0
        assert manager.write_partition(shuffle, 0, payments(5_000, 5_001)) == 0
        assert not manager.flush(shuffle)
        assert not manager.finish(shuffle)
        now = manager.metrics(shuffle)
        assert now.credits_held == 12
        assert now.bytes_queued <= 14 * 1_024
        assert now.credits_waited > 0
        found = [numbers(manager.read_partition(shuffle, each)) for each in (0, 1, 0, 1)]
        assert manager.finish(shuffle)
        found += [numbers(manager.read_partition(shuffle, each)) for each in (0, 1)]
        parts = HashPartitioner(2, "user").partition(payments(0, 5_000))
        for partition, part in enumerate(parts):
            assert part is not None
            assert list(chain(*found[partition::2])) == part["amount"].to_pylist()


# --- several agents ---


@pytest.mark.parametrize("spills", [False, True])
def test_two_agents_shuffle_all_rows_by_key_in_order_in_bounded_memory(tmp_path: Any, spills: bool) -> None:
    pool = NetworkBufferPool(64, segment_bytes=1_024)
    spill = SpillManager(tmp_path, batch_bytes=4_096) if spills else None
    agents = [ShuffleManager(f"agent-{each}", agent_port=9_000 + each, pool=pool, spill=spill) for each in range(2)]
    try:
        ids = {agent.register_shuffle("pay", 4, ["user"], ShuffleEdgeType.HASH, SCHEMA) for agent in agents}
        assert ids == {"pay"}
        assert pool.available == 64 - 2 * 16
        written: list[list[int]] = [[], []]
        found: list[list[list[Any]]] = [[[], []] for _ in range(4)]  # By partition and agent.

        def read(wait: float = 0.0) -> None:
            for partition in range(4):
                reader = agents[partition % 2]
                for sender in range(2):
                    for batch in reader.read_partition("pay", partition, [f"agent-{sender}"], wait=wait):
                        found[partition][sender] += batch.to_pylist()

        for begin in range(0, 12_000, 300):
            sender = begin // 300 % 2
            batch = payments(begin, begin + 300)
            while agents[sender].write("pay", batch) == 0:
                read(0.001)
            written[sender] += batch["amount"].to_pylist()
            queued = sum(agent.metrics("pay").bytes_queued for agent in agents)
            assert queued <= 2 * (16 + 4) * 1_024, "all segments, and one that fills for each partition"
        for agent in agents:
            while not agent.finish("pay"):
                read(0.001)
        read()

        users = [{row["user"] for sender in partition for row in sender} for partition in found]
        assert sum(map(len, users)) == len(set().union(*users)) == 40, "a user is in one partition"
        for sender in range(2):
            amounts = [[row["amount"] for row in partition[sender]] for partition in found]
            assert all(each == sorted(each) for each in amounts), "in the order in which they were written"
            assert sorted(chain(*amounts)) == written[sender]
        total = sum((agent.metrics("pay") for agent in agents), ShuffleMetrics())
        assert (total.rows_written, total.rows_read, total.bytes_queued) == (12_000, 12_000, 0)
        assert list(tmp_path.iterdir()) == []
    finally:
        for agent in agents:
            agent.close()
    assert pool.available == 64


# --- plans ---


def fraud() -> JobGraph:
    job = JobGraph("fraud")
    job.add_source("source", parallelism=2)
    job.add_operator("enrich", operator_type=OperatorType.MAP, parallelism=2)
    job.add_operator("fraud", operator_type=OperatorType.GROUP_BY, parallelism=3, stateful=True, key_by=["user"])
    job.add_operator("alerts", operator_type=OperatorType.SINK, parallelism=2)
    for sender, receiver in [("source", "enrich"), ("enrich", "fraud"), ("fraud", "alerts")]:
        job.connect(sender, receiver)
    return job


def spread(job: JobGraph) -> dict[str, str]:
    return {each.id: f"agent-{each.copy % 2}" for each in job.to_execution_graph().tasks.values()}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"fraud_9": "agent-0"}, "no task vertex 'fraud_9'"),
        ({"fraud_1": None}, "no agent for 'fraud_1'"),
        ({"enrich_1": "agent-0"}, "'source_1' and 'enrich_1' run as one task"),
    ],
)
def test_assignments_are_checked(change: dict[str, str | None], message: str) -> None:
    job = fraud()
    assignments = {each: agent for each, agent in (spread(job) | change).items() if agent is not None}
    with pytest.raises(OptionError, match=message):
        asyncio.run(ShuffleCoordinator(job.to_execution_graph()).initialize(assignments))


def test_coordinators_are_told_in_order() -> None:
    job = fraud()
    coordinator = ShuffleCoordinator(job.to_execution_graph())
    with pytest.raises(OptionError, match="Call initialize first"):
        asyncio.run(coordinator.register_shuffles_with_agents([]))
    with ShuffleManager("agent-0") as only:
        asyncio.run(coordinator.initialize(spread(job)))
        with pytest.raises(OptionError, match="no manager of agent 'agent-1'"):
            asyncio.run(coordinator.register_shuffles_with_agents([only]))
        assert only.shuffle_ids == []


def test_ranges_turns_and_copies_of_a_plan_are_shuffles_too() -> None:
    job = JobGraph("all", key_groups=16)
    job.add_source("source")
    job.add_operator("ranged", {"filter": "amount >= 0"}, parallelism=3)
    job.add_operator("kept", {"filter": "amount >= 0"}, parallelism=3)
    job.add_operator("merged", operator_type="union", parallelism=3)
    job.connect("source", "ranged", edge_type="RANGE", range_by="amount", range_bounds=[10, 20.0])
    job.connect("source", "kept", edge_type="BROADCAST")
    job.connect("ranged", "merged")
    job.connect("kept", "merged", edge_type="REBALANCE")
    coordinator = ShuffleCoordinator(job.to_execution_graph())
    assert asyncio.run(coordinator.get_shuffle_metrics())["source:kept:0"] == ShuffleMetrics()
    with ShuffleManager("agent-1") as agent:
        everywhere = dict.fromkeys(job.to_execution_graph().tasks, "agent-1")
        asyncio.run(coordinator.initialize(everywhere))
        ids = asyncio.run(coordinator.register_shuffles_with_agents({"any": agent}))
        assert sorted(ids) == ["kept:merged:1", "ranged:merged:0", "source:kept:0", "source:ranged:0"]
        for shuffle in ("source:kept:0", "source:ranged:0"):
            assert agent.write(shuffle, payments(0, 30)) == 30
            assert agent.finish(shuffle)
        with pytest.raises(OptionError, match="is FORWARD"):
            agent.write("ranged:merged:0", payments(0, 1))
        for copy in range(3):
            expected = list(range(copy * 10, copy * 10 + 10))
            assert numbers(agent.read_partition("source:ranged:0", copy)) == expected
            assert numbers(agent.read_partition("source:kept:0", copy)) == list(range(30))
        with pytest.raises(OptionError, match="Give it a new manager"):
            asyncio.run(coordinator.register_shuffles_with_agents([agent]))


def test_a_plan_is_registered_located_and_measured() -> None:
    job = fraud()
    graph = job.to_execution_graph()
    coordinator = ShuffleCoordinator(graph)
    agents = {f"agent-{each}": ShuffleManager(f"agent-{each}") for each in range(2)}

    async def run() -> dict[str, ShuffleMetrics]:
        await coordinator.initialize(spread(job))
        ids = await coordinator.register_shuffles_with_agents(agents, schemas={"enrich": SCHEMA})
        assert ids == ["enrich:fraud:0", "fraud:alerts:0"]
        await coordinator.set_task_locations(agents.values())
        assert coordinator.location_of("fraud_1") == "agent-1"
        hashed, rebalanced = ids
        for number, agent in enumerate(agents.values()):
            assert agent.write(hashed, payments(number * 1_000, number * 1_000 + 1_000)) == 1_000
            assert agent.finish(hashed)
        rows = {}
        for copy in range(3):
            agent = agents[coordinator.location_of(f"fraud_{copy}")]
            batches = list(agent.read_partition(hashed, copy))
            rows[copy] = [row for batch in batches for row in batch.to_pylist()]
            for batch in batches:
                assert agent.write(rebalanced, batch) == batch.num_rows
        table = graph.key_group_table("fraud")
        everything = payments(0, 2_000)
        owners = [table[hashed % 256] for hashed in key_hash(everything, "user").to_pylist()]
        for copy, found in rows.items():
            expected = [row for row, owner in zip(everything.to_pylist(), owners, strict=True) if owner == copy]
            assert found == expected, "those of agent-0, then those of agent-1"
        return await coordinator.get_shuffle_metrics()

    try:
        metrics = asyncio.run(run())
    finally:
        for agent in agents.values():
            agent.close()
    assert metrics["enrich:fraud:0"].rows_written == metrics["enrich:fraud:0"].rows_read == 2_000
    assert metrics["fraud:alerts:0"].rows_written == 2_000
    assert metrics["fraud:alerts:0"].rows_read == 0
