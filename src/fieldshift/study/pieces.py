"""The pieces that an exploration is made of: every policy in some futures that believe one point of the unknowns."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, Future, ThreadPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from itertools import islice
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from fieldshift.engines.batches import LOOKED_AT, ready, under
from fieldshift.engines.kernel import Kernel
from fieldshift.engines.live import live
from fieldshift.engines.workers import pool_of
from fieldshift.errors import WorkerError
from fieldshift.network.build import build
from fieldshift.network.graph import Network
from fieldshift.results.trace import weight
from fieldshift.scenario.read import digest, overlaid
from fieldshift.scenario.schema import Scenario
from fieldshift.study.aims import Aim, reads, taken

__all__ = ["Living", "Piece", "heavy", "lived"]

Float: TypeAlias = npt.NDArray[np.float64]

HEAVY = 2 << 30
"""Bytes of records above which an exploration is worth the start of worker processes."""

_AT_ONCE = 100
"""Futures that are lived at once: what their records weigh is bounded."""


@dataclass(frozen=True)
class Piece:
    """Some policies in some futures that believe one point.

    Attributes:
        name: Its name, and its file's: `points/0007`.
        belief: The point, by path; empty for the centre.
        first: Number of its first future: pieces with the same one share their luck.
        policies: Which policies.
        changes: What is changed in the scenario, by path.
    """

    name: str
    belief: Mapping[str, float]
    first: int
    policies: tuple[str, ...]
    changes: Mapping[str, object] = field(default_factory=dict)


class Living:
    """What it takes to live any piece.

    Args:
        scenario: The scenario.
        aims: What is taken of each future.
        futures: Futures of a piece.
        seed: Seed of all draws.
    """

    def __init__(self, scenario: Scenario, aims: Sequence[Aim], futures: int, seed: int) -> None:
        self.given = scenario, tuple(aims), futures, seed
        self._variants: dict[str, dict[str, tuple[Scenario, str]]] = {}
        self._records: dict[str, frozenset[str]] = {}

    def _under(self, changes: Mapping[str, object], name: str) -> tuple[Scenario, str]:
        """Return the scenario as some changes and then a policy change it, and its digest."""
        made = self._variants.setdefault(repr(sorted(changes.items())), {})
        if name not in made:
            scenario = self.given[0]
            variant = under(overlaid(scenario, dict(changes)) if changes else scenario, name)
            made[name] = variant, digest(variant)
        return made[name]

    def take(self, piece: Piece) -> Float:
        """Live a piece, and return each aim in each future under each policy, shape (policies, aims, futures)."""
        _, aims, futures, seed = self.given
        made: dict[str, Network] = {}
        found = np.empty((len(piece.policies), len(aims), futures))
        for p, name in enumerate(piece.policies):
            variant, same = self._under(piece.changes, name)
            if same not in made:
                made[same] = build(variant, piece.belief)
            if same not in self._records:
                self._records[same] = _recorded(made[same], aims)
            recorded = self._records[same]
            for start in range(0, futures, _AT_ONCE):
                stop = min(start + _AT_ONCE, futures)
                which = np.arange(piece.first + start, piece.first + stop)
                machine = Kernel(made[same], seed, which, recorded)
                trace = live(machine, ready(variant, made[same], name, piece.belief))
                found[p, :, start:stop] = taken(aims, trace, made[same])
        return found


def heavy(network: Network, aims: Sequence[Aim], futures: int) -> bool:
    """Return whether so many futures are worth the start of worker processes."""
    return futures * weight(network, _recorded(network, aims)) > HEAVY


def _recorded(network: Network, aims: Sequence[Aim]) -> frozenset[str]:
    """Return which records some aims are taken from, and those that policies look back at."""
    return reads(aims, network) | LOOKED_AT


_WORKER: list[Living] = []
"""In a worker process: what it lives pieces of."""


def _start(*given: object) -> None:
    _WORKER[:] = [Living(*given)]  # type: ignore[arg-type]


def _work(piece: Piece) -> Float:
    return _WORKER[0].take(piece)


def lived(
    living: Living, pieces: Sequence[Piece], workers: int | None, processes: bool
) -> Iterator[tuple[Piece, Float]]:
    """Live pieces, and yield each as it is done, in any order.

    Args:
        living: What lives them.
        pieces: The pieces.
        workers: How many at a time; one for each core by default.
        processes: In processes rather than threads.

    Raises:
        WorkerError: A worker process ended by itself.
    """
    count = min(max(1, workers if workers is not None else (os.cpu_count() or 1)), len(pieces))
    if count <= 1:
        for piece in pieces:
            yield piece, living.take(piece)
        return
    pool: Executor
    if processes:
        pool, work = pool_of(count, _start, living.given), _work
    else:
        pool, work = ThreadPoolExecutor(count), living.take
    try:
        yield from _as_done(pool, work, pieces, count + 1)
    except BrokenProcessPool:
        raise WorkerError(
            "a worker process ended by itself, perhaps for want of memory: try fewer workers (--workers 1); what is "
            "finished is kept"
        ) from None
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _as_done(
    pool: Executor, work: Callable[[Piece], Float], pieces: Sequence[Piece], ahead: int
) -> Iterator[tuple[Piece, Float]]:
    coming = iter(pieces)
    waiting: dict[Future[Float], Piece] = {pool.submit(work, piece): piece for piece in islice(coming, ahead)}
    while waiting:
        done, _ = wait(waiting, return_when=FIRST_COMPLETED)
        for future in done:
            piece = waiting.pop(future)
            for more in islice(coming, 1):
                waiting[pool.submit(work, more)] = more
            yield piece, future.result()
