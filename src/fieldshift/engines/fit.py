"""Step 5 of a period: requests are cut to what is there, and a shared limit is split fairly.

The rule, for people present at a tail, for each row of each limit, and for each line of money, in order of name:
what is asked for in the row is added up with its coefficients; where it exceeds the room, every request that uses
the row is cut in the same proportion (or in order of rank), then whole units are handed back by largest remainders,
ties in canonical order. Moves that free a limit count as room, up to a last pass in which they do not, so that no
limit is ever broken. A future that has settled takes no further pass: it does not matter who shares its batch.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fieldshift.network.graph import Bool, ChoiceBlock, Float, Int, Limit, Line, Network

__all__ = ["PASSES", "Tables", "dot", "fit_moves", "line_room", "row_use", "share_out", "tables", "whole_sum"]

PASSES = 3
"""Passes over all limits in which freed room counts, before the last one in which it does not."""

_TINY = 1e-9


@dataclass(frozen=True)
class Tables:
    """Lookups that follow from a network and are made once per run.

    Attributes:
        tail: Tail cell of each choice arc, shape (A,).
        tails: Arcs of each tail cell that more than none leave: pairs of cell and arcs.
        rows: For each limit, for each of its rows, the arcs (over A) and their net coefficients.
        serve_rows: For each limit, for each of its rows, the serve arcs (over B) and their coefficients.
        block: Choice block of each arc, shape (A,).
        lapses: For each line, which arcs it would newly spend on, shape (A,).
    """

    tail: Int
    tails: tuple[tuple[int, Int], ...]
    rows: tuple[tuple[tuple[Int, Float], ...], ...]
    serve_rows: tuple[tuple[tuple[Int, Float], ...], ...]
    block: Int
    lapses: tuple[Bool, ...]


def _by_row(terms: tuple[Int, Int, Float], n: int) -> tuple[tuple[Int, Float], ...]:
    index, row, coefficient = terms
    return tuple((index[row == r], coefficient[row == r]) for r in range(n))


def tables(network: Network) -> Tables:
    """Return the lookups of a network."""
    tail = np.concatenate([b.tail for b in network.choices] or [np.zeros(0, np.int64)])
    block = np.concatenate(
        [np.full(len(b.tail), i, np.int64) for i, b in enumerate(network.choices)] or [np.zeros(0, np.int64)]
    )
    cells = sorted(set(tail[tail >= 0].tolist()))
    return Tables(
        tail,
        tuple((c, np.flatnonzero(tail == c)) for c in cells),
        tuple(_by_row(m.move, len(m.sites)) for m in network.limits),
        tuple(_by_row(m.serve, len(m.sites)) for m in network.limits),
        block,
        tuple((line.move.max(axis=0) > 0) | (line.transit.max(axis=0) > 0) for line in network.lines),
    )


def dot(counts: Float, weights: Float) -> Float:
    """Return the weighted sum of each future's counts, (D, k) and (k,) to (D,): the same whatever D is.

    A matrix product may round by the size of the batch; this adds up each row in order.
    """
    total: Float = np.einsum("dk,k->d", np.ascontiguousarray(counts), np.ascontiguousarray(weights))
    return total


def share_out(asked: Float, coefficient: Float, room: Float, whole: bool, order: Int | None = None) -> Float:
    """Return what is granted of what is asked, so that `granted . coefficient <= room`.

    Args:
        asked: Units asked for, shape (D, k).
        coefficient: Use of the limit by one unit, positive, shape (k,).
        room: What is left of the limit, shape (D,).
        whole: Whether units are whole.
        order: Positions in order of rank, shape (k,), or None: in proportion.
    """
    room = np.maximum(room, 0.0)
    total = dot(asked, coefficient)
    over = total > room + _TINY * np.maximum(1.0, room)
    if not over.any():
        return asked
    if order is not None:
        got = np.zeros_like(asked)
        left = room.copy()
        for k in order:
            take = np.minimum(asked[:, k], left / coefficient[k])
            got[:, k] = np.floor(take + _TINY) if whole else take
            left = left - got[:, k] * coefficient[k]
        return np.where(over[:, None], got, asked)
    share = asked * np.where(over, room / np.where(over, total, 1.0), 1.0)[:, None]
    if not whole:
        return share
    base = np.floor(share + _TINY)
    left = room - dot(base, coefficient)
    rest = np.round((share - base) * 1e9)
    turn = np.argsort(-rest, axis=1, kind="stable")
    draws = np.arange(len(asked))
    for j in range(asked.shape[1]):
        k = turn[:, j]
        more = (asked[draws, k] - base[draws, k] >= 1 - _TINY) & (coefficient[k] <= left + _TINY) & (rest[draws, k] > 0)
        base[draws, k] += more
        left = left - coefficient[k] * more
    return np.where(over[:, None], base, asked)


def whole_sum(wanted: Float, total: Float) -> Float:
    """Return whole numbers that add up to a whole total, by largest remainders, ties in canonical order, (D, n)."""
    base = np.floor(wanted + _TINY)
    missing = np.round(total - base.sum(axis=1))
    turn = np.argsort(-np.round((wanted - base) * 1e9), axis=1, kind="stable")
    place = np.empty_like(turn)
    np.put_along_axis(place, turn, np.arange(wanted.shape[1])[None, :].repeat(len(wanted), 0), axis=1)
    return np.asarray(base + (place < missing[:, None]))


def row_use(limit: Limit, people: Float, under_way: Float) -> Float:
    """Return how much of each row is in use before the moves of the period, shape (D, n)."""
    used = np.zeros((len(people), len(limit.sites)))
    for (index, row, coefficient), counts in ((limit.hold, people), (limit.transit, under_way)):
        if len(index):
            np.add.at(used.T, row, (counts[:, index] * coefficient).T)
    return used


def line_room(
    line: Line, period: int, people: Float, rings: tuple[Float, ...], spent: Float, network: Network
) -> Float:
    """Return the money left on a line once all who are here are paid to the end of its window, shape (D,).

    Args:
        line: The line.
        period: The period.
        people: Count in each cell, shape (D, C).
        rings: For each choice block, those under way by slot, shape (D, lasts, n).
        spent: Spent on the line in this window so far, shape (D,).
        network: The network.
    """
    room = line.cap[line.window[period]] - spent - dot(people, line.ahead_cell[period]) - line.ahead_entry[period]
    ahead, first = line.ahead_transit[period], 0
    for block, ring in zip(network.choices, rings, strict=True):
        if block.lasts:
            slots = np.arange(block.lasts)
            remaining = (slots - period) % block.lasts
            remaining = np.where(remaining == 0, block.lasts, remaining)
            value = ahead[first : first + block.lasts * len(block.tail)].reshape(-1, block.lasts)[:, remaining - 1]
            first += block.lasts * len(block.tail)
            room = room - np.einsum("dln,nl->d", ring, value)
    return np.asarray(room)


def _lumps(moved: Float, blocks: tuple[ChoiceBlock, ...]) -> Float:
    for block in blocks:
        if block.lump > 1:
            moved[:, block.arcs] = np.floor(moved[:, block.arcs] / block.lump + _TINY) * block.lump
    return moved


def _cut(asked: Float, terms: tuple[Int, Float], room: Float, whole: bool, credit: bool, order: Int | None) -> Bool:
    """Cut the requests of one row in place; return in which futures it bound, shape (D,)."""
    arcs, coefficient = terms
    using = coefficient > _TINY
    if not using.any():
        return np.zeros(len(asked), np.bool_)
    freeing = coefficient < -_TINY
    if credit and freeing.any():
        room = room - dot(asked[:, arcs[freeing]], coefficient[freeing])
    some = arcs[using]
    got = share_out(asked[:, some], coefficient[using], room, whole, order)
    bound = np.asarray((got < asked[:, some] - _TINY).any(axis=1))
    asked[:, some] = got
    return bound


def _rank_order(limit: Limit, arcs: Int, coefficient: Float, network: Network) -> Int | None:
    if limit.rank is None:
        return None
    sites = np.concatenate([b.sites for b in network.choices])[arcs[coefficient > _TINY]]
    return np.argsort(np.where(sites >= 0, limit.rank[sites], np.inf), kind="stable")


def fit_moves(
    network: Network, lookup: Tables, period: int, asked: Float, room: tuple[Float, Float], whole: bool
) -> tuple[Float, Bool, Bool]:
    """Return what of the requests can be moved, and which rows and lines bound.

    Args:
        network: The network.
        lookup: Its lookups.
        period: The period.
        asked: Requests on each arc, not negative, shape (D, A).
        room: What is left before the moves: people at each cell, then rows of limits, then lines of money; as one
            pair of arrays: (D, C) and (D, R + lines).
        whole: Whether units are whole.

    Returns:
        moved (D, A), rows that bound (D, R), lines that bound (D, lines).
    """
    people, left = room
    asked = asked * np.concatenate([np.full(len(b.tail), b.open[period]) for b in network.choices] or [np.zeros(0)])
    rows = np.zeros((len(asked), network.n_rows), np.bool_)
    lines = np.zeros((len(asked), len(network.lines)), np.bool_)
    for i, line in enumerate(network.lines):
        if line.open[period] == 0:
            lines[:, i] |= (asked[:, lookup.lapses[i]] > _TINY).any(axis=1)
            asked[:, lookup.lapses[i]] = 0.0
    for cell, arcs in lookup.tails:
        asked[:, arcs] = share_out(asked[:, arcs], np.ones(len(arcs)), people[:, cell], whole)
    live = np.arange(len(asked))
    for turn in range(PASSES + 1):
        now, freed = asked[live], left[live]
        before = now.copy()
        for i, limit in enumerate(network.limits):
            for r, (arcs, coefficient) in enumerate(lookup.rows[i]):
                if len(arcs):
                    order = _rank_order(limit, arcs, coefficient, network)
                    free = freed[:, limit.first + r]
                    bound = _cut(now, (arcs, coefficient), free, whole, turn < PASSES, order)
                    rows[live, limit.first + r] |= bound
        for i, line in enumerate(network.lines):
            if np.isfinite(line.cap[line.window[period]]):
                terms = (np.arange(asked.shape[1]), line.ahead_move[period])
                bound = _cut(now, terms, freed[:, network.n_rows + i], whole, turn < PASSES, None)
                lines[live, i] |= bound
        asked[live] = _lumps(now, network.choices) if whole else now
        live = live[(before != asked[live]).any(axis=1)]
        if not len(live):
            break
    return asked, rows, lines
