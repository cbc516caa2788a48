"""Luck by name: the same draw for the same seed, block, future, site and period, whatever else runs.

`Chance` draws whole numbers; `Mean` puts the expectation in their place. The step is written once for both.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
import numpy.typing as npt

from fieldshift.engines import chance
from fieldshift.network.graph import Float, Int, Network

__all__ = ["Chance", "Luck", "Mean", "cell_keys"]

Keys = npt.NDArray[np.uint64]


def cell_keys(sites: Int, network: Network) -> Keys:
    """Return the random key of each of some sites (OUTSIDE is the nation), by id, so that order changes nothing."""
    own = np.array([chance.stream_key(0, "site", i) for i in network.sites.ids], np.uint64)
    keys = np.append(own, np.uint64(chance.stream_key(0, "nation")))
    return np.asarray(keys[sites])


class Luck(Protocol):
    """What the step asks of chance."""

    whole: bool

    def binomial(self, stream: tuple[str, str], sites: Int, period: int, n: Float, p: Float) -> Float:
        """Return how many of `n` (D, k) are hit with probability `p` (D or 1, k); one stream per name and purpose."""

    def poisson(self, stream: tuple[str, str], sites: Int, period: int, mean: Float) -> Float:
        """Return how many arrive, (D, k), where `mean` are expected."""

    def shares(self, stream: tuple[str, str], sites: Int, period: int, n: Float, share: Float) -> Float:
        """Return `n` (D, k) split by cumulative `share` (h,): whole parts, each within one of its share, (h, D, k)."""

    def lost(self, stream: tuple[str, str], sites: Int, period: int, ring: Float, p: Float) -> Float:
        """Return who drops out of a pipeline `ring` (D, lasts, k) with probability `p` (D or 1,), same shape."""


class Mean:
    """No chance: every draw is its expectation, and counts are not whole."""

    whole = False

    def binomial(self, stream: tuple[str, str], sites: Int, period: int, n: Float, p: Float) -> Float:
        """Return n p."""
        return n * p

    def poisson(self, stream: tuple[str, str], sites: Int, period: int, mean: Float) -> Float:
        """Return the mean."""
        return mean

    def shares(self, stream: tuple[str, str], sites: Int, period: int, n: Float, share: Float) -> Float:
        """Return n times each share."""
        return share[:, None, None] * n

    def lost(self, stream: tuple[str, str], sites: Int, period: int, ring: Float, p: Float) -> Float:
        """Return the expected dropouts."""
        return ring * p[:, None, None]


class Chance:
    """Counter-based draws for a batch of futures.

    Args:
        network: The network, for the ids of its sites.
        seed: The run's seed.
        futures: The number of each future in the batch, shape (D,): a draw depends on it, not on the batch.
    """

    whole = True

    def __init__(self, network: Network, seed: int, futures: Int) -> None:
        self._network, self._seed, self._futures = network, seed, futures
        self._keys: dict[tuple[str, str], np.uint64] = {}

    def _bases(self, stream: tuple[str, str], sites: Int, period: int) -> Keys:
        key = self._keys.get(stream)
        if key is None:
            key = self._keys[stream] = np.uint64(chance.stream_key(self._seed, *stream))
        found: Keys = chance.bases(key, self._futures, cell_keys(sites, self._network), period)
        return found

    def binomial(self, stream: tuple[str, str], sites: Int, period: int, n: Float, p: Float) -> Float:
        """Return binomial draws."""
        return np.asarray(chance.binomials(n.astype(np.int64), p, self._bases(stream, sites, period)), np.float64)

    def poisson(self, stream: tuple[str, str], sites: Int, period: int, mean: Float) -> Float:
        """Return Poisson draws."""
        return np.asarray(chance.poissons(mean, self._bases(stream, sites, period)), np.float64)

    def shares(self, stream: tuple[str, str], sites: Int, period: int, n: Float, share: Float) -> Float:
        """Return whole parts by one uniform: part k is floor(n c_k + u) - floor(n c_(k-1) + u), c cumulative."""
        u = chance.uniforms(self._bases(stream, sites, period))
        cumulative = np.concatenate([[0.0], np.cumsum(share)])[:, None, None]
        return np.diff(np.floor(np.minimum(cumulative * n + u + 1e-9, np.maximum(n, u))), axis=0)

    def lost(self, stream: tuple[str, str], sites: Int, period: int, ring: Float, p: Float) -> Float:
        """Return dropouts: a binomial number of the whole pipeline, placed among its cohorts one by one."""
        bases = self._bases(stream, sites, period)
        whole = ring.astype(np.int64)
        total = whole.sum(axis=1)
        k = chance.binomials(total, p[:, None], bases)
        return np.asarray(chance.place(whole, k, bases), np.float64)
