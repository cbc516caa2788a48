"""Lines of money, lowered, with what is already committed to the end of the fiscal year."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from fieldshift.network.graph import ChanceBlock, ChoiceBlock, EntryBlock, Float, Int, Line, ServeBlock
from fieldshift.network.lowering import Charge, Lowering, names
from fieldshift.scenario.schema import Budget

__all__ = ["lower_line"]


def lower_line(desk: Lowering, serves: Sequence[ServeBlock], name: str, budget: Budget) -> Line:
    """Lower one budget to a line: what it pays for, its grant by fiscal year, and the cost ahead of each state."""
    count, cells = desk.count, desk.n_cells
    arcs, served = sum(len(b.tail) for b in desk.choices), sum(len(b.tail) for b in serves)
    pays = set(names(budget.pays))
    cell, transit = (
        _charged(desk.cell_costs, pays, (count, cells)),
        _charged(desk.transit_costs, pays, (count, arcs)),
    )
    move, serve = (
        _charged(desk.move_costs, pays, (count, arcs)),
        _charged(desk.serve_costs, pays, (count, served)),
    )
    year = desk.periods.fiscal_years
    years = sorted(set(year.tolist()))
    window = np.searchsorted(np.array(years), year)
    granted = np.full(len(years), np.nan)
    if budget.cap is not None:
        by_year = desk.values.yearly(f"budgets.{name}.cap", budget.cap, "USD")
        granted = np.array([by_year.get(y, np.nan) for y in years]) * _part_of_year(desk, years)
    cap = np.where(np.isnan(granted), np.inf, granted) if budget.binding else np.full(len(years), np.inf)
    open_ = np.ones(count)
    for lapse in budget.lapses:
        open_[desk.periods.active(lapse.start_from, lapse.until)] = 0.0
    ahead = _Ahead(desk, serves, (window, cell, transit, move, serve))
    if np.isfinite(cap).any():
        ahead.fill()
    return Line(
        name,
        window,
        tuple(years),
        cap,
        granted,
        cell,
        transit,
        move,
        serve,
        open_,
        ahead.cell,
        ahead.move,
        ahead.transit,
        ahead.serve,
        ahead.entry,
        f"budgets.{name}",
        budget.title or name.replace("_", " "),
    )


def _part_of_year(desk: Lowering, years: Sequence[int]) -> Float:
    """Return the share of each fiscal year that the horizon covers: a grant is for the whole year.

    A year that began before the first day has spent its part of the grant already; a year that goes on after the
    last day keeps the rest. A year covered to within two periods counts as whole.
    """
    length = desk.periods.length("year")
    fiscal = desk.periods.fiscal_years
    covered = np.array([(fiscal == y).sum() * length for y in years])
    return np.asarray(np.where(covered > 1.0 - 2.0 * length, 1.0, covered))


def _charged(charges: Sequence[Charge], pays: set[str], shape: tuple[int, int]) -> Float:
    total = np.zeros(shape)
    for charge in charges:
        if charge.group in pays or charge.owner in pays:
            total[:, charge.index] += charge.cost
    return total


class _Ahead:
    """Expected cost to the end of the fiscal year of one unit in each state, by backward recursion over the mean."""

    def __init__(
        self, desk: Lowering, serves: Sequence[ServeBlock], costs: tuple[Int, Float, Float, Float, Float]
    ) -> None:
        self._window, self._cell, self._transit, self._move, self._serve = costs
        self._chances: tuple[ChanceBlock, ...] = tuple(desk.chances)
        self._entries: tuple[EntryBlock, ...] = tuple(desk.entries)
        self._choices: tuple[ChoiceBlock, ...] = tuple(desk.choices)
        self._serves = tuple(serves)
        self._queues = {
            int(b.tail[k]): (i, k) for i, b in enumerate(self._choices) if b.auto for k in range(len(b.tail))
        }
        count, longest = len(self._window), max((b.lasts for b in self._choices), default=0)
        self.cell, self.move = np.zeros_like(self._cell), np.zeros_like(self._move)
        self.transit = np.zeros((count, self._move.shape[1], longest + 1))
        self.serve, self.entry = np.zeros_like(self._serve), np.zeros(count)

    def fill(self) -> None:
        """Walk back from the last period."""
        count = len(self._window)
        later = np.zeros(self._cell.shape[1])
        way_later = np.zeros(self.transit.shape[1:])
        entry_later = 0.0
        for t in range(count - 1, -1, -1):
            if t + 1 < count and self._window[t + 1] != self._window[t]:
                later, way_later, entry_later = np.zeros_like(later), np.zeros_like(way_later), 0.0
            after = self._through(later, t, False)
            self.cell[t] = self._cell[t] + after
            self._on_the_way(t, later, way_later)
            self._starts(t, later)
            self.entry[t] = entry_later + sum(float(e.mean[t] @ later[e.head]) for e in self._entries)
            for block in self._serves:
                value = self._serve[t, block.arcs] - self.cell[t, block.tail]
                for heads, share in block.heads:
                    value = value + share * np.where(heads >= 0, self._cell[t, heads] + later[heads], 0.0)
                self.serve[t, block.arcs] = value
            later = self._through(self.cell[t], t, True)
            way_later, entry_later = self.transit[t], self.entry[t]

    def _through(self, value: Float, t: int, opening: bool) -> Float:
        """Return the value of a unit before the chance arcs of one timing, given its value after them."""
        before = value.copy()
        for block in self._chances:
            if block.opening is opening:
                gain = np.where(block.head >= 0, value[block.head], 0.0) - value[block.tail]
                np.add.at(before, block.tail, block.p[t] * gain)
        return before

    def _on_the_way(self, t: int, later: Float, way_later: Float) -> None:
        for block in self._choices:
            own = self._transit[t, block.arcs]
            arrive = self._arrival(block, t + 1, later)
            gone = np.where(block.drop_to >= 0, later[block.drop_to], 0.0)
            for r in range(1, block.lasts + 1):
                ahead = arrive if r == 1 else way_later[block.arcs, r - 1]
                self.transit[t, block.arcs, r] = own + (1 - block.drop[t]) * ahead + block.drop[t] * gone

    def _arrival(self, block: ChoiceBlock, t: int, value: Float) -> Float:
        passing = block.passing[min(t, len(block.passing) - 1)]
        good = np.where(block.head >= 0, value[block.head], 0.0)
        return np.asarray(passing * good + (1 - passing) * np.where(block.fail >= 0, value[block.fail], 0.0))

    def _starts(self, t: int, later: Float) -> None:
        """Value of starting each arc; a queue before a later leg is worth what starting that leg is."""
        for block in reversed(self._choices):
            own = self._move[t, block.arcs]
            if block.lasts:
                value = own + self.transit[t, block.arcs, block.lasts]
            else:
                now = np.where(block.head >= 0, self._cell[t, block.head], 0.0)
                queue = [self._queues.get(int(h)) for h in block.head]
                value = own + self._arrival(block, t, later) + block.passing[t] * now
                for k, found in enumerate(queue):
                    if found is not None:
                        value[k] = own[k] + later[block.head[k]]
            if block.auto:
                self.cell[t, block.tail] = value
                self.move[t, block.arcs] = 0.0
            else:
                tail = np.where(block.tail >= 0, self.cell[t, block.tail], 0.0)
                self.move[t, block.arcs] = value - tail
