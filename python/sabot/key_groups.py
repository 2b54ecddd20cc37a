"""Key groups that move from copy to copy while a run goes on."""

from collections.abc import Sequence

from sabot import _native

__all__ = ["KeyGroupMoves"]


class KeyGroupMoves:
    """Moves key groups of a run by hand: from any thread, while Stream.options(moves=...) has it run.

    What a run gives does not depend on which copy of a step has which key group. A move waits for the next barrier,
    where the run's tasks end and others go on from their states; its files stay open.
    """

    def __init__(self) -> None:
        self._moves = _native.KeyGroupMoves()

    def move_key_groups(self, step: str, copies: Sequence[int]) -> None:
        """Give key group g of a step, and of all steps that get its rows from copy to copy, to copy copies[g].

        Raises: OptionError, if nothing runs, the input can be read once only, a function of a step may have a memory of
                its own, or copies is not one number below the step's parallelism for each key group.
        """
        self._moves.move_key_groups(step, list(copies))

    @property
    def tables(self) -> dict[str, list[int]]:
        """The copy of each key group, by step, as it is now. Empty while nothing runs."""
        return self._moves.tables()

    @property
    def pending(self) -> bool:
        """Whether a move was asked for and has not been done."""
        return self._moves.pending()

    @property
    def moved(self) -> int:
        """Key groups that moved in this run so far."""
        return self._moves.moved()
