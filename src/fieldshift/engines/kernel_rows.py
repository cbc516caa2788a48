"""Compiled loops over one row: one cell or arc in all futures of a batch.

The fast engine keeps every count as a row over futures, so whatever belongs to an arc is a number outside the
loop, and the loop over futures is long, flat and vectorises. Scratch rows come from the caller.

Draws are those of `chance`, to the bit of their inputs: what a loop settles for a whole row (the screen of rare
events, the first try of a rejection) is what the scalar would have settled, the rest is left to the scalar.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple, ParamSpec, TypeVar

import numba
import numpy as np
import numpy.typing as npt

from fieldshift.engines.chance import binomial_log, log_q, poisson, start, uniform
from fieldshift.network.graph import Float, Int

__all__ = [
    "Scratch",
    "Turns",
    "add",
    "arrive_row",
    "copy",
    "dial_row",
    "door",
    "draw_each",
    "draw_row",
    "fill",
    "flag",
    "line_left",
    "note",
    "note_real",
    "rank_row",
    "share_row",
    "split_row",
]

P = ParamSpec("P")
R = TypeVar("R")
Keys = npt.NDArray[np.uint64]
Flags = npt.NDArray[np.uint8]
Short = npt.NDArray[np.int32]
Real = npt.NDArray[np.float32]

_TINY = 1e-9
_GRAIN = 1e9
_FIRST, _SECOND, _TWO = np.uint64(0), np.uint64(1), np.uint64(2)
_SWITCH = 10.0
_NOTHING = 1e-18
_REACH = 5.0
_NEVER = 1e9


def door(function: Callable[P, R]) -> Callable[P, R]:
    """Compile a function that Python calls, and nobody else."""
    if getattr(numba.config, "DISABLE_JIT", 0):
        return function
    fast: Callable[P, R] = numba.njit(cache=True, nogil=True, error_model="numpy", no_cfunc_wrapper=True)(function)
    return fast


def inner(function: Callable[P, R]) -> Callable[P, R]:
    """Compile a function that only compiled functions call: no door to Python, no counting of references.

    It is done in half the time so. Such a function makes no array of its own, only views of what it was given.
    """
    if getattr(numba.config, "DISABLE_JIT", 0):
        return function
    fast: Callable[P, R] = numba.njit(
        cache=True, nogil=True, error_model="numpy", no_cpython_wrapper=True, no_cfunc_wrapper=True, _nrt=False
    )(function)
    return fast


class Turns(NamedTuple):
    """Which dials turn what: owner k is turned by `dial[i]` with `slope[i]` for i in `ptr[k] .. ptr[k + 1]`."""

    ptr: Int
    dial: Int
    slope: Float


class Scratch(NamedTuple):
    """Room to work in, made once per batch.

    Attributes:
        bits, hit, out: A draw's bits, whether the screen left it open, and its number, by future.
        chance: The uniform of a draw, by future.
        few: Which futures are open, one after another; `few_bits`, `few_n`, `few_u`, `few_x`,
            `few_t` are theirs.
        table: Powers of q, or chances of a number of arrivals.
        logs: Logarithms of factorials.
        one, two, three: Rows of floats for the caller.
        live, changed, bound: Futures that a limit may cut, were cut in this pass, and are cut by this row.
        key, place: A heap.
    """

    bits: Keys
    hit: Flags
    out: Float
    chance: Float
    few: Int
    few_bits: Keys
    few_n: Float
    few_u: Float
    few_x: Float
    few_t: Float
    table: Float
    logs: Float
    one: Float
    two: Float
    three: Float
    live: Flags
    changed: Flags
    bound: Flags
    key: Float
    place: Int


@inner
def fill(row: Float, value: float, draws: int) -> None:
    """Write a number into a row."""
    for d in range(draws):
        row[d] = value


@inner
def flag(row: Flags, value: int, draws: int) -> None:
    """Write a flag into a row."""
    for d in range(draws):
        row[d] = value


@inner
def copy(source: Float, row: Float, draws: int) -> None:
    """Write a row into another."""
    for d in range(draws):
        row[d] = source[d]


@inner
def add(row: Float, source: Float, use: float, draws: int) -> None:
    """Add a row times a number to another."""
    for d in range(draws):
        row[d] += source[d] * use


@inner
def note(record: Short, row: Float, draws: int) -> None:
    """Record whole numbers."""
    for d in range(draws):
        record[d] = np.int32(row[d])


@inner
def note_real(record: Real, row: Float, draws: int) -> None:
    """Record numbers that are not whole."""
    for d in range(draws):
        record[d] = np.float32(row[d])


# ---------------------------------------------------------------------------------------- draws


@inner
def _first_terms(count: int, log: float, room: Scratch) -> None:
    """Write q**n of each open draw, by a table where the same n come again and again."""
    n, term, table = room.few_n, room.few_t, room.table
    low, high = n[0], n[0]
    for j in range(count):
        low, high = min(low, n[j]), max(high, n[j])
    size = int(high - low) + 1
    if 2 * size < count and size < len(table):
        for i in range(size):
            table[i] = math.exp((low + i) * log)
        for j in range(count):
            term[j] = table[int(n[j] - low)]
    else:
        for j in range(count):
            term[j] = math.exp(n[j] * log)


@inner
def _invert_few(count: int, p: float, log: float, room: Scratch) -> None:
    """Do `chance._invert` for all open draws side by side: a step of every search at a time."""
    n, u, x, term = room.few_n, room.few_u, room.few_x, room.few_t
    _first_terms(count, log, room)
    odds = p / (1.0 - p)
    for j in range(count):
        x[j] = 0.0
    level, again = 0.0, 1
    while again:
        level += 1.0
        again = 0
        for j in range(count):
            on = u[j] > term[j] and x[j] < n[j] and term[j] > _NOTHING
            again += on
            u[j] = u[j] - term[j] if on else u[j]
            x[j] = level if on else x[j]
            term[j] = term[j] * ((n[j] + 1.0) * odds / level - odds) if on else term[j]


@inner
def _reject_again(n: int, p: float, odds: float, bits: np.uint64, logs: Float) -> float:
    """Do the second and further tries of `chance._reject`; `odds` is the logarithm of p / (1 - p)."""
    mean = n * p
    spread = math.sqrt(mean * (1.0 - p))
    b = 1.15 + 2.53 * spread
    a = -0.0873 + 0.0248 * b + 0.01 * p
    mode = int((n + 1) * p)
    top = logs[mode] + logs[n - mode]
    squeeze, scale = 0.92 - 4.2 / b, (2.83 + 5.1 / b) * spread
    k = _TWO
    while True:
        u, v = uniform(bits, k) - 0.5, uniform(bits, k + _SECOND)
        k += _TWO
        edge = 0.5 - abs(u)
        x = int(np.floor((2.0 * a / edge + b) * u + mean + 0.5))
        if edge >= 0.07 and v <= squeeze:
            return float(x)
        if 0 <= x <= n:
            ratio = top - logs[x] - logs[n - x] + (x - mode) * odds
            if v * scale / (a / (edge * edge) + b) <= math.exp(ratio):
                return float(x)


@inner
def _reject_few(count: int, p: float, flip: bool, log: float, room: Scratch) -> None:
    """Do `chance._reject` for all open draws: the first try side by side, the others one by one.

    Logarithms of factorials stand in a table; who has too many people or too few hits for it is left to the scalar.
    """
    n, x, good, bits, weight = room.few_n, room.few_x, room.hit, room.few_bits, room.few_t
    share, most = 1.0 - p if flip else p, float(len(room.logs))
    for j in range(count):
        bits[j] = room.bits[room.few[j]]
    for j in range(count):
        mean = n[j] * share
        spread = math.sqrt(mean * (1.0 - share))
        b = 1.15 + 2.53 * spread
        a = -0.0873 + 0.0248 * b + 0.01 * share
        u, v = uniform(bits[j], _FIRST) - 0.5, uniform(bits[j], _SECOND)
        edge = 0.5 - abs(u)
        x[j] = np.floor((2.0 * a / edge + b) * u + mean + 0.5)
        weight[j] = v * (2.83 + 5.1 / b) * spread / (a / (edge * edge) + b)
        good[j] = (edge >= 0.07) & (v <= 0.92 - 4.2 / b) & (mean >= _SWITCH)
    odds = math.log(share / (1.0 - share))
    few, open_ = room.place, np.int64(0)
    for j in range(count):
        few[open_] = j
        open_ += not good[j]
    again = 0
    for i in range(open_):
        j = few[i]
        whole = int(n[j])
        if n[j] * share < _SWITCH or n[j] >= most:
            k = float(binomial_log(whole, p, log, bits[j]))
            x[j] = n[j] - k if flip else k
            continue
        mode, at = int((whole + 1) * share), int(min(max(x[j], 0.0), n[j]))
        ratio = room.logs[mode] + room.logs[whole - mode] - room.logs[at] - room.logs[whole - at] + (at - mode) * odds
        few[again] = j
        again += (x[j] != at) | (weight[j] > math.exp(ratio))
    for i in range(again):
        j = few[i]
        x[j] = _reject_again(int(n[j]), share, odds, bits[j], room.logs)


@inner
def draw_row(n: Float, p: float, log: float, phase: np.uint64, lane: Keys, room: Scratch, draws: int) -> int:
    """Draw how many of each `n` are hit with one chance p, into `room.out`; return how many may not be 0."""
    bits, hit, out, chance, few = room.bits, room.hit, room.out, room.chance, room.few
    if not p > 0.0:
        for d in range(draws):
            out[d] = 0.0
        return 0
    if p >= 1.0:
        for d in range(draws):
            out[d] = n[d]
        return draws
    flip = p > 0.5
    share, zero, sign = (1.0 - p, 1.0, -1.0) if flip else (p, 0.0, 1.0)
    for d in range(draws):
        bits[d] = start(lane[d], phase)
        chance[d] = zero + sign * uniform(bits[d], _FIRST)
        hit[d] = not chance[d] < 1.0 - n[d] * share
        out[d] = 0.0
    count = np.int64(0)
    for d in range(draws):
        few[count] = d
        count += hit[d]
    if count:
        most = 0.0
        for j in range(count):
            room.few_n[j], room.few_u[j] = n[few[j]], chance[few[j]]
            most = max(most, n[few[j]])
        if most * share < _SWITCH:
            _invert_few(count, share, log, room)
        else:
            _reject_few(count, p, flip, log, room)
        for j in range(count):
            out[few[j]] = room.few_x[j]
    if not flip:
        return count
    for d in range(draws):
        out[d] = n[d] - out[d]
    return draws


@inner
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


@inner
def _chances(mean: float, low: int, size: int, table: Float) -> None:
    """Write the chance of `low`, `low` + 1, ... arrivals, `size` in all, from the most likely number outwards."""
    top = int(mean)
    table[top - low] = math.exp(top * math.log(mean) - mean - math.lgamma(top + 1.0))
    for x in range(top + 1, low + size):
        table[x - low] = table[x - 1 - low] * (mean / x)
    for x in range(top - 1, low - 1, -1):
        table[x - low] = table[x + 1 - low] * ((x + 1) / mean)


@inner
def _arrive_again(mean: float, a: float, b: float, low: int, size: int, bits: np.uint64, table: Float) -> float:
    """Do the second and further tries of `chance._arrive`; -1 where the table of chances does not reach."""
    squeeze, scale = 0.9277 - 3.6224 / (b - 2.0), 1.1239 + 1.1328 / (b - 3.4)
    k = _TWO
    while True:
        u, v = uniform(bits, k) - 0.5, uniform(bits, k + _SECOND)
        k += _TWO
        edge = 0.5 - abs(u)
        x = np.floor((2.0 * a / edge + b) * u + mean + 0.43)
        if edge >= 0.07 and v <= squeeze:
            return x
        if x < 0.0 or (edge < 0.013 and v > edge):
            continue
        if x < low or x >= low + size:
            return -1.0
        if v * scale / (a / (edge * edge) + b) <= table[int(x) - low]:
            return x


@inner
def _arrive_many(mean: float, phase: np.uint64, lane: Keys, room: Scratch, draws: int) -> None:
    """Do `chance._arrive` for all futures: the first try side by side, the others one by one."""
    bits, hit, out, table = room.bits, room.hit, room.out, room.table
    chance, few = room.chance, room.few
    reach = _REACH * math.sqrt(mean)
    low = max(int(mean - reach), 0)
    size = int(mean + reach) - low + 1
    _chances(mean, low, size, table)
    b = 0.931 + 2.53 * math.sqrt(mean)
    a = -0.059 + 0.02483 * b
    squeeze, scale = 0.9277 - 3.6224 / (b - 2.0), 1.1239 + 1.1328 / (b - 3.4)
    for d in range(draws):
        bits[d] = start(lane[d], phase)
        u, v = uniform(bits[d], _FIRST) - 0.5, uniform(bits[d], _SECOND)
        edge = 0.5 - abs(u)
        out[d] = np.floor((2.0 * a / edge + b) * u + mean + 0.43)
        hit[d] = not ((edge >= 0.07) & (v <= squeeze))
        chance[d] = v * scale / (a / (edge * edge) + b)
        chance[d] = _NEVER if (edge < 0.013) & (v > edge) else chance[d]
    count = np.int64(0)
    for d in range(draws):
        few[count] = d
        count += hit[d]
    open_ = 0
    for j in range(count):
        d = few[j]
        at = min(max(int(out[d]) - low, 0), size - 1)
        few[open_] = d
        open_ += (chance[d] > table[at]) | (out[d] != at + low)
    for j in range(open_):
        d = few[j]
        beyond = chance[d] < _NEVER and out[d] >= 0.0 and (out[d] < low or out[d] >= low + size)
        out[d] = -1.0 if beyond else _arrive_again(mean, a, b, low, size, bits[d], table)
        if out[d] < 0.0:
            out[d] = poisson(mean, bits[d])


@inner
def arrive_row(mean: float, phase: np.uint64, lane: Keys, room: Scratch, draws: int) -> None:
    """Draw how many arrive where `mean` are expected in every future, into `room.out`."""
    out, u = room.out, room.few_u
    if mean >= _SWITCH:
        if 2.0 * _REACH * math.sqrt(mean) + 2.0 < len(room.table):
            _arrive_many(mean, phase, lane, room, draws)
        else:
            for d in range(draws):
                out[d] = poisson(mean, start(lane[d], phase))
        return
    first = math.exp(-mean)
    for d in range(draws):
        u[d] = uniform(start(lane[d], phase), _FIRST)
        out[d] = 0.0
    level, again = 0.0, 1
    while again and first > _NOTHING:
        level += 1.0
        again = 0
        for d in range(draws):
            on = u[d] > first and out[d] == level - 1.0
            again += on
            u[d] = u[d] - first if on else u[d]
            out[d] = level if on else out[d]
        first *= mean / level


@inner
def dial_row(value: float, owner: int, site: int, turns: Turns, dials: Float, out: Float, draws: int) -> None:
    """Write a number multiplied by the dials that turn it, at one site, into `out`; dials are (K, S + 1, D)."""
    for d in range(draws):
        out[d] = value
    for i in range(turns.ptr[owner], turns.ptr[owner + 1]):
        slope, setting = turns.slope[i], dials[turns.dial[i], site]
        for d in range(draws):
            out[d] *= max(1.0 + slope * (setting[d] - 1.0), 0.0)


# ------------------------------------------------------------------------------- fair shares


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
    cap: float,
    period: int,
    people: Float,
    legs: Int,
    ring: Short,
    ahead: Float,
    way: Float,
    left: Float,
    draws: int,
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
            add(left, people[c], -value, draws)
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
