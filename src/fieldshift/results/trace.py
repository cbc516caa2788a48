"""What an engine records of one policy in one batch of futures: the raw material of every measure."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fieldshift.network.graph import Network

__all__ = ["Record", "Trace", "weight"]

Record = npt.NDArray[np.float64] | npt.NDArray[np.float32] | npt.NDArray[np.int32]


@dataclass(frozen=True)
class Trace:
    """Counts by future, instant or period, and cell or arc; letters as in `network.graph`.

    Attributes:
        people: Count in each cell at each instant, (D, T + 1, C).
        under_way: Count under way on each choice arc at each instant, (D, T + 1, A).
        moved: Started on each choice arc in each period, (D, T, A).
        passed, failed, dropped: Arrived, failed at the end and dropped out, (D, T, A).
        flowed: Moved on each chance arc, (D, T, F).
        entered: Entered from OUTSIDE, (D, T, E).
        served: Cases served on each serve arc, (D, T, B).
        became: Cases that entered each cell by being served, (D, T, C).
        hours, used: Hours of the people present, and of them used, by cell, (D, T, C).
        hosted: People of other sites at work at each site, (D, T, S).
        dials: Settings in each period, (D, T, K, S + 1).
        spent: Money spent on each line, (D, T, lines).
        rows, lines: 1 where a row of limits or a line of money cut a request, (D, T, R) and (D, T, lines).
    """

    people: Record
    under_way: Record
    moved: Record
    passed: Record
    failed: Record
    dropped: Record
    flowed: Record
    entered: Record
    served: Record
    became: Record
    hours: Record
    used: Record
    hosted: Record
    dials: Record
    spent: Record
    rows: npt.NDArray[np.bool_]
    lines: npt.NDArray[np.bool_]

    @staticmethod
    def empty(network: Network, draws: int, whole: bool) -> Trace:
        """Return a trace of zeros to be filled; counts are int32 where they are whole, else float64."""
        count = np.int32 if whole else np.float64
        real = np.float32 if whole else np.float64
        t, c, a = network.periods.count, network.n_cells, network.n_choices
        f, e, b, r = network.n_chances, network.n_entries, network.n_serves, network.n_rows
        s, k, m = len(network.sites), len(network.dials.names), len(network.lines)

        def zeros(kind: type, *shape: int) -> Record:
            return np.zeros((draws, *shape), kind)

        return Trace(
            zeros(count, t + 1, c),
            zeros(count, t + 1, a),
            zeros(count, t, a),
            zeros(count, t, a),
            zeros(count, t, a),
            zeros(count, t, a),
            zeros(count, t, f),
            zeros(count, t, e),
            zeros(count, t, b),
            zeros(count, t, c),
            zeros(real, t, c),
            zeros(real, t, c),
            zeros(real, t, s),
            zeros(real, t, k, s + 1),
            zeros(np.float64, t, m),
            np.zeros((draws, t, r), np.bool_),
            np.zeros((draws, t, m), np.bool_),
        )


def weight(network: Network, fields: Collection[str]) -> int:
    """Return how many bytes some fields weigh in one future of whole counts."""
    one = Trace.empty(network, 1, True)
    return sum(int(getattr(one, name).nbytes) for name in fields)
