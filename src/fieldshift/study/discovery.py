"""In which corner of the unknowns a policy fails: a box that holds most failures, and little else.

Source:
    PRIM, peeling and pasting: Friedman & Fisher (1999), Bump hunting in high-dimensional data, Statistics and
    Computing 9. For scenarios, with coverage, density and quasi-p-values: Bryant & Lempert (2010), Thinking inside the
    box: a participatory, computer-assisted approach to scenario discovery, Technological Forecasting & Social
    Change 77.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
from scipy import stats

__all__ = ["Box", "Side", "discover"]

Float: TypeAlias = npt.NDArray[np.float64]
Bool: TypeAlias = npt.NDArray[np.bool_]

_PEEL = 0.05
_LOOKED_AT = 6
"""Unknowns that are looked at: those that differ most between points that fail and points that do not, each alone.

Among many unknowns a thin slice without failures is found by chance, and peeling would follow it.
"""

_CHANCE = 0.05
"""A side is no finding if chance would make one of all unknowns as telling this often (Bonferroni)."""


@dataclass(frozen=True)
class Side:
    """One unknown that the box bounds, as shares of its distribution.

    Attributes:
        unknown: Which unknown, by its column.
        low, high: The share of its distribution under the box, and up to its upper end.
        chance: How likely chance alone would make the side as telling (the quasi-p-value).
    """

    unknown: int
    low: float
    high: float
    chance: float


@dataclass(frozen=True)
class Box:
    """A box of unknowns.

    Attributes:
        sides: The unknowns that it bounds, the most telling first.
        coverage: Share of all failures that lie in it.
        density: Share of its points that fail.
        mass: Share of all points that lie in it.
        failing: Share of all points that fail.
    """

    sides: tuple[Side, ...]
    coverage: float
    density: float
    mass: float
    failing: float


def discover(ranks: Float, fails: Bool, least: float = 0.05, most_sides: int = 3) -> Box | None:
    """Return the box that tells best where a policy fails; None where it never does, always does, or none is telling.

    Args:
        ranks: Each unknown at each point as a share of its distribution, in (0, 1), shape (n, unknowns).
        fails: Whether the policy fails at each point, shape (n,).
        least: The least share of points that a box may hold.
        most_sides: How many unknowns it may bound: a reader takes in no more.
    """
    if not fails.any() or fails.all():
        return None
    apart = [float(stats.ks_2samp(ranks[fails, j], ranks[~fails, j]).pvalue) for j in range(ranks.shape[1])]
    shown = sorted(np.argsort(apart, kind="stable")[:_LOOKED_AT].tolist(), key=lambda j: apart[j])
    how = max(least, 2.0 / len(fails)), most_sides, _CHANCE / ranks.shape[1]
    best = _best(ranks[:, shown], fails, how)
    return None if best is None else _told(ranks, fails, (np.array(shown), *best))


def _best(ranks: Float, fails: Bool, how: tuple[float, int, float]) -> tuple[Float, Float] | None:
    """Return the box on the way down that weighs coverage and density best (their harmonic mean)."""
    best, score = None, -1.0
    least, most_sides, level = how
    for box in _peeled(ranks, fails, least):
        low, high = _plain(ranks, fails, box, (most_sides, level))
        inside = _inside(ranks, low, high)
        if inside.any() and fails[inside].any():
            coverage, density = float(fails[inside].sum() / fails.sum()), float(fails[inside].mean())
            now = 2 * coverage * density / (coverage + density)
            if now > score + 1e-12 and ((low > 0) | (high < 1)).any():
                best, score = (low, high), now
    return best


def _inside(ranks: Float, low: Float, high: Float) -> Bool:
    return np.asarray(((ranks >= low) & (ranks <= high)).all(axis=1))


def _peeled(ranks: Float, fails: Bool, least: float) -> Iterator[tuple[Float, Float]]:
    """Yield smaller and smaller boxes: each time the thin slice goes whose loss leaves failures densest."""
    low, high = np.zeros(ranks.shape[1]), np.ones(ranks.shape[1])
    inside = np.ones(len(ranks), np.bool_)
    while inside.mean() > least and not fails[inside].all():
        best = (-1.0, -1, 0.0, False)
        for j in range(ranks.shape[1]):
            mine = np.sort(ranks[inside, j])
            cut = max(1, int(_PEEL * len(mine)))
            for upper in (False, True):
                edge = float(mine[-cut - 1] if upper else mine[cut]) if cut < len(mine) else float(mine[0])
                kept = inside & (ranks[:, j] <= edge if upper else ranks[:, j] >= edge)
                if kept.any() and kept.sum() < inside.sum() and (now := float(fails[kept].mean())) > best[0]:
                    best = (now, j, edge, upper)
        density, j, edge, upper = best
        if j < 0 or density < fails[inside].mean():
            return
        low, high = low.copy(), high.copy()
        (high if upper else low)[j] = edge
        inside = _inside(ranks, low, high)
        if inside.mean() < least:
            return
        yield low, high


def _plain(ranks: Float, fails: Bool, box: tuple[Float, Float], how: tuple[int, float]) -> tuple[Float, Float]:
    """Return a box without the sides that chance would give, nor more of them than a reader takes in."""
    low, high = box[0].copy(), box[1].copy()
    while True:
        bounded = np.flatnonzero((low > 0) | (high < 1))
        chances = [_chance(ranks, fails, (low, high), int(j)) for j in bounded]
        if not len(bounded) or (len(bounded) <= how[0] and max(chances) <= how[1]):
            return _pasted(ranks, fails, (low, high))
        j = bounded[int(np.argmax(chances))]
        low[j], high[j] = 0.0, 1.0


def _pasted(ranks: Float, fails: Bool, box: tuple[Float, Float]) -> tuple[Float, Float]:
    """Return a box with its sides moved outwards as long as that does not thin the failures out."""
    low, high = box[0].copy(), box[1].copy()
    grew = True
    while grew:
        grew = False
        density = fails[_inside(ranks, low, high)].mean()
        for j in np.flatnonzero((low > 0) | (high < 1)):
            for side, ends in (("low", low), ("high", high)):
                trial_low, trial_high = low.copy(), high.copy()
                (trial_low if side == "low" else trial_high)[j] = (
                    max(ends[j] - 0.02, 0.0) if side == "low" else min(ends[j] + 0.02, 1.0)
                )
                now = _inside(ranks, trial_low, trial_high)
                more = now.sum() > _inside(ranks, low, high).sum()
                if more and fails[now].mean() >= density:
                    low, high, grew = trial_low, trial_high, True
                    density = fails[now].mean()
    return low, high


def _chance(ranks: Float, fails: Bool, box: tuple[Float, Float], j: int) -> float:
    """Return how likely as many failures as in the box are, were its points picked from the box without a side."""
    low, high = box
    inside = _inside(ranks, low, high)
    wide_low, wide_high = low.copy(), high.copy()
    wide_low[j], wide_high[j] = 0.0, 1.0
    base = float(fails[_inside(ranks, wide_low, wide_high)].mean())
    return float(stats.binom.sf(int(fails[inside].sum()) - 1, int(inside.sum()), base))


def _told(ranks: Float, fails: Bool, box: tuple[npt.NDArray[np.int64], Float, Float]) -> Box:
    shown, low, high = box
    inside = _inside(ranks[:, shown], low, high)
    sides = [
        Side(int(shown[j]), float(low[j]), float(high[j]), _chance(ranks[:, shown], fails, (low, high), int(j)))
        for j in np.flatnonzero((low > 0) | (high < 1))
    ]
    counts = fails[inside].sum() / fails.sum(), fails[inside].mean(), inside.mean(), fails.mean()
    return Box(tuple(sorted(sides, key=lambda side: side.chance)), *(float(c) for c in counts))
