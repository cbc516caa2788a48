"""From a model's path to what was observed: which rows count, and what the model says each of them should be."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from fieldshift.errors import Problem, ScenarioError, UsageError
from fieldshift.network.graph import Network
from fieldshift.results.measures import MEASURES, Key, key_of, measure
from fieldshift.results.trace import Trace
from fieldshift.scenario.observed import Span, counted_first, kind_of, known_on, measures_of, spans
from fieldshift.scenario.paths import problem_at
from fieldshift.scenario.schema import Scenario, Series

__all__ = ["Operator", "Rows", "instant", "keys_of", "last_known", "operator", "rows_inside"]

Float = npt.NDArray[np.float64]
Int = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Rows:
    """Rows of observed series, of one series and site after the other, in order of time.

    Attributes:
        names: The series, in order.
        series: Index of each row's series, shape (n,).
        sites: Site of each row, empty for the whole.
        spans: The days that each row stands for.
        values: What was observed, shape (n,); NaN where it is not known.
        stock: Whether each row is a level (counted at an instant, or a mean of levels), shape (n,).
        previous: Index of the row before it of the same series and site, or -1, shape (n,).
        days: Length of each row's interval in days, shape (n,).
    """

    names: tuple[str, ...]
    series: Int
    sites: tuple[str, ...]
    spans: tuple[Span, ...]
    values: Float
    stock: npt.NDArray[np.bool_]

    @cached_property
    def previous(self) -> Int:
        """Index of the row before each of the same series and site, or -1."""
        found = np.full(len(self.sites), -1)
        for i in range(1, len(self.sites)):
            if self.series[i] == self.series[i - 1] and self.sites[i] == self.sites[i - 1]:
                found[i] = i - 1
        return found

    @cached_property
    def steps(self) -> Float:
        """Days since the row before of the same series and site; of a first row, the days of its interval."""
        own = np.array([(s.after - s.first).days for s in self.spans], np.float64)
        ends = np.array([s.after.toordinal() for s in self.spans], np.float64)
        return np.where(self.previous >= 0, ends - ends[np.maximum(self.previous, 0)], own) if len(own) else own

    def differenced(self, values: Float) -> Float:
        """Return flows as they are and levels as their change since the row before, shape (..., n)."""
        linked = self.stock & (self.previous >= 0)
        before = values[..., np.maximum(self.previous, 0)]
        return np.asarray(values - np.where(linked, before, 0.0))

    def summed(self, changes: Float) -> Float:
        """Return levels and flows again from what `differenced` gives."""
        found = np.array(changes, np.float64)
        for i in np.flatnonzero(self.stock & (self.previous >= 0)):
            found[..., i] += found[..., self.previous[i]]
        return found

    def take(self, where: npt.NDArray[np.bool_] | Int) -> Rows:
        """Return some of the rows."""
        at = np.flatnonzero(where) if where.dtype == np.bool_ else where
        return Rows(
            self.names,
            self.series[at],
            tuple(self.sites[i] for i in at),
            tuple(self.spans[i] for i in at),
            self.values[at],
            self.stock[at],
        )

    def __len__(self) -> int:
        return len(self.sites)


def keys_of(scenario: Scenario, network: Network, name: str) -> tuple[Key, ...]:
    """Return the measures that a series is the sum of.

    Raises:
        ScenarioError: The model has no such measure, or it has no meaning by site or as a flow.
    """
    series = scenario.history[name]
    by_site = series.site is not None or any(row.site is not None for row in series.rows)
    found, wrong = list[Key](), list[Problem]()
    for text in measures_of(series):
        word, _, part = text.partition(".")
        try:
            found.append(key_of(network, word, part))
        except UsageError as error:
            wrong.append(problem_at(scenario, ("history", name, "of"), str(error)))
            continue
        if by_site and not MEASURES[word].by_site:
            what = f"the measure '{word}' is not known by site"
            wrong.append(problem_at(scenario, ("history", name, "of"), what, "observe it of the whole"))
        if series.kind == "flow" and MEASURES[word].at == "instant":
            what = f"the measure '{word}' is a count at an instant, not a flow"
            wrong.append(
                problem_at(scenario, ("history", name, "kind"), what, "observe `hires`, `losses`, `served`...")
            )
    if not wrong and len({MEASURES[key[0]].at for key in found}) > 1:
        what = "adds counts at an instant to flows"
        wrong.append(problem_at(scenario, ("history", name, "of"), what, "a series for each"))
    if wrong:
        raise ScenarioError(wrong)
    return tuple(found)


def rows_inside(scenario: Scenario, network: Network, names: Iterable[str]) -> Rows:
    """Return the rows of some series that lie inside the horizon, of each interval the one published last.

    Args:
        scenario: The scenario, whose `history` they are.
        network: Its network, for the horizon: rows outside it are left out.
        names: The series.
    """
    order = tuple(names)
    first, end = network.periods.instants[0], network.periods.instants[-1]
    picked: list[tuple[int, str, Span, float, bool]] = []
    for x, name in enumerate(order):
        kind = kind_of(scenario.history[name])
        for site, span, value in last_known(scenario.history[name]):
            at = instant(scenario.history[name], span)
            if first <= at <= end if kind == "stock" else span.first >= first and span.after <= end:
                picked.append((x, site, span, value, kind != "flow"))
    return Rows(
        order,
        np.array([p[0] for p in picked], np.int64),
        tuple(p[1] for p in picked),
        tuple(p[2] for p in picked),
        np.array([p[3] for p in picked], np.float64),
        np.array([p[4] for p in picked], np.bool_),
    )


def last_known(series: Series) -> list[tuple[str, Span, float]]:
    """Return site, days and value of each interval of a series, as published last; by site, then in order of time."""
    latest: dict[tuple[str, Span], tuple[dt.date, float]] = {}
    for row, span in zip(series.rows, spans(series), strict=True):
        if row.value is None:
            continue
        key, known = (row.site or series.site or "", span), known_on(series, row, span)
        if key not in latest or latest[key][0] <= known:
            latest[key] = known, row.value
    order = sorted(latest.items(), key=lambda item: (item[0][0], item[0][1].after, item[0][1].first))
    return [(site, span, value) for (site, span), (_, value) in order]


def instant(series: Series, span: Span) -> dt.date:
    """Return the instant at which a stock was counted: the start of its day, or of the day after."""
    return span.first if counted_first(series) else span.after


@dataclass(frozen=True)
class Operator:
    """What a model's path says that each row should be: weighted sums of measures over time, for a site or the whole.

    Attributes:
        rows: The rows.
        keys: The measures of each series.
        weights: For each series the weight of each instant or period in each of its rows, (rows of it, time).
    """

    rows: Rows
    keys: tuple[tuple[Key, ...], ...]
    weights: tuple[Float, ...]

    @property
    def needed(self) -> tuple[tuple[Key, ...], tuple[Key, ...]]:
        """The measures that are needed of the whole, and by site."""
        whole, by_site = dict[Key, None](), dict[Key, None]()
        for x, keys in enumerate(self.keys):
            mine = [self.rows.sites[i] for i in np.flatnonzero(self.rows.series == x)]
            for wanted, any_of in ((whole, any(not s for s in mine)), (by_site, any(mine))):
                if any_of:
                    wanted.update(dict.fromkeys(keys))
        return tuple(whole), tuple(by_site)

    def of(self, trace: Trace, network: Network) -> Float:
        """Return what each future of a batch says each row should be, shape (D, n)."""
        whole, by_site = self.needed
        of_whole = measure(trace, network, whole)
        of_sites = measure(trace, network, by_site, by_site=True) if by_site else {}
        index = {site: i for i, site in enumerate(network.sites.ids)}
        found = np.zeros((len(trace.people), len(self.rows)))
        for x, keys in enumerate(self.keys):
            mine = np.flatnonzero(self.rows.series == x)
            sites = [self.rows.sites[i] for i in mine]
            for site in dict.fromkeys(sites):
                some = np.array([i for i, own in enumerate(sites) if own == site])
                sums = [of_sites[key][:, :, index[site]] if site else of_whole[key] for key in keys]
                path = np.asarray(np.sum(sums, axis=0), np.float64)
                found[:, mine[some]] = (self.weights[x][some] @ path.T).T
        return found


def operator(scenario: Scenario, network: Network, rows: Rows) -> Operator:
    """Return what takes a model's path to the rows.

    A flow is the sum over the periods of its interval, a period at an edge by the share of its days inside; a stock
    lies on the straight line between two instants; an average weighs periods by their days.
    """
    days = np.array([day.toordinal() for day in network.periods.instants], np.float64)
    keys, weights = [], []
    for x, name in enumerate(rows.names):
        series = scenario.history[name]
        mine = keys_of(scenario, network, name)
        at = MEASURES[mine[0][0]].at
        kind = kind_of(series)
        own = [rows.spans[i] for i in np.flatnonzero(rows.series == x)]
        lines = [_line(days, series, span, (kind, at)) for span in own]
        width = len(days) if at == "instant" else len(days) - 1
        keys.append(mine)
        weights.append(np.array(lines).reshape(len(lines), width))
    return Operator(rows, tuple(keys), tuple(weights))


def _line(days: Float, series: Series, span: Span, how: tuple[str, str]) -> Float:
    kind, at = how
    if kind == "stock" and at == "instant":
        line = np.zeros(len(days))
        day = float(instant(series, span).toordinal())
        i = min(max(int(np.searchsorted(days, day, side="right")) - 1, 0), len(days) - 2)
        share = (day - days[i]) / (days[i + 1] - days[i])
        line[i], line[i + 1] = 1 - share, share
        return line
    inside = _inside(days, span)
    if kind == "flow":
        return inside
    weight = inside * np.diff(days)
    weight /= max(weight.sum(), 1e-9)
    if at == "period":
        return np.asarray(weight)
    # The mean of a straight line over some days is what it is in the middle of them.
    low = np.maximum(days[:-1], float(span.first.toordinal()))
    high = np.minimum(days[1:], float(span.after.toordinal()))
    share = ((low + high) / 2 - days[:-1]) / np.diff(days)
    return np.asarray(np.append(weight * (1 - share), 0.0) + np.append(0.0, weight * share))


def _inside(days: Float, span: Span) -> Float:
    """Return the share of each period's days that lie in a stretch of days, shape (T,)."""
    low, high = float(span.first.toordinal()), float(span.after.toordinal())
    overlap = np.minimum(days[1:], high) - np.maximum(days[:-1], low)
    return np.asarray(np.clip(overlap, 0.0, None) / np.diff(days))
