"""The fast engine: the step of `step.py`, compiled, for a block of futures at a time.

Counts are rows over futures, a row for each cell and arc, so every loop is long and flat; policies read the same
memory as arrays with futures first, without a copy. Draw for draw it equals `reference.Reference`.
"""

from __future__ import annotations

from collections.abc import Collection
from contextlib import suppress
from hashlib import blake2b
from pathlib import Path

import numpy as np
import numpy.typing as npt

from fieldshift.engines import kernel_steps
from fieldshift.engines.engine import Decision
from fieldshift.engines.kernel_flatten import flatten
from fieldshift.engines.kernel_memory import lease, remembered
from fieldshift.engines.kernel_shares import line_left
from fieldshift.engines.kernel_state import fields, present, records, scratch, streams
from fieldshift.network.graph import Float, Int, Network

__all__ = ["Kernel", "compiled"]

_AHEAD_BYTES = 16 << 20
"""What the arrivals of one batch may weigh for all periods to be drawn at once, and shared by policies."""


class Kernel:
    """One batch of futures under one policy, stepped by compiled loops.

    Args:
        network: The network.
        seed: The run's seed.
        futures: Number of each future of the batch, shape (D,); a draw depends on it, not on the batch.
        record: Names of the fields of `Trace` to record, all by default. A policy that looks back (`served`,
            `moved`, `hours`, `used`) needs those. What is not recorded has shape (0,).

    Raises:
        ValueError: `record` names something that a trace does not have.
    """

    whole = True

    def __init__(
        self, network: Network, seed: int, futures: npt.ArrayLike, record: Collection[str] | None = None
    ) -> None:
        numbers = np.asarray(futures, np.int64)
        wanted = None if record is None else frozenset(record)
        if wanted is not None and not wanted <= set(fields()):
            raise ValueError(f"a trace has no {', '.join(sorted(wanted - set(fields())))}")
        self.network, self.draws = network, len(numbers)
        self._flat = flatten(network)
        self._now = present(network, self._flat, numbers)
        self._records, self.trace = records(network, self.draws, wanted)
        self._room = scratch(network, self._flat, self.draws)
        self._streams = streams(self._flat, seed)
        self._none = np.zeros((0, 0))
        self._came = self._drawn(seed, numbers)
        self._weighed: set[int] = set()
        self._people, self._way = _seen(self._now.people, self.draws), _seen(self._now.way, self.draws)
        self._dials, self._spent = _seen(self._now.dials, self.draws), _seen(self._now.spent, self.draws)
        legs, lines = self._flat.legs, network.lines
        self._pipes = np.stack([legs.count, legs.lasts, legs.ring[:-1]], axis=1)
        self._caps = np.stack([line.cap[line.window] - line.ahead_entry for line in lines]) if lines else self._none
        if len(self._records.people):
            self._records.people[0] = self._now.people[:, : self.draws]
        if len(self._records.under_way):
            self._records.under_way[0] = self._now.way[:, : self.draws]

    @property
    def people(self) -> Float:
        """Count in each cell now, shape (D, C)."""
        return self._people

    @property
    def under_way(self) -> Float:
        """Count under way on each choice arc now, shape (D, A)."""
        return self._way

    @property
    def dials(self) -> Float:
        """Setting of each dial at each site now, the last column for the nation, shape (D, K, S + 1)."""
        return self._dials

    @property
    def spent(self) -> Float:
        """Money spent on each line in its present window so far, shape (D, lines)."""
        return self._spent

    def begin(self, period: int) -> None:
        """Do steps 1 and 2: arrive, open."""
        if period:
            for i, line in enumerate(self.network.lines):
                if line.window[period] != line.window[period - 1]:
                    self._now.spent[i] = 0.0
        flat = self._flat
        kernel_steps.begin(
            period, self.draws, self._streams, flat.flows, flat.legs, flat.turns, self._now, self._records,
            self._room,
        )  # fmt: skip

    def finish(self, period: int, decision: Decision) -> None:
        """Do steps 5 to 10: fit, move, serve, chance, enter, count."""
        flat, now, network = self._flat, self._now, self.network
        if decision.dials is not None and len(network.dials.names):
            low, high = network.dials.low[:, None, None], network.dials.high[:, None, None]
            np.clip(np.moveaxis(decision.dials, 0, -1), low, high, out=now.dials[:, :, : self.draws])
        self._weigh(decision)
        given = self._none
        if decision.serve is not None:
            given = _plain(decision.serve.T)
        finite = flat.finite[period]
        if finite.any():
            self._money(period, np.flatnonzero(finite))
        kernel_steps.finish(
            period, self.draws, bool(decision.auto), _plain(decision.asked.T), given,
            finite.view(np.uint8), flat.cell_lane, self._streams, flat.flows, flat.entries, self._came, flat.legs,
            flat.rows, flat.serves, flat.lines, flat.plain, flat.turns, now, self._records, self._room,
        )  # fmt: skip

    def _drawn(self, seed: int, futures: Int) -> npt.NDArray[np.int32]:
        """Return who enters in each period, shape (E, T, D): nobody decides it, so policies share it.

        Where it would take much memory, or dials turn all of it, there are no rows and it is drawn period by period.
        """
        network, sites = self.network, self._flat.entries.site
        blocks = [(i, b) for i, b in enumerate(network.entries) if not b.turns]
        shape = (network.n_entries, network.periods.count, self.draws)
        if not blocks or 4 * np.prod(shape) > _AHEAD_BYTES:
            return np.zeros((0, 0, 0), np.int32)
        came = lease([(shape, np.dtype(np.int32))])[0]
        for i, block in blocks:
            lanes, mean = sites[block.arcs], np.ascontiguousarray(block.mean, np.float64)
            known = blake2b(mean.tobytes() + self._flat.sites[lanes].tobytes() + futures.tobytes()).digest()
            stream = np.uint64(self._streams.enter[i])

            def make(stream: np.uint64 = stream, mean: Float = mean, lanes: Int = lanes) -> npt.NDArray[np.int32]:
                own = np.zeros((len(lanes), *shape[1:]), np.int32)
                kernel_steps.arrivals(stream, mean, lanes, self._now.lanes, own, self._room, self.draws)
                return own

            came[block.arcs] = remembered((int(stream), mean.shape, known), make)
        return came

    def _weigh(self, decision: Decision) -> None:
        """Note by what starters are shared among hosts; evenly where the policy does not say."""
        rows, weights = self._flat.legs.host_row, self._now.weights
        for i in self._weighed - set(decision.hosts):
            weights[rows[i] : rows[i + 1]] = 1.0
        for i, given in decision.hosts.items():
            if rows[i] < rows[i + 1]:
                weights[rows[i] : rows[i + 1], : self.draws] = given.T
        self._weighed = set(decision.hosts)

    def _money(self, period: int, which: Int) -> None:
        """Find what is left on lines of money once all who are here are paid to the end of their windows."""
        lines, now = [self.network.lines[i] for i in which], self._now
        ahead = np.stack([line.ahead_cell[period] for line in lines])
        way = np.stack([line.ahead_transit[period] for line in lines])
        line_left(
            which, self._caps[which, period], period, now.people, self._pipes, now.ring, ahead, way, now.spent,
            now.room[self.network.n_rows :], self.draws,
        )  # fmt: skip
        for i, line in zip(which.tolist(), lines, strict=True):
            now.ahead_move[i] = line.ahead_move[period]
            now.ahead_serve[i] = line.ahead_serve[period]


def _seen(rows: Float, draws: int) -> Float:
    """Return rows as an array with futures first: the same memory, not to be written."""
    view = np.moveaxis(rows[..., :draws], -1, 0)
    view.flags.writeable = False
    return view


def _plain(numbers: npt.ArrayLike) -> Float:
    """Return numbers as the one kind of array that the loops are compiled for: in a row, and writable."""
    found = np.ascontiguousarray(numbers, np.float64)
    return found if found.flags.writeable else found.copy()


def _cached() -> list[Path]:
    """Return the compiled loops on disk that are as new as all of their sources; older ones are removed.

    Numba looks at the file of a function only, not at those of the functions that it calls.
    """
    here = Path(__file__).parent
    newest = max(path.stat().st_mtime for path in (here / "chance.py", *here.glob("kernel*.py")))
    cache = getattr(getattr(kernel_steps.finish, "stats", None), "cache_path", None)
    found = []
    for path in Path(cache).glob("kernel_*.nb?") if cache else ():
        with suppress(OSError):
            if path.stat().st_mtime >= newest:
                found.append(path)
            else:
                path.unlink()
    return found


def compiled() -> bool:
    """Return whether the loops are compiled: in this process, or in a cache on disk that is up to date."""
    signatures = getattr(kernel_steps.finish, "signatures", None)
    if signatures is None or signatures:
        return True
    return any(path.name.startswith("kernel_steps.finish-") and path.suffix == ".nbc" for path in _cached())


_cached()
