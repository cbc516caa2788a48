"""A rolling horizon: plan, live some periods of each future, plan again from where it is.

Source:
    Sethi & Sorger (1991), A theory of rolling horizon decision making, Annals of Operations Research 29.
"""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from fieldshift.engines.engine import Decision
from fieldshift.engines.keeping import kept
from fieldshift.engines.optimize import Solution, optimize
from fieldshift.engines.plan import Plan
from fieldshift.engines.remaining import eased, remaining
from fieldshift.engines.view import View
from fieldshift.errors import NoPlan, UsageError
from fieldshift.network.graph import Float, Network
from fieldshift.scenario.schema import Goal

__all__ = ["Replan"]


class Replan:
    """Plan again every so many periods, each future for itself: what it does depends on no other future.

    The first plan is made before the first day, so it is the same in all futures that believe the same.

    In whole counts each plan is rounded, and what rounding owes an arc goes on to the next plan. Where no plan keeps
    every limit from where a future is, those limits are raised to what staying takes (chance may leave a desk below
    its floor); where there is none even so, the plan before is kept.

    Args:
        goals: What a plan is for, in order; least cost where none is given.
        every: Periods between two plans.
        strict: Serve what was planned and no more; otherwise work is served by priority as it comes.
        options: For `optimize`: `coarsen` (`rolling` by default), `time_limit`, `weighted`.

    Attributes:
        solves: How many plans were asked for.
        kept: How often there was none, and the one before was kept.

    Raises:
        UsageError: `every` is below 1.
    """

    def __init__(self, goals: Sequence[Goal] = (), every: int = 13, *, strict: bool = False, **options: Any) -> None:
        if every < 1:
            raise UsageError(f"every is {every}: at least 1 period lies between two plans")
        self._goals, self._every, self._strict = tuple(goals), every, strict
        self._options = {"coarsen": "rolling", **options}
        self._started: list[Float] = []
        self._weights: list[dict[int, Float]] = []
        self._now: list[Plan] = []
        self._solved: list[Solution | None] = []
        self._owed: list[Float] = []
        self._made = 0
        self.solves, self.kept = 0, 0

    def decide(self, view: View) -> Decision:
        """Return what the latest plan of each future says of this period."""
        if view.period:
            self._started.append(view.moved(np.arange(view.network.n_choices)))
        if view.period % self._every == 0:
            self._plan_all(view)
        t = view.period - self._made
        moved = np.stack([plan.moved[t] for plan in self._now])
        hosts = {i: np.stack([plan.hosts[i][t] for plan in self._now]) for i in self._now[0].hosts}
        self._weights.append(hosts)
        served = np.stack([plan.served[t] for plan in self._now]) if self._strict else None
        return Decision(moved, hosts, None, served, auto=view.whole)

    def _plan_all(self, view: View) -> None:
        if not view.period:
            solved = self._solve(view.network, None)
            if solved is None:
                raise NoPlan("no plan keeps every limit from the first day on")
            self._owed = [np.zeros(view.network.n_choices)]
            plan = self._rounded(solved.plan, view.network, view, 0)
            self._solved, self._owed, self._now = [solved] * view.draws, self._owed * view.draws, [plan] * view.draws
            return
        hosted = self._hosted(view)
        past, before = np.stack(self._started, axis=1), self._now
        fresh: list[Plan] = []
        for d in range(view.draws):
            rest = remaining(view, past[d], d, {i: counts[d] for i, counts in hosted.items()})
            solved = self._solve(rest, self._solved[d])
            if solved is None:
                self.kept += 1
                fresh.append(_later(before[d], view.period - self._made))
                continue
            self._solved[d] = solved
            fresh.append(self._rounded(solved.plan, rest, view, d))
        self._now, self._made = fresh, view.period

    def _rounded(self, plan: Plan, network: Network, view: View, future: int) -> Plan:
        """Return a plan in whole numbers where counts are whole; what it owes is paid by the next one."""
        if not view.whole:
            return plan
        owing = plan.moved.copy()
        owing[0] += self._owed[future]
        until = slice(0, min(self._every, network.periods.count))
        whole = kept(network, replace(plan, moved=owing), whole=True, until=until.stop)
        self._owed[future] = owing[until].sum(axis=0) - whole.moved[until].sum(axis=0)
        return whole

    def _hosted(self, view: View) -> dict[int, Float]:
        """Return how many who started in each past period went to each host, by choice block, (D, period, m)."""
        found = {}
        for i in self._weights[0] if self._weights else ():
            block = view.network.choices[i]
            weight = np.stack([w[i] for w in self._weights[: len(self._started)]], axis=1)
            weight = np.where(weight.sum(axis=2, keepdims=True) > 0, weight, 1.0)
            total = np.stack([s[:, block.arcs].sum(axis=1) for s in self._started], axis=1)
            found[i] = weight / weight.sum(axis=2, keepdims=True) * total[:, :, None]
        return found

    def _solve(self, network: Network, before: Solution | None) -> Solution | None:
        """Return the best plan, or None where there is none even with what staying takes."""
        self.solves += 1
        for given in (lambda: network, lambda: eased(network)):
            try:
                return _optimize(given(), self._goals, before, self._options)
            except NoPlan:
                continue
        return None


def _optimize(network: Network, goals: Sequence[Goal], before: Solution | None, options: dict[str, Any]) -> Solution:
    """Solve, from the plan before where `optimize` can start from one."""
    if before is not None and "start" in inspect.signature(optimize).parameters:
        options = {**options, "start": before}
    return optimize(network, goals, **options)


def _later(plan: Plan, periods: int) -> Plan:
    """Return what a plan says from some periods on."""
    hosts = {i: part[periods:] for i, part in plan.hosts.items()}
    return Plan(plan.moved[periods:], plan.served[periods:], hosts, plan.strict)
