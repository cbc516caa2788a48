"""From the records of batches, in any order, to what is kept of one policy."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fieldshift.network.graph import Network
from fieldshift.results.bound import Bound, BoundCount, cuts
from fieldshift.results.measures import Key, default_keys, measure, site_keys
from fieldshift.results.quantiles import summarise
from fieldshift.results.tally import Array
from fieldshift.results.trace import Trace

__all__ = ["POLICY_BYTES", "Collector", "PolicyResult", "Taken"]

POLICY_BYTES = 140 << 20
"""What the values of one policy may weigh while they are collected: seven policies stay about under 1 GB."""

Summary = npt.NDArray[np.float32]


@dataclass(frozen=True)
class PolicyResult:
    """What is kept of one policy.

    Attributes:
        draws: For each measure the nation's value in each future, (time, D): int16, int32 or float32, the
            smallest that is exact.
        nation: For each measure its mean and quantiles over all futures, (8, time).
        sites: For some measures their mean and quantiles by site, in canonical order, (8, time, S).
        site_futures: How many futures `sites` stands on: every one, or evenly spaced ones.
        bound: What bound.
    """

    draws: Mapping[Key, Array]
    nation: Mapping[Key, Summary]
    sites: Mapping[Key, Summary]
    site_futures: int
    bound: Bound


@dataclass(frozen=True)
class Taken:
    """The measures of one batch.

    Attributes:
        first, count: Its first future, and how many there are.
        nation: Measures of the nation, (D, time).
        place: Where the first of its futures that stand for the sites belongs among those.
        sites: Measures by site of those futures, (d, time, S).
        cut: Which ties cut a request, (D, T, X).
    """

    first: int
    count: int
    nation: Mapping[Key, Array]
    place: int
    sites: Mapping[Key, Array]
    cut: Array


class _Store:
    """Values by future in the last axis, in the smallest type that holds them all exactly."""

    def __init__(self, futures: int) -> None:
        self._futures = futures
        self.data: Array | None = None

    def put(self, where: slice, values: Array) -> None:
        """Keep values of shape (D, ...)."""
        turned = np.moveaxis(values, 0, -1)
        if self.data is None:
            first = np.dtype(np.int16 if values.dtype.kind in "iu" else np.float32)
            self.data = np.zeros((*turned.shape[:-1], self._futures), first)
        if self.data.dtype.kind == "i":
            kind = _holding(values, self.data.dtype)
            if kind != self.data.dtype:
                self.data = self.data.astype(kind)
        self.data[..., where] = turned


def _holding(values: Array, now: np.dtype[np.generic]) -> np.dtype[np.generic]:
    if values.dtype.kind not in "iu":
        return np.dtype(np.float32)
    if not values.size:
        return now
    low, high = int(values.min()), int(values.max())
    for kind in (np.int16, np.int32):
        info = np.iinfo(kind)
        if np.dtype(kind).itemsize >= now.itemsize and info.min <= low and high <= info.max:
            return np.dtype(kind)
    return np.dtype(np.float32)


class Collector:
    """Takes the batches of one policy, in any order and of any size.

    Args:
        network: The network of the policy, at the centre of its unknowns.
        keys: Which measures to keep; `default_keys` otherwise.
        draws: How many futures there will be.
        site_futures: Of how many futures, evenly spaced, site values are kept; by default 1,000, or fewer
            (never
            under 200) where they would weigh more than `POLICY_BYTES`. The others count for the nation only.
        sites: Which measures are kept by site too; a default set otherwise.
    """

    def __init__(
        self,
        network: Network,
        keys: Sequence[Key] | None,
        draws: int,
        site_futures: int | None = None,
        sites: Sequence[Key] | None = None,
    ) -> None:
        self._network, self._draws = network, draws
        self._keys = default_keys(network) if keys is None else tuple(dict.fromkeys(keys))
        self._site_keys = site_keys(self._keys) if sites is None else tuple(sites)
        if not len(network.sites):
            self._site_keys = ()
        wanted = site_futures if site_futures is not None else self._affordable()
        self._stride = max(1, -(-draws // max(wanted, 1)))
        self._kept = -(-draws // self._stride)
        self._nation = {key: _Store(draws) for key in self._keys}
        self._sites = {key: _Store(self._kept) for key in self._site_keys}
        self._bound = BoundCount(network)
        self._seen = np.zeros(draws, np.bool_)

    def _affordable(self) -> int:
        """Return how many futures of site values there is room for beside the nation's, at 2.5 bytes each."""
        times = self._network.periods.count + 1
        nation = 2.5 * times * len(self._keys) * self._draws
        one = 2.5 * times * max(len(self._network.sites), 1) * max(len(self._site_keys), 1)
        return int(np.clip((POLICY_BYTES - nation) // one, 200, 1000))

    def add(self, first_future: int, trace: Trace, network: Network | None = None) -> None:
        """Take the records of one batch.

        Args:
            first_future: Number of its first future.
            trace: Its records.
            network: The network that it was lived on, where unknowns made its numbers differ.
        """
        self.put(self.take(first_future, trace, network))

    def take(self, first_future: int, trace: Trace, network: Network | None = None) -> Taken:
        """Return the measures of one batch, as `add` does, without keeping them: for any thread to do."""
        lived = self._network if network is None else network
        count = len(trace.people)
        nation = measure(trace, lived, self._keys)
        cut = cuts(lived, trace)
        skip = -first_future % self._stride
        if skip >= count or not self._site_keys:
            return Taken(first_future, count, nation, 0, {}, cut)
        some = _every(trace, skip, self._stride)
        sites = measure(some, lived, self._site_keys, by_site=True)
        return Taken(first_future, count, nation, (first_future + skip) // self._stride, sites, cut)

    def put(self, taken: Taken) -> None:
        """Keep the measures of one batch; for one thread at a time."""
        where = slice(taken.first, taken.first + taken.count)
        if self._seen[where].any() or where.stop > self._draws:
            raise ValueError(f"futures {where.start} to {where.stop - 1} came twice or are too many")
        self._seen[where] = True
        for key, values in taken.nation.items():
            self._nation[key].put(where, values)
        for key, values in taken.sites.items():
            self._sites[key].put(slice(taken.place, taken.place + len(values)), values)
        self._bound.add(taken.cut)

    def done(self, keep: Iterable[Key] | None = None) -> PolicyResult:
        """Return what is kept, once every future has come.

        Args:
            keep: Measures whose value in every future is kept beside its quantiles; all of them by default.
        """
        if not self._seen.all():
            raise ValueError(f"{int((~self._seen).sum())} futures of {self._draws} have not come")
        draws = {key: store.data for key, store in self._nation.items() if store.data is not None}
        sites = {}
        for key, store in self._sites.items():
            if store.data is not None:
                sites[key] = summarise(store.data)
            store.data = None
        nation = {key: summarise(values) for key, values in draws.items()}
        if keep is not None:
            kept = set(keep)
            draws = {key: values for key, values in draws.items() if key in kept}
        for array in (*draws.values(), *sites.values(), *nation.values()):
            array.flags.writeable = False
        return PolicyResult(draws, nation, sites, self._kept, self._bound.done(self._draws))


def _every(trace: Trace, skip: int, stride: int) -> Trace:
    """Return every so many futures of a trace, as views."""
    if stride == 1:
        return trace
    return Trace(**{f.name: getattr(trace, f.name)[skip::stride] for f in dataclasses.fields(trace)})
