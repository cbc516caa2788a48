"""What a policy may see: the counts of this instant and of the past, never the future."""

from __future__ import annotations

import datetime as dt

import numpy as np

from fieldshift.engines.engine import Engine
from fieldshift.network.graph import ChoiceBlock, Float, Int, Network

__all__ = ["View"]


class View:
    """The present of one batch of futures, by the planner's names.

    Counts are arrays of shape (D, n): n sites in canonical order (`sites`), or 1 for something national.

    Args:
        engine: The engine, after steps 1 and 2 of the period.
        period: The period.
    """

    def __init__(self, engine: Engine, period: int) -> None:
        self._engine = engine
        self.period = period
        self.network: Network = engine.network
        self.draws = engine.draws
        self.whole = engine.whole
        self._people: Float | None = None

    @property
    def date(self) -> dt.date:
        """The first day of the period."""
        return self.network.periods.instants[self.period]

    @property
    def sites(self) -> tuple[str, ...]:
        """The ids of the sites in canonical order."""
        return self.network.sites.ids

    @property
    def cells(self) -> Float:
        """Count in each cell, shape (D, C)."""
        if self._people is None:
            self._people = np.asarray(self._engine.people, np.float64)
        return self._people

    @property
    def dials(self) -> Float:
        """Setting of each dial, shape (D, K, S + 1); the last column is the nation."""
        return self._engine.dials

    def people(self, stock: str) -> Float:
        """Return the count of a stock (the experienced and the new) or of a work, by site or national."""
        return np.asarray(sum(self.cells[:, b.cells] for b in self.network.blocks_of(stock)))

    def backlog(self, work: str) -> Float:
        """Return the cases of a work that wait, by site or national."""
        return self.people(work)

    def under_way(self, choice: str) -> Float:
        """Return how many are under way on all legs of a choice in each future, shape (D,)."""
        arcs = [b.arcs for b in self.network.choices if b.part == choice]
        return np.asarray(sum(self._engine.under_way[:, a].sum(axis=1) for a in arcs))

    def on_leg(self, block: ChoiceBlock) -> Float:
        """Return how many are under way on one leg of a choice, by arc, shape (D, n)."""
        return self._engine.under_way[:, block.arcs]

    def served(self, work: str, window: int) -> Float:
        """Return the cases of a work served in the last periods, by site or national."""
        block = next(b for b in self.network.serves if b.name == work)
        past = self._engine.trace.served[:, max(self.period - window, 0) : self.period, block.arcs]
        return np.asarray(past.sum(axis=1, dtype=np.float64))

    def moved(self, arcs: Int) -> Float:
        """Return how many started on some choice arcs in the last period, shape (D, len(arcs))."""
        if self.period == 0:
            return np.zeros((self.draws, len(arcs)))
        return self._engine.trace.moved[:, self.period - 1, arcs].astype(np.float64)

    def share_used(self, stock: str) -> Float:
        """Return the share of a stock's hours that was used in the last period, by site or national."""
        blocks = self.network.blocks_of(stock)
        if self.period == 0:
            return np.zeros((self.draws, len(blocks[0].sites)))
        trace, last = self._engine.trace, self.period - 1
        used = np.asarray(sum(trace.used[:, last, b.cells].astype(np.float64) for b in blocks))
        hours = np.asarray(sum(trace.hours[:, last, b.cells].astype(np.float64) for b in blocks))
        share: Float = np.divide(used, hours, out=np.zeros_like(used), where=hours > 0)
        return share

    def spent(self, line: str) -> Float:
        """Return the money spent on a line in this fiscal year so far, shape (D,)."""
        index = next(i for i, item in enumerate(self.network.lines) if item.name == line)
        return self._engine.spent[:, index]
