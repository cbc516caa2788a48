"""What came out of a run: arrays with named axes, tables for people."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypedDict, Unpack

import numpy as np
import pandas as pd

from fieldshift.errors import Problem
from fieldshift.network.graph import Network
from fieldshift.results import parquet
from fieldshift.results.axes import NATION, Axes, Entry, Facts, entries, months_later, nearest, versions
from fieldshift.results.bound import ANYWHERE, Bound
from fieldshift.results.collect import Collector, PolicyResult
from fieldshift.results.kept import Ask, Kept
from fieldshift.results.labelled import dataset
from fieldshift.results.quantiles import STATS, summarise
from fieldshift.results.tally import Array
from fieldshift.scenario.schema import Headline, Scenario

__all__ = ["MONTHS", "Ask", "Collector", "PolicyResult", "Result", "RunFacts"]

At = dt.date | Sequence[dt.date] | None

MONTHS = (0, 3, 12, 36)
"""Months from the first day at which headlines are told."""


class RunFacts(TypedDict, total=False):
    """What an engine tells of a run beside its numbers; see `Facts`."""

    draws: int
    seed: int
    groups: int
    engine: str
    digest: str
    seconds: float
    problems: tuple[Problem, ...]


@dataclass(frozen=True, eq=False)
class Result(Kept):
    """What came out of a run of some policies on the same futures.

    Axes have names: policy, draw (future), date, measure, of (its part), site. Sites stand in the planner's
        order.
    """

    @staticmethod
    def of(
        scenario: Scenario | None,
        network: Network,
        parts: Mapping[str, PolicyResult],
        **run: Unpack[RunFacts],
    ) -> Result:
        """Return the result of a run.

        Args:
            scenario: The scenario.
            network: The network of the base case.
            parts: What was collected of each policy, the base first.
            run: What is known of it: `draws`, `seed`, `groups`, `engine`, `digest`, `seconds`, `problems`.
        """
        given = {} if scenario is None else scenario.policies
        titles = {p: (given[p].title if p in given else None) or p.replace("_", " ") for p in parts}
        if "plan" in titles and "plan" not in given:
            titles["plan"] = "The plan"
        keys = dict.fromkeys(key for part in parts.values() for key in part.nation)
        futures = (values.shape[-1] for part in parts.values() for values in part.draws.values())
        facts = Facts(
            run.get("draws", 0) or next(futures, 0),
            run.get("seed", 0),
            run.get("groups", 1),
            run.get("engine", ""),
            run.get("digest", ""),
            run.get("seconds", 0.0),
            versions(),
            tuple(run.get("problems", ())),
        )
        kept, axes = entries(network, keys), Axes.of(network)
        return Result(network.name, tuple(parts), titles, dict(parts), kept, axes, facts, scenario, network)

    # ------------------------------------------------------------------------------- one measure

    def summary(self, policy: str, measure: str, of: str = "") -> pd.DataFrame:
        """Return mean and quantiles of the nation, a row for each date."""
        return pd.DataFrame(self.stats(policy, measure, of).T, columns=list(STATS), index=self._index(measure))

    def frame(self, policy: str, measure: str, of: str = "") -> pd.DataFrame:
        """Return the nation's value with a row for each future and a column for each date."""
        draws = pd.RangeIndex(self.draws, name="draw")
        return pd.DataFrame(self.values(policy, measure, of), columns=self._index(measure), index=draws)

    def paired(self, policy: str, base: str, measure: str, of: str = "") -> pd.DataFrame:
        """Return a policy's difference from another one on the same futures, a row for each date.

        Columns are mean and quantiles of the difference, and `more` and `less`: shares of futures with one
        above and one below 0.
        """
        difference = self.values(policy, measure, of).astype(np.float64) - self.values(base, measure, of)
        found = pd.DataFrame(summarise(difference.T).T, columns=list(STATS), index=self._index(measure))
        found["more"], found["less"] = (difference > 0).mean(axis=0), (difference < 0).mean(axis=0)
        return found

    def _index(self, measure: str) -> pd.DatetimeIndex:
        return pd.DatetimeIndex(pd.to_datetime(list(self.dates(measure))), name="date")

    # ------------------------------------------------------------------------------------ tables

    def measures(self) -> pd.DataFrame:
        """Return the measures that were kept, with unit, title and definition."""
        rows = [(*e.key, e.unit, e.title, e.definition) for e in self.entries]
        return pd.DataFrame(rows, columns=["measure", "of", "unit", "title", "definition"])

    def table(
        self,
        *asked: Ask,
        policies: Sequence[str] | None = None,
        by: Literal["nation", "site"] = "nation",
        at: At = None,
    ) -> pd.DataFrame:
        """Return mean and quantiles in long form.

        Args:
            asked: Measures: `field`, `backlog` (of every part), `backlog.docket`; all that were kept by
                default.
            policies: Policies; all by default.
            by: `nation`, or `site`: a row for each site, in the planner's order.
            at: Dates, each the nearest one there is; all by default.

        Returns:
            Columns policy, measure, of, site, date, mean, q05, q10, q25, q50, q75, q90, q95.

        Raises:
            UsageError: A policy or measure is not in this run, or not by site.
        """
        chosen = list(dict.fromkeys(e for ask in asked for e in self.find(ask))) or list(self.entries)
        names = ["policy", "measure", "of", "site", "date", *STATS]
        pieces = list(self._pieces(chosen, (policies or self.policies, by, at)))
        if not pieces and asked:
            self.site_stats((policies or self.policies)[0], *chosen[0].key)
        if not pieces:
            return pd.DataFrame(columns=names)
        return pd.DataFrame({name: np.concatenate([piece[name] for piece in pieces]) for name in names})

    def _pieces(self, chosen: Sequence[Entry], how: tuple[Sequence[str], str, At]) -> Iterator[dict[str, Array]]:
        policies, by, at = how
        sites = np.array(self.site_ids if by == "site" else (NATION,), object)
        order = list(self.axes.planner_order)
        for policy in policies:
            part = self.part(policy)
            for entry in chosen:
                found = (part.sites if by == "site" else part.nation).get(entry.key)
                if found is None:
                    continue
                place = self._places(entry, at)
                data = found[:, place][:, :, order] if by == "site" else found[:, place, None]
                cells = data.reshape(len(STATS), -1)
                words = {"policy": policy, "measure": entry.key[0], "of": entry.key[1]}
                piece: dict[str, Array] = {k: np.full(cells.shape[1], v, object) for k, v in words.items()}
                piece["site"] = np.tile(sites, len(place))
                piece["date"] = np.repeat(self._index(entry.key[0]).to_numpy()[place], len(sites))
                yield piece | dict(zip(STATS, cells, strict=True))

    def _places(self, entry: Entry, at: At) -> list[int]:
        dates = self.dates(entry.key[0])
        if at is None:
            return list(range(len(dates)))
        days = [at] if isinstance(at, dt.date) else at
        return list(dict.fromkeys(nearest(dates, day) for day in days))

    # -------------------------------------------------------------------------------- what bound

    def bound_table(self, policies: Sequence[str] | None = None) -> pd.DataFrame:
        """Return the share of futures in which each limit and line of money cut a request, by period.

        Columns are policy, limit, title, part, site, date, share; what never bound in a period has no row
        there. The site is an id, `nation` or `any site`.
        """
        rows: list[tuple[Any, ...]] = []
        for policy in policies or self.policies:
            bound = self.part(policy).bound
            for t, x in np.argwhere(bound.share > 0).tolist():
                tie = bound.ties[x]
                date = pd.Timestamp(self.axes.instants[t])
                where = self.axes.site(tie.site)
                rows.append((policy, tie.limit, tie.title, tie.part, where, date, float(bound.share[t, x])))
        return pd.DataFrame(rows, columns=["policy", "limit", "title", "part", "site", "date", "share"])

    def bound_first(self, policies: Sequence[str] | None = None) -> pd.DataFrame:
        """Return what bound first under each policy, most often first.

        Columns are policy, limit, title, part, site (where it led most often), date (the middle one of its
        first
        dates), `ever` (share of futures in which it ever cut a request) and `led` (in which nothing cut one
        before).
        """
        rows = [row for policy in policies or self.policies for row in self._first(policy)]
        names = ["policy", "limit", "title", "part", "site", "date", "ever", "led"]
        return pd.DataFrame(rows, columns=names)

    def _first(self, policy: str) -> list[tuple[Any, ...]]:
        bound: Bound = self.part(policy).bound
        found: list[tuple[Any, ...]] = []
        ever, led = bound.first.sum(axis=0, dtype=np.float64), bound.lead.sum(axis=0, dtype=np.float64)
        wide = {tie.part for tie in bound.ties if tie.site == ANYWHERE}
        for x, tie in enumerate(bound.ties):
            if ever[x] <= 0 or (tie.part in wide and tie.site != ANYWHERE):
                continue
            first = np.cumsum(bound.first[:, x], dtype=np.float64)
            date = self.axes.instants[int(np.searchsorted(first, ever[x] / 2.0))]
            mine = [y for y, one in enumerate(bound.ties) if one.part == tie.part and one.site != ANYWHERE]
            site = self.axes.site(bound.ties[max(mine, key=lambda y: (led[y], ever[y], -y))].site)
            shares = (float(ever[x]), float(led[x]))
            found.append((policy, tie.limit, tie.title, tie.part, site, pd.Timestamp(date), *shares))
        return sorted(found, key=lambda row: (-row[7], -row[6], row[5], row[1]))

    # --------------------------------------------------------------------------------- headlines

    def chosen_headlines(self, headlines: Sequence[Headline] = ()) -> list[tuple[Entry, Headline]]:
        """Return the measures on top of a summary: those given, the scenario's, or a sensible choice.

        Raises:
            UsageError: One was not kept.
        """
        given = tuple(headlines) or (self.scenario.headlines if self.scenario is not None else ())
        if given:
            return [(self.entry(h.measure, h.of or ""), h) for h in given]
        whole = {e.key[0]: e for e in reversed(self.entries)}
        first = [whole[name] for name in ("field", "desk", "on_board") if name in whole]
        rest = [e for name in ("backlog", "spend_to_date") for e in self.entries if e.key[0] == name]
        return [(e, Headline(measure=e.key[0], of=e.key[1] or None)) for e in [*first, *rest[:4]]]

    def points(self, entry: Entry) -> list[tuple[str, int]]:
        """Return at which of its dates a headline is told: now, in 3, 12 and 36 months, or at the end.

        A measure of a period is told of the period that ends there (now: of the first).
        """
        instants = self.axes.instants
        found: dict[int, str] = {}
        for months in MONTHS:
            day = months_later(instants[0], months)
            i = nearest(instants, day)
            beyond = day - instants[-1] > instants[-1] - instants[-2]
            label = "at the end" if beyond else f"in {months} months" if months else "now"
            found.setdefault(i if entry.instant else max(i - 1, 0), label)
        return [(label, i) for i, label in found.items()]

    def headlines(self, headlines: Sequence[Headline] = ()) -> pd.DataFrame:
        """Return the headline measures now and later under each policy, with 80 % bands (q10 to q90).

        Columns are policy, measure, of, title, unit, better, when, date, mean, q10, q50, q90.
        """
        rows: list[tuple[Any, ...]] = []
        for entry, headline in self.chosen_headlines(headlines):
            dates = self._index(entry.key[0])
            for policy in self.policies:
                data = self.part(policy).nation.get(entry.key)
                if data is None:
                    continue
                words = (policy, *entry.key, headline.title or entry.title, entry.unit, headline.better)
                for when, i in self.points(entry):
                    stats = dict(zip(STATS, data[:, i].tolist(), strict=True))
                    rows.append((*words, when, dates[i], *(stats[s] for s in ("mean", "q10", "q50", "q90"))))
        names = [
            "policy",
            "measure",
            "of",
            "title",
            "unit",
            "better",
            "when",
            "date",
            "mean",
            "q10",
            "q50",
            "q90",
        ]
        return pd.DataFrame(rows, columns=names)

    # ------------------------------------------------------------------------------- to elsewhere

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        """Give the table of the nation as an Arrow stream, for polars, DuckDB, pyarrow and others."""
        return parquet.stream(self.table(), requested_schema)

    def to_xarray(self) -> Any:
        """Return means and quantiles as an `xarray.Dataset` over policy, statistic, instant, period, site.

        Raises:
            UsageError: xarray is not installed.
        """
        return dataset(self)
