"""Policies compared on the same futures: what each makes of the goals and needs, and what it misses of the best."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from fieldshift.engines.outcome import label_of, sign_of, unit_of
from fieldshift.errors import UsageError
from fieldshift.network.graph import Float, Int, Network
from fieldshift.results.axes import NATION
from fieldshift.results.result import Result
from fieldshift.scenario.schema import Goal

__all__ = ["Evaluation", "Informed", "Met"]

_BAND = (0.1, 0.5, 0.9)


@dataclass(frozen=True)
class Met:
    """How often a need was met under one policy.

    Attributes:
        futures: Of how many futures.
        nation: Share of futures in which it was met at every one of its sites, by period, shape (T,).
        sites: Share of futures in which it was met at each of its sites, by period, shape (T, n).
        where: Site of each of its rows, or OUTSIDE for the nation, shape (n,).
        short: Mean number of people short of it in the nation, by period, shape (T,).
    """

    futures: int
    nation: Float
    sites: Float
    where: Int
    short: Float


@dataclass(frozen=True)
class Informed:
    """What could be had if the unknowns were known: perfect information about the unknowns, not about luck.

    For a sample of the beliefs that futures hold, each goal by itself is made as good as it can be on the mean of the
    network that this belief gives. That is a bound for every policy of the scenario *on the mean of the same network*;
    so it is compared with each policy's mean path there, never with a future that had luck.

    Where a policy's mean path takes more than a limit allows (nobody is sent away where people left a floor behind),
    the bound's limits are raised to that, so that policy and bound may do the same. Not comparable, and left out, are
    policies with settings of their own. One that turns dials, or that is short of a need that must be met, does what
    the bound's program may not, and may miss less than nothing.

    Attributes:
        beliefs: Which groups of futures the beliefs are those of, shape (n,).
        bound: The best value of each goal for each belief, shape (goals, n); NaN where no plan keeps every limit.
        on_mean: For each policy, the value of each goal on its mean path under each belief, shape (goals, n).
        exact: Whether the bound decides in every period; if not, it is the best of plans that decide more rarely.
    """

    beliefs: Int
    bound: Float
    on_mean: Mapping[str, Float]
    exact: bool


@dataclass(frozen=True, eq=False)
class Evaluation:
    """Some policies, and a plan, on the same futures.

    Attributes:
        result: All measures of the policies that lived every future.
        network: The scenario's network, its unknowns at their centres.
        goals: The goals.
        policies: Names of the policies; those that lived a sample of the futures only stand last.
        plan: The plan's name among them, or an empty text.
        futures: For each policy, the numbers of the futures that it lived.
        values: For each policy, the value of each goal in each of these, shape (goals, futures).
        on_mean: For each policy, the value of each goal on its mean path, the unknowns at their centres, (goals,);
            NaN where it was not found out. The plan is not rounded there.
        promised: What the program said of each goal, shape (goals,); NaN without a plan.
        met: For each policy and need, how often it was met.
        informed: What could be had with the unknowns known, on a sample, or None.
    """

    result: Result
    network: Network
    goals: tuple[Goal, ...]
    policies: tuple[str, ...]
    plan: str
    futures: Mapping[str, Int]
    values: Mapping[str, Float]
    on_mean: Mapping[str, Float]
    promised: Float
    met: Mapping[str, Mapping[str, Met]]
    informed: Informed | None

    @property
    def labels(self) -> tuple[str, ...]:
        """The goals in words."""
        return tuple(label_of(goal) for goal in self.goals)

    def table(self) -> pd.DataFrame:
        """Return each goal under each policy.

        Columns are policy, goal, unit, futures, promised (by the program; the plan only), on_mean (its mean path),
        mean, q10, q50, q90 (over futures), hidden (mean less on_mean: what the mean did not show).
        """
        rows = []
        for policy, g in self._pairs():
            values, mean = self.values[policy][g], float(self.on_mean[policy][g])
            promised = float(self.promised[g]) if policy == self.plan else float("nan")
            told = (policy, self.labels[g], unit_of(self.goals[g], self.network), len(values), promised, mean)
            rows.append((*told, *_band(values), float(values.mean()) - mean))
        names = ["policy", "goal", "unit", "futures", "promised", "on_mean", "mean", "q10", "q50", "q90", "hidden"]
        return pd.DataFrame(rows, columns=names)

    def regret(self, policy: str, base: str | None = None) -> Float:
        """Return by how much a policy is worse than another one in each future that both lived, (goals, futures).

        Args:
            policy: The policy.
            base: What it is compared with; the plan by default.

        Raises:
            UsageError: There is no such policy, or no plan.
        """
        base = self.plan if base is None else base
        for name in (policy, base):
            if name not in self.values:
                known = ", ".join(self.policies)
                raise UsageError(f"there is no policy {name!r} here (known: {known})" if name else "there is no plan")
        _, mine, other = np.intersect1d(self.futures[policy], self.futures[base], return_indices=True)
        signs = np.array([sign_of(goal) for goal in self.goals])[:, None]
        return np.asarray(signs * (self.values[policy][:, mine] - self.values[base][:, other]))

    def regret_table(self, base: str | None = None) -> pd.DataFrame:
        """Return by how much each policy is worse than the plan, future by future.

        Columns are policy, goal, unit, futures, mean, q10, q50, q90, better (share of futures in which it does better
        than the plan).

        Args:
            base: What is compared with instead of the plan.
        """
        base = self.plan if base is None else base
        rows = []
        for policy, g in self._pairs():
            if policy != base:
                lost = self.regret(policy, base)[g]
                better = float((lost < -1e-9 * np.maximum(1.0, np.abs(lost).max(initial=0.0))).mean())
                unit = unit_of(self.goals[g], self.network)
                rows.append((policy, self.labels[g], unit, len(lost), *_band(lost), better))
        names = ["policy", "goal", "unit", "futures", "mean", "q10", "q50", "q90", "better"]
        return pd.DataFrame(rows, columns=names)

    def informed_table(self) -> pd.DataFrame:
        """Return what each policy misses of the best that knowing the unknowns could give, on means.

        Columns are policy, goal, unit, beliefs, bound (its mean over beliefs), on_mean (the policy's), mean, q10, q50,
        q90 (of what it misses).
        """
        names = ["policy", "goal", "unit", "beliefs", "bound", "on_mean", "mean", "q10", "q50", "q90"]
        if self.informed is None:
            return pd.DataFrame(columns=names)
        rows = []
        for policy, values in self.informed.on_mean.items():
            for g, goal in enumerate(self.goals):
                bound = self.informed.bound[g]
                missed = sign_of(goal) * (values[g] - bound)
                told = (policy, self.labels[g], unit_of(goal, self.network), len(bound))
                rows.append((*told, float(bound.mean()), float(values[g].mean()), *_band(missed)))
        return pd.DataFrame(rows, columns=names)

    def needs_table(self, by: str = "nation") -> pd.DataFrame:
        """Return how likely each need is met in each period under each policy.

        Columns are policy, need, site, date (the period's first day), met (share of futures; of the nation: at every
        site), short (mean people short, of the nation only).

        Args:
            by: `nation`, or `site`.
        """
        axes = self.result.axes
        dates = pd.DatetimeIndex(pd.to_datetime(list(axes.instants[:-1])))
        pieces = []
        for policy in self.policies:
            for need, met in self.met[policy].items():
                if by == "nation":
                    shares = [(NATION, met.nation, met.short)]
                else:
                    none = np.full(len(dates), np.nan)
                    shares = [(axes.site(int(s)), met.sites[:, i], none) for i, s in enumerate(met.where)]
                for site, share, short in shares:
                    words = {"policy": policy, "need": need, "site": site, "date": dates}
                    pieces.append(pd.DataFrame({**words, "met": share, "short": short}))
        names = ["policy", "need", "site", "date", "met", "short"]
        return pd.concat(pieces, ignore_index=True) if pieces else pd.DataFrame(columns=names)

    def as_dict(self) -> dict[str, Any]:
        """Return everything as plain data: numbers, texts, lists, mappings; what is not known is None."""
        needs = [
            {
                "policy": policy,
                "need": need,
                "futures": met.futures,
                "dates": [day.isoformat() for day in self.result.axes.instants[:-1]],
                "met": _plain(met.nation.tolist()),
                "short": _plain(met.short.tolist()),
            }
            for policy in self.policies
            for need, met in self.met[policy].items()
        ]
        return {
            "draws": self.result.facts.draws,
            "seed": self.result.facts.seed,
            "plan": self.plan or None,
            "goals": _records(self.table()),
            "regret": _records(self.regret_table()) if self.plan else [],
            "informed": _records(self.informed_table()),
            "informed_exact": None if self.informed is None else self.informed.exact,
            "needs": needs,
        }

    def _pairs(self) -> Iterator[tuple[str, int]]:
        for policy in self.policies:
            for g in range(len(self.goals)):
                yield policy, g


def _band(values: Float) -> tuple[float, ...]:
    if not len(values):
        return (float("nan"),) * 4
    return (float(values.mean()), *(float(q) for q in np.quantile(values, _BAND)))


def _records(table: pd.DataFrame) -> list[dict[str, Any]]:
    return [_plain(row) for row in table.to_dict("records")]


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, float | np.floating):
        return float(value) if np.isfinite(value) else None
    return int(value) if isinstance(value, np.integer) else value
