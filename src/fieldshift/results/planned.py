"""A plan as people see it: who moves, from where to where, when; and what else is told of it, as tables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from fieldshift.network.graph import ChoiceBlock, Float, Network
from fieldshift.results.axes import NATION

__all__ = ["MOVES", "TABLES", "Planned", "arriving", "moves_of"]

MOVES = ("choice", "title", "kind", "tail", "head", "from_site", "to_site", "date", "arrives", "people")
"""Columns of the table of moves."""

WAITING = ".waiting"
"""How the name of a queue before a later stage ends."""

OUTSIDE_NAME = "outside"
"""What stands for OUTSIDE in the columns `tail` and `head`."""

TABLES = ("moves", "goals", "shortages", "gaps", "judged", "regret", "met")
"""The tables of a plan, each a file of a stored run."""


@dataclass(frozen=True, eq=False)
class Planned:
    """What is told of a plan.

    Attributes:
        facts: Plain facts: `status`, `gap`, `loss`, `columns`, `rows`, `seconds`, `groups` (in words).
        says: Sentences for a reader, the most important first, by subject: `plan`, `shortages`, `gaps`, `judged`.
        moves: Who moves: see `MOVES`; whole people, only rows with somebody.
        goals: Each goal: goal, unit, best, value.
        shortages: What one more of each limit would be worth.
        gaps: Need less available, by need, site and date.
        judged: Each goal under each policy on the same futures.
        regret: By how much each policy is worse than the plan, future by future.
        met: How likely each need is met, by policy and date.
    """

    facts: Mapping[str, Any]
    says: Mapping[str, tuple[str, ...]]
    moves: pd.DataFrame
    goals: pd.DataFrame
    shortages: pd.DataFrame = field(default_factory=pd.DataFrame)
    gaps: pd.DataFrame = field(default_factory=pd.DataFrame)
    judged: pd.DataFrame = field(default_factory=pd.DataFrame)
    regret: pd.DataFrame = field(default_factory=pd.DataFrame)
    met: pd.DataFrame = field(default_factory=pd.DataFrame)

    def tables(self) -> dict[str, pd.DataFrame]:
        """Return its tables by name, those that have rows."""
        return {name: frame for name in TABLES if len(frame := getattr(self, name))}


def arriving(moves: pd.DataFrame) -> pd.DataFrame:
    """Return the moves that lead to a stock, not to a queue; who comes out of a queue comes from outside.

    So a hire counts once, when the last stage starts, and applicants are not counted as people who move.
    """
    found = moves[~moves["head"].astype(str).str.endswith(WAITING)].copy()
    queued = found["tail"].astype(str).str.endswith(WAITING)
    found.loc[queued, ["tail", "from_site"]] = OUTSIDE_NAME, NATION
    return found


def moves_of(network: Network, moved: Float, hosts: Mapping[int, Float]) -> pd.DataFrame:
    """Return who moves: a row for each choice, stock, site and period in which somebody starts.

    Args:
        network: The network.
        moved: Starts on each choice arc, whole, shape (T, A).
        hosts: For blocks with hosts, how many go to each in each period, shape (T, m).

    Returns:
        The columns of `MOVES`: sites by id or `nation`, `date` and `arrives` the first days of the periods of start
        and arrival (the last date, where that is beyond the horizon). Of a detail the host is `to_site`; where several
        sites send to several hosts in a period, they are paired in the order of the sites.
    """
    pieces = [_rows(network, i, block, (moved, hosts)) for i, block in enumerate(network.choices)]
    rows = [row for piece in pieces for row in piece]
    frame = pd.DataFrame(rows, columns=list(MOVES))
    for name in ("date", "arrives"):
        frame[name] = pd.to_datetime(frame[name])
    return frame.astype({"people": np.int64})


def _rows(
    network: Network, i: int, block: ChoiceBlock, numbers: tuple[Float, Mapping[int, Float]]
) -> list[tuple[Any, ...]]:
    moved, hosts = numbers
    mine = np.rint(moved[:, block.arcs]).astype(np.int64)
    ids, instants = network.sites.ids, network.periods.instants
    found: list[tuple[Any, ...]] = []
    for t in np.flatnonzero(mine.sum(axis=1)).tolist():
        arrives = instants[min(t + block.lasts, len(instants) - 1)]
        going = {int(k): int(mine[t, k]) for k in np.flatnonzero(mine[t])}
        if i in hosts:
            there = np.rint(hosts[i][t]).astype(np.int64)
            pairs = _paired(going, {int(s): int(n) for s, n in zip(block.hosts, there, strict=True) if n})
        else:
            pairs = [(k, _site_of(network, int(block.head[k]), int(block.sites[k])), n) for k, n in going.items()]
        for k, to, count in pairs:
            names = (
                block.part,
                block.title,
                block.kind,
                _stock(network, block.tail[k]),
                _stock(network, block.head[k]),
            )
            start = _site_of(network, int(block.tail[k]), int(block.sites[k]))
            places = (_name(ids, start), _name(ids, to))
            found.append((*names, *places, instants[t], arrives, count))
    return found


def _paired(going: Mapping[int, int], there: Mapping[int, int]) -> list[tuple[int, int, int]]:
    """Pair senders with hosts in order: arc, host site, people; those without a host stay at no site."""
    found, left = [], dict(there)
    for arc, count in going.items():
        for site in list(left):
            now = min(count, left[site])
            if now:
                found.append((arc, site, now))
                count -= now
                left[site] -= now
        if count:
            found.append((arc, -1, count))
    return found


def _site_of(network: Network, cell: int, otherwise: int) -> int:
    return int(network.cell_site[cell]) if cell >= 0 else otherwise


def _name(ids: tuple[str, ...], site: int) -> str:
    return ids[site] if site >= 0 else NATION


def _stock(network: Network, cell: int) -> str:
    if cell < 0:
        return OUTSIDE_NAME
    return next(b.name for b in network.stocks if b.first <= cell < b.first + len(b.sites))
