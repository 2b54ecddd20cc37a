"""Gives the frames of polars and pandas their attribute `sabot`, whether they are imported before Sabot or after it.

Nothing is imported for it. A library that is there already gets the attribute at once; for the others a finder waits at
the head of `sys.meta_path` and leaves when both have come. The kernels are loaded at the first `frame.sabot`.
"""

import sys
from _thread import get_ident
from typing import Any

__all__ = ["register"]

_NAME = "sabot"


class _Kernels:
    """The kernels as methods: `frame.sabot.ewma(alpha=0.06)`. `dir(frame.sabot)` lists them."""

    def __new__(cls, frame: Any) -> Any:
        from sabot.accessors import FrameAccessor

        return FrameAccessor(frame)


class _LazyKernels:
    """The kernels as methods: `frame.sabot.ewma(alpha=0.06)`. `dir(frame.sabot)` lists them."""

    def __new__(cls, frame: Any) -> Any:
        from sabot.accessors import LazyFrameAccessor

        return LazyFrameAccessor(frame)


def _register_polars(polars: Any) -> None:
    if not hasattr(polars.DataFrame, _NAME):
        polars.api.register_dataframe_namespace(_NAME)(_Kernels)
    if not hasattr(polars.LazyFrame, _NAME):
        polars.api.register_lazyframe_namespace(_NAME)(_LazyKernels)


def _register_pandas(pandas: Any) -> None:
    if not hasattr(pandas.DataFrame, _NAME):
        pandas.api.extensions.register_dataframe_accessor(_NAME)(_Kernels)


_LIBRARIES = {"polars": _register_polars, "pandas": _register_pandas}


def register() -> None:
    """Register what is imported, and wait for what is not."""
    missing = {name for name in _LIBRARIES if not _try_to_register(name)}
    if missing:
        sys.meta_path.insert(0, _Waiting(missing))


def _try_to_register(name: str) -> bool:
    module = sys.modules.get(name)
    if module is None:
        return False
    try:
        _LIBRARIES[name](module)
    except AttributeError:  # A version without such a registry, or a library half imported: its frames do without.
        return False
    return True


class _Waiting:
    """Finds what the finders behind it find, and registers it once it is loaded."""

    def __init__(self, names: set[str]) -> None:
        self._names = names
        self._asking: set[tuple[str, int]] = set()  # By thread: another finder may ask the ones before it in turn.

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> Any:
        if name not in self._names or (name, get_ident()) in self._asking:
            return None
        self._asking.add((name, get_ident()))
        try:
            found = (finder.find_spec(name, path, target) for finder in list(sys.meta_path) if finder is not self)
            spec = next((each for each in found if each is not None), None)
        finally:
            self._asking.discard((name, get_ident()))
        if spec is not None and hasattr(spec.loader, "exec_module"):
            telling: Any = _Loader(spec.loader, self)
            spec.loader = telling
        return spec

    def loaded(self, name: str) -> None:
        """Called when a library has been imported."""
        _try_to_register(name)
        self._names.discard(name)
        if not self._names and self in sys.meta_path:
            sys.meta_path.remove(self)


class _Loader:
    """A module's own loader, which is all the module ever sees, and a word to the finder afterwards."""

    def __init__(self, loader: Any, waiting: _Waiting) -> None:
        self._loader = loader
        self._waiting = waiting

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loader, name)

    def create_module(self, spec: Any) -> Any:
        return self._loader.create_module(spec)

    def exec_module(self, module: Any) -> None:
        module.__loader__ = module.__spec__.loader = self._loader
        self._loader.exec_module(module)
        self._waiting.loaded(module.__name__)
