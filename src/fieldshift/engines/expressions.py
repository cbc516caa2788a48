"""The mean step as linear expressions in a plan's decisions.

A plan decides once per group of periods; within a group its moves are even over the periods in which they are open.
For identity groups (one period each) the expressions are the mean step exactly; for longer groups they are exact for
such even decisions. People in transit are not columns: what arrives is `survival * pass * moved[t - lasts]`.

Let x be the count at an instant, y the count at the moment of deciding, m moved, v served. In each period

    y = Open (x + arrivals),    x' = Close (y - out) + in

where Open and Close apply the chance arcs of the two timings (Bartholomew & Forbes 1979, Statistical Techniques for
Manpower Planning, Wiley; the transitions are those of `step.py` with `luck.Mean`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import scipy.sparse as sp

from fieldshift.network.graph import Bool, ChoiceBlock, Float, Int, Network

__all__ = ["Affine", "Columns", "Dynamics", "Lag", "columns_of", "lags", "with_dials"]


@dataclass(frozen=True)
class Columns:
    """Where each decision stands among the columns of the program.

    Attributes:
        groups: First period of each group, and the end, shape (G + 1,).
        people: First column of the counts at the start of groups 1 .. G, (G, C).
        moved: First column of the moves, (G, A).
        served: First column of the cases served, (G, B).
        hours: First column of the hours given, (G, pairs); only where several cells can serve one arc.
        pairs: For each such pair, its serve arc and its cell, shape (pairs, 2).
        hosts: For each choice block with hosts, its first column, (G, m).
        needs: For each need, first columns of short and of over, one for each step of their price, (G, n) each.
        used: For each choice block with a fixed charge or a batch, its first column, 1 in a group in which it is
            used, (G,).
        count: Number of columns.
    """

    groups: Int
    people: int
    moved: int
    served: int
    hours: int
    pairs: Int
    hosts: dict[int, int]
    needs: dict[str, tuple[tuple[int, ...], tuple[int, ...]]]
    used: dict[int, int]
    count: int

    @property
    def size(self) -> int:
        """Number of groups, G."""
        return len(self.groups) - 1

    def lengths(self) -> Int:
        """Number of periods of each group, shape (G,)."""
        return np.diff(self.groups)


def columns_of(network: Network, groups: Int) -> Columns:
    """Lay out the columns of a program."""
    size = len(groups) - 1
    first = 0

    def take(n: int) -> int:
        nonlocal first
        start, first = first, first + size * n
        return start

    people, moved, served = take(network.n_cells), take(network.n_choices), take(network.n_serves)
    pairs = _pairs(network)
    hours = take(len(pairs))
    hosts = {i: take(len(b.hosts)) for i, b in enumerate(network.choices) if len(b.hosts)}
    needs = {
        n.name: (
            tuple(take(len(n.sites)) for _ in range(1 + len(n.short.steps if n.short else ()))),
            tuple(take(len(n.sites)) for _ in range(1 + len(n.over.steps if n.over else ()))),
        )
        for n in network.needs
    }
    used = {
        i: take(1)
        for i, b in enumerate(network.choices)
        if (b.fixed is not None and b.fixed.any()) or (b.batch is not None and b.batch.any())
    }
    return Columns(groups, people, moved, served, hours, pairs, hosts, needs, used, first)


def _pairs(network: Network) -> Int:
    """Return the pairs of serve arc and cell where the hours of several cells can serve one arc."""
    found: list[tuple[int, int]] = []
    for block in network.serves:
        for k, site in enumerate(block.sites.tolist()):
            cells: list[int] = []
            for index, _ in block.by:
                stock = network.stocks[index]
                mine = np.ones(len(stock.sites), bool) if site < 0 else stock.sites == site
                cells += (np.flatnonzero(mine) + stock.first).tolist()
            if len(cells) != 1:
                found += [(block.first + k, c) for c in cells]
    return np.array(found, np.int64).reshape(-1, 2)


@dataclass(frozen=True)
class Affine:
    """Rows of linear expressions: `matrix @ columns + constant`."""

    matrix: sp.csr_array
    constant: Float

    def __add__(self, other: Affine) -> Affine:
        return Affine((self.matrix + other.matrix).tocsr(), self.constant + other.constant)

    def __sub__(self, other: Affine) -> Affine:
        return Affine((self.matrix - other.matrix).tocsr(), self.constant - other.constant)

    def after(self, left: sp.csr_array) -> Affine:
        """Return the expressions multiplied from the left by a matrix."""
        return Affine((left @ self.matrix).tocsr(), left @ self.constant)


@dataclass(frozen=True)
class Lag:
    """What one unit started in period `start` on a block means in period `now`: parallel arrays.

    `start` may be negative: those under way on the first day.
    """

    start: Int
    now: Int
    weight: Float

    def only(self, which: Bool) -> Lag:
        """Return some of its entries."""
        return Lag(self.start[which], self.now[which], self.weight[which])


class Lags(NamedTuple):
    """What the starts of one block mean later.

    Attributes:
        way: Under way before the moves of a period.
        arrive: At their end, before passing or failing.
        drop: Dropping out in a period.
        after: Under way after the moves of a period, those who start in it too.
    """

    way: Lag
    arrive: Lag
    drop: Lag
    after: Lag


def lags(block: ChoiceBlock, count: int) -> Lags:
    """Return what one unit started on a block means in each later period, dropouts taken off on the way."""
    length = block.lasts
    low = -length if block.begun is not None else 0
    log = np.concatenate([[0.0], np.cumsum(np.log1p(-np.minimum(block.drop, 1 - 1e-15)))])
    begun, k = np.meshgrid(np.arange(low, count), np.arange(length + 1), indexing="ij")
    start, now, lag = begun.ravel(), (begun + k).ravel(), k.ravel()
    keep = (now >= 0) & (now < count)
    start, now, lag = start[keep], now[keep], lag[keep]
    weight = np.exp(log[now] - log[np.maximum(start, 0)])
    found = Lag(start, now, weight)
    here = lag < length
    drop = found.only(here & (block.drop[now] > 0))
    drop = Lag(drop.start, drop.now, drop.weight * block.drop[drop.now])
    return Lags(found.only(here & (lag >= 1)), found.only(lag == length), drop, found.only(here))


class Dynamics:
    """Expressions of the mean step for all groups at once, position by position within the group.

    Args:
        network: The network.
        columns: The columns.
    """

    def __init__(self, network: Network, columns: Columns) -> None:
        self.network, self.columns = network, columns
        count = network.periods.count
        self.group = np.repeat(np.arange(columns.size), columns.lengths())
        self.even = [self._even(b.open) for b in network.choices]
        self.even_serve = [self._even(b.open) for b in network.serves]
        self._lags = [lags(b, count) if b.lasts else None for b in network.choices]

    def _even(self, open_: Float) -> Float:
        """Return the part of a group's decision that falls on each period, shape (T,)."""
        total = np.add.reduceat(open_, self.columns.groups[:-1])
        return np.divide(open_, total[self.group], out=np.zeros_like(open_), where=total[self.group] > 0)

    def after_moves(self, i: int) -> tuple[Int, Int, Float, Float]:
        """Return start, now and survival of those of a block under way after the moves, and the starts' even parts."""
        found = self._lags[i]
        assert found is not None
        start, now, weight = found.after.start, found.after.now, found.after.weight
        return start, now, weight, np.where(start >= 0, self.even[i][np.maximum(start, 0)], 0.0)

    def rows(self, periods: Int, width: int, parts: list[tuple[Int, Int, Int, Float]], constant: Float) -> Affine:
        """Return expressions with a row for each of some periods times `width`.

        Each part holds, as parallel arrays, the position among `periods`, the row within `width`, the column, and
        the coefficient.
        """
        if parts:
            position, row, column, value = (np.concatenate([p[i] for p in parts]) for i in range(4))
        else:
            position, row, column, value = np.zeros((4, 0), np.int64)
        shape = (len(periods) * width, self.columns.count)
        matrix = sp.coo_array((value.astype(np.float64), (position * width + row, column)), shape=shape).tocsr()
        return Affine(matrix, constant.ravel())

    def moves(self, periods: Int, cells: list[Int], weights: list[Float]) -> list[tuple[Int, Int, Int, Float]]:
        """Return parts for moves of each block in each period: to a row for each arc, with a weight by period."""
        parts = []
        for block, even, cell, weight in zip(self.network.choices, self.even, cells, weights, strict=True):
            inside = np.flatnonzero(cell >= 0)
            value = (even * weight)[periods]
            used = np.flatnonzero(value)
            position, arc = np.meshgrid(used, inside, indexing="ij")
            column = self.columns.moved + self.group[periods[position]] * self.network.n_choices + block.first + arc
            parts.append((position.ravel(), cell[arc].ravel(), column.ravel(), np.repeat(value[used], len(inside))))
        return parts

    def lagged(self, periods: Int, which: int, cells: list[Int], weights: list[Float], width: int) -> Affine:
        """Return what past starts mean in each of some periods, for one kind of lag (0 under way, 1 arrive, 2 drop).

        Args:
            periods: The periods.
            which: Kind of lag.
            cells: For each block, the row that each arc counts in, or -1.
            weights: For each block, a weight by the period in which it counts, shape (T,).
            width: Number of rows in each period.
        """
        place = np.full(self.network.periods.count, -1)
        place[periods] = np.arange(len(periods))
        constant = np.zeros((len(periods), width))
        parts: list[tuple[Int, Int, Int, Float]] = []
        for i, block in enumerate(self.network.choices):
            found = self._lags[i]
            inside = np.flatnonzero(cells[i] >= 0)
            if found is None or not len(inside):
                continue
            lag = found[which]
            value = lag.weight * weights[i][lag.now]
            keep = (place[lag.now] >= 0) & (value != 0)
            start, position, value = lag.start[keep], place[lag.now[keep]], value[keep]
            new = start >= 0
            even = self.even[i][np.maximum(start, 0)]
            kept = np.flatnonzero(new & (even > 0))
            p, arc = np.meshgrid(kept, inside, indexing="ij")
            column = self.columns.moved + self.group[start[p]] * self.network.n_choices + block.first + arc
            parts.append(
                (
                    position[p].ravel(),
                    cells[i][arc].ravel(),
                    column.ravel(),
                    np.repeat(value[kept] * even[kept], len(inside)),
                )
            )
            if block.begun is not None:
                for q in np.flatnonzero(~new):
                    amount = block.begun[start[q] % block.lasts, inside] * value[q]
                    np.add.at(constant[position[q]], cells[i][inside], amount)
        return self.rows(periods, width, parts, constant)

    def arrivals(self, periods: Int) -> Affine:
        """Return those who arrive from under way in each of some periods, by cell."""
        n = self.network.n_cells
        good = self.lagged(
            periods, 1, [b.head for b in self.network.choices], [b.passing for b in self.network.choices], n
        )
        fail = [1.0 - b.passing for b in self.network.choices]
        return good + self.lagged(periods, 1, [b.fail for b in self.network.choices], fail, n)

    def chance(self, periods: Int, opening: bool) -> sp.csr_array:
        """Return the matrix of the chance arcs of one timing, block diagonal over some periods."""
        n = self.network.n_cells
        size = len(periods) * n
        row, column, value = [np.arange(size)], [np.arange(size)], [np.ones(size)]
        base = np.arange(len(periods))[:, None] * n
        for block in self.network.chances:
            if block.opening is not opening:
                continue
            p = with_dials(block.p, block.turns, self.network)[periods]
            tail, head = base + block.tail[None, :], base + np.maximum(block.head, 0)[None, :]
            row.append(tail.ravel())
            column.append(tail.ravel())
            value.append(-p.ravel())
            inside = np.flatnonzero(block.head >= 0)
            row.append(head[:, inside].ravel())
            column.append(tail[:, inside].ravel())
            value.append(p[:, inside].ravel())
        where = (np.concatenate(row), np.concatenate(column))
        return sp.coo_array((np.concatenate(value), where), shape=(size, size)).tocsr()

    def outgoing(self, periods: Int) -> Affine:
        """Return those who leave each cell by moves or by being served, in each of some periods."""
        network = self.network
        ones = [np.ones(network.periods.count)] * len(network.choices)
        parts = self.moves(periods, [b.tail for b in network.choices], ones)
        parts += self.served(periods, [(b.tail, 1.0) for b in network.serves])
        return self.rows(periods, network.n_cells, parts, np.zeros((len(periods), network.n_cells)))

    def served(self, periods: Int, ends: list[tuple[Int, float]]) -> list[tuple[Int, Int, Int, Float]]:
        """Return parts for cases served of each block in each period, to a cell (or row) for each arc."""
        parts = []
        for block, even, (cell, weight) in zip(self.network.serves, self.even_serve, ends, strict=True):
            inside = np.flatnonzero(cell >= 0)
            value = even[periods] * weight
            used = np.flatnonzero(value)
            position, arc = np.meshgrid(used, inside, indexing="ij")
            column = self.columns.served + self.group[periods[position]] * self.network.n_serves + block.first + arc
            parts.append((position.ravel(), cell[arc].ravel(), column.ravel(), np.repeat(value[used], len(inside))))
        return parts

    def at_once(self, periods: Int) -> Affine:
        """Return those who enter each cell at once: by moves that last no period, and by being served."""
        network = self.network
        n = network.n_cells
        heads = [b.head if not b.lasts else np.full(len(b.tail), -1) for b in network.choices]
        fails = [b.fail if not b.lasts else np.full(len(b.tail), -1) for b in network.choices]
        parts = self.moves(periods, heads, [b.passing for b in network.choices])
        parts += self.moves(periods, fails, [1.0 - b.passing for b in network.choices])
        deepest = max((len(b.heads) for b in network.serves), default=0)
        for h in range(deepest):
            ends = [b.heads[h] if h < len(b.heads) else (np.full(len(b.tail), -1), 0.0) for b in network.serves]
            parts += self.served(periods, ends)
        return self.rows(periods, n, parts, np.zeros((len(periods), n)))

    def later(self, periods: Int) -> Affine:
        """Return those who enter each cell in steps 8 and 9: dropouts that come back, and entries."""
        network = self.network
        ones = [np.ones(network.periods.count)] * len(network.choices)
        drops = self.lagged(periods, 2, [b.drop_to for b in network.choices], ones, network.n_cells)
        constant = np.zeros((len(periods), network.n_cells))
        for entry in network.entries:
            mean = with_dials(entry.mean, entry.turns, network)[periods]
            np.add.at(constant.T, entry.head, mean.T)
        return Affine(drops.matrix, drops.constant + constant.ravel())

    def first_counts(self) -> Affine:
        """Return the counts at the start of each group: the first day's are constants."""
        network, columns = self.network, self.columns
        n, size = network.n_cells, columns.size
        start = np.concatenate([b.start for b in network.stocks] or [np.zeros(0)])
        constant = np.zeros((size, n))
        constant[0] = start
        index = np.arange((size - 1) * n)
        shape = (size * n, columns.count)
        matrix = sp.coo_array((np.ones(len(index)), (index + n, index + columns.people)), shape=shape).tocsr()
        return Affine(matrix, constant.ravel())


def with_dials(base: Float, turns: tuple[tuple[int, float], ...], network: Network) -> Float:
    """Return a rate with its dials at their first setting."""
    for dial, slope in turns:
        base = base * max(1.0 + slope * (network.dials.start[dial] - 1.0), 0.0)
    return base
