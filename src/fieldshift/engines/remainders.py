"""Whole shares of whole totals by largest remainders, compiled: rules share out in every period of every future.

What is asked for has futures in its last axis, as everything that compiled loops read.
"""

from __future__ import annotations

import numba
import numpy as np

__all__ = ["add_rows", "ask_nation", "ask_sites"]

_TINY = 1e-9


@numba.njit(cache=True, nogil=True)
def _make_whole(wanted, missing, found, rest):  # type: ignore[no-untyped-def] # pragma: no cover - compiled
    """Write whole numbers that add up to `missing` into `found`, as `fit.whole_sum` does; `rest` is room to work in."""
    count = len(wanted)
    for k in range(count):
        found[k] = np.floor(wanted[k] + _TINY)
        rest[k] = np.rint((wanted[k] - found[k]) * 1e9)
        missing -= found[k]
    for _ in range(min(count, int(np.rint(missing)))):
        best = 0
        for k in range(1, count):
            if rest[k] > rest[best]:
                best = k
        found[best] += 1.0
        rest[best] = -np.inf


@numba.njit(cache=True, nogil=True)
def ask_nation(asked, index, weight, where, total, units):  # type: ignore[no-untyped-def] # pragma: no cover - compiled
    """Ask for a national total, shared among arcs by weight; for nothing where all weights are 0.

    Args:
        asked: Requests on all arcs, shape (A, D); added to.
        index: The arcs, shape (n,).
        weight: Their weights, shape (n, D), or (n, 1) where they are alike in all futures.
        where: At which of them the weight counts, shape (n,).
        total: What is asked for, shape (D,).
        units: Whether units are whole.
    """
    count, alike = weight.shape[0], weight.shape[1] == 1
    wanted, found, rest = np.zeros(count), np.zeros(count), np.empty(count)
    for d in range(len(total)):
        if total[d] == 0.0:
            continue
        if not (alike and d and total[d] == total[d - 1]):
            at, sums = 0 if alike else d, 0.0
            for k in range(count):
                if where[k]:
                    sums += weight[k, at]
            for k in range(count):
                wanted[k] = weight[k, at] / sums * total[d] if where[k] and sums > 0.0 else 0.0
                found[k] = wanted[k]
            if units and sums > 0.0:
                _make_whole(wanted, total[d], found, rest)
        for k in range(count):
            asked[index[k], d] += found[k]


@numba.njit(cache=True, nogil=True)
def ask_sites(asked, index, tables, there, amount, units):  # type: ignore[no-untyped-def] # pragma: no cover - compiled
    """Ask for an amount at each site, shared among the arcs there by who is present; all of them for the nation.

    Args:
        asked: Requests on all arcs, shape (A, D); added to.
        index: The arcs, shape (n,).
        tables: Sites (-1 for the nation), where the arcs of each begin in the last, and positions in `index`.
        there: Who is present at each arc's tail, or 1 where it is OUTSIDE, shape (n, D).
        amount: What is asked for, shape (S, D).
        units: Whether units are whole.
    """
    sites, first, place = tables
    room = np.zeros((3, len(place)))
    for g in range(len(sites)):
        mine = place[first[g] : first[g + 1]]
        wanted, found, rest = room[0, : len(mine)], room[1, : len(mine)], room[2, : len(mine)]
        for d in range(amount.shape[1]):
            total, sums, shares = 0.0, 0.0, 0.0
            if sites[g] >= 0:
                total = amount[sites[g], d]
            else:
                for s in range(amount.shape[0]):
                    total += amount[s, d]
            for k in mine:
                sums += there[k, d]
            if total == 0.0 or not sums > 0.0:
                continue
            if len(mine) == 1:
                asked[index[mine[0]], d] += total
                continue
            for k in range(len(mine)):
                wanted[k] = there[mine[k], d] / sums * total
                found[k] = wanted[k]
                shares += wanted[k]
            if units:
                _make_whole(wanted, np.rint(shares), found, rest)
            for k in range(len(mine)):
                asked[index[mine[k]], d] += found[k]


@numba.njit(cache=True, nogil=True)
def add_rows(total, into, first, second, of, use):  # type: ignore[no-untyped-def] # pragma: no cover - compiled
    """Add rows over futures, each times a number, to rows of a total, in order.

    Args:
        total: The total, shape (m, D); added to.
        into: Which row of the total each goes to, shape (k,).
        first, second: Rows to be added, shapes (p, D) and (q, D).
        of: Which row each is: of the first, or, counting on, of the second, shape (k,).
        use: What each is multiplied by, shape (k,).
    """
    for k in range(len(of)):
        row = first[of[k]] if of[k] < len(first) else second[of[k] - len(first)]
        for d in range(total.shape[1]):
            total[into[k], d] += row[d] * use[k]
