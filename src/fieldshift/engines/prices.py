"""What is short: the price of each limit that binds a plan, found by solving again with one more and with one less.

A price read off one basis is only one of many where a plan is degenerate. It bounds what loosening can bring, for the
value of a goal is convex as a bound moves (Gal 1979, Postoptimal Analyses, Parametric Programming and Related Topics,
McGraw-Hill); so it tells which limits to solve again, and which bind at no price. Rows of one limit at one site that
bind one after another move together, as one window of dates.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from fieldshift.engines.bounds import Bound, bounded, rule_of
from fieldshift.engines.optimize import GoalValue, Solution, goal_vector
from fieldshift.engines.program_rows import Program
from fieldshift.engines.resolve import Again, Answer, Shift, reach
from fieldshift.network.graph import Bool, Float
from fieldshift.results.shortage import Effect, Price, Shortage, Shortages

__all__ = ["shortages"]

NOISE = 1e-8
"""What a solve may be off, relative to the goal's value."""


FAR = 16.0
"""How many steps to look for the end of a price."""


@dataclass(frozen=True)
class _Goal:
    """A goal as it is solved: what is made least, the share later goals may give up, and how it is said."""

    vector: Float
    slack: float
    label: str
    unit: str


@dataclass(frozen=True)
class _Window:
    """A limit at one site over the dates on which it binds; `rates` bounds what one step is worth to each goal."""

    bound: Bound
    amount: float
    rates: Float
    lead: int

    def shift(self) -> Shift:
        """Return which bounds one step moves."""
        step = self.bound.each * self.amount * self.bound.sign
        none = np.zeros_like(step)
        return Shift(self.bound.rows, step if self.bound.sign < 0 else none, step if self.bound.sign > 0 else none)


def shortages(
    solution: Solution, *, top: int = 10, of_each: int = 3, tolerance: float = 1e-3, time_limit: float = 60.0
) -> Shortages:
    """Return what one more of each limit that binds is worth, the first goal's before the second's.

    A step is one seat, bed, post or person, or 1 % of a line of money. Prices and effects are those of plans solved
    again with the step, not of one basis. Effects are those of the plan that is then best in all goals in order; where
    several plans are equally good, of the one the solver reaches first from the present one.

    Args:
        solution: The plan.
        top: How many limits to return.
        of_each: At most so many windows of one planner's rule.
        tolerance: Prices under this share of the largest are not findings.
        time_limit: Seconds; what has not been solved by then is counted.
    """
    deadline = time.monotonic() + time_limit
    goals = _goals(solution)
    program, bounds = bounded(solution.program)
    again = Again(program, [(goal.vector, goal.slack) for goal in goals], deadline, solution.bases)
    if len(again.base) < len(goals):
        return Shortages((), 0, {}, True)
    priced = again.fixed() if again.whole else again
    base = priced.base if len(priced.base) == len(goals) else again.base
    windows, unpriced = _windows(program, bounds, base, tolerance)
    chosen = _of_each(windows, of_each)
    found: list[Shortage] = []
    tried = 0
    for window in chosen:
        if not _may_rank(window, found, top):
            break
        shortage = _priced(again, goals, window, solution)
        if again.late:
            break
        tried += 1
        found += [] if shortage is None else [shortage]
    kept = _ranked(found, len(goals), tolerance)
    left = Counter(w.bound.title for w in windows)
    left.subtract(w.bound.title for w in chosen[:tried])
    more = {title: n for title, n in sorted(left.items()) if n > 0}
    return Shortages(tuple(kept[:top]), unpriced + tried - len(kept), more, again.late)


def _goals(solution: Solution) -> list[_Goal]:
    """Return the goals as they were solved, and the cost of everything last where it is none of them."""
    values, program = solution.goals, solution.program
    weighted = len(solution.duals) < len(values)
    if weighted:
        merged = np.sum([g.goal.weight * goal_vector(program, g.goal)[0] for g in values], axis=0)
        found = [_Goal(np.asarray(merged, np.float64), 0.0, "the goals, weighed", "")]
    else:
        found = [_told(program, g) for g in values]
    if weighted or not any(g.goal.least == "cost" for g in values):
        found.append(_Goal(program.cost, 0.0, "least cost", program.network.currency))
    return found


def _told(program: Program, value: GoalValue) -> _Goal:
    vector, _, unit = goal_vector(program, value.goal)
    label, step = value.label, program.network.periods.step
    if value.goal.at == "end":
        label += "" if "at the end" in label else " at the end"
        unit = unit.replace("-periods", "").replace("person", "people").replace("case", "cases")
    return _Goal(vector, value.goal.slack, label, unit.replace("-periods", f"-{step}s"))


def _windows(
    program: Program, bounds: Sequence[Bound], base: Sequence[Answer], tolerance: float
) -> tuple[list[_Window], int]:
    """Return the windows in which bounds bind at a price, the dearest first, and how many bind at none."""
    use = program.matrix @ base[-1].columns
    duals = np.stack([a.duals for a in base])
    pieces: list[tuple[Bound, Float]] = []
    for bound in bounds:
        limit = (program.row_high if bound.sign > 0 else program.row_low)[bound.rows]
        binds = np.abs(limit - use[bound.rows]) <= 1e-6 * np.maximum(1.0, np.abs(limit))
        rates = -bound.sign * duals[:, bound.rows] * bound.each * _amount(bound)
        pieces += [(bound.only(rows), rates[:, rows]) for rows in _runs(bound, binds)]
    if not pieces:
        return [], 0
    largest = np.max([r.sum(axis=1) for _, r in pieces], axis=0)
    floor = np.maximum(largest * tolerance, [NOISE * max(1.0, abs(a.value)) for a in base])
    windows = []
    for bound, rates in pieces:
        total = rates.sum(axis=1)
        over = np.flatnonzero(total > floor)
        if not len(over):
            continue
        used = np.flatnonzero((rates > 1e-3 * floor[:, None]).any(axis=0))
        kept = bound.only((bound.first >= bound.first[used].min()) & (bound.until <= bound.until[used].max()))
        windows.append(_Window(kept, _amount(kept), total, int(over[0])))
    windows.sort(key=lambda w: (w.lead, -w.rates[w.lead], w.bound.part, w.bound.site))
    return windows, len(pieces) - len(windows)


def _amount(bound: Bound) -> float:
    """Return the size of a step: one, or a hundredth of a line of money."""
    return float(bound.level[0]) / 100.0 if bound.kind == "money" and bound.level[0] > 0 else 1.0


def _runs(bound: Bound, binds: Bool) -> list[Bool]:
    """Return which rows stand in each run of dates on which a bound binds."""
    until = dict(zip(bound.first.tolist(), bound.until.tolist(), strict=True))
    runs: list[list[int]] = []
    for start in sorted(set(bound.first[binds].tolist())):
        if runs and until[runs[-1][-1]] == start:
            runs[-1].append(start)
        else:
            runs.append([start])
    return [np.isin(bound.first, run) for run in runs]


def _of_each(windows: Sequence[_Window], most: int) -> list[_Window]:
    seen: Counter[str] = Counter()
    kept = []
    for window in windows:
        seen[window.bound.part] += 1
        if seen[window.bound.part] <= most:
            kept.append(window)
    return kept


def _may_rank(window: _Window, found: Sequence[Shortage], top: int) -> bool:
    """Return whether a window may still stand among the first: its bound is over the last of them."""
    if len(found) < top:
        return True
    last = sorted((s.lead, -s.price.loosen) for s in found)[top - 1]
    return len(found) < 2 * top and (window.lead, -float(window.rates[window.lead])) < last


def _priced(again: Again, goals: Sequence[_Goal], window: _Window, solution: Solution) -> Shortage | None:
    """Solve again with one step more and one less; None where one more is worth nothing to any goal."""
    shift, base = window.shift(), again.base
    loose = [again.ask(k, shift, 1.0) for k in range(len(goals))]
    gains = [np.nan if a is None else base[k].value - a.value for k, a in enumerate(loose)]
    noise = [NOISE * max(1.0, abs(a.value)) for a in base]
    lead = next((k for k, gain in enumerate(gains) if gain > noise[k]), None)
    if lead is None:
        return None
    tight = _tightened(again, shift, noise)
    prices = tuple(
        Price(g.label, g.unit, _clean(gain, n), _clean(loss, n))
        for g, gain, loss, n in zip(goals, gains, tight, noise, strict=True)
    )
    upto, downto = (np.nan, np.nan) if again.whole else _ranges(again, window, lead)
    plan = again.plan(shift, 1.0)
    effects = _effects(solution.program, plan[-1].columns - base[-1].columns) if len(plan) == len(goals) else ()
    rule = rule_of(solution.program.network, window.bound)
    return Shortage(rule, window.amount, prices, lead, upto * window.amount, downto * window.amount, effects)


def _clean(value: float, noise: float) -> float:
    return 0.0 if abs(value) <= noise else float(value)


def _tightened(again: Again, shift: Shift, noise: Sequence[float]) -> list[float]:
    """Return how much worse each goal is with one step less, until one gives way: those after it have no price."""
    found: list[float] = []
    for k, base in enumerate(again.base):
        answer = again.ask(k, shift, -1.0)
        if again.late:
            break
        found.append(np.inf if answer is None else answer.value - base.value)
        if found[-1] > noise[k]:
            break
    return found + [np.nan] * (len(again.base) - len(found))


def _ranges(again: Again, window: _Window, lead: int) -> tuple[float, float]:
    """Return how many steps more, and how many less, have the price of the first; see `reach`."""
    shift, base = window.shift(), again.base[lead]
    ends = []
    for way in (1.0, -1.0):

        def value(size: float, way: float = way) -> tuple[float, float] | None:
            answer = again.ask(lead, shift, way * size)
            return None if answer is None else (base.value - answer.value, -way * answer.slope(shift))

        ends.append(reach(value, -way * base.slope(shift), FAR))
    return (np.nan, np.nan) if again.late else (ends[0], ends[1])


def _effects(program: Program, change: Float) -> tuple[Effect, ...]:
    """Return what a change of columns is in people at the end, work and money; people first, then the largest."""
    network, columns = program.network, program.columns
    date = network.periods.instants[-1]
    last = columns.people + (columns.size - 1) * network.n_cells
    people: dict[str, float] = {}
    cases: dict[str, float] = {}
    for block in network.stocks:
        if block.waiting:
            continue
        more = float(change[last + block.first : last + block.first + len(block.sites)].sum())
        if block.kind == "case":
            cases[block.part] = cases.get(block.part, 0.0) + more
        else:
            name = f"on {block.tags['duty']} duty" if "duty" in block.tags else f"in {block.title or block.part}"
            people[name] = people.get(name, 0.0) + more
    titles = {b.part: b.title or b.part for b in network.stocks}
    found = [Effect(f"{name} on {date}", "people", v) for name, v in people.items()]
    served = change[columns.served : columns.served + columns.size * network.n_serves].reshape(columns.size, -1)
    found += [Effect(f"of {b.title or b.name} served", "cases", float(served[:, b.arcs].sum())) for b in network.serves]
    found += [Effect(f"of {titles[part]} waiting on {date}", "cases", v) for part, v in cases.items()]
    money = program.cost.copy()
    for need in network.needs:
        for first in (*columns.needs[need.name][0], *columns.needs[need.name][1]):
            money[first : first + columns.size * len(need.sites)] = 0.0
    spent = Effect("spent", network.currency, float(money @ change))
    kept = [e for e in found if abs(e.change) > 5e-4]
    kept.sort(key=lambda e: (e.unit != "people", -abs(e.change)))
    return (*kept, *([spent] if abs(spent.change) > 0.5 else []))


def _ranked(found: Sequence[Shortage], goals: int, tolerance: float) -> list[Shortage]:
    """Return the findings, the dearest first, without those whose price is small in every goal."""
    largest = [max((s.prices[k].loosen for s in found), default=0.0) for k in range(goals)]
    kept = [s for s in found if any(p.loosen > tolerance * m for p, m in zip(s.prices, largest, strict=True))]
    return sorted(kept, key=lambda s: (s.lead, -s.price.loosen, s.rule.part, s.rule.site, s.rule.start))
