"""What is kept of a run, and how it is looked up by name."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from fieldshift.errors import RunError, UsageError
from fieldshift.network.build import build
from fieldshift.network.graph import Network
from fieldshift.results.axes import Axes, Entry, Facts
from fieldshift.results.collect import PolicyResult
from fieldshift.results.measures import MEASURES, Key
from fieldshift.results.planned import Planned
from fieldshift.scenario.schema import Scenario

__all__ = ["Ask", "Kept"]

Ask = str | tuple[str, str]
"""A measure: `field`, `backlog` (of every part), `backlog.docket`, or `("backlog", "docket")`."""


@dataclass(frozen=True, eq=False)
class Kept:
    """What is kept of a run of some policies on the same futures.

    Attributes:
        name: The scenario's name.
        policies: The policies; the first is the base.
        titles: The policies' names for a reader.
        parts: What is kept of each policy.
        entries: The measures that are kept.
        axes: Dates and sites.
        facts: Seed, engine, versions and the like.
        scenario: The scenario, if known.
        made: The network of the base case, where it is at hand.
        planned: What is told of the plan, if there is one; it is then one of the policies too.
    """

    name: str
    policies: tuple[str, ...]
    titles: Mapping[str, str]
    parts: Mapping[str, PolicyResult]
    entries: tuple[Entry, ...]
    axes: Axes
    facts: Facts
    scenario: Scenario | None = None
    made: Network | None = field(default=None, repr=False)
    planned: Planned | None = field(default=None, repr=False)

    @cached_property
    def network(self) -> Network:
        """The network of the base case, at the centre of its unknowns; built again for a stored run."""
        if self.made is not None:
            return self.made
        if self.scenario is None:
            raise RunError("this run was stored without its scenario")
        return build(self.scenario)

    @property
    def draws(self) -> int:
        """Number of futures."""
        return self.facts.draws

    @property
    def seed(self) -> int:
        """Seed of all draws."""
        return self.facts.seed

    @property
    def engine(self) -> str:
        """The engine."""
        return self.facts.engine

    @property
    def base(self) -> str:
        """The base policy."""
        return self.policies[0]

    @property
    def site_ids(self) -> tuple[str, ...]:
        """Sites in the planner's order."""
        return tuple(self.axes.site_ids[i] for i in self.axes.planner_order)

    @property
    def site_futures(self) -> int:
        """How many futures the values by site stand on: all of them, or evenly spaced ones."""
        return min(part.site_futures for part in self.parts.values())

    @property
    def group_of(self) -> npt.NDArray[np.int64]:
        """The group of each future, shape (draw,): one group believes the same unknowns."""
        edges = np.array([self.draws * g // self.facts.groups for g in range(self.facts.groups + 1)])
        return np.searchsorted(edges, np.arange(self.draws), side="right") - 1

    def part(self, policy: str) -> PolicyResult:
        """Return what is kept of a policy.

        Raises:
            UsageError: It is not in this run.
        """
        if policy not in self.parts:
            raise UsageError(f"there is no policy {policy!r} in this run; there are {', '.join(self.policies)}")
        return self.parts[policy]

    def find(self, ask: Ask) -> list[Entry]:
        """Return the entries that a name stands for: a measure of all its parts, or of one.

        Raises:
            UsageError: None was kept; the message says what was.
        """
        name, of = ask if isinstance(ask, tuple) else (ask.partition(".")[0], ask.partition(".")[2])
        found = [e for e in self.entries if e.key[0] == name and of in ("", e.key[1])]
        if found:
            return found
        there = ", ".join(dict.fromkeys(repr(e.key[1]) for e in self.entries if e.key[0] == name))
        if there:
            raise UsageError(f"the measure {name!r} was not kept of {of!r}; it was of {there}")
        kept = ", ".join(dict.fromkeys(e.key[0] for e in self.entries))
        known = "was not kept" if name in MEASURES else "does not exist"
        raise UsageError(f"the measure {name!r} {known}; kept are {kept}")

    def entry(self, measure: str, of: str = "") -> Entry:
        """Return what is known of one measure that was kept; one with a single part needs no `of`.

        Raises:
            UsageError: It was not kept, or is of several parts; the message says which.
        """
        found = self.find((measure, of) if of else measure)
        exact = [e for e in found if e.key == (measure, of)] or found
        if len(exact) > 1:
            raise UsageError(f"{measure!r} is of one of {', '.join(repr(e.key[1]) for e in exact)}: say which")
        return exact[0]

    def dates(self, measure: str) -> tuple[dt.date, ...]:
        """Return the dates of a measure: T + 1 instants, or the first days of T periods."""
        entry = self.find(measure)[0]
        return self.axes.instants if entry.instant else self.axes.instants[:-1]

    def values(self, policy: str, measure: str, of: str = "") -> npt.NDArray[np.float32]:
        """Return the nation's value in each future, shape (draw, time).

        Raises:
            UsageError: The policy or measure is not in this run, or was stored without its futures.
        """
        key = self.entry(measure, of).key
        draws = self._of(self.part(policy).draws, key, policy, "with all futures")
        return np.ascontiguousarray(draws.T, np.float32)

    def stats(self, policy: str, measure: str, of: str = "") -> npt.NDArray[np.float32]:
        """Return mean and quantiles of the nation, shape (statistic, time); the statistics are `STATS`."""
        return self._of(self.part(policy).nation, self.entry(measure, of).key, policy, "")

    def site_stats(self, policy: str, measure: str, of: str = "") -> npt.NDArray[np.float32]:
        """Return mean and quantiles by site, shape (statistic, time, site), sites in the planner's order."""
        found = self._of(self.part(policy).sites, self.entry(measure, of).key, policy, "by site")
        return found[:, :, list(self.axes.planner_order)]

    def same(self, other: Kept) -> bool:
        """Return whether two runs hold the same: every number, name, date and fact, and the scenario."""
        mine = (
            self.name,
            self.policies,
            dict(self.titles),
            self.entries,
            self.axes,
            self.facts,
            self.scenario,
        )
        theirs = (
            other.name,
            other.policies,
            dict(other.titles),
            other.entries,
            other.axes,
            other.facts,
            other.scenario,
        )
        return mine == theirs and all(_same_part(self.parts[p], other.parts[p]) for p in self.policies)

    @staticmethod
    def _of(kept: Mapping[Key, npt.NDArray[Any]], key: Key, policy: str, how: str) -> npt.NDArray[Any]:
        if key not in kept:
            there = ", ".join(dict.fromkeys(k[0] for k in kept)) or "none"
            name = ".".join(k for k in key if k)
            raise UsageError(
                f"{name!r} was not kept {how} of the policy {policy!r}; so kept are {there}".replace("  ", " ")
            )
        return kept[key]


def _same_part(one: PolicyResult, two: PolicyResult) -> bool:
    if one.site_futures != two.site_futures or one.bound.ties != two.bound.ties:
        return False
    pairs = [(one.draws, two.draws), (one.nation, two.nation), (one.sites, two.sites)]
    if any(set(a) != set(b) for a, b in pairs):
        return False
    arrays = [(a[key], b[key]) for a, b in pairs for key in a]
    arrays += [(getattr(one.bound, n), getattr(two.bound, n)) for n in ("share", "first", "lead")]
    return all(a.dtype == b.dtype and np.array_equal(a, b, equal_nan=a.dtype.kind == "f") for a, b in arrays)
