"""Sums over the records of a batch, compiled: in one order for each future, whatever its batch."""

from __future__ import annotations

import numba
import numpy as np

__all__ = ["add_at", "weighted"]


@numba.njit(cache=True, nogil=True)
def weighted(counts, each):  # type: ignore[no-untyped-def] # pragma: no cover - compiled
    """Return the sum of counts (T, n, D), each at a weight (T, n), by future, shape (D,)."""
    total = np.zeros(counts.shape[2])
    for t in range(counts.shape[0]):
        for k in range(counts.shape[1]):
            weight = each[t, k]
            if weight != 0.0:
                for d in range(counts.shape[2]):
                    total[d] += weight * counts[t, k, d]
    return total


@numba.njit(cache=True, nogil=True)
def add_at(there, cells, amount, sign):  # type: ignore[no-untyped-def] # pragma: no cover - compiled
    """Add amounts (T, k, D) to cells (k,) of counts (T, n, D), skipping those below 0; cells may repeat."""
    for t in range(there.shape[0]):
        for k in range(len(cells)):
            if cells[k] >= 0:
                for d in range(there.shape[2]):
                    there[t, cells[k], d] += sign * amount[t, k, d]
