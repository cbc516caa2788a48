"""What every compiled loop of the fast engine stands on: how it is compiled, and rows.

A row is one cell or arc in all futures of a batch. Whatever belongs to an arc is a number outside the loop, and the
loop over futures is long, flat and vectorises. Scratch rows come from the caller.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, ParamSpec, TypeVar

import numba
import numpy as np
import numpy.typing as npt

from fieldshift.network.graph import Float, Int

__all__ = [
    "Scratch",
    "Turns",
    "add",
    "alike",
    "copy",
    "dial_one",
    "dial_row",
    "door",
    "fill",
    "flag",
    "inner",
    "note",
    "note_real",
]

P = ParamSpec("P")
R = TypeVar("R")
Keys = npt.NDArray[np.uint64]
Flags = npt.NDArray[np.uint8]
Short = npt.NDArray[np.int32]
Real = npt.NDArray[np.float32]


def door(function: Callable[P, R]) -> Callable[P, R]:
    """Compile a function that Python calls, and nobody else."""
    if getattr(numba.config, "DISABLE_JIT", 0):
        return function
    fast: Callable[P, R] = numba.njit(cache=True, nogil=True, error_model="numpy", no_cfunc_wrapper=True)(function)
    return fast


def inner(function: Callable[P, R]) -> Callable[P, R]:
    """Compile a function that only compiled functions call: no door to Python, no counting of references.

    It is done in half the time so. Such a function makes no array of its own, only views of what it was given.
    """
    if getattr(numba.config, "DISABLE_JIT", 0):
        return function
    fast: Callable[P, R] = numba.njit(
        cache=True, nogil=True, error_model="numpy", no_cpython_wrapper=True, no_cfunc_wrapper=True, _nrt=False
    )(function)
    return fast


class Turns(NamedTuple):
    """Which dials turn what: owner k is turned by `dial[i]` with `slope[i]` for i in `ptr[k] .. ptr[k + 1]`."""

    ptr: Int
    dial: Int
    slope: Float


class Scratch(NamedTuple):
    """Room to work in, made once per batch.

    Attributes:
        bits, hit, out: A draw's bits, whether the screen left it open, and its number, by future.
        chance: The uniform of a draw, by future.
        few: Which futures are open, one after another; `few_bits`, `few_n`, `few_u`, `few_x`,
            `few_t` are theirs.
        table: Powers of q, or chances of a number of arrivals.
        logs: Logarithms of factorials.
        one, two, three: Rows of floats for the caller.
        live, changed, bound: Futures that a limit may cut, were cut in this pass, and are cut by this row.
        key, place: A heap.
    """

    bits: Keys
    hit: Flags
    out: Float
    chance: Float
    few: Int
    few_bits: Keys
    few_n: Float
    few_u: Float
    few_x: Float
    few_t: Float
    table: Float
    logs: Float
    one: Float
    two: Float
    three: Float
    live: Flags
    changed: Flags
    bound: Flags
    key: Float
    place: Int


@inner
def fill(row: Float, value: float, draws: int) -> None:
    """Write a number into a row."""
    for d in range(draws):
        row[d] = value


@inner
def flag(row: Flags, value: int, draws: int) -> None:
    """Write a flag into a row."""
    for d in range(draws):
        row[d] = value


@inner
def copy(source: Float, row: Float, draws: int) -> None:
    """Write a row into another."""
    for d in range(draws):
        row[d] = source[d]


@inner
def add(row: Float, source: Float, use: float, draws: int) -> None:
    """Add a row times a number to another."""
    for d in range(draws):
        row[d] += source[d] * use


@inner
def note(record: Short, row: Float, draws: int) -> None:
    """Record whole numbers."""
    for d in range(draws):
        record[d] = np.int32(row[d])


@inner
def note_real(record: Real, row: Float, draws: int) -> None:
    """Record numbers that are not whole."""
    for d in range(draws):
        record[d] = np.float32(row[d])


@inner
def dial_row(value: float, owner: int, site: int, turns: Turns, dials: Float, out: Float, draws: int) -> None:
    """Write a number multiplied by the dials that turn it, at one site, into `out`; dials are (K, S + 1, D)."""
    for d in range(draws):
        out[d] = value
    for i in range(turns.ptr[owner], turns.ptr[owner + 1]):
        slope, setting = turns.slope[i], dials[turns.dial[i], site]
        for d in range(draws):
            out[d] *= max(1.0 + slope * (setting[d] - 1.0), 0.0)


@inner
def alike(owner: int, site: int, turns: Turns, same: Flags) -> bool:
    """Return whether the dials that turn something stand alike in all futures at one site; `same` is (K, S + 1)."""
    found = True
    for i in range(turns.ptr[owner], turns.ptr[owner + 1]):
        found &= same[turns.dial[i], site] != 0
    return found


@inner
def dial_one(value: float, owner: int, site: int, turns: Turns, dials: Float) -> float:
    """Return a number multiplied by the dials that turn it, where they stand alike in all futures."""
    for i in range(turns.ptr[owner], turns.ptr[owner + 1]):
        value *= max(1.0 + turns.slope[i] * (dials[turns.dial[i], site, 0] - 1.0), 0.0)
    return value
