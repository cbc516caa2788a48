"""Compiled fair shares and money left: what `fit.py` does for all futures at once, one future at a time."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from fieldshift.engines.kernel_rows import Scratch, add, door, inner
from fieldshift.network.graph import Float, Int

__all__ = ["line_left", "rank_row", "share_row", "split_row"]

Short = npt.NDArray[np.int32]

_TINY = 1e-9
_GRAIN = 1e9


@inner
def _sink(key: Float, place: Int, i: int, size: int) -> None:
    """Let item i of a heap sink: the largest key is on top, of equal ones the one that stands first."""
    while True:
        child = 2 * i + 1
        if child >= size:
            return
        right = child + 1
        if right < size and (key[right] > key[child] or (key[right] == key[child] and place[right] < place[child])):
            child = right
        if key[i] > key[child] or (key[i] == key[child] and place[i] < place[child]):
            return
        key[i], key[child] = key[child], key[i]
        place[i], place[child] = place[child], place[i]
        i = child


@inner
def _pop(key: Float, place: Int, size: int) -> int:
    """Take the top of a heap of `size` and return its place."""
    top = place[0]
    key[0], place[0] = key[size - 1], place[size - 1]
    _sink(key, place, np.int64(0), size - 1)
    return int(top)


@inner
def _heap(key: Float, place: Int, size: int) -> None:
    for i in range(size // 2 - 1, -1, -1):
        _sink(key, place, i, size)


@inner
def _share_one(amount: Float, arcs: Int, use: Float, d: int, left: float, total: float, room: Scratch) -> None:
    """Cut the requests of one future in proportion to what is left, with largest remainders."""
    part, size, least = left / total, np.int64(0), np.inf
    for j in range(len(arcs)):
        wanted = amount[arcs[j], d]
        if wanted > 0.0:
            share = wanted * part
            base = np.floor(share + _TINY)
            rest = np.rint((share - base) * _GRAIN)
            amount[arcs[j], d] = base
            left -= base * use[j]
            if rest > 0.0 and wanted - base >= 1.0 - _TINY:
                room.key[size], room.place[size] = rest, j
                size += 1
                least = min(least, use[j])
    if size and least <= left + _TINY:
        _heap(room.key, room.place, size)
    while size and least <= left + _TINY:
        j = _pop(room.key, room.place, size)
        size -= 1
        if use[j] <= left + _TINY:
            amount[arcs[j], d] += 1.0
            left -= use[j]


@inner
def _over(amount: Float, arcs: Int, use: Float, left: Float, room: Scratch, draws: int) -> int:
    """Add up what is asked for into `room.three` and find where it is too much; return in how many futures."""
    total, hit, live = room.three, room.hit, room.live
    row, one = amount[arcs[0]], use[0]
    for d in range(draws):
        total[d] = row[d] * one
    for j in range(1, len(arcs)):
        row, one = amount[arcs[j]], use[j]
        for d in range(draws):
            total[d] += row[d] * one
    some = 0
    for d in range(draws):
        free = max(left[d], 0.0)
        hit[d] = live[d] != 0 and total[d] > free + _TINY * max(1.0, free)
        some += hit[d]
    return some


@inner
def share_row(amount: Float, arcs: Int, use: Float, left: Float, room: Scratch, draws: int) -> int:
    """Cut the requests `amount[arcs]` in proportion so that their use fits in `left`; return in how many futures.

    Only futures that are `live` are cut; those that were are marked in `bound` and `changed`.
    """
    some = _over(amount, arcs, use, left, room, draws)
    if some:
        for d in range(draws):
            if room.hit[d]:
                _share_one(amount, arcs, use, d, max(left[d], 0.0), room.three[d], room)
                room.bound[d] = 1
                room.changed[d] = 1
    return some


@inner
def rank_row(amount: Float, arcs: Int, use: Float, left: Float, room: Scratch, draws: int) -> int:
    """Do the same in order of the arcs: each takes what the ones before it left."""
    some = _over(amount, arcs, use, left, room, draws)
    if some:
        for d in range(draws):
            if room.hit[d]:
                rest = max(left[d], 0.0)
                for j in range(len(arcs)):
                    got = np.floor(min(amount[arcs[j], d], rest / use[j]) + _TINY)
                    amount[arcs[j], d] = got
                    rest -= got * use[j]
                room.bound[d] = 1
                room.changed[d] = 1
    return some


@inner
def split_row(weight: Float, total: Float, out: Float, first: int, room: Scratch, draws: int) -> None:
    """Split whole totals among the rows of `out` from `first` on by weights, with largest remainders."""
    count = len(weight)
    for d in range(draws):
        sums = 0.0
        for j in range(count):
            sums += max(weight[j, d], 0.0)
        missing = total[d]
        for j in range(count):
            wanted = (max(weight[j, d], 0.0) / sums if sums > 0.0 else 1.0 / count) * total[d]
            base = np.floor(wanted + _TINY)
            out[first + j, d] = base
            missing -= base
            room.key[j], room.place[j] = np.rint((wanted - base) * _GRAIN), j
        if missing > 0.5:
            _heap(room.key, room.place, count)
            for j in range(min(int(np.rint(missing)), count)):
                out[first + _pop(room.key, room.place, count - j), d] += 1.0


@door
def line_left(
    which: Int, caps: Float, period: int, people: Float, legs: Int, ring: Short, ahead: Float, way: Float,
    spent: Float, room: Float, draws: int,
) -> None:  # fmt: skip
    """Write the money left on some lines once all who are here are paid to the end of their windows into `room`.

    Args:
        which: The lines, shape (L,).
        caps: Their money of the window less what enters from OUTSIDE will cost, [currency], shape (L,).
        period: The period.
        people: Count in each cell, shape (C, D).
        legs: For each choice block its arcs, how long it lasts and its first row in `ring` and in `way`.
        ring: People under way, shape (rows, D).
        ahead: Cost ahead of one unit in each cell, shape (L, C).
        way: Cost ahead of one person under way, as `Line.ahead_transit`, shape (L, W).
        spent: Spent so far in the window, by line, shape (lines, D).
        room: The money left, on return, shape (lines, D).
        draws: Number of futures.
    """
    for i in range(len(which)):
        left, gone = room[which[i]], spent[which[i]]
        for d in range(draws):
            left[d] = caps[i] - gone[d]
    for c in range(ahead.shape[1]):
        for i in range(len(which)):
            value = ahead[i, c]
            if value != 0.0:
                add(room[which[i]], people[c], -value, draws)
    for b in range(len(legs)):
        count, lasts, at = legs[b]
        for slot in range(lasts):
            rest = (slot - period) % lasts
            rest = lasts if rest == 0 else rest
            for k in range(count):
                under = ring[at + slot * count + k]
                for i in range(len(which)):
                    value = way[i, at + k * lasts + rest - 1]
                    if value != 0.0:
                        left = room[which[i]]
                        for d in range(draws):
                            left[d] -= under[d] * value
