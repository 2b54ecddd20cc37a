"""Kernels as operators on a stream, under the names create_fintech_operator and FintechKernelOperator."""

from collections.abc import Iterator, Sequence
from typing import Any

import pyarrow as pa

from sabot.errors import OptionError
from sabot.kernels import Kernel, make_by, name_of
from sabot.registry import CLASSES, KERNELS
from sabot.stream import Stream

__all__ = ["FintechKernelOperator", "create_fintech_operator"]


class FintechKernelOperator:
    """A kernel on a source, to be subclassed, iterated, or used as the source of another operator.

    Input:   source: a Stream, another operator, or any Arrow data; kernel_func: a kernel by name or class, with its
             options.
    symbol_column:  the key column, or a list of them.
    symbol_keyed:   False for kernels without state, which need no key.
    Raises:  OptionError, if symbol_keyed is False and the kernel has state. What Stream.kernel raises.
    """

    def __init__(
        self,
        source: Any,
        kernel_func: str | type[Kernel],
        *,
        symbol_column: str | Sequence[str] = "symbol",
        symbol_keyed: bool = True,
        **options: Any,
    ) -> None:
        name = name_of(kernel_func)
        info = KERNELS.get(name) or CLASSES.get(name)
        if info is not None and info.stateful and not symbol_keyed:
            raise OptionError(
                f"{info.name} keeps a state a symbol, which symbol_keyed=False does not allow. Leave it out."
            )
        self._stream = _stream_of(source).kernel(name, by=symbol_column, **options)
        by = make_by(symbol_column) if info is not None and info.stateful else []
        self._pair = info is not None and info.pair
        self._keys = [] if self._pair else by
        self._step = {"kernel": info.name if info else name, **({"by": by} if by else {}), **options}

    @property
    def stream(self) -> Stream:
        """The source with the kernel, as a Stream."""
        return self._stream

    @property
    def schema(self) -> pa.Schema:
        """Of the rows that come out."""
        return self._stream.schema

    @property
    def step(self) -> dict[str, Any]:
        """The kernel without its source, as a step of a pipeline or of a JobGraph."""
        return dict(self._step)

    def requires_shuffle(self) -> bool:
        """Whether rows of one key, or of the pair it reads, must come to one task: the kernel keeps state."""
        return self._pair or bool(self._keys)

    def get_partition_keys(self) -> list[str]:
        """The columns rows are partitioned by; none where no shuffle is required, or all rows come to one task."""
        return list(self._keys)

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        """Run as the batches are asked for."""
        return iter(self._stream)

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        """Run as an Arrow C stream."""
        return self._stream.__arrow_c_stream__(requested_schema)


def create_fintech_operator(
    kernel: str | type[Kernel],
    source: Any,
    *,
    symbol_column: str | Sequence[str] = "symbol",
    symbol_keyed: bool = True,
    **options: Any,
) -> FintechKernelOperator:
    """Put a kernel on a source. See FintechKernelOperator."""
    return FintechKernelOperator(source, kernel, symbol_column=symbol_column, symbol_keyed=symbol_keyed, **options)


def _stream_of(source: Any) -> Stream:
    if isinstance(source, Stream):
        return source
    return source.stream if isinstance(source, FintechKernelOperator) else Stream.from_arrow(source)
