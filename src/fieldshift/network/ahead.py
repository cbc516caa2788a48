"""Expected cost to the end of the fiscal year of one unit in each state: what is committed already.

Backward recursion over the mean of the chance arcs; no choice is assumed, but a queue before a later leg moves on at
once. All lines are walked together.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from fieldshift.network.graph import ChoiceBlock, Float, Int, Line, ServeBlock
from fieldshift.network.lowering import Lowering

__all__ = ["Ahead"]


class Ahead:
    """The cost ahead of some lines, M of them.

    Attributes:
        cell: Of one unit in a cell, shape (T, M, C).
        move: Of starting an arc, less what leaving its tail saves, shape (T, M, A).
        transit: Of one person on an arc who arrives after r periods, shape (T, M, A, longest + 1).
        serve: Of serving one case, shape (T, M, B).
        entry: Of all who will enter from OUTSIDE, shape (T, M).
    """

    def __init__(self, desk: Lowering, serves: Sequence[ServeBlock], lines: Sequence[Line]) -> None:
        self._window = lines[0].window
        self._cell = np.stack([line.cell for line in lines], axis=1)
        self._transit = np.stack([line.transit for line in lines], axis=1)
        self._move = np.stack([line.move for line in lines], axis=1)
        self._serve = np.stack([line.serve for line in lines], axis=1)
        self._entries, self._choices, self._serves = desk.entries, desk.choices, serves
        self._chances = {
            opening: [
                (
                    b.tail,
                    np.maximum(b.head, 0),
                    (b.head >= 0).astype(np.float64),
                    b.p,
                    len(np.unique(b.tail)) < len(b.tail),
                )
                for b in desk.chances
                if b.opening is opening
            ]
            for opening in (False, True)
        }
        self._arcs = [slice(b.first, b.first + len(b.tail)) for b in desk.choices]
        self._queued = {int(b.tail[k]): True for b in desk.choices if b.auto for k in range(len(b.tail))}
        longest = max((b.lasts for b in desk.choices), default=0)
        self.cell, self.move = np.zeros_like(self._cell), np.zeros_like(self._move)
        self.transit = np.zeros((*self._move.shape, longest + 1))
        self.serve, self.entry = np.zeros_like(self._serve), np.zeros(self._cell.shape[:2])
        self._walk()

    def _walk(self) -> None:
        """Walk back from the last period."""
        count = len(self._window)
        later = np.zeros(self._cell.shape[1:])
        way_later = np.zeros(self.transit.shape[1:])
        entry_later = np.zeros(self._cell.shape[1])
        for t in range(count - 1, -1, -1):
            if t + 1 < count and self._window[t + 1] != self._window[t]:
                later, way_later = np.zeros_like(later), np.zeros_like(way_later)
                entry_later = np.zeros_like(entry_later)
            self.cell[t] = self._cell[t] + self._through(later, t, False)
            self._on_the_way(t, later, way_later)
            self._starts(t, later)
            self.entry[t] = entry_later
            for entry in self._entries:
                self.entry[t] += later[:, entry.head] @ entry.mean[t]
            for block in self._serves:
                value = self._serve[t][:, block.arcs] - self.cell[t][:, block.tail]
                for heads, share in block.heads:
                    value = value + share * self._inside(self._cell[t] + later, heads)
                self.serve[t][:, block.arcs] = value
            later = self._through(self.cell[t], t, True)
            way_later, entry_later = self.transit[t], self.entry[t]

    @staticmethod
    def _inside(value: Float, cells: Int) -> Float:
        """Return the values of some cells, 0 for OUTSIDE, shape (M, n)."""
        return np.asarray(value[:, np.maximum(cells, 0)] * (cells >= 0))

    def _through(self, value: Float, t: int, opening: bool) -> Float:
        """Return the value of a unit before the chance arcs of one timing, given its value after them."""
        before = value.copy()
        for tail, head, inside, p, repeated in self._chances[opening]:
            gain = p[t] * (value[:, head] * inside - value[:, tail])
            if repeated:
                np.add.at(before.T, tail, gain.T)
            else:
                before[:, tail] += gain
        return before

    def _arrival(self, block: ChoiceBlock, t: int, value: Float) -> Float:
        passing = block.passing[min(t, len(block.passing) - 1)]
        good = self._inside(value, block.head)
        return good if passing == 1.0 else np.asarray(passing * good + (1 - passing) * self._inside(value, block.fail))

    def _on_the_way(self, t: int, later: Float, way_later: Float) -> None:
        for block, arcs in zip(self._choices, self._arcs, strict=True):
            if block.lasts:
                ahead = way_later[:, arcs, : block.lasts].copy()
                ahead[:, :, 0] = self._arrival(block, t + 1, later)
                if block.drop[t] > 0:
                    gone = self._inside(later, block.drop_to)
                    ahead = (1 - block.drop[t]) * ahead + (block.drop[t] * gone)[:, :, None]
                self.transit[t][:, arcs, 1 : block.lasts + 1] = self._transit[t][:, arcs, None] + ahead

    def _starts(self, t: int, later: Float) -> None:
        """Value of starting each arc; a queue before a later leg is worth what starting that leg is."""
        for block, arcs in zip(reversed(self._choices), reversed(self._arcs), strict=True):
            own = self._move[t][:, arcs]
            if block.lasts:
                value = own + self.transit[t][:, arcs, block.lasts]
            else:
                now = block.passing[t] * self._inside(self._cell[t], block.head)
                waits = np.array([int(h) in self._queued for h in block.head])
                value = own + self._arrival(block, t, later) + np.where(waits, 0.0, now)
            if block.auto:
                self.cell[t][:, block.tail] = value
            else:
                self.move[t][:, arcs] = value - self._inside(self.cell[t], block.tail)
