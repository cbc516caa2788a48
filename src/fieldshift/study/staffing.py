"""A staffing model fitted to a history: leavers by reason, hires, seasons, new hires, and what nothing explains.

Leavers are exposures: so many per head and month, a rate that wanders (`levels`), with factors of the season
(`seasons`), and more from those who have just come (`tenure`). Organisations of one table learn from each other: what
is usual among them is where each starts from. What the flows do not explain (`ledger`) is carried as a term of its own,
pulled to zero (`unexplained`). Where only stocks are known, their net change is carried instead (`net`).

Source:
    Bartholomew, Forbes & McClean (1991), Statistical Techniques for Manpower Planning, 2nd ed., Wiley. Pooling by
    empirical Bayes: Laird (1978), Nonparametric maximum likelihood estimation of a mixing distribution, JASA 73.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from fieldshift.study.flows import Flows, flows_of
from fieldshift.study.history import History, Unit
from fieldshift.study.levels import EXTRA, Counts, Filtered, Prior, filtered, prior_of
from fieldshift.study.net import Net, net_of
from fieldshift.study.seasons import factors, ratios
from fieldshift.study.tenure import Cohorts, carried
from fieldshift.study.unexplained import Unexplained, unexplained_of

__all__ = ["Flow", "Model", "Staffing", "fit_staffing"]

Float = npt.NDArray[np.float64]

HIRES = "hires"
"""Name of all entries as a flow."""

_USUAL_RATE = 0.006
"""All leavers per head and month where a history says nothing: 7 % a year, by JOLTS' long-run range for government."""


@dataclass(frozen=True)
class Flow:
    """One flow, fitted.

    Attributes:
        name: The reason, or `hires`.
        counts: Its history as the filter read it.
        fit: What its counts say.
        factors: Factors of the season, shape (S,): ones where they are not known.
        exposed: Whom it is counted from: `all`, or `established`, those who are not new.
        early: Whether new hires give more.
        usual: Logarithm of the middle rate of the last two years, NaN where fewer than four periods are known: a rate
            far from it is expected to come back.
    """

    name: str
    counts: Counts
    fit: Filtered
    factors: Float
    exposed: str
    early: bool
    usual: float


@dataclass(frozen=True)
class Model:
    """One organisation, fitted.

    Attributes:
        flows: Its history as the model read it.
        unit: Its history as it was known.
        outs: Leavers by reason.
        hires: All entries, or nothing where none are known.
        newcomers: Share of entries that are new to the organisation.
        unexplained: What flows do not explain.
        cohorts: New hires who are there at the end, by age.
        net: Its net change, where only stocks are known.
    """

    flows: Flows
    unit: Unit
    outs: Mapping[str, Flow]
    hires: Flow | None
    newcomers: float
    unexplained: Unexplained
    cohorts: Cohorts
    net: Net | None


@dataclass(frozen=True)
class Staffing:
    """A staffing model of each organisation of a history, fitted to what was known on a day.

    Attributes:
        history: The history; later rows of it were not read.
        until: The day.
        models: The organisations that had a stock by then.
    """

    history: History
    until: dt.date
    models: Mapping[str, Model]


def fit_staffing(history: History, until: dt.date | None = None) -> Staffing:
    """Fit a staffing model to each organisation of a history.

    Args:
        history: The history.
        until: The last day whose rows are read, and by which they must have been published; the last of all if None.
    """
    day = until or history.last
    units = history.known(day)
    read = {org: flows for org, unit in units.items() if (flows := flows_of(unit)) is not None}
    early = {org: _early(flows) for org, flows in read.items()}
    outs = _fitted(_leavers(read, early), read)
    # New hires who left are no longer there to leave: the cohorts are carried again with what the first pass found.
    early = {org: _early(flows, _extra(org, outs)) for org, flows in read.items()}
    outs = _fitted(_leavers(read, early), read)
    hires = _fitted({(org, HIRES): c for org, flows in read.items() if (c := _entries(flows)) is not None}, read)
    nets = net_of({org: flows for org, flows in read.items() if flows.net})
    unexplained = unexplained_of(read)
    models = {
        org: Model(
            flows=flows,
            unit=units[org],
            outs={name: flow for (mine, name), flow in outs.items() if mine == org},
            hires=hires.get((org, HIRES)),
            newcomers=_newcomers(flows),
            unexplained=unexplained[org],
            cohorts=early[org][2],
            net=nets.get(org),
        )
        for org, flows in read.items()
    }
    return Staffing(history, day, models)


def _newcomers(flows: Flows) -> float:
    known = ~np.isnan(flows.entered) & ~np.isnan(flows.hired)
    entered = float(flows.entered[known].sum())
    return min(float(flows.hired[known].sum()) / entered, 1.0) if entered > 0 else 1.0


def _extra(org: str, outs: Mapping[tuple[str, str], Flow]) -> float:
    """Return an organisation's early attrition over all reasons, as a multiple of the usual."""
    return sum(float(flow.fit.extra @ EXTRA) for (mine, _), flow in outs.items() if mine == org)


def _early(flows: Flows, extra: float = 1.0) -> tuple[Float, Float, Cohorts]:
    """Return extra leavers expected of new hires, new hires there, and the cohorts at the end.

    Hires before the history are taken to be those of its first year, but no more than would replace its leavers: a
    history may begin with a surge. Hires that are missing are what the stock gained, and the usual leavers.
    """
    left, hired = flows.left, flows.hired.copy()
    year = max(12 // flows.months, 1)
    known = ~np.isnan(left)
    exposed = float(flows.before[known].sum())
    rate = float(left[known].sum()) / exposed if exposed > 0 else _USUAL_RATE * flows.months
    change = flows.stock - flows.before
    hired = np.where(np.isnan(hired), np.maximum(change + rate * flows.before, 0.0), hired)
    replacing = float(np.mean((np.where(known, left, rate * flows.before))[:year]))
    return carried(hired, flows.months, min(float(hired[:year].mean()), replacing), extra)


def _leavers(
    read: Mapping[str, Flows], early: Mapping[str, tuple[Float, Float, Cohorts]]
) -> dict[tuple[str, str], Counts]:
    found = {}
    for org, flows in read.items():
        extra, new, _ = early[org]
        for name, count in flows.outs.items():
            is_early = name in flows.early
            exposure = flows.before if is_early else np.maximum(flows.before - new, 0.1 * flows.before)
            share = extra if is_early else np.zeros(count.size)
            found[org, name] = Counts(count, exposure * flows.months, share, np.ones(count.size), flows.months)
    return found


def _entries(flows: Flows) -> Counts | None:
    if not np.any(~np.isnan(flows.entered)):
        return None
    exposure = np.maximum(flows.before, 1.0) * flows.months
    return Counts(flows.entered, exposure, np.zeros(exposure.size), np.ones(exposure.size), flows.months)


def _fitted(counts: dict[tuple[str, str], Counts], read: Mapping[str, Flows]) -> dict[tuple[str, str], Flow]:
    """Fit flows of one kind together: first each alone, then each from where the others are."""
    found: dict[tuple[str, str], Flow] = {}
    for name in dict.fromkeys(name for _, name in counts):
        mine = {org: c for (org, kind), c in counts.items() if kind == name}
        early = name != HIRES and any(name in read[org].early for org in mine)
        season = _seasons(mine, read)
        mine = {
            org: replace(c, season=season[org][read[org].seasons] if season[org].size > 1 else np.ones(c.count.size))
            for org, c in mine.items()
        }
        seasoned = all(_seasoned(factor) for factor in season.values())
        first = prior_of(_first_rate(list(mine.values())), early, seasoned)
        fits = {org: filtered(c, first) for org, c in mine.items()}
        if len(fits) > 1:
            others = {org: [fit for other, fit in fits.items() if other != org] for org in mine}
            fits = {org: filtered(c, _pooled(first, others[org])) for org, c in mine.items()}
        exposed = "all" if early or name == HIRES else "established"
        for org, fit in fits.items():
            found[org, name] = Flow(name, mine[org], fit, season[org], exposed, early, _usual(mine[org], fit))
    return found


def _usual(counts: Counts, fit: Filtered) -> float:
    last = slice(-max(24 // counts.months, 8), None)
    known = ~np.isnan(counts.count[last]) & (counts.exposure[last] > 0)
    if known.sum() < 4:
        return float("nan")
    count, exposure = counts.count[last][known] / counts.season[last][known], counts.exposure[last][known]
    others = np.maximum(count - float(fit.extra @ EXTRA) * counts.early[last][known], 0.1 * count)
    return float(np.log((np.median(others / exposure) * exposure.mean() + 0.25) / exposure.mean()))


def _seasoned(factor: Float) -> bool:
    return factor.size == 1 or bool(np.ptp(factor) > 0)


def _seasons(counts: Mapping[str, Counts], read: Mapping[str, Flows]) -> dict[str, Float]:
    profiles = {}
    for org, c in counts.items():
        profiles[org] = ratios(c.count, c.exposure, read[org].seasons, 12 // c.months)
    found = {}
    for org, own in profiles.items():
        others = [profile for name, profile in profiles.items() if profile is not None and name != org]
        made = factors(own, others)
        found[org] = np.ones(12 // counts[org].months) if made is None else made
    return found


def _first_rate(counts: Sequence[Counts]) -> tuple[float, float]:
    """Return a vague belief about the first rate: that of all together, to a factor of six or so either way."""
    known = [~np.isnan(c.count) & (c.exposure > 0) for c in counts]
    seen = sum(float(c.count[k].sum()) for c, k in zip(counts, known, strict=True))
    exposed = sum(float(c.exposure[k].sum()) for c, k in zip(counts, known, strict=True))
    return float(np.log((seen + 1.0) / (exposed + 1.0 / _USUAL_RATE))), 1.8


def _pooled(first: Prior, others: Sequence[Filtered]) -> Prior:
    """Return the prior of one organisation: the vague one as two more organisations beside the others."""
    rates = np.array([fit.rate() for fit in others])
    mean = (rates[:, 0].sum() + 0.5 * first.rate[0]) / (len(others) + 0.5)
    spread = float(np.sqrt((np.sum((rates[:, 0] - mean) ** 2) + 2 * 1.2**2) / (len(others) + 2)))

    def mixed(base: Float, told: Sequence[Float]) -> Float:
        total = 2.0 * base + sum(told)
        return np.asarray(total / total.sum(), np.float64)

    return Prior(
        (mean, spread),
        mixed(first.extra, [fit.extra for fit in others]),
        mixed(first.spread, [fit.spread for fit in others]),
        mixed(first.drift, [fit.drift for fit in others]),
    )
