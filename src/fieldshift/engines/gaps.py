"""The physical gap: need less those who are there to meet it, by site and date, under a plan or any policy."""

from __future__ import annotations

import numpy as np
import pandas as pd

from fieldshift.engines.outcome import deciding, present, under_way
from fieldshift.network.graph import Float, NeedBlock, Network
from fieldshift.results.shortage import Gap, Gaps
from fieldshift.results.trace import Trace

__all__ = ["gaps"]

TINY = 1e-5


def gaps(network: Network, trace: Trace) -> Gaps:
    """Return where and when needs are not met, the mean over the futures of the records.

    Args:
        network: The network that was lived on.
        trace: All records of some futures; one future of the mean step is a policy's mean path.
    """
    needs = [(need, _there(network, trace, need)) for need in network.needs]
    found = [g for need, there in needs for g in _gaps(network, need, there)]
    found.sort(key=lambda g: (g.first, -g.largest, g.need, g.site))
    frames = [_frame(network, need, there) for need, there in needs]
    rows = pd.concat(frames, ignore_index=True) if frames else pd.DataFrame()
    return Gaps(tuple(found), sum(len(n.sites) for n in network.needs) - len(found), rows)


def _there(network: Network, trace: Trace, need: NeedBlock) -> Float:
    """Return how many meet a need, the mean over futures, before the moves or after them, shape (T, n)."""
    people = deciding(trace, network) if need.opening else present(trace, network)
    there = np.zeros_like(need.need)
    mean = people.mean(axis=0)
    for cell, row, weight in zip(*need.cells, strict=True):
        there[:, row] += weight * mean[:, cell]
    if len(need.transit[0]):
        way = under_way(trace, network, need.opening).mean(axis=0)
        for arc, row, weight in zip(*need.transit, strict=True):
            there[:, row] += weight * way[:, arc]
    return there


def _gaps(network: Network, need: NeedBlock, there: Float) -> list[Gap]:
    gap, instants, found = need.need - there, network.periods.instants, []
    for k, site in enumerate(need.sites.tolist()):
        own = gap[:, k]
        short = np.flatnonzero(own > TINY)
        if not len(short):
            continue
        worst = int(np.argmax(own))
        filled = there[short, k] / need.need[short, k]
        name = network.sites.names[site] if site >= 0 else ""
        where = (need.title, name, instants[int(short[0])], len(short), network.periods.step)
        found.append(Gap(*where, float(own[worst]), instants[worst], float(filled.min()), float(own[-1])))
    return found


def _frame(network: Network, need: NeedBlock, there: Float) -> pd.DataFrame:
    count, n = there.shape
    ids = [network.sites.ids[s] if s >= 0 else "nation" for s in need.sites.tolist()]
    needed = need.need.ravel()
    filled = np.divide(there.ravel(), needed, out=np.full(count * n, np.nan), where=needed > 0)
    return pd.DataFrame(
        {
            "need": np.repeat(need.title, count * n),
            "site": np.tile(ids, count),
            "date": pd.to_datetime(np.repeat([str(d) for d in network.periods.instants[:-1]], n)),
            "needed": needed,
            "there": there.ravel(),
            "gap": needed - there.ravel(),
            "fill_rate": filled,
        }
    )
