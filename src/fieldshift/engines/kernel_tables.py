"""A network as flat arrays: what the compiled loops read.

Lists of lists are flat with pointers: what belongs to k stands in `ptr[k] .. ptr[k + 1]`. Numbers by period are
kept once for each different row, with `row[t]` the one that holds in period t.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from fieldshift.engines.kernel_rows import Turns
from fieldshift.network.graph import Float, Int

__all__ = ["Entries", "Flat", "Flows", "Legs", "Lines", "Plain", "Rows", "Serves"]

Keys = npt.NDArray[np.uint64]
Flags = npt.NDArray[np.uint8]


class Flows(NamedTuple):
    """Chance arcs in the order in which they compete; `given` is the chance of those whom earlier arcs left.

    `opening` and `closing` list the arcs of each timing. `dialled` is 1 where a dial turns an arc or an earlier one
    of its tail, 2 on the first such arc; `before` is what part of the tail the arcs before it left.
    """

    tail: Int
    head: Int
    site: Int
    block: Int
    owner: Int
    opening: Int
    closing: Int
    dialled: Flags
    row: Int
    p: Float
    given: Float
    before: Float
    log: Float


class Entries(NamedTuple):
    """Arrivals from OUTSIDE."""

    head: Int
    site: Int
    block: Int
    owner: Int
    row: Int
    mean: Float


class Legs(NamedTuple):
    """Choice blocks (by block) and choice arcs (by arc)."""

    first: Int
    count: Int
    lasts: Int
    ring: Int
    slot: Int
    hosted: Int
    lump: Int
    auto: Flags
    pooled: Int
    hosts: Int
    host_row: Int
    serves: Float
    teacher: Int
    teachers: Int
    per_trainee: Float
    owner: Int
    open: Float
    passing: Float
    drop: Float
    tail: Int
    head: Int
    fail: Int
    drop_to: Int
    site: Int
    tied: Int
    host_site: Int
    host_cell: Int


class Rows(NamedTuple):
    """Tails and rows of limits: who uses them, who frees them, and who holds them before the moves."""

    row: Int
    cap: Float
    ranked: Flags
    hold_ptr: Int
    hold: Int
    hold_use: Float
    way_ptr: Int
    way: Int
    way_use: Float
    use_ptr: Int
    use: Int
    use_use: Float
    free_ptr: Int
    free: Int
    free_use: Float
    tail_ptr: Int
    tail_arc: Int
    tail_cell: Int


class Serves(NamedTuple):
    """Serve blocks and arcs; each arc has groups of cells that serve it, and rows of limits that it uses."""

    first: Int
    count: Int
    crew: Int
    owner: Int
    open: Float
    tail: Int
    site: Int
    row: Int
    standard: Float
    group_ptr: Int
    group_weight: Float
    cell_ptr: Int
    cell: Int
    cell_weight: Float
    head_ptr: Int
    head_share: Float
    head_at: Int
    head: Int
    term_ptr: Int
    term_row: Int
    term_arc_ptr: Int
    term_arc: Int
    term_use: Float


class Lines(NamedTuple):
    """Lines of money: costs of a period, and which arcs a lapse stops."""

    row: Int
    cell: Float
    way: Float
    move: Float
    serve: Float
    open: Float
    lapses: Flags


class Plain(NamedTuple):
    """Hours of people by cell, and the numbers of everything."""

    row: Int
    hours: Float
    owner: Int
    person: Flags


@dataclass(frozen=True)
class Flat:
    """All tables of a network.

    Attributes:
        flows, entries, legs, rows, serves, lines, plain, turns: Tables by topic.
        sites: Random key of each site, the last for the nation.
        cell_lane: Site of each cell, the last for the nation.
        finite: In which periods a line of money has a limit, shape (T, lines).
        streams: Names of blocks by purpose of their streams.
        ring_rows, slot_rows, hosted_rows, host_rows: Rows of the state: under way; cohorts of details; where those
            were sent; weights of hosts.
    """

    flows: Flows
    entries: Entries
    legs: Legs
    rows: Rows
    serves: Serves
    lines: Lines
    plain: Plain
    turns: Turns
    sites: Keys
    cell_lane: Int
    finite: npt.NDArray[np.bool_]
    streams: dict[str, tuple[str, ...]]
    ring_rows: int
    slot_rows: int
    hosted_rows: int
    host_rows: int
