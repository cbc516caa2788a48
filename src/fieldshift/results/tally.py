"""Sums over the records of one batch, for the nation or by site: what every measure is made of.

A measure is written once: of a tally of the nation it has shape (D, time), of one by site (D, time, S). The
nation counts the cells of all sites and the national ones; a ratio of the nation is a ratio of sums.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from fieldshift.network.graph import OUTSIDE, Bool, ChanceBlock, ChoiceBlock, Float, Int, Network, StockBlock
from fieldshift.results.trace import Trace

__all__ = [
    "Array",
    "Crossing",
    "Group",
    "Tally",
    "crossings",
    "people_of",
    "ratio",
    "strength",
    "under_way_on",
]

Array = npt.NDArray[Any]
_OF_CELLS = {"people": ("person", "case"), "became": ("case",), "hours": ("person",), "used": ("person",)}
"""Records over cells, and which kinds of stock they are asked of."""


class Group(NamedTuple):
    """Some cells or arcs of one record.

    Attributes:
        record: The record's name in a `Trace`.
        where: Indices into its last axis, shape (m,).
        sites: Site of each, or OUTSIDE, shape (m,).
        weight: What one unit counts.
    """

    record: str
    where: Int
    sites: Int
    weight: float = 1


class Crossing(NamedTuple):
    """People who enter or leave strength on some arcs.

    Attributes:
        kind: The planner's word for it (`quit`, `hire`), or `dropout`, `failed`.
        enters: True where they enter strength, False where they leave it.
        by_choice: True where somebody decided it.
        group: The arcs.
    """

    kind: str
    enters: bool
    by_choice: bool
    group: Group


class Tally:
    """Sums over one trace.

    Args:
        trace: The records of one batch.
        network: The network that it was lived on.
        by_site: Whether sums are by site (D, time, S) or for the nation (D, time).
    """

    def __init__(self, trace: Trace, network: Network, by_site: bool) -> None:
        self.trace, self.network, self.by_site = trace, network, by_site
        self.draws = len(trace.people)
        self.periods = network.periods.count
        self.instants = self.periods + 1
        self.weeks = network.periods.length("week")
        self.years = network.periods.length("year")
        self._sums: dict[tuple[str, int, int], Array] = {}

    @cached_property
    def strength(self) -> Bool:
        """Whether the people of each cell are employed here, shape (C,)."""
        return strength(self.network)

    @cached_property
    def crossings(self) -> tuple[Crossing, ...]:
        """All arcs on which people enter or leave strength."""
        return crossings(self.network, self.strength)

    def zeros(self, times: int) -> Array:
        """Return a count of nothing over `instants` or `periods`."""
        shape = (self.draws, times, len(self.network.sites)) if self.by_site else (self.draws, times)
        return np.zeros(shape, np.int64)

    def total(self, groups: Iterable[Group], times: int) -> Array:
        """Return the sum of some groups over `instants` or `periods`, whole where the records are."""
        found = self.zeros(times)
        for group in groups:
            if not len(group.where):
                continue
            part = self._by_site(group) if self.by_site else self._nation(group)
            found = found + (part if group.weight == 1 else part * group.weight)
        return found

    def _nation(self, group: Group) -> Array:
        record: Array = getattr(self.trace, group.record)
        first, stop = int(group.where[0]), int(group.where[-1]) + 1
        if stop - first != len(group.where):
            return np.asarray(record[:, :, group.where].sum(axis=-1, dtype=_wide(record)))
        key = group.record, first, stop
        if key not in self._sums:
            self._sums[key] = np.asarray(record[:, :, first:stop].sum(axis=-1, dtype=_wide(record)))
        return self._sums[key]

    def _by_site(self, group: Group) -> Array:
        record: Array = getattr(self.trace, group.record)
        inside = group.sites >= 0
        index, sites, count = group.where[inside], group.sites[inside], len(self.network.sites)
        kind = _wide(record)
        if len(sites) == count and bool((np.diff(sites) == 1).all()) and bool((np.diff(index) == 1).all()):
            return record[:, :, index[0] : index[-1] + 1].astype(kind)
        found = np.zeros((*record.shape[:2], count), kind)
        if len(np.unique(sites)) == len(sites):
            found[:, :, sites] = record[:, :, index]
        else:
            for place, site in zip(index.tolist(), sites.tolist(), strict=True):
                found[:, :, site] += record[:, :, place]
        return found

    def weighted(self, group: Group, weight: Float) -> Array:
        """Return the sum of a group over periods, each cell at a weight by period, shape (T, m)."""
        record: Array = getattr(self.trace, group.record)
        amount = record[:, :, group.where] * weight
        if not self.by_site:
            return np.asarray(amount.sum(axis=-1))
        found = np.zeros((*record.shape[:2], len(self.network.sites)))
        for place, site in enumerate(group.sites.tolist()):
            if site >= 0:
                found[:, :, site] += amount[:, :, place]
        return found

    def to_date(self, values: Array, year: Int) -> Array:
        """Return the running sum of each year, over periods; `year` has shape (T,)."""
        total = np.array(values, np.float64)
        for t in range(1, total.shape[1]):
            if year[t] == year[t - 1]:
                total[:, t] += total[:, t - 1]
        return total

    def fixed(self, rows: Sequence[tuple[Float, Int]], times: int) -> Array:
        """Return the sum of numbers that hold in all futures, given as (T, n) with their distinct sites (n,).

        At an instant those of the period that starts there hold; at the last one, those of the last period.
        """
        period = np.minimum(np.arange(times), self.periods - 1)
        total = np.zeros((times, len(self.network.sites) if self.by_site else 1))
        for data, sites in rows:
            if self.by_site:
                total[:, sites[sites >= 0]] += data[period][:, sites >= 0]
            else:
                total[:, 0] += data[period].sum(axis=1)
        shaped = total if self.by_site else total[:, 0]
        return np.broadcast_to(shaped, (self.draws, *shaped.shape))


def _wide(record: Array) -> type[np.int64] | type[np.float64]:
    return np.int64 if record.dtype.kind in "iub" else np.float64


def ratio(over: Array, under: Array) -> Array:
    """Return one count divided by another, NaN (no meaning) where there is nothing to divide by."""
    over, under = np.asarray(over, np.float64), np.asarray(under, np.float64)
    shape = np.broadcast_shapes(over.shape, under.shape)
    found = np.full(shape, np.nan)
    np.divide(over, under, out=found, where=np.broadcast_to(under != 0, shape))
    return found


def people_of(blocks: Iterable[StockBlock], weight: Callable[[StockBlock], float] | None = None) -> list[Group]:
    """Return the cells of some stocks, each person counted as one or at a weight."""
    return [
        Group("people", np.arange(b.cells.start, b.cells.stop), b.sites, 1 if weight is None else weight(b))
        for b in blocks
    ]


def under_way_on(blocks: Iterable[ChoiceBlock]) -> list[Group]:
    """Return those under way on some legs."""
    return [Group("under_way", np.arange(b.arcs.start, b.arcs.stop), b.sites) for b in blocks]


def strength(network: Network) -> Bool:
    """Return whether the people of each cell are employed here, shape (C,).

    A queue between two stages is on strength where the stage before it is.
    """
    on = np.zeros(network.n_cells, np.bool_)
    for stock in network.stocks:
        on[stock.cells] = stock.on_strength
    waiting = np.zeros(network.n_cells, np.bool_)
    for stock in network.stocks:
        waiting[stock.cells] = stock.waiting
    for leg in network.choices:
        if leg.on_strength:
            head = leg.head[leg.head >= 0]
            on[head[waiting[head]]] = True
    return on


def crossings(network: Network, on: Bool) -> tuple[Crossing, ...]:
    """Return all arcs on which people enter or leave strength, from the records that count them."""
    found: list[Crossing] = []
    for chance in network.chances:
        found += _crossed(
            ("flowed", chance.first, _chance_sites(network, chance)),
            (_at(on, chance.tail), _at(on, chance.head)),
            (chance.kind, False),
        )
    for entry in network.entries:
        sites = network.cell_site[entry.head]
        outside = np.zeros(len(entry.head), np.bool_)
        found += _crossed(("entered", entry.first, sites), (outside, _at(on, entry.head)), ("entry", False))
    for leg in network.choices:
        tail, way = _at(on, leg.tail), np.full(len(leg.tail), leg.on_strength)
        if leg.lasts:
            found += _crossed(("moved", leg.first, leg.sites), (tail, way), (leg.kind, True))
        before = way if leg.lasts else tail
        found += _crossed(("passed", leg.first, leg.sites), (before, _at(on, leg.head)), (leg.kind, True))
        found += _crossed(("failed", leg.first, leg.sites), (before, _at(on, leg.fail)), ("failed", False))
        if leg.lasts:
            found += _crossed(("dropped", leg.first, leg.sites), (before, _at(on, leg.drop_to)), ("dropout", False))
    return tuple(found)


def _at(on: Bool, cells: Int) -> Bool:
    inside = cells >= 0
    found = np.zeros(len(cells), np.bool_)
    found[inside] = on[cells[inside]]
    return found


def _chance_sites(network: Network, block: ChanceBlock) -> Int:
    tail = network.cell_site[block.tail]
    head = np.full(len(block.head), OUTSIDE, np.int64)
    head[block.head >= 0] = network.cell_site[block.head[block.head >= 0]]
    return np.asarray(np.where(tail >= 0, tail, head))


def _crossed(where: tuple[str, int, Int], ends: tuple[Bool, Bool], what: tuple[str, bool]) -> list[Crossing]:
    record, first, sites = where
    found = []
    for enters, mask in ((True, ~ends[0] & ends[1]), (False, ends[0] & ~ends[1])):
        arcs = np.flatnonzero(mask)
        if len(arcs):
            found.append(Crossing(what[0], enters, what[1], Group(record, arcs + first, sites[arcs])))
    return found
