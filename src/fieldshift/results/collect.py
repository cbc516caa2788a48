"""From the records of batches, in any order, to what is kept of one policy."""

from __future__ import annotations

import dataclasses
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import IO, cast

import numpy as np
import numpy.typing as npt

from fieldshift.network.graph import Network
from fieldshift.results.bound import Bound, BoundCount, cuts
from fieldshift.results.measures import Key, default_keys, measure, site_keys
from fieldshift.results.quantiles import summarise
from fieldshift.results.tally import Array
from fieldshift.results.trace import Trace

__all__ = ["MEMORY_BYTES", "POLICY_BYTES", "Collector", "PolicyResult", "Taken"]

POLICY_BYTES = 140 << 20
"""What the values of one policy may weigh, sites included, before fewer futures stand for the sites."""

MEMORY_BYTES = 32 << 20
"""What they may weigh in memory until all futures have come; more waits on disk."""

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


@dataclass
class _Store:
    """Values by future in the last axis, in the smallest type that holds them all exactly.

    Attributes:
        futures: How many there will be.
        spill: Where batches wait on disk, or None to hold them in memory.
    """

    futures: int
    spill: IO[bytes] | None = None
    _data: Array | None = None
    _blocks: list[tuple[slice, int, tuple[int, ...], np.dtype[np.generic]]] = field(default_factory=list)

    def put(self, where: slice, values: Array) -> None:
        """Keep values of shape (D, ...), in the smallest kind that holds them."""
        turned = np.moveaxis(values, 0, -1)
        if self.spill is None:
            self._data = self._with(self._data, where, turned)
            return
        block = np.ascontiguousarray(turned)
        self._blocks.append((where, self.spill.seek(0, 2), block.shape, block.dtype))
        self.spill.write(block.data)

    def done(self) -> Array | None:
        """Return all values, shape (..., futures), or None if there are none; they are forgotten here."""
        data, self._data = self._data, None
        for where, place, shape, kind in self._blocks:
            assert self.spill is not None
            self.spill.seek(place)
            block = np.frombuffer(self.spill.read(int(np.prod(shape)) * kind.itemsize), kind).reshape(shape)
            data = self._with(data, where, block)
        self._blocks = []
        return data

    def _with(self, data: Array | None, where: slice, values: Array) -> Array:
        if data is None:
            data = np.zeros((*values.shape[:-1], self.futures), values.dtype)
        elif (wider := max(values.dtype, data.dtype, key=_KINDS.index)) != data.dtype:
            data = data.astype(wider)
        data[..., where] = values
        return data


_KINDS: list[np.dtype[np.generic]] = [np.dtype(np.int16), np.dtype(np.int32), np.dtype(np.float32)]


def _small(measured: Mapping[Key, Array]) -> dict[Key, Array]:
    """Return measures in the smallest kinds: a batch may have to go from one process to another."""
    return {key: values.astype(_holding(values)) for key, values in measured.items()}


def _holding(values: Array) -> np.dtype[np.generic]:
    """Return the smallest kind that holds some values."""
    if values.dtype.kind not in "iu":
        return _KINDS[-1]
    low, high = (int(values.min()), int(values.max())) if values.size else (0, 0)
    for kind, bits in zip(_KINDS, (15, 31), strict=False):
        if -(1 << bits) <= low and high < 1 << bits:
            return kind
    return _KINDS[-1]


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
        memory: What the values may weigh in memory, in bytes; where they would weigh more they wait on disk.

    Attributes:
        reads: The fields of a trace that these measures are taken from; others need not be recorded.
    """

    def __init__(
        self,
        network: Network,
        keys: Sequence[Key] | None,
        draws: int,
        site_futures: int | None = None,
        sites: Sequence[Key] | None = None,
        memory: int = MEMORY_BYTES,
    ) -> None:
        self._network, self._draws = network, draws
        self._keys = default_keys(network) if keys is None else tuple(dict.fromkeys(keys))
        self._site_keys = site_keys(self._keys) if sites is None else tuple(sites)
        if not len(network.sites):
            self._site_keys = ()
        wanted = site_futures if site_futures is not None else self._affordable()
        self._stride = max(1, -(-draws // max(wanted, 1)))
        self._kept = -(-draws // self._stride)
        heavy = self._weight(self._kept) > memory
        spill = cast(IO[bytes], tempfile.TemporaryFile()) if heavy else None  # noqa: SIM115 - lives as long as this
        self._nation = {key: _Store(draws, spill) for key in self._keys}
        self._sites = {key: _Store(self._kept, spill) for key in self._site_keys}
        self._bound = BoundCount(network)
        self.reads = _reads(network, (self._keys, self._site_keys))
        self._seen = np.zeros(draws, np.bool_)

    def _weight(self, site_futures: int) -> float:
        """Return what all values weigh, at 2.5 bytes each."""
        sites = site_futures * len(self._network.sites) * len(self._site_keys)
        return 2.5 * (self._network.periods.count + 1) * (self._draws * len(self._keys) + sites)

    def _affordable(self) -> int:
        """Return how many futures of site values there is room for beside the nation's."""
        nation, one = self._weight(0), max(self._weight(1) - self._weight(0), 1.0)
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
        nation = _small(measure(trace, lived, self._keys))
        cut = cuts(lived, trace)
        skip = -first_future % self._stride
        if skip >= count or not self._site_keys:
            return Taken(first_future, count, nation, 0, {}, cut)
        some = _every(trace, skip, self._stride)
        sites = _small(measure(some, lived, self._site_keys, by_site=True))
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
        wanted = set(self._nation if keep is None else keep)
        draws: dict[Key, Array] = {}
        nation: dict[Key, Summary] = {}
        sites = {key: summarise(data) for key, store in self._sites.items() if (data := store.done()) is not None}
        for key, store in self._nation.items():
            values = store.done()
            if values is None:
                continue
            nation[key] = summarise(values)
            if key in wanted:
                draws[key] = values
        for array in (*draws.values(), *sites.values(), *nation.values()):
            array.flags.writeable = False
        return PolicyResult(draws, nation, sites, self._kept, self._bound.done(self._draws))


class _Noting:
    """A trace of one future that notes which of its fields are read."""

    def __init__(self, network: Network) -> None:
        self._trace = Trace.empty(network, 1, True)
        self.read = {"people", "rows", "lines"}

    def __getattr__(self, name: str) -> Array:
        self.read.add(name)
        found: Array = getattr(self._trace, name)
        return found


def _reads(network: Network, keys: tuple[Sequence[Key], Sequence[Key]]) -> frozenset[str]:
    """Return the fields of a trace that some measures of the nation, and some by site, are taken from."""
    trace = _Noting(network)
    for wanted, by_site in zip(keys, (False, True), strict=True):
        measure(cast(Trace, trace), network, wanted, by_site)
    return frozenset(trace.read)


def _every(trace: Trace, skip: int, stride: int) -> Trace:
    """Return every so many futures of a trace, as views."""
    if stride == 1:
        return trace
    return Trace(**{f.name: getattr(trace, f.name)[skip::stride] for f in dataclasses.fields(trace)})
