"""create_fintech_operator, FintechKernelOperator, sabot.api, and the name that is no more."""

from typing import Any

import pyarrow as pa
import pytest
from sabot.api import Stream
from sabot.errors import OptionError, SchemaError
from sabot.fintech import EWMAKernel, FintechKernelOperator, MidpriceKernel, OFIKernel, create_fintech_operator

import sabot
from sabot import fintech


@pytest.fixture(scope="module")
def ticks() -> pa.Table:
    return Stream.from_generator(rows=2_000, symbols=5).collect()


def test_a_kernel_with_state_needs_its_key(ticks: pa.Table) -> None:
    with pytest.raises(OptionError, match="ewma keeps a state a symbol, which symbol_keyed=False does not allow"):
        create_fintech_operator(EWMAKernel, source=ticks, symbol_keyed=False, alpha=0.06)


def test_mistakes_are_found_at_once(ticks: pa.Table) -> None:
    with pytest.raises(OptionError, match="alpha"):
        create_fintech_operator(EWMAKernel, source=ticks, alpha=2.0)
    with pytest.raises(SchemaError, match=r"column 'ticker' is missing"):
        create_fintech_operator(EWMAKernel, source=ticks, symbol_column="ticker", alpha=0.06)


def test_a_chain_of_operators_is_the_chain_of_kernels(ticks: pa.Table) -> None:
    pipeline: Any = Stream.from_arrow(ticks)
    pipeline = create_fintech_operator(
        EWMAKernel, source=pipeline, symbol_column="symbol", symbol_keyed=True, alpha=0.06
    )
    pipeline = create_fintech_operator(MidpriceKernel, source=pipeline, symbol_keyed=False)
    assert not pipeline.requires_shuffle()
    assert pipeline.get_partition_keys() == []
    pipeline = create_fintech_operator(OFIKernel, source=pipeline)
    assert pipeline.requires_shuffle()
    assert pipeline.get_partition_keys() == ["symbol"]
    expected = fintech.chain(ticks, [EWMAKernel(alpha=0.06), "midprice", "ofi"])
    assert pa.Table.from_batches(list(pipeline)).equals(expected)
    assert pa.table(pipeline).equals(expected)
    assert pipeline.schema == expected.schema
    assert pipeline.stream.collect().equals(expected)


def test_a_subclass(ticks: pa.Table) -> None:
    class SlowAverage(FintechKernelOperator):
        """As people write it."""

        def __init__(self, source: Any, alpha: float = 0.06) -> None:
            super().__init__(
                source=source, kernel_func=EWMAKernel, symbol_column="symbol", symbol_keyed=True, alpha=alpha
            )

    assert pa.Table.from_batches(list(SlowAverage(source=ticks))).equals(fintech.ewma(ticks, alpha=0.06))


def test_the_old_name_says_where_things_are() -> None:
    for name in ("sabot._cython", "sabot._cython.fintech.operators", "sabot._cython.shuffle"):
        with pytest.raises(ImportError, match=r"sabot\._cython does not exist.*sabot\.fintech"):
            __import__(name)


def test_the_api_is_the_same_class() -> None:
    assert Stream is sabot.Stream
