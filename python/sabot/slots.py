"""Rows of many keys in one array, for kernels written in Python: those of one key keep their order."""

from collections.abc import Iterator
from typing import Any

import numpy as np

__all__ = ["previous", "rounds"]

Array = np.ndarray[Any, Any]


def rounds(slots: Array) -> Iterator[Array]:
    """Cut rows into rounds in which each key comes once: the first row of each, then the second, and so on.

    Returns: row numbers, ascending in each round. `state["x"][slots[rows]]` may then be read and written as a whole.
    Cost:    a few array operations a round, and as many rounds as the busiest key has rows.
    """
    order, begins = _by_slot(slots)
    turn = np.empty(len(order), np.int64)
    turn[order] = np.arange(len(order)) - np.repeat(begins, np.diff(begins, append=len(order)))
    by_turn = np.argsort(turn, kind="stable")
    begin = 0
    for end in np.cumsum(np.bincount(turn)):
        yield by_turn[begin:end]
        begin = end


def previous(last: Array, slots: Array, values: Array) -> Array:
    """For each row the value that its key had in the row before; `last` then holds the newest value of each.

    Input:   last, an array of the state, which is written; the slots; a value a row.
    Returns: a value a row: of a key's first row here, what `last` held.
    """
    order, begins = _by_slot(slots)
    found = np.empty(len(order), last.dtype)
    if len(order) == 0:
        return found
    by_slot, begin_slots = values[order], slots[order][begins]
    before = np.empty_like(found)
    before[1:] = by_slot[:-1]
    before[begins] = last[begin_slots]
    last[begin_slots] = by_slot[np.append(begins[1:], len(order)) - 1]
    found[order] = before
    return found


def _by_slot(slots: Array) -> tuple[Array, Array]:
    """Row numbers by slot, those of one slot ascending, and where each slot begins among them."""
    order = np.argsort(slots, kind="stable")
    ordered = slots[order]
    return order, np.flatnonzero(np.append(True, ordered[1:] != ordered[:-1]))[: len(order)]
