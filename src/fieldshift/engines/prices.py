"""What is short: the price of each limit that binds a plan, found by solving again with one more and with one less.

A price read off one basis is only one of many where a plan is degenerate. It bounds what loosening can bring, for the
value of a goal is convex as a bound moves (Gal 1979, Postoptimal Analyses, Parametric Programming and Related Topics,
McGraw-Hill); so it tells which limits to solve again, and which bind at no price. Rows of one limit at one site that
bind one after another move together, as one window of dates.
"""

from __future__ import annotations

import dataclasses
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from fieldshift.engines.bounds import Bound, bounded, rule_of
from fieldshift.engines.optimize import GoalValue, Solution, goal_vector
from fieldshift.engines.program_rows import Program
from fieldshift.engines.resolve import SAME, Again, Answer, Shift, reach
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
    """A limit at one site over the dates on which it has a price; `rates` bounds what one step is worth to each goal.

    `run` is the limit over all the dates on which it binds. A basis may price the first of them alone, where only all
    of them together bring anything.
    """

    bound: Bound
    run: Bound
    amount: float
    rates: Float
    lead: int

    def shift(self) -> Shift:
        """Return which bounds one step moves."""
        bound = self.bound
        step = bound.each * self.amount * bound.sign
        none = np.zeros_like(step)
        low, high = (step, step if bound.kind == "need" else none) if bound.sign < 0 else (none, step)
        return Shift(bound.rows, low, high)


@dataclass
class _Case:
    """What is found of a window, in steps: by goal, how much better with one more and how much worse with one less."""

    window: _Window
    lead: int
    gains: Float
    losses: Float
    upto: float = np.nan
    downto: float = np.nan
    effects: tuple[Effect, ...] = ()


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
    if again.whole:
        windows = [dataclasses.replace(w, rates=np.full(len(goals), np.inf)) for w in windows]
    tried = _loosened(again, _of_each(windows, of_each), top)
    kept = _ranked(tried, len(goals), tolerance)
    for step in (_tighten, _affect, _extend):
        for case in kept[:top]:
            if not again.late:
                step(again, case, solution.program)
    left = Counter(w.bound.title for w in windows)
    left.subtract(case.window.bound.title for case in tried)
    more = {title: n for title, n in sorted(left.items()) if n > 0}
    found = tuple(_told_of(case, goals, solution) for case in kept[:top])
    return Shortages(found, unpriced + len(tried) - len(kept), more, again.late)


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
    label, unit = value.label, value.unit
    if value.goal.at == "end":
        label += "" if "at the end" in label else " at the end"
        unit = {"person": "people", "case": "cases"}.get(unit, unit)
    return _Goal(goal_vector(program, value.goal)[0], value.goal.slack, label, unit)


def _windows(
    program: Program, bounds: Sequence[Bound], base: Sequence[Answer], tolerance: float
) -> tuple[list[_Window], int]:
    """Return the windows in which bounds bind at a price, the dearest first, and how many bind at none."""
    use = np.stack([program.matrix @ a.columns for a in base])
    duals = np.stack([a.duals for a in base])
    pieces: list[tuple[Bound, Float]] = []
    for bound in bounds:
        limit = (program.row_high if bound.sign > 0 else program.row_low)[bound.rows]
        rates = -bound.sign * duals[:, bound.rows] * bound.each * _amount(bound)
        binds = (rates > 0).any(axis=0)
        # A later goal may leave a little of what an earlier one was held to: what binds for any goal binds.
        if bound.kind == "need":
            binds |= _met_exactly(program, bound, base)
        else:
            binds |= (np.abs(limit - use[:, bound.rows]) <= _near(program, bound, limit)).any(axis=0)
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
            if program.whole.size or program.lump:
                windows.append(_Window(bound, bound, _amount(bound), total, 0))
            continue
        used = np.flatnonzero((rates > 1e-3 * floor[:, None]).any(axis=0))
        kept = bound.only((bound.first >= bound.first[used].min()) & (bound.until <= bound.until[used].max()))
        windows.append(_Window(kept, bound, _amount(kept), total, int(over[0])))
    windows.sort(key=lambda w: (w.lead, -w.rates[w.lead], w.bound.part, w.bound.site))
    return windows, len(pieces) - len(windows)


def _near(program: Program, bound: Bound, limit: Float) -> Float:
    """Return how near to its limit a row binds; where people move in teams, one step may let in another team."""
    near = 1e-6 * np.maximum(1.0, np.abs(limit))
    if not len(program.whole) and not program.lump:
        return np.asarray(near)
    team = max([1, *program.lump.values()])
    return np.asarray(near + (0.05 * np.abs(limit) if bound.kind == "money" else bound.each * team))


def _met_exactly(program: Program, bound: Bound, base: Sequence[Answer]) -> Bool:
    """Return in which rows of a need at a site nobody is over it, shape (rows,)."""
    columns = program.columns
    need = next(n for n in program.network.needs if bound.part == f"{n.part}.need")
    row = need.sites.tolist().index(bound.site)
    place = np.searchsorted(columns.groups, bound.first) * len(need.sites) + row
    over = [a.columns[first + place] for first in columns.needs[need.name][1] for a in base]
    return np.asarray(np.min(over, axis=0) <= 1e-6)


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


def _loosened(again: Again, windows: Sequence[_Window], top: int) -> list[_Case]:
    """Solve again with one step more, window by window, until none that is left may stand among the first."""
    found: list[_Case] = []
    for window in windows:
        case = _Case(window, window.lead, *np.full((2, len(again.base)), np.nan))
        priced = sorted((c.lead, -c.gains[c.lead]) for c in found if c.gains[c.lead] > 0)
        full = len(priced) >= top
        if full and (len(found) >= 2 * top or (window.lead, -float(window.rates[window.lead])) >= priced[top - 1]):
            break
        _loosen(again, case)
        wide = dataclasses.replace(window, bound=window.run)
        if len(wide.bound.rows) > len(window.bound.rows):
            bound = float(window.rates[case.lead])
            if not case.gains[case.lead] >= (1.0 - SAME) * bound:
                other = _Case(wide, window.lead, *np.full((2, len(again.base)), np.nan))
                _loosen(again, other)
                case = other if _beats(other, case) else case
        if again.late:
            return found
        found.append(case)
    return found


def _loosen(again: Again, case: _Case) -> None:
    """Solve again with one step more, goal by goal until one is better."""
    for goal in range(len(again.base)):
        if goal and case.window.rates[goal] <= 0:
            continue
        answer = again.ask(goal, case.window.shift(), 1.0)
        case.lead, case.gains[goal] = goal, np.nan if answer is None else again.base[goal].value - answer.value
        if case.gains[goal] > _noise(again, goal):
            break


def _beats(one: _Case, other: _Case) -> bool:
    """Return whether one case brings clearly more than another, to the same goal or to one before it."""
    size = float(other.gains[other.lead])
    return (one.lead, -one.gains[one.lead]) < (other.lead, -size - SAME * abs(size))


def _noise(again: Again, goal: int) -> float:
    return NOISE * max(1.0, abs(again.base[goal].value))


def _tighten(again: Again, case: _Case, program: Program) -> None:
    """Solve again with one step less, goal by goal until one gives way: those after it have no price."""
    for goal in range(case.lead + 1):
        answer = again.ask(goal, case.window.shift(), -1.0)
        if again.late:
            return
        case.losses[goal] = np.inf if answer is None else answer.value - again.base[goal].value
        if case.losses[goal] > _noise(again, goal):
            break


def _affect(again: Again, case: _Case, program: Program) -> None:
    """Find what one step more changes in the best plan, and what it is worth to the last goal."""
    shift, last = case.window.shift(), len(again.base) - 1
    plan = again.plan(shift, 1.0)
    if len(plan) > last:
        case.effects = _effects(program, plan[-1].columns - again.base[-1].columns)
    for goal in range(case.lead + 1, last + 1):
        answer = again.ask(goal, shift, 1.0)
        if answer is not None:
            case.gains[goal] = again.base[goal].value - answer.value


def _extend(again: Again, case: _Case, program: Program) -> None:
    """Find how far the prices hold."""
    if not again.whole:
        case.upto, case.downto = _ranges(again, case.window, case.lead)


def _told_of(case: _Case, goals: Sequence[_Goal], solution: Solution) -> Shortage:
    small = [NOISE * max(1.0, abs(g.value)) for g in solution.goals]
    small += [NOISE * max(1.0, abs(solution.program.cost_constant))] * (len(goals) - len(small))
    numbers = zip(goals, case.gains.tolist(), case.losses.tolist(), small, strict=False)
    prices = tuple(Price(g.label, g.unit, _clean(gain, n), _clean(loss, n)) for g, gain, loss, n in numbers)
    rule, amount = rule_of(solution.program.network, case.window.bound), case.window.amount
    return Shortage(rule, amount, prices, case.lead, case.upto * amount, case.downto * amount, case.effects)


def _clean(value: float, noise: float) -> float:
    return 0.0 if abs(value) <= noise else float(value)


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


def _ranked(found: Sequence[_Case], goals: int, tolerance: float) -> list[_Case]:
    """Return the findings, the dearest first, without those whose price is small beside the largest in its goal."""
    gains = np.array([c.gains for c in found]).reshape(len(found), goals)
    largest = np.nanmax(np.concatenate([gains, np.zeros((1, goals))]), axis=0)
    kept = [c for c in found if c.gains[c.lead] > tolerance * largest[c.lead]]
    return sorted(kept, key=lambda c: (c.lead, -c.gains[c.lead], c.window.bound.part, c.window.bound.site))
