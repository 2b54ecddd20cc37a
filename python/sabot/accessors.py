"""`frame.sabot`: the kernels as methods of the frames of polars and pandas. See sabot.registration."""

import inspect
import sys
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

from sabot import fintech
from sabot.errors import FunctionError
from sabot.kernel_info import KernelInfo
from sabot.kernels import KernelLike, call_sites

__all__ = ["FrameAccessor", "LazyFrameAccessor"]


class FrameAccessor:
    """The kernels as methods of a frame: `frame.sabot.ewma(alpha=0.06)` is `sabot.fintech.ewma(frame, alpha=0.06)`."""

    __slots__ = ("_frame",)

    def __init__(self, frame: Any) -> None:
        self._frame = frame

    def chain(self, kernels: Iterable[KernelLike], /, *, by: str | Sequence[str] | None = None) -> Any:
        """Run several kernels as one fused pass. Later kernels may read outputs of earlier ones.

        Input:   kernels as names, classes or objects; of an object its options are taken, its state neither read nor
                 changed.
        by:      the key of all; unless given, that of the kernels.
        Returns: the frame's columns, then each kernel's outputs. Each call starts from fresh state.
        Raises:  SchemaError, if a column is missing or of another type, or an output exists already. OptionError, if
                 the kernels' keys differ, or an option is unknown or out of its range.
        """
        kernels = list(kernels)  # A lazy frame asks for them more than once.
        return self._apply(lambda frame: fintech.chain(frame, kernels, by=by))

    def _apply(self, function: Callable[[Any], Any]) -> Any:
        return function(self._frame)

    def __repr__(self) -> str:
        return f"<the kernels of sabot.fintech on a {type(self._frame).__name__}: see dir() of this>"

    if TYPE_CHECKING:  # A method for each kernel, which the registry gives.

        def __getattr__(self, name: str) -> Callable[..., Any]: ...


class LazyFrameAccessor(FrameAccessor):
    """The kernels as methods of a lazy frame. They run over all of its rows, in their order, when it is collected.

    Names, types and options are checked at once, on no rows. The optimizer moves nothing past a kernel: a filter that
    follows it chooses among its results.
    """

    __slots__ = ()

    def _apply(self, function: Callable[[Any], Any]) -> Any:
        if call_sites.get() is not None:
            raise FunctionError(
                "a function of a stream used .sabot of a LazyFrame, whose kernels would forget their state between "
                "batches. Use that of a DataFrame: .collect() first."
            )
        no_rows = sys.modules["polars"].DataFrame(schema=self._frame.collect_schema())
        return self._frame.map_batches(
            function,
            predicate_pushdown=False,
            projection_pushdown=False,
            slice_pushdown=False,
            schema=function(no_rows).schema,
        )


def _make_method(info: KernelInfo) -> Callable[..., Any]:
    function = getattr(fintech, info.name)

    def method(self: FrameAccessor, /, **arguments: Any) -> Any:
        return self._apply(lambda frame: function(frame, **arguments))

    method.__name__ = info.name
    method.__qualname__ = f"FrameAccessor.{info.name}"
    method.__doc__ = function.__doc__
    signature = inspect.signature(function)
    this = inspect.Parameter("self", inspect.Parameter.POSITIONAL_ONLY)
    method.__signature__ = signature.replace(  # type: ignore[attr-defined]
        parameters=[this, *(each for name, each in signature.parameters.items() if name != "data")]
    )
    return method


for _info in fintech.kernels():
    assert not hasattr(FrameAccessor, _info.name), f"the name of kernel {_info.name} is taken"
    setattr(FrameAccessor, _info.name, _make_method(_info))
del _info
