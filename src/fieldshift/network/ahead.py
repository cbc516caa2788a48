"""Expected cost to the end of the fiscal year of one unit in each state: what is committed already.

Backward recursion over the mean of the chance arcs; no choice is assumed, but a queue before a later leg moves on at
once.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from fieldshift.network.ahead_walk import walk
from fieldshift.network.graph import ChanceBlock, Float, Int, Line, ServeBlock
from fieldshift.network.lowering import Lowering

__all__ = ["Ahead"]


class Ahead:
    """The cost ahead of some lines, M of them.

    Attributes:
        cell: Of one unit in a cell, shape (M, T, C).
        move: Of starting an arc, less what leaving its tail saves, shape (M, T, A).
        transit: Of one person under way, shape (M, T, W): block by block, arc by arc, by the periods to go, from 1.
        serve: Of serving one case, shape (M, T, B).
        entry: Of all who will enter from OUTSIDE, shape (M, T).
    """

    def __init__(self, desk: Lowering, serves: Sequence[ServeBlock], lines: Sequence[Line]) -> None:
        costs = (
            np.stack([line.cell for line in lines]),
            np.stack([line.move for line in lines]),
            np.stack([line.transit for line in lines]),
            np.stack([line.serve for line in lines]),
        )
        self.cell, self.move = np.zeros_like(costs[0]), np.zeros_like(costs[1])
        self.transit = np.zeros((*self.cell.shape[:2], sum(b.lasts * len(b.tail) for b in desk.choices)))
        self.serve, self.entry = np.zeros_like(costs[3]), np.zeros(self.cell.shape[:2])
        walk(
            lines[0].window.astype(np.int64),
            costs,
            _chances(desk, True),
            _chances(desk, False),
            _legs(desk),
            _arcs(desk),
            *_heads(serves),
            _joined([entry.head for entry in desk.entries]),
            _beside([entry.mean for entry in desk.entries], desk.count),
            (self.cell, self.move, self.transit, self.serve, self.entry),
        )


def _joined(parts: Sequence[Int]) -> Int:
    return np.concatenate([np.zeros(0, np.int64), *parts]).astype(np.int64)


def _beside(parts: Sequence[Float], count: int) -> Float:
    return np.ascontiguousarray(np.concatenate([np.zeros((count, 0)), *parts], axis=1))


def _chances(desk: Lowering, opening: bool) -> tuple[Int, Int, Float]:
    """Return the chance arcs of one timing: tail, head and probability."""
    blocks: list[ChanceBlock] = [b for b in desk.chances if b.opening is opening]
    return (
        _joined([b.tail for b in blocks]),
        _joined([b.head for b in blocks]),
        _beside([b.p for b in blocks], desk.count),
    )


def _legs(desk: Lowering) -> tuple[Int, Int, Int, Int, Float, Float]:
    blocks, empty = desk.choices, np.zeros((0, desk.count))
    return (
        np.cumsum([0, *(len(b.tail) for b in blocks)]),
        np.cumsum([0, *(b.lasts * len(b.tail) for b in blocks)])[:-1],
        np.array([b.lasts for b in blocks], np.int64),
        np.array([b.auto for b in blocks], np.int64),
        np.stack([b.passing for b in blocks]) if blocks else empty,
        np.stack([b.drop for b in blocks]) if blocks else empty,
    )


def _arcs(desk: Lowering) -> Int:
    """Return tail, head, fail and dropout cell of each arc, and whether a later leg starts from its head."""
    blocks = desk.choices
    ends = [_joined([getattr(b, end) for b in blocks]) for end in ("tail", "head", "fail", "drop_to")]
    queues = _joined([b.tail for b in blocks if b.auto])
    return np.stack([*ends, np.isin(ends[1], queues).astype(np.int64)])


def _heads(serves: Sequence[ServeBlock]) -> tuple[Int, Float]:
    """Return the tail and heads of each serve arc, and the share of cases that go to each head."""
    deepest = max((len(b.heads) for b in serves), default=0)
    ends = np.full((1 + deepest, sum(len(b.tail) for b in serves)), -1, np.int64)
    shares = np.zeros((deepest, ends.shape[1]))
    for block in serves:
        ends[0, block.arcs] = block.tail
        for h, (heads, share) in enumerate(block.heads):
            ends[1 + h, block.arcs], shares[h, block.arcs] = heads, share
    return ends, shares
