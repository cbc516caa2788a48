"""Compiled loops over one row: one cell or arc in all futures of a batch.

The fast engine keeps every count as a row over futures, so whatever belongs to an arc is a number outside the
loop, and the loop over futures is long, flat and vectorises. Scratch rows come from the caller.

Draws are those of `chance`, to the bit of their inputs: what a loop settles for a whole row (the screen of rare
events, the first try of a rejection) is what the scalar would have settled, the rest is left to the scalar.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from fieldshift.engines.chance import binomial_log, compiled, log_q, poisson, start, uniform
from fieldshift.network.graph import Float, Int

__all__ = [
    "Scratch",
    "Turns",
    "arrive_row",
    "dial_row",
    "draw_each",
    "draw_row",
    "line_left",
    "share_row",
    "split_row",
]

Keys = npt.NDArray[np.uint64]
Flags = npt.NDArray[np.uint8]
Short = npt.NDArray[np.int32]

_TINY = 1e-9
_GRAIN = 1e9
_FIRST, _SECOND = np.uint64(0), np.uint64(1)
_SWITCH = 10.0
_NOTHING = 1e-18
_LEVELS = 64


class Turns(NamedTuple):
    """Which dials turn what: owner k is turned by `dial[i]` with `slope[i]` for i in `ptr[k] .. ptr[k + 1]`."""

    ptr: Int
    dial: Int
    slope: Float


class Scratch(NamedTuple):
    """Rows for the moment: `bits` and `hit` of a draw, `out` its number, `one`, `two` and `three` of floats."""

    bits: Keys
    hit: Flags
    out: Float
    one: Float
    two: Float
    three: Float
    live: Flags
    changed: Flags
    bound: Flags
    key: Float
    place: Int
    term: Float


@compiled
def draw_row(n: Float, p: float, log: float, phase: np.uint64, lane: Keys, room: Scratch, draws: int) -> int:
    """Draw how many of each `n` are hit with one chance p, into `room.out`; return how many futures are not 0."""
    bits, hit, out = room.bits, room.hit, room.out
    if not p > 0.0:
        out[:draws] = 0.0
        return 0
    if p >= 1.0:
        out[:draws] = n[:draws]
        return draws
    if p <= 0.5:
        for d in range(draws):
            bits[d] = start(lane[d], phase)
            out[d] = 0.0
            hit[d] = not uniform(bits[d], _FIRST) < 1.0 - n[d] * p
    else:
        q = 1.0 - p
        for d in range(draws):
            bits[d] = start(lane[d], phase)
            out[d] = n[d]
            hit[d] = not 1.0 - uniform(bits[d], _FIRST) < 1.0 - n[d] * q
    some = 0
    for d in range(draws):
        if hit[d]:
            out[d] = binomial_log(int(n[d]), p, log, bits[d])
            some += 1
    return some if p <= 0.5 else draws


@compiled
def draw_each(n: Float, p: Float, phase: np.uint64, lane: Keys, room: Scratch, draws: int) -> int:
    """Draw how many of each `n` are hit, each future with its own chance, into `room.out`; return the hits."""
    bits, hit, out = room.bits, room.hit, room.out
    for d in range(draws):
        bits[d] = start(lane[d], phase)
        out[d] = 0.0
        hit[d] = not uniform(bits[d], _FIRST) < 1.0 - n[d] * p[d]
    some = 0
    for d in range(draws):
        if hit[d]:
            out[d] = binomial_log(int(n[d]), p[d], log_q(p[d]), bits[d])
            some += 1
    return some


@compiled
def arrive_row(mean: float, phase: np.uint64, lane: Keys, room: Scratch, draws: int) -> None:
    """Draw how many arrive where `mean` are expected in every future, into `room.out`."""
    bits, hit, out, term = room.bits, room.hit, room.out, room.term
    if not mean > 0.0:
        out[:draws] = 0.0
    elif mean >= _SWITCH:
        b = 0.931 + 2.53 * math.sqrt(mean)
        a = -0.059 + 0.02483 * b
        squeeze = 0.9277 - 3.6224 / (b - 2.0)
        for d in range(draws):
            bits[d] = start(lane[d], phase)
            u = uniform(bits[d], _FIRST) - 0.5
            edge = 0.5 - abs(u)
            out[d] = math.floor((2.0 * a / edge + b) * u + mean + 0.43)
            hit[d] = not (edge >= 0.07 and uniform(bits[d], _SECOND) <= squeeze)
        for d in range(draws):
            if hit[d]:
                out[d] = poisson(mean, bits[d])
    else:
        term[0] = math.exp(-mean)
        for x in range(1, _LEVELS):
            term[x] = term[x - 1] * (mean / x)
        for d in range(draws):
            u = uniform(start(lane[d], phase), _FIRST)
            x = 0
            while u > term[x] > _NOTHING:
                u -= term[x]
                x += 1
            out[d] = x


@compiled
def dial_row(value: float, owner: int, site: int, turns: Turns, dials: Float, out: Float, draws: int) -> None:
    """Write a number multiplied by the dials that turn it, at one site, into `out`; dials are (K, S + 1, D)."""
    for d in range(draws):
        out[d] = value
    for i in range(turns.ptr[owner], turns.ptr[owner + 1]):
        slope, setting = turns.slope[i], dials[turns.dial[i], site]
        for d in range(draws):
            out[d] *= max(1.0 + slope * (setting[d] - 1.0), 0.0)


# ------------------------------------------------------------------------------- fair shares


@compiled
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


@compiled
def _pop(key: Float, place: Int, size: int) -> int:
    """Take the top of a heap of `size` and return its place."""
    top = place[0]
    key[0], place[0] = key[size - 1], place[size - 1]
    _sink(key, place, 0, size - 1)
    return int(top)


@compiled
def _heap(key: Float, place: Int, size: int) -> None:
    for i in range(size // 2 - 1, -1, -1):
        _sink(key, place, i, size)


@compiled
def _share_one(
    amount: Float, arcs: Int, use: Float, d: int, left: float, total: float, ranked: bool, room: Scratch
) -> None:
    """Cut the requests of one future to what is left: in order, or in proportion with largest remainders."""
    if ranked:
        for j in range(len(arcs)):
            got = math.floor(min(amount[arcs[j], d], left / use[j]) + _TINY)
            amount[arcs[j], d] = got
            left -= got * use[j]
        return
    part, size, least = left / total, 0, np.inf
    for j in range(len(arcs)):
        wanted = amount[arcs[j], d]
        if wanted > 0.0:
            share = wanted * part
            base = math.floor(share + _TINY)
            rest = np.rint((share - base) * _GRAIN)
            amount[arcs[j], d] = base
            left -= base * use[j]
            if rest > 0.0 and wanted - base >= 1.0 - _TINY:
                room.key[size], room.place[size] = rest, j
                size += 1
                least = min(least, use[j])
    _heap(room.key, room.place, size)
    while size and least <= left + _TINY:
        j = _pop(room.key, room.place, size)
        size -= 1
        if use[j] <= left + _TINY:
            amount[arcs[j], d] += 1.0
            left -= use[j]


@compiled
def share_row(amount: Float, arcs: Int, use: Float, left: Float, ranked: bool, room: Scratch, draws: int) -> int:
    """Cut the requests `amount[arcs]` so that their use fits in `left`; return in how many futures that bound.

    Only futures that are `live` are cut; those that were are marked in `bound` and `changed`.
    """
    total = room.three
    for d in range(draws):
        total[d] = 0.0
    for j in range(len(arcs)):
        row, one = amount[arcs[j]], use[j]
        for d in range(draws):
            total[d] += row[d] * one
    hit = room.hit
    some = 0
    for d in range(draws):
        free = max(left[d], 0.0)
        over = total[d] > free + _TINY * max(1.0, free)
        hit[d] = over
        some += over
    if not some:
        return 0
    some = 0
    for d in range(draws):
        if hit[d] and room.live[d]:
            _share_one(amount, arcs, use, d, max(left[d], 0.0), total[d], ranked, room)
            room.bound[d] = 1
            room.changed[d] = 1
            some += 1
    return some


@compiled
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
            base = math.floor(wanted + _TINY)
            out[first + j, d] = base
            missing -= base
            room.key[j], room.place[j] = np.rint((wanted - base) * _GRAIN), j
        if missing > 0.5:
            _heap(room.key, room.place, count)
            for j in range(min(int(np.rint(missing)), count)):
                out[first + _pop(room.key, room.place, count - j), d] += 1.0


@compiled
def line_left(
    cap: float, period: int, people: Float, legs: Int, ring: Short, ahead: Float, way: Float, left: Float, draws: int
) -> None:
    """Write the money left on a line once all who are here are paid to the end of its window into `left`.

    Args:
        cap: The line's money of the window less what enters from OUTSIDE will cost, [currency].
        period: The period.
        people: Count in each cell, shape (C, D).
        legs: For each choice block its first arc, its arcs, how long it lasts and its first row in `ring`.
        ring: People under way, shape (rows, D).
        ahead: Cost ahead of one unit in each cell, shape (C,).
        way: Cost ahead of one person under way, by arc and periods to go, shape (A, longest + 1).
        left: Spent so far in the window; the money left, on return, shape (D,).
        draws: Number of futures.
    """
    for d in range(draws):
        left[d] = cap - left[d]
    for c in range(len(ahead)):
        value = ahead[c]
        if value != 0.0:
            row = people[c]
            for d in range(draws):
                left[d] -= row[d] * value
    for b in range(len(legs)):
        first, count, lasts, at = legs[b]
        for slot in range(lasts):
            rest = (slot - period) % lasts
            rest = lasts if rest == 0 else rest
            for k in range(count):
                value = way[first + k, rest]
                if value != 0.0:
                    under = ring[at + slot * count + k]
                    for d in range(draws):
                        left[d] -= under[d] * value
