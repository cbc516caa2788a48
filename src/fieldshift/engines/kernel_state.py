"""Where everybody is in a batch, and what is recorded of it, as rows over futures for the compiled loops."""

from __future__ import annotations

import math
from functools import cache
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from fieldshift.engines import chance
from fieldshift.engines.kernel_memory import lease
from fieldshift.engines.kernel_rows import Scratch
from fieldshift.engines.kernel_tables import Flat
from fieldshift.network.graph import Float, Int, Network
from fieldshift.results.trace import Record, Trace

__all__ = ["Now", "Records", "Streams", "present", "records", "scratch", "streams"]

Keys = npt.NDArray[np.uint64]
Flags = npt.NDArray[np.uint8]
Short = npt.NDArray[np.int32]
Real = npt.NDArray[np.float32]

_PAD = 8
"""Rows are a little longer than the batch: a power of two would send a column to few lines of the cache."""
_TABLE = 1024
"""Entries of tables in scratch."""
_FACTORIALS = 16384
"""Up to here, factorials are looked up."""


class Streams(NamedTuple):
    """The key of each block's stream, by purpose."""

    flow: Keys
    enter: Keys
    passing: Keys
    drop: Keys
    become: Keys


class Now(NamedTuple):
    """The present: every array has futures in its last axis.

    Attributes:
        lanes: Random key of each site in each future, the last for the nation.
        people: Count in each cell.
        incoming: Who enters each cell in this period; it holds where `touched`.
        touched: Whether anybody may have entered each cell, by cell.
        way: Count under way on each choice arc.
        ring: Those under way by block, slot and arc.
        alive, began: How many of a cohort of a detail are under way, and were at first, by block and slot.
        hosted: Where cohorts of details were sent, by block, slot and host.
        weights: By what starters are shared among hosts, or waiters among legs.
        dials: Settings by dial and site; `same` where they are alike in all futures.
        spent: Money spent on each line in its window.
        asked: Requests, then moves, by choice arc; all are 0 unless `busy`.
        busy: Whether anybody asks on each arc, by arc.
        served: Cases served on each serve arc.
        room: What is left of rows of limits, then of lines of money.
        known: Whether the row of `room` has been found in this period (2: after the moves).
        hours: Hours of people by cell; `left`: not used yet.
        even: Whether what earlier arcs left of each cell is alike in all futures (chance arcs that dials turn).
        guests: People of other sites at work at each site.
        ahead_move, ahead_serve: Look-ahead cost of a line in this period, by arc; futures play no part.
        arcs, use: Room for a list of arcs.
    """

    lanes: Keys
    people: Float
    incoming: Float
    touched: Flags
    way: Float
    ring: Short
    alive: Float
    began: Float
    hosted: Float
    weights: Float
    dials: Float
    same: Flags
    spent: Float
    asked: Float
    busy: Flags
    served: Float
    room: Float
    known: Flags
    hours: Float
    left: Float
    even: Flags
    guests: Float
    ahead_move: Float
    ahead_serve: Float
    arcs: Int
    use: Float


class Records(NamedTuple):
    """The arrays of a `Trace` with futures in the last axis; what is not recorded has no rows."""

    people: Short
    under_way: Short
    moved: Short
    passed: Short
    failed: Short
    dropped: Short
    flowed: Short
    entered: Short
    served: Short
    became: Short
    hours: Real
    used: Real
    hosted: Real
    dials: Real
    spent: Float
    rows: npt.NDArray[np.bool_]
    lines: npt.NDArray[np.bool_]


@cache
def _logs() -> Float:
    """Return log k! for k from 0 up."""
    return np.array([math.lgamma(k + 1.0) for k in range(_FACTORIALS)])


def scratch(network: Network, flat: Flat, draws: int) -> Scratch:
    """Return rows for the moment."""
    width = draws + _PAD
    longest = max([network.n_choices, network.n_serves, flat.host_rows, width])

    def row(kind: type = np.float64) -> npt.NDArray[np.generic]:
        return np.zeros(width, kind)

    return Scratch(
        row(np.uint64), row(np.uint8), row(), row(), row(np.int64), row(np.uint64), row(), row(), row(), row(),
        np.zeros(_TABLE), _logs(), row(), row(), row(), row(np.uint8), row(np.uint8), row(np.uint8), np.zeros(longest),
        np.zeros(longest, np.int64),
    )  # type: ignore[arg-type]  # fmt: skip


def streams(flat: Flat, seed: int) -> Streams:
    """Return the keys of all streams of a run."""
    keys = [
        np.array([chance.stream_key(seed, name, purpose) for name in flat.streams[purpose]], np.uint64)
        for purpose in ("flow", "enter", "pass", "drop", "become")
    ]
    return Streams(*keys)


def present(network: Network, flat: Flat, futures: Int) -> Now:
    """Return the first day, the same in each future."""
    draws, sites = len(futures), len(network.sites)
    width, lines = draws + _PAD, len(network.lines)
    cells, arcs, serves = network.n_cells, network.n_choices, network.n_serves

    def rows(count: int) -> Float:
        return np.zeros((count, width))

    lanes = np.zeros((sites + 1, width), np.uint64)
    lanes[:, :draws] = chance.lanes(futures, flat.sites).T
    people = rows(cells)
    people[:] = np.concatenate([b.start for b in network.stocks] or [np.zeros(0)])[:, None]
    ring, way = np.zeros((flat.ring_rows, width), np.int32), rows(arcs)
    for i, b in enumerate(network.choices):
        if b.begun is not None and b.lasts:
            at = int(flat.legs.ring[i])
            ring[at : at + b.begun.size] = np.reshape(b.begun, -1)[:, None]
            way[b.arcs] = b.begun.sum(axis=0)[:, None]
    dials = np.zeros((len(network.dials.names), sites + 1, width))
    dials[:] = network.dials.start[:, None, None]
    return Now(
        lanes, people, rows(cells), np.zeros(cells, np.uint8), way, ring, rows(flat.slot_rows),
        rows(flat.slot_rows), rows(flat.hosted_rows), np.ones((flat.host_rows, width)), dials,
        np.ones(dials.shape[:2], np.uint8), rows(lines),
        rows(arcs), np.zeros(arcs, np.uint8), rows(serves), rows(network.n_rows + lines),
        np.zeros(network.n_rows + lines, np.uint8), rows(cells), rows(cells), np.ones(cells, np.uint8), rows(sites),
        np.zeros((lines, arcs)), np.zeros((lines, serves)), np.zeros(max(arcs, serves), np.int64),
        np.zeros(max(arcs, serves)),
    )  # fmt: skip


_SIZES = {
    "people": "c+", "under_way": "a+", "moved": "a", "passed": "a", "failed": "a", "dropped": "a", "flowed": "f",
    "entered": "e", "served": "b", "became": "c", "hours": "c", "used": "c", "hosted": "s", "dials": "k",
    "spent": "l", "rows": "r", "lines": "l",
}  # fmt: skip


def records(network: Network, draws: int, wanted: frozenset[str] | None) -> tuple[Records, Trace]:
    """Return what is recorded twice: for the loops, and as a `Trace`; the same memory.

    Args:
        network: The network.
        draws: Futures in the batch.
        wanted: Fields of `Trace` to record, or None for all; the others have shape (0,).
    """
    periods, sites = network.periods.count, len(network.sites)
    size = {
        "c": network.n_cells, "a": network.n_choices, "f": network.n_chances, "e": network.n_entries,
        "b": network.n_serves, "s": sites, "l": len(network.lines), "r": network.n_rows,
    }  # fmt: skip
    layouts: dict[str, tuple[tuple[int, ...], np.dtype[Any]]] = {}
    for name, code in _SIZES.items():
        kind = np.dtype(np.int32)
        if name in ("hours", "used", "hosted", "dials"):
            kind = np.dtype(np.float32)
        elif name in ("spent", "rows", "lines"):
            kind = np.dtype(np.float64 if name == "spent" else np.bool_)
        middle = (len(network.dials.names), sites + 1) if code == "k" else (size[code[0]],)
        shape = (periods + len(code) - 1, *middle, draws)
        layouts[name] = (shape if wanted is None or name in wanted else (0,) * len(shape), kind)
    inner = dict(zip(layouts, lease(list(layouts.values())), strict=True))
    outer = {
        name: np.moveaxis(array, -1, 0) if wanted is None or name in wanted else array.reshape(-1)
        for name, array in inner.items()
    }
    return Records(**inner), Trace(**outer)  # type: ignore[arg-type]


def fields() -> tuple[str, ...]:
    """Return the names of what can be recorded."""
    return tuple(_SIZES)


RecordOf = Record
