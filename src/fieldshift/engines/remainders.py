"""Whole shares of whole totals by largest remainders, compiled: rules share out in every period of every future."""

from __future__ import annotations

import numba
import numpy as np

__all__ = ["share_whole", "whole"]

_TINY = 1e-9


@numba.njit(cache=True, nogil=True)
def whole(wanted, total):  # type: ignore[no-untyped-def] # pragma: no cover - compiled
    """Return whole numbers that add up to a whole total, as `fit.whole_sum` does.

    Args:
        wanted: Shares, shape (D, n).
        total: What they add up to, shape (D,).

    Returns:
        Whole numbers, shape (D, n): ties go to the first.
    """
    draws, count = wanted.shape
    found = np.empty((draws, count))
    rest = np.empty(count)
    for d in range(draws):
        missing = total[d]
        for k in range(count):
            found[d, k] = np.floor(wanted[d, k] + _TINY)
            rest[k] = np.rint((wanted[d, k] - found[d, k]) * 1e9)
            missing -= found[d, k]
        for _ in range(min(count, int(np.rint(missing)))):
            best = 0
            for k in range(1, count):
                if rest[k] > rest[best]:
                    best = k
            found[d, best] += 1.0
            rest[best] = -np.inf
    return found


@numba.njit(cache=True, nogil=True)
def share_whole(weight, total):  # type: ignore[no-untyped-def] # pragma: no cover - compiled
    """Return whole shares of totals by weight.

    Args:
        weight: Weight of each share, shape (D, n).
        total: What is shared, shape (D,).

    Returns:
        Whole numbers, shape (D, n); nothing where all weights are 0.
    """
    draws, count = weight.shape
    wanted = np.zeros((draws, count))
    totals = np.zeros(draws)
    for d in range(draws):
        weights = 0.0
        for k in range(count):
            weights += weight[d, k]
        if weights > 0:
            for k in range(count):
                wanted[d, k] = weight[d, k] / weights * total[d]
            totals[d] = total[d]
    return whole(wanted, totals)
