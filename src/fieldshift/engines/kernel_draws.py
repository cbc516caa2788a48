"""Compiled draws for one row: one cell or arc in all futures of a batch.

They are those of `chance`, to the bit of their inputs. What a loop settles for many futures side by side (the screen
of rare events, a step of every search, the first try of a rejection) is what the scalar would have settled; the rest
is left to the scalar. Where a table stands in for a logarithm, an answer could differ once in some 1e11 draws.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from fieldshift.engines.chance import binomial_log, log_q, poisson, start, uniform
from fieldshift.engines.kernel_rows import Scratch, inner
from fieldshift.network.graph import Float

__all__ = ["arrive_row", "draw_each", "draw_row"]

Keys = npt.NDArray[np.uint64]

_FIRST, _SECOND, _TWO = np.uint64(0), np.uint64(1), np.uint64(2)
_SWITCH = 10.0
_NOTHING = 1e-18
_MOST = 12000.0
_NEVER = 1e9


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
def _arrive_again(mean: float, a: float, b: float, log: float, bits: np.uint64, logs: Float) -> float:
    """Do the second and further tries of `chance._arrive`; -1 where the table of factorials does not reach."""
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
        if x >= len(logs):
            return -1.0
        at = int(x)
        if v * scale / (a / (edge * edge) + b) <= math.exp(at * log - mean - logs[at]):
            return x


@inner
def _arrive_many(mean: float, phase: np.uint64, lane: Keys, room: Scratch, draws: int) -> None:
    """Do `chance._arrive` for all futures: the first try side by side, the others one by one."""
    bits, hit, out, logs = room.bits, room.hit, room.out, room.logs
    chance, few = room.chance, room.few
    log = math.log(mean)
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
    for j in range(count):
        d = few[j]
        at = int(min(max(out[d], 0.0), len(logs) - 1.0))
        if out[d] == at and chance[d] <= math.exp(at * log - mean - logs[at]):
            continue
        beyond = chance[d] < _NEVER and out[d] >= len(logs)
        out[d] = -1.0 if beyond else _arrive_again(mean, a, b, log, bits[d], logs)
        if out[d] < 0.0:
            out[d] = poisson(mean, bits[d])


@inner
def arrive_row(mean: float, phase: np.uint64, lane: Keys, room: Scratch, draws: int) -> None:
    """Draw how many arrive where `mean` are expected in every future, into `room.out`."""
    out, u = room.out, room.few_u
    if mean >= _SWITCH:
        if mean < _MOST:
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
