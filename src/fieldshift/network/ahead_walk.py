"""The backward recursion of `ahead.py`, compiled: one line of money at a time over flat arrays."""

from __future__ import annotations

import numba
import numpy as np

__all__ = ["walk"]


@numba.njit(cache=True, nogil=True)
def walk(window, costs, opening, closing, legs, arcs, serves, shares, entries, means, found):  # type: ignore[no-untyped-def] # pragma: no cover - compiled
    """Walk back from the last period, for each line.

    Args:
        window: Window of each period, shape (T,).
        costs: Cost by line and period of a cell (M, T, C), a start (M, T, A), a period under way (M, T, A), a case
            served (M, T, B).
        opening: Chance arcs of that timing: tail (n,), head or -1 (n,), probability (T, n).
        closing: The same of the other timing.
        legs: First arc of each block and the end (n + 1,), its first place under way (n,), periods it lasts (n,),
            whether it is a later leg (n,), chance to pass (n, T), to drop out (n, T).
        arcs: Tail, head, where those who fail go, and those who drop out (-1 is outside), and whether the head is a
            queue before a later leg, shape (5, A).
        serves: Tail of each serve arc, then its heads or -1, shape (1 + H, B).
        shares: Share of cases that go to each head, shape (H, B).
        entries: Cell of each entry, shape (E,).
        means: Mean number of each, shape (T, E).
        found: What is found, filled in: cell (M, T, C), move (M, T, A), transit (M, T, W), serve (M, T, B),
            entry (M, T).
    """
    for m in range(costs[0].shape[0]):
        _one(
            window, (costs[0][m], costs[1][m], costs[2][m], costs[3][m]), opening, closing, legs, arcs, serves, shares,
            entries, means, (found[0][m], found[1][m], found[2][m], found[3][m], found[4][m]),
        )  # fmt: skip


@numba.njit(cache=True, nogil=True)
def _through(after, chances, t, before):  # type: ignore[no-untyped-def] # pragma: no cover - compiled
    """Fill in the value of a unit before the chance arcs of one timing, given its value after them."""
    before[:] = after
    for k in range(len(chances[0])):
        head = chances[1][k]
        gained = after[head] if head >= 0 else 0.0
        before[chances[0][k]] += chances[2][t, k] * (gained - after[chances[0][k]])


@numba.njit(cache=True, nogil=True)
def _inside(value, cell):  # type: ignore[no-untyped-def] # pragma: no cover - compiled
    return value[cell] if cell >= 0 else 0.0


@numba.njit(cache=True, nogil=True)
def _one(window, costs, opening, closing, legs, arcs, serves, shares, entries, means, found):  # type: ignore[no-untyped-def] # pragma: no cover - compiled
    first, way, lasts, auto, passing, drop = legs
    cell, move, transit, serve, entry = found
    count = len(window)
    later = np.zeros(cell.shape[1])
    for t in range(count - 1, -1, -1):
        ended = t + 1 < count and window[t + 1] != window[t]
        if ended:
            later[:] = 0.0
        _through(later, closing, t, cell[t])
        for c in range(cell.shape[1]):
            cell[t, c] += costs[0][t, c]
        on = t + 1 < count and not ended
        for b in range(len(lasts)):
            if lasts[b]:
                good = passing[b, min(t + 1, count - 1)]
                for a in range(first[b], first[b + 1]):
                    gone = drop[b, t] * _inside(later, arcs[3, a])
                    place = way[b] + (a - first[b]) * lasts[b]
                    for r in range(lasts[b]):
                        if r:
                            ahead = transit[t + 1, place + r - 1] if on else 0.0
                        else:
                            ahead = good * _inside(later, arcs[1, a]) + (1.0 - good) * _inside(later, arcs[2, a])
                        transit[t, place + r] = costs[2][t, a] + (1.0 - drop[b, t]) * ahead + gone
        for b in range(len(lasts) - 1, -1, -1):
            good = passing[b, t]
            for a in range(first[b], first[b + 1]):
                value = costs[1][t, a]
                if lasts[b]:
                    value += transit[t, way[b] + (a - first[b] + 1) * lasts[b] - 1]
                else:
                    value += good * _inside(later, arcs[1, a]) + (1.0 - good) * _inside(later, arcs[2, a])
                    if not arcs[4, a]:
                        value += good * _inside(costs[0][t], arcs[1, a])
                move[t, a] = value
            for a in range(first[b], first[b + 1]):
                if auto[b]:
                    cell[t, arcs[0, a]] = move[t, a]
                    move[t, a] = 0.0
                else:
                    move[t, a] -= _inside(cell[t], arcs[0, a])
        entry[t] = entry[t + 1] if on else 0.0
        for k in range(len(entries)):
            entry[t] += later[entries[k]] * means[t, k]
        for k in range(serves.shape[1]):
            value = costs[3][t, k] - cell[t, serves[0, k]]
            for h in range(shares.shape[0]):
                head = serves[h + 1, k]
                if head >= 0:
                    value += shares[h, k] * (costs[0][t, head] + later[head])
            serve[t, k] = value
        _through(cell[t], opening, t, later)
