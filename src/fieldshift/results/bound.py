"""Which limits and lines of money cut a request: in how many futures, when, and which one first."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fieldshift.network.graph import OUTSIDE, Network
from fieldshift.results.tally import Array
from fieldshift.results.trace import Trace

__all__ = ["ANYWHERE", "Bound", "BoundCount", "Tie", "cuts", "ties"]

ANYWHERE = -2
"""The site of a tie that says whether a limit cut a request at any of its sites."""


@dataclass(frozen=True)
class Tie:
    """One thing that can bind: a row of a limit, a limit at any of its sites, or a line of money.

    Attributes:
        limit: The limit's or line's name.
        part: The planner's part, dotted.
        title: Its name for a reader.
        site: Index of its site in canonical order, OUTSIDE for the nation, or ANYWHERE.
        unit: What is counted.
    """

    limit: str
    part: str
    title: str
    site: int
    unit: str


@dataclass(frozen=True)
class Bound:
    """How often things bound under one policy; X runs over ties.

    Attributes:
        ties: The ties.
        share: Share of futures in which it cut a request, by period, (T, X).
        first: Share of futures in which it did so for the first time, (T, X).
        lead: Share of futures in which it did so before any other, or together with the first, (T, X).
    """

    ties: tuple[Tie, ...]
    share: npt.NDArray[np.float32]
    first: npt.NDArray[np.float32]
    lead: npt.NDArray[np.float32]


def ties(network: Network) -> tuple[Tie, ...]:
    """Return all ties of a network: rows of limits, lines of money, limits at any site."""
    found = [Tie(m.name, m.part, m.title, int(s), m.unit) for m in network.limits for s in m.sites]
    found += [Tie(m.name, m.part, m.title, OUTSIDE, network.currency) for m in network.lines]
    return (
        *found,
        *(Tie(m.name, m.part, m.title, ANYWHERE, m.unit) for m in network.limits if len(m.sites) > 1),
    )


def cuts(network: Network, trace: Trace) -> Array:
    """Return which ties cut a request, (D, T, X)."""
    wide = [m for m in network.limits if len(m.sites) > 1]
    anywhere = [trace.rows[:, :, m.rows].any(axis=-1, keepdims=True) for m in wide]
    return np.concatenate([trace.rows, trace.lines, *anywhere], axis=-1)


class BoundCount:
    """Counts what bound, batch by batch; whole numbers, so the order of batches does not matter."""

    def __init__(self, network: Network) -> None:
        self._ties = ties(network)
        shape = (network.periods.count, len(self._ties))
        self._share, self._first, self._lead = (np.zeros(shape, np.int64) for _ in range(3))

    def add(self, cut: Array) -> None:
        """Count one batch of `cuts`."""
        if not cut.size:
            return
        self._share += cut.sum(axis=0)
        ever, start = cut.any(axis=1), cut.argmax(axis=1)
        _, tie = np.nonzero(ever)
        np.add.at(self._first, (start[ever], tie), 1)
        late = np.where(ever, start, cut.shape[1])
        leads = ever & (late == late.min(axis=1, keepdims=True))
        _, tie = np.nonzero(leads)
        np.add.at(self._lead, (start[leads], tie), 1)

    def done(self, draws: int) -> Bound:
        """Return the counts as shares of all futures."""
        shares = ((count / draws).astype(np.float32) for count in (self._share, self._first, self._lead))
        return Bound(self._ties, *shares)
