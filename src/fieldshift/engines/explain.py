"""Why no plan keeps every limit: the fewest rules that clash, and how little has to give way.

Every rule of the planner gets a price for giving way (an elastic program); the rules whose prices that program needs
prove that no plan exists. Of those one after another is left out: where there is still no plan without it, it does
not belong to the clash; what remains cannot be made smaller.

Source:
    Chinneck & Dravnieks (1991), Locating minimal infeasible constraint sets in linear programs, ORSA Journal on
    Computing 3 (the deletion filter and the elastic filter).
"""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import highspy
import numpy as np
import scipy.sparse as sp

from fieldshift.engines.bounds import Bound, bounded, rule_of
from fieldshift.engines.optimize import groups_for
from fieldshift.engines.program import write_program
from fieldshift.engines.program_reduce import Reduced
from fieldshift.engines.program_rows import Program
from fieldshift.engines.resolve import load, run
from fieldshift.errors import NoPlan
from fieldshift.network.graph import Bool, Float, Int, Network
from fieldshift.network.words import count_of, units
from fieldshift.results.rule import Rule, number
from fieldshift.scenario.paths import place
from fieldshift.scenario.schema import Scenario

__all__ = ["Clash", "Give", "Relaxation", "explain"]

TINY = 1e-6
"""How little giving way, in people, is none."""

_KINDS = highspy.HighsModelStatus


@dataclass(frozen=True)
class Give:
    """How far one rule gives way at one site.

    Attributes:
        rule: The rule, its site, and the dates on which it gives way.
        total: How much in all, added up over periods [unit-periods; of rates, leasts and money, the unit itself].
        most: The most at once, in the rule's unit.
        at: First day of the period of the most.
        said: Its number then and the number before: `7 instead of 4 people a week`.
    """

    rule: Rule
    total: float
    most: float
    at: dt.date
    said: str


@dataclass(frozen=True)
class Relaxation:
    """The least that one rule, or all rules together, must give way for a plan to exist.

    Attributes:
        gives: What gives way where, the largest first.
        total: How much in all [unit-periods]; of all rules together in people-periods, money at the mean pay.
        unit: The unit of the total.
        burden: The total in people-periods, money at the mean pay: what is made least.
    """

    gives: tuple[Give, ...]
    total: float
    unit: str
    burden: float

    def sentence(self) -> str:
        """Return it in words, its largest parts first."""
        told = []
        for give in self.gives[:3]:
            most = f", the most in the {give.rule.step} from {give.at}" if give.rule.periods > 1 else ""
            told.append(f"{give.rule.named} {give.said}{most or f' in the {give.rule.step} from {give.at}'}")
        more = len(self.gives) - 3
        rest = f" and {more} more" if more > 0 else ""
        return f"Feasible with {'; '.join(told)}{rest}: {number(self.total)} {self.unit} in all."


@dataclass(frozen=True)
class Clash:
    """Why there is no plan.

    Attributes:
        rules: The rules that cannot all be kept, each at a site, with the dates on which it matters.
        minimal: Whether each of them is needed for the clash; not where the time was up.
        alone: For each rule of the clash that can mend everything by itself, the least that it must give way.
        joint: The least that all rules of the planner together must give way; None where that does not help.
        feasible: `yes`: a plan exists; `whole`: it does once people need not move in whole numbers or teams; else
            nothing.
    """

    rules: tuple[Rule, ...]
    minimal: bool
    alone: tuple[Relaxation, ...]
    joint: Relaxation | None
    feasible: str = ""

    def sentences(self) -> tuple[str, ...]:
        """Return it in words: the clash, then the ways out."""
        if self.feasible:
            unless = " if people need not move in whole numbers or whole teams" if self.feasible == "whole" else ""
            return (f"A plan keeps every limit{unless}.",)
        if not self.rules:
            return ("No plan exists, and no limit is the reason: work or moves need people who are not there.",)
        found = ["No plan keeps all of these rules:" if len(self.rules) > 1 else "No plan keeps this rule:"]
        parts: dict[tuple[str, str], list[Rule]] = {}
        for rule in self.rules:
            parts.setdefault((rule.kind, rule.part), []).append(rule)
        for rule, *others in parts.values():
            where = f" ({rule.place})" if rule.place else ""
            more = f", and at {count_of(len(others), 'other site')}" if others else ""
            found.append(f"{rule.named}, {_level(rule)}, {rule.when}{more}{where}.")
        if not self.minimal:
            found.append("The time was up: some of them may not be part of the clash.")
        found += [relaxation.sentence() for relaxation in self.alone]
        least = min((r.burden for r in self.alone), default=np.inf)
        if self.joint is not None and self.joint.burden < least * (1.0 - TINY):
            found.append(f"The least in all: {self.joint.sentence()[0].lower()}{self.joint.sentence()[1:]}")
        return tuple(found)

    def as_dict(self) -> dict[str, Any]:
        """Return it as plain values, dates as text."""
        return {
            "rules": [rule.as_dict() for rule in self.rules],
            "minimal": self.minimal,
            "feasible": self.feasible,
            "alone": [_plain(r) for r in self.alone],
            "joint": None if self.joint is None else _plain(self.joint),
            "sentences": list(self.sentences()),
        }


def _plain(relaxation: Relaxation) -> dict[str, Any]:
    gives = [{**vars(g), "rule": g.rule.as_dict(), "at": g.at.isoformat()} for g in relaxation.gives]
    return {
        "total": relaxation.total,
        "unit": relaxation.unit,
        "burden": relaxation.burden,
        "gives": gives,
        "sentence": relaxation.sentence(),
    }


def _level(rule: Rule) -> str:
    each = f" a {rule.step}" if rule.kind in ("rate", "least") else ""
    return f"{units(rule.level, rule.unit)}{each}"


def explain(
    network: Network,
    scenario: Scenario | None = None,
    *,
    coarsen: str | Sequence[int] = "auto",
    seconds: float = 120.0,
) -> Clash:
    """Return why no plan keeps every limit, and how little has to give way.

    Args:
        network: The network.
        scenario: The scenario, for the places where its rules are written.
        coarsen: How the horizon coarsens, as for the plan.
        seconds: Time after which the clash is told as it then is.

    Raises:
        NoPlan: There is no explanation yet when the time is up.
    """
    program, bounds = bounded(write_program(network, groups_for(network, coarsen)))
    if not bounds:
        return Clash((), True, (), None)
    elastic = _Elastic(program, bounds, scenario, time.monotonic() + seconds)
    if elastic.early():
        whole = len(program.whole) or any(k > 1 for k in program.lump.values())
        return Clash((), True, (), None, feasible="whole" if whole else "yes")
    keep, minimal = elastic.filtered()
    rules = elastic.dated(keep)
    every = elastic.least(None)
    joint = None if every is None else elastic.relaxation(every, None)
    alone = []
    for name in dict.fromkeys(elastic.names[k] for k in np.flatnonzero(keep)):
        found = elastic.least(name)
        if found is not None:
            alone.append(elastic.relaxation(found, name))
    return Clash(rules, minimal, tuple(alone), joint)


class _Elastic:
    """A program in which any of the planner's rules may give way, or be left out.

    Attributes:
        bounds: Each rule at each site.
        names: Kind and part of each: one rule has one name at all its sites.
        late: Whether a solve ran out of time, or came to no end.
    """

    def __init__(self, program: Program, bounds: tuple[Bound, ...], scenario: Scenario | None, deadline: float) -> None:
        network = program.network
        self.bounds, self._network, self._scenario = bounds, network, scenario
        self._deadline, self.late = deadline, False
        self.names = [(b.kind, b.part) for b in self.bounds]
        pay = np.concatenate([b.pay.ravel() for b in network.stocks if b.kind == "person"] or [np.zeros(0)])
        self._money = float(pay[pay > 0].mean()) if (pay > 0).any() else 1e4
        size, count = program.matrix.shape[1], program.matrix.shape[0]
        entries: list[tuple[Int, Int, Float]] = []
        owner: list[Int] = []
        first: list[Int] = []
        weight: list[Float] = []
        total = 0
        for k, bound in enumerate(self.bounds):
            starts, place_ = np.unique(bound.first, return_inverse=True)
            step = self._money if bound.kind == "money" else 1.0
            entries.append((bound.rows, total + place_, -bound.sign * bound.each * step))
            span = np.zeros(len(starts))
            span[place_] = 1.0 if bound.kind == "money" else bound.until - bound.first
            owner.append(np.full(len(starts), k))
            first.append(starts)
            weight.append(span)
            total += len(starts)
        rows, columns, values = (np.concatenate(part) for part in zip(*entries, strict=True))
        slack = sp.coo_array((values, (rows, columns)), shape=(count, total)).tocsr()
        self._owner, self._first = np.concatenate(owner), np.concatenate(first)
        self._weight: Float = np.concatenate(weight).astype(np.float64)
        self._slack = size + np.arange(total, dtype=np.int32)
        self._row_owner, self._row_first = np.full(count, -1), np.zeros(count, np.int64)
        for k, bound in enumerate(self.bounds):
            self._row_owner[bound.rows], self._row_first[bound.rows] = k, bound.first
        self._since = np.zeros(len(bounds), np.int64)
        self._until = np.full(len(bounds), network.periods.count)
        matrix = sp.hstack([program.matrix, slack]).tocsr()
        low, high = np.r_[program.low, np.zeros(total)], np.r_[program.high, np.full(total, np.inf)]
        everything = (np.arange(count), np.arange(size + total), np.zeros(size + total))
        self._left = Reduced(matrix, program.row_low, program.row_high, low, high, *everything)
        self._model, self._scale = load(self._left, np.ones(size + total), np.zeros(0, np.int64))
        self._cold = True

    def least(self, name: tuple[str, str] | None) -> Float | None:
        """Return how far each rule gives way where that is least in all, in its own unit; None where it cannot help.

        Args:
            name: The only rule that may give way; all where None.
        """
        may = np.array([name is None or n == name for n in self.names], bool)
        self._model.changeColsCost(len(self._slack), self._slack, self._weight)
        self._cold = True
        if not self._run(may, np.ones(len(self.bounds), bool)):
            return None
        return np.asarray(self._model.getSolution().col_value, np.float64)[self._slack]

    def early(self) -> bool:
        """Leave out all rules after the earliest date by which they clash; return whether they do not clash at all.

        Raises:
            NoPlan: The time was up before that was known.
        """
        keep, everybody = np.ones(len(self.bounds), bool), np.arange(len(self.bounds))
        self._model.changeColsCost(len(self._slack), self._slack, np.zeros(len(self._slack)))
        dates = np.unique(np.concatenate([b.first for b in self.bounds]))
        last = 0
        while True:
            # Twice as far each time: a clash in the first weeks is then found on a small program.
            self._until[:] = dates[last]
            works = self._run(np.zeros_like(keep), keep)
            if self.late:
                raise NoPlan("no plan keeps every limit; the time was up before the rules that clash were found")
            if not works or last == len(dates) - 1:
                break
            last = min(2 * last + 1, len(dates) - 1)
        if not works:
            self._shrink(keep, everybody, (self._until, dates[: last + 1]))
        return works

    def filtered(self) -> tuple[Bool, bool]:
        """Return the rules and sites that clash: all others left out, whole rules first, then sites by halves."""
        self._model.changeColsCost(len(self._slack), self._slack, np.zeros(len(self._slack)))
        nothing = np.zeros(len(self.bounds), bool)
        keep = np.array([(b.first <= u).any() for b, u in zip(self.bounds, self._until, strict=True)], bool)
        names = list(dict.fromkeys(n for n, k in zip(self.names, keep, strict=True) if k))
        parts = [np.flatnonzero(keep & np.array([n == name for n in self.names], bool)) for name in names]
        parts = [p for p in parts if len(p)]
        whole = len(parts)
        while parts:
            part = parts.pop(0)
            whole -= 1
            if time.monotonic() > self._deadline:
                return keep, False
            less = keep.copy()
            less[part] = False
            if not self._run(nothing, less) and not self.late:
                keep = less
            elif len(part) > 1:
                halves = [part[: len(part) // 2], part[len(part) // 2 :]]
                parts = parts + halves if whole > 0 else halves + parts
        return keep, not self.late

    def _run(self, may: Bool, keep: Bool) -> bool:
        """Solve with some rules giving way and some left out; return whether there is a solution."""
        model, left = self._model, self._left
        model.changeColsBounds(
            len(self._slack), self._slack, np.zeros(len(self._slack)), np.where(may[self._owner], np.inf, 0.0)
        )
        rows = np.flatnonzero(self._row_owner >= 0)
        owner, date = self._row_owner[rows], self._row_first[rows]
        there = keep[owner] & (date >= self._since[owner]) & (date <= self._until[owner])
        low = np.where(there, left.row_low[rows] * self._scale[rows], -np.inf)
        high = np.where(there, left.row_high[rows] * self._scale[rows], np.inf)
        model.changeRowsBounds(len(rows), rows.astype(np.int32), low, high)  # type: ignore[attr-defined]
        status = run(model, self._deadline, self._cold, left.matrix.nnz)
        self._cold = False
        self.late |= status not in (_KINDS.kOptimal, _KINDS.kInfeasible, _KINDS.kUnboundedOrInfeasible)
        return bool(status == _KINDS.kOptimal)

    def dated(self, keep: Bool) -> tuple[Rule, ...]:
        """Return the rules of a clash, each with the dates on which it matters.

        The rules clash without their rows of other dates: after the end that `early` found, and before each one's own.
        """
        mine = np.flatnonzero(keep)
        for k in mine.tolist():
            dates = np.unique(self.bounds[k].first[self.bounds[k].first <= self._until[k]])
            self._shrink(keep, np.array([k]), (self._since, dates[::-1]))
        found = []
        for k in mine.tolist():
            bound = self.bounds[k]
            found.append(self._rule(bound.only((bound.first >= self._since[k]) & (bound.first <= self._until[k]))))
        self._since, self._until = np.zeros(len(keep), np.int64), np.full(len(keep), self._network.periods.count)
        return tuple(found)

    def _shrink(self, keep: Bool, which: Int, end: tuple[Int, Int]) -> None:
        """Move the first or the last date of some rules as far in as there is still no plan, by halving."""
        ends, dates = end
        nothing = np.zeros(len(keep), bool)
        before = ends[which].copy()
        low, high = -1, len(dates) - 1
        while high - low > 1 and time.monotonic() < self._deadline:
            middle = (low + high) // 2
            ends[which] = dates[middle]
            if self._run(nothing, keep) or self.late:
                low = middle
            else:
                high = middle
        ends[which] = dates[high] if high < len(dates) - 1 else before

    def _rule(self, bound: Bound) -> Rule:
        if self._scenario is None or not self._scenario._places:
            return rule_of(self._network, bound)
        path = tuple(int(p) if p.isdigit() else p for p in bound.part.split("."))
        file, line, *_ = (*place(self._scenario, path).split(":"), "")
        return rule_of(self._network, bound, f"{file}:{line}".rstrip(":"))

    def relaxation(self, slack: Float, name: tuple[str, str] | None) -> Relaxation:
        """Return what gives way, the largest first; the total is that of one rule, or of all in people-periods."""
        gives = []
        for k, bound in enumerate(self.bounds):
            own = np.flatnonzero((self._owner == k) & (slack > TINY))
            if len(own):
                gives.append((float(slack[own] @ self._weight[own]), self._give(bound, slack, own)))
        gives.sort(key=lambda g: (-g[0], g[1].rule.named))
        step = self._network.periods.step
        unit = f"person-{step}s"
        total = burden = sum(g[0] for g in gives)
        if name is not None and gives:
            rule = gives[0][1].rule
            total = sum(g[1].total for g in gives)
            plain = rule.kind in ("money", "rate", "least")
            unit = rule.unit if rule.kind == "money" else _plural(rule.unit, total) if plain else f"{rule.unit}-{step}s"
        return Relaxation(tuple(g[1] for g in gives), total, unit, burden)

    def _give(self, bound: Bound, slack: Float, own: Int) -> Give:
        each = self._money if bound.kind == "money" else 1.0
        amount = slack[own] * each
        worst = int(np.argmax(amount))
        here = bound.only(np.isin(bound.first, self._first[own]))
        rule = self._rule(here)
        then = rule_of(self._network, bound.only(bound.first == self._first[own[worst]]))
        at = self._network.periods.instants[int(self._first[own[worst]])]
        return Give(rule, float(amount @ self._weight[own]), float(amount[worst]), at, then.to(float(amount[worst])))


def _plural(unit: str, value: float) -> str:
    return units(value, unit).split(" ", 1)[1]
