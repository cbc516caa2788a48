"""How far rows may lie from a model's mean: its own chance, and what it does not explain.

The covariance of the rows is that of simulated futures, taken row by row: what each row is, given those just before
it. To it comes an unexplained part for each series: a share of the series' level that differs from row to row, and
for flows may carry over to the next.

Source:
    Wood (2010), Statistical inference for noisy nonlinear ecological dynamic systems, Nature 466 (the rows as
    Gaussian around simulated means, with a simulated covariance).
    Vecchia (1988), Estimation and model identification for continuous spatial processes, JRSS B 50 (each row given
    near ones).
    Schwarz (1978), Estimating the dimension of a model, Annals of Statistics 6(2) (what is unexplained must pay).
    Kennedy & O'Hagan (2001), Bayesian calibration of computer models, JRSS B 63 (the unexplained part).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import numpy.typing as npt
from scipy import linalg, optimize

from fieldshift.study.observing import Rows

__all__ = ["Extra", "Unexplained", "chained", "chol", "estimated", "scales"]

Float = npt.NDArray[np.float64]

_ROUNDING = 1.0 / 12.0
"""Variance of a whole number around what it was rounded from."""

_SLACK = 1e-3
"""Variance, against its own, by which each row is taken to be seen inexactly where others are explained by it: what
differs by less than that in some hundred futures says more of their number than of the model."""

_SURE = 3.0
"""How many standard errors a weight must differ from none by to be kept."""

_LEAST, _MOST = 1e-5, 2.0


@dataclass(frozen=True)
class Unexplained:
    """What a series shows beyond the model's own chance.

    Attributes:
        share: Its standard deviation in one row, as a share of the level of the series.
        carried: The correlation of one row's with the next one's; 0 for levels, where it adds up instead.
        common: The correlation of one site's with another's at the same time.
    """

    share: float
    carried: float
    common: float = 0.0


def chained(sample: Float, rows: Rows, groups: int = 1) -> Float:
    """Return the covariance of rows over futures, (D, n) to (n, n), each row explained by those just before it.

    Each row is regressed, over the futures, on the last rows of every series of its site and of the whole. So few
    numbers can be told from few futures, and what follows from what (cases served from people present) stays exact.

    Args:
        sample: Futures by rows.
        rows: The rows, as levels and flows.
        groups: Groups of futures that differ in what they believe: spread between them is not counted.
    """
    d, n = sample.shape
    parts = sample.reshape(groups, d // groups, n)
    centred = (parts - parts.mean(axis=1, keepdims=True)).reshape(d, n)
    free = d - groups
    deviation = np.sqrt((centred**2).sum(axis=0) / free)
    scaled = centred / np.where(deviation > 1e-9, deviation, 1.0)
    own = rows.differenced(centred)
    lower, left = np.eye(n), np.zeros(n)
    linked = np.flatnonzero(rows.stock & (rows.previous >= 0))
    lower[linked, rows.previous[linked]] = -1.0
    for row, near in _neighbours(rows):
        use = np.array([i for i in near if deviation[i] > 1e-9], np.int64)
        use, weights = _explained(scaled[:, use], own[:, row], use, free)
        lower[row, use] -= weights / deviation[use]
        rest = own[:, row] - scaled[:, use] @ weights
        left[row] = float(rest @ rest) / max(free - len(use), 1)
    order = _order(rows)
    half = linalg.solve_triangular(lower[np.ix_(order, order)], np.diag(np.sqrt(left[order])), lower=True)
    half = half[np.argsort(order)]
    return np.asarray(half @ half.T)


def _explained(near: Float, row: Float, use: npt.NDArray[np.int64], free: int) -> tuple[npt.NDArray[np.int64], Float]:
    """Return which rows explain another one beyond doubt, and their weights.

    Rows that may not matter are dropped one by one: what they say of so few futures is not the model's doing.
    """
    square, side, total = near.T @ near, near.T @ row, float(row @ row)
    keep = np.arange(len(use))
    while len(keep):
        inner = square[np.ix_(keep, keep)] + _SLACK * free * np.eye(len(keep))
        back = linalg.inv(inner)
        weights = back @ side[keep]
        rest = max(total - float(weights @ side[keep]), 1e-12) / max(free - len(keep), 1)
        sure = np.abs(weights) / np.sqrt(rest * np.diag(back))
        if sure.min() >= _SURE:
            return use[keep], weights
        keep = np.delete(keep, int(sure.argmin()))
    return use[keep], np.zeros(0)


def _order(rows: Rows) -> npt.NDArray[np.int64]:
    """Return the rows in order of the end of their interval, then as they stand."""
    ends = np.array([span.after.toordinal() for span in rows.spans])
    return np.asarray(np.lexsort((np.arange(len(rows)), ends)))


def _neighbours(rows: Rows) -> Iterator[tuple[int, list[int]]]:
    """Yield each row with the last two rows before it of every series at its site and of the whole."""
    before: dict[tuple[int, str], list[int]] = {}
    for i in _order(rows).tolist():
        site = rows.sites[i]
        yield i, [j for (_, own), found in before.items() if own in ("", site) for j in found[-2:]]
        before.setdefault((int(rows.series[i]), site), []).append(i)


def scales(rows: Rows) -> Float:
    """Return for each row the amount that an unexplained share is a share of, shape (n,).

    It is the mean level of what is known of the series at the site; of a level, whose unexplained changes add up, the
    longer the time since the row before, the more.
    """
    found = np.ones(len(rows))
    for x in range(len(rows.names)):
        mine = np.flatnonzero(rows.series == x)
        if not len(mine):
            continue
        usual = float(np.median(rows.steps[mine]))
        for site in dict.fromkeys(rows.sites[i] for i in mine):
            own = np.array([i for i in mine if rows.sites[i] == site])
            known = np.abs(rows.values[own])
            known = known[~np.isnan(known)]
            found[own] = max(float(known.mean()) if known.size else 1.0, 1.0)
        found[mine] *= np.where(rows.stock[mine], np.sqrt(rows.steps[mine] / usual), 1.0)
    return found


class Extra:
    """The covariance of the unexplained parts of differenced rows, made ready to be asked for many times.

    Args:
        rows: The rows.
        scale: What a share is a share of, by row; `scales` of the rows by default.
    """

    def __init__(self, rows: Rows, scale: Float | None = None) -> None:
        self._count = len(rows)
        wide = scales(rows) if scale is None else scale
        ends = np.array([span.after.toordinal() for span in rows.spans], np.float64)
        places = {site: i for i, site in enumerate(dict.fromkeys(rows.sites))}
        site = np.array([places[one] for one in rows.sites], np.int64)
        self._blocks: list[tuple[npt.NDArray[np.int64], Float, Float, npt.NDArray[np.bool_]]] = []
        for x in range(len(rows.names)):
            mine = np.flatnonzero(rows.series == x)
            level = len(mine) > 0 and bool(rows.stock[mine[0]])
            usual = float(np.median(rows.steps[mine])) if len(mine) else 1.0
            lag = np.abs(ends[mine][:, None] - ends[mine][None, :]) / usual
            same = site[mine][:, None] == site[mine][None, :]
            lag[lag > (0 if level else 100)] = np.inf
            self._blocks.append((mine, np.outer(wide[mine], wide[mine]), lag, same))

    def cover(self, found: Sequence[Unexplained]) -> Float:
        """Return the covariance, (n, n): that of each series, and the rounding of whole numbers."""
        cover = _ROUNDING * np.eye(self._count)
        for (mine, weight, lag, same), one in zip(self._blocks, found, strict=True):
            near = np.where(lag == 0, 1.0, 0.0)
            if one.carried > 0:
                near = np.exp(lag * np.log(one.carried))
            alike = same if one.common <= 0 else np.where(same, 1.0, one.common)
            cover[np.ix_(mine, mine)] += one.share**2 * weight * near * alike
        return cover


def chol(cover: Float) -> Float:
    """Return the lower Cholesky factor of a covariance, with a jitter where rounding has made it singular."""
    jitter = 0.0
    for _ in range(8):
        try:
            return np.asarray(linalg.cholesky(cover + jitter * np.eye(len(cover)), lower=True))
        except linalg.LinAlgError:
            jitter = max(jitter * 10, 1e-9 * float(np.trace(cover)) / max(len(cover), 1))
    raise linalg.LinAlgError("a covariance of the rows is not positive")


def estimated(rows: Rows, gap: Float, cover: Float, start: tuple[Unexplained, ...]) -> tuple[Unexplained, ...]:
    """Return the unexplained part of each series under which the rows are likeliest, their unknowns integrated out.

    Args:
        rows: The rows.
        gap: Rows less the model's mean at the middle of the prior, as far as a straight line tells, shape (n,).
        cover: Covariance of the rows from chance and from the prior of the unknowns, (n, n).
        start: Where to start from.
    """
    extra = Extra(rows)

    def loss(trial: Sequence[Unexplained]) -> float:
        factor = chol(cover + extra.cover(trial))
        white = linalg.solve_triangular(factor, gap, lower=True)
        return float(white @ white / 2 + np.log(np.diag(factor)).sum() + price(trial))

    counts = [int((rows.series == x).sum()) for x in range(len(start))]

    def price(trial: Sequence[Unexplained]) -> float:
        """Return what each number that is not none costs: half the log of the rows that tell it (Schwarz 1978)."""
        used = [(one.share > 2 * _LEAST) * (1 + (one.carried > 0) + (one.common > 0)) for one in trial]
        return sum(number * math.log(max(count, 2)) / 2 for number, count in zip(used, counts, strict=True))

    # Shares that stand in for each other are not found one by one: all are tried together first.
    starts = [start, *(tuple(Unexplained(share, 0.0) for _ in start) for share in (_LEAST, 1e-3, 1e-2, 1e-1))]
    best = list(starts[int(np.argmin([loss(one) for one in starts]))])
    for _ in range(2):
        for x in range(len(best)):
            mine = rows.series == x
            if not mine.any():
                continue

            def trial(one: Unexplained, x: int = x) -> float:
                return loss([*best[:x], one, *best[x + 1 :]])

            best[x] = _least(trial, best[x])
            if not rows.stock[mine].any() and mine.sum() >= 8:
                best[x] = _correlated(trial, best[x], "carried")
            if len({rows.sites[i] for i in np.flatnonzero(mine)}) > 2:
                best[x] = _correlated(trial, best[x], "common")
    return tuple(best)


def _least(loss: Callable[[Unexplained], float], now: Unexplained) -> Unexplained:
    """Return an unexplained part with the share at which a loss is least: on a grid, then near its best point."""
    grid = np.unique([*np.geomspace(_LEAST, _MOST, 8), now.share])
    at = int(np.argmin([loss(replace(now, share=float(share))) for share in grid]))
    ends = (float(np.log(grid[max(at - 1, 0)])), float(np.log(grid[min(at + 1, len(grid) - 1)])))
    found = optimize.minimize_scalar(
        lambda log: loss(replace(now, share=float(np.exp(log)))), bounds=ends, method="bounded", options={"xatol": 0.05}
    )
    on_grid = replace(now, share=float(grid[at]))
    return replace(now, share=float(np.exp(found.x))) if found.fun < loss(on_grid) else on_grid


def _correlated(
    loss: Callable[[Unexplained], float], now: Unexplained, word: Literal["carried", "common"]
) -> Unexplained:
    """Return an unexplained part with the correlation, in time or between sites, at which a loss is least."""
    if now.share <= 2 * _LEAST:
        return replace(now, carried=0.0, common=0.0)

    def at(value: float) -> Unexplained:
        return replace(now, carried=float(value)) if word == "carried" else replace(now, common=float(value))

    found = optimize.minimize_scalar(
        lambda value: loss(at(value)), bounds=(0.0, 0.97), method="bounded", options={"xatol": 0.03}
    )
    return at(found.x) if found.fun < loss(at(0.0)) else at(0.0)
