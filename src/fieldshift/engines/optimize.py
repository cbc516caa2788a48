"""The best plan on the mean: goals in order, solved on the program of `program.py`, replayed through the mean step."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from fieldshift.engines.keeping import kept
from fieldshift.engines.live import live
from fieldshift.engines.outcome import outcome, sign_of, unit_of
from fieldshift.engines.plan import Plan
from fieldshift.engines.program import write_program
from fieldshift.engines.program_rows import Program
from fieldshift.engines.reference import MeanEngine
from fieldshift.engines.solver import Basis, Solver
from fieldshift.errors import NoPlan, UsageError
from fieldshift.network.graph import Float, Int, Network
from fieldshift.scenario.schema import Goal

__all__ = ["GoalValue", "Solution", "goal_vector", "groups_for", "optimize", "plan_of", "with_loss"]

LARGE = 60_000
"""Columns above which the horizon coarsens by itself."""

_COARSE = {"auto": [1] * 8 + [2] * 22 + [4] * 6 + [13], "rolling": [1] * 8 + [4] * 11 + [13]}
"""How it does: eight periods one by one, two at a time to the end of the first year (four where it will plan again
soon), and at last quarters of a year. See docs/decisions/0009 for what each costs and loses."""

_STEPS = 6


@dataclass(frozen=True)
class GoalValue:
    """One goal and what the plan makes of it.

    Attributes:
        goal: The goal.
        label: It in words.
        best: The best it could be, given the goals before it.
        value: What the final plan makes of it.
        unit: Its unit.
    """

    goal: Goal
    label: str
    best: float
    value: float
    unit: str


@dataclass(frozen=True)
class Solution:
    """A plan and how good it is.

    Attributes:
        plan: The plan, by period.
        status: `optimal`, `time limit`, or `interrupted`.
        gap: Relative distance from the best bound: 0 for a solved linear program.
        goals: Each goal's best and final value.
        duals: For each goal, the price of each row of the program, shape (rows,).
        program: The program that was solved.
        columns: The value of each column.
        seconds: Seconds to build and to solve.
        reduced: Reduced cost of each column for the last goal solved, shape (columns,).
        bases: For each goal, where a plan for nearly the same numbers may start.
        loss: For each goal, how much worse it is than period by period (see `with_loss`); None where not computed.
    """

    plan: Plan
    status: str
    gap: float
    goals: tuple[GoalValue, ...]
    duals: tuple[Float, ...]
    program: Program
    columns: Float
    seconds: tuple[float, float]
    reduced: Float = field(default_factory=lambda: np.zeros(0))
    bases: tuple[Basis | None, ...] = ()
    loss: tuple[float, ...] | None = None

    def prices(self, name: str, goal: int = -1) -> tuple[Int, Float]:
        """Return what one more unit of a block of rows is worth to a goal, and to which group and row it belongs.

        Args:
            name: A limit's, a line's or a need's name, as in `program.rows`.
            goal: Which goal.

        Returns:
            Group (or window) and row, shape (rows, 2), and how much less the goal would be, (rows,).
        """
        blocks = [b for b in self.program.rows if b.name == name]
        index = np.concatenate([b.index for b in blocks] or [np.zeros((0, 2), np.int64)])
        price = [-self.duals[goal][b.first : b.first + len(b.index)] for b in blocks]
        return index, np.concatenate(price or [np.zeros(0)])


def groups_for(network: Network, coarsen: str | Sequence[int] = "auto") -> Int:
    """Return the groups of periods in which a plan decides.

    Args:
        network: The network.
        coarsen: `none`; `auto`: where the program would be large and the step is a week or less, 8 single periods,
            groups of 2 to the end of the first year, six of 4, then of 13; `rolling`: the same, coarser, for a plan
            that will be made again; or the lengths of the groups, the last one repeated.
    """
    count = network.periods.count
    if isinstance(coarsen, str):
        if coarsen not in (*_COARSE, "none"):
            raise UsageError(f"coarsen is {coarsen!r}: expected {', '.join(_COARSE)}, none, or lengths such as 1,1,4")
        size = count * (network.n_cells + network.n_choices + network.n_serves)
        short = network.periods.length("week") <= 1.0 + 1e-9
        lengths = _COARSE.get(coarsen, [1]) if size > LARGE and short else [1]
    else:
        lengths = list(coarsen)
    edges, i = [0], 0
    while edges[-1] < count:
        edges.append(min(edges[-1] + lengths[min(i, len(lengths) - 1)], count))
        i += 1
    if isinstance(coarsen, str):
        edges = sorted({*edges, *_steps(network)})
    return np.array(edges, np.int64)


def _steps(network: Network) -> set[int]:
    """Return the periods in which a need or a limit steps to another number: a group that holds one sees half of it.

    What changes more often than `_STEPS` times is a course, not a step, and is left to the groups.
    """
    found: set[int] = set()
    for numbers in (*(n.need for n in network.needs), *(limit.cap for limit in network.limits)):
        jumps = (np.flatnonzero((numbers[1:] != numbers[:-1]).any(axis=1)) + 1).tolist()
        if len(jumps) <= _STEPS:
            found.update(jumps)
    return found


def optimize(
    network: Network,
    goals: Sequence[Goal] = (),
    *,
    weighted: bool = False,
    coarsen: str | Sequence[int] = "auto",
    time_limit: float = 300.0,
    start: Solution | None = None,
) -> Solution:
    """Return the best plan on the mean.

    Args:
        network: The network.
        goals: What the plan is for, in order; least cost where none is given.
        weighted: Weigh the goals into one instead of taking them in order.
        coarsen: How the horizon coarsens, see `groups_for`.
        time_limit: Seconds after which the best plan so far is returned with its gap; so it is on Ctrl-C.
        start: A plan for nearly the same numbers to start from; where its rows or columns are others it is no help.

    Raises:
        NoPlan: No plan keeps every limit, or there is none yet when the time is up.
    """
    began = time.perf_counter()
    program = write_program(network, groups_for(network, coarsen))
    goals = tuple(goals) or (Goal(least="cost"),)
    built = time.perf_counter()
    vectors = [goal_vector(program, goal) for goal in goals]
    best = [float("nan")] * len(goals)
    if weighted:
        merged = np.sum([goal.weight * v[0] for goal, v in zip(goals, vectors, strict=True)], axis=0)
        steps, slacks = [np.asarray(merged, np.float64)], [0.0]
    else:
        steps, slacks = [v[0] for v in vectors], [goal.slack for goal in goals]
    before = start.bases if start is not None and _same(start.program, program) else ()
    solver = Solver(program, steps, time_limit)
    duals: list[Float] = []
    bases: list[Basis | None] = []
    for i, (vector, slack) in enumerate(zip(steps, slacks, strict=True)):
        done = solver.least(vector, before[i] if i < len(before) else None)
        duals.append(solver.duals())
        bases.append(solver.basis())
        if not done:
            break
        if not weighted:
            best[i] = solver.value(vector) + vectors[i][1]
        if i + 1 < len(steps):
            solver.hold(vector, slack)
    duals += [np.full(len(program.row_low), np.nan)] * (len(steps) - len(duals))
    columns = solver.columns()
    values = tuple(
        GoalValue(g, _label(g), sign_of(g) * b, sign_of(g) * (float(v @ columns) + c), unit_of(g, network))
        for g, b, (v, c) in zip(goals, best, vectors, strict=True)
    )
    ended = time.perf_counter()
    return Solution(
        _kept(program, columns),
        solver.status,
        solver.gap,
        values,
        tuple(duals),
        program,
        columns,
        (built - began, ended - built),
        solver.reduced(),
        tuple(bases),
    )


def _same(before: Program, after: Program) -> bool:
    """Return whether two programs have the same groups, rows and columns, whatever their numbers."""
    return (
        before.matrix.shape == after.matrix.shape
        and np.array_equal(before.columns.groups, after.columns.groups)
        and [(b.name, b.kind, b.first) for b in before.rows] == [(b.name, b.kind, b.first) for b in after.rows]
    )


def with_loss(solution: Solution, *, time_limit: float = 600.0) -> Solution:
    """Return a plan with how much worse each goal is than that of a plan period by period, relative to the latter.

    Both are lived period by period on the mean path. The later goals may gain: an earlier goal's slack is more where
    its best is worse.

    Args:
        solution: The plan.
        time_limit: Seconds for the plan period by period.

    Raises:
        NoPlan: The plan period by period was not found in time.
    """
    network, goals = solution.program.network, [g.goal for g in solution.goals]
    fine = optimize(network, goals, coarsen="none", time_limit=time_limit)
    if fine.status != "optimal":
        raise NoPlan(f"{fine.status}: the plan period by period was not solved to the end", unfinished=True)
    ways = (solution.plan, fine.plan)
    coarse, best = (outcome(live(MeanEngine(network), plan), network, goals).goals[:, 0] for plan in ways)
    worse = (coarse - best) / np.maximum(np.abs(best), 1e-9)
    return replace(solution, loss=tuple(float(w) * sign_of(g) for w, g in zip(worse, goals, strict=True)))


def _label(goal: Goal) -> str:
    word = f"least {goal.least}" if goal.least is not None else f"most {goal.most}"
    of = goal.of if isinstance(goal.of, str) else ", ".join(goal.of or ())
    return f"{word} of {of}" if of else word


def goal_vector(program: Program, goal: Goal) -> tuple[Float, float]:
    """Return what a goal makes least, as a coefficient for each column, and a constant."""
    word = goal.least or goal.most
    if word == "cost":
        return program.cost.copy(), program.cost_constant
    lengths = program.columns.lengths().astype(np.float64)
    if goal.at == "end":
        lengths[:-1], lengths[-1] = 0.0, 1.0
    named = () if goal.of is None else (goal.of,) if isinstance(goal.of, str) else goal.of
    names = {n.split(".", 1)[-1] for n in named}
    if word in ("short", "over"):
        vector = _needs_vector(program, word, names, lengths)
    elif word in ("backlog", "people"):
        vector = _stock_vector(program, "case" if word == "backlog" else "person", names, lengths)
    elif word == "served":
        vector = _served_vector(program, names, lengths)
    else:
        raise UsageError(f"no goal {word!r} (known: least short, over, backlog, cost, people; most served, people)")
    return sign_of(goal) * vector, 0.0


def _needs_vector(program: Program, word: str, names: set[str], lengths: Float) -> Float:
    columns = program.columns
    vector = np.zeros(columns.count)
    for need in program.network.needs:
        if not names or need.name in names:
            n = len(need.sites)
            for first in columns.needs[need.name][0 if word == "short" else 1]:
                vector[first : first + columns.size * n] += np.repeat(lengths, n)
    return vector


def _stock_vector(program: Program, kind: str, names: set[str], lengths: Float) -> Float:
    network, columns = program.network, program.columns
    vector = np.zeros(columns.count)
    people = vector[columns.people : columns.people + columns.size * network.n_cells].reshape(columns.size, -1)
    for block in network.stocks:
        if block.kind == kind and not block.waiting and (not names or block.part in names):
            people[:, block.cells] += lengths[:, None]
    return vector


def _served_vector(program: Program, names: set[str], lengths: Float) -> Float:
    network, columns = program.network, program.columns
    vector = np.zeros(columns.count)
    served = vector[columns.served : columns.served + columns.size * network.n_serves].reshape(columns.size, -1)
    for serve in network.serves:
        if not names or serve.name in names:
            served[:, serve.arcs] += (lengths > 0)[:, None]
    return vector


def _kept(program: Program, columns: Float) -> Plan:
    """Return the plan by period; where it decides for several periods at once, as every period's limits let it."""
    plan = plan_of(program, columns)
    return plan if program.columns.size == program.network.periods.count else kept(program.network, plan)


def plan_of(program: Program, columns: Float) -> Plan:
    """Return the decisions by period: each group's, even over the periods in which they are open."""
    network, layout, dynamics = program.network, program.columns, program.dynamics
    count, size = network.periods.count, layout.size
    group = dynamics.group
    moved_by = columns[layout.moved : layout.moved + size * network.n_choices].reshape(size, -1)
    served_by = columns[layout.served : layout.served + size * network.n_serves].reshape(size, -1)
    moved, served = np.zeros((count, network.n_choices)), np.zeros((count, network.n_serves))
    hosts = {}
    for i, block in enumerate(network.choices):
        moved[:, block.arcs] = moved_by[group][:, block.arcs] * dynamics.even[i][:, None]
        if i in layout.hosts:
            first = layout.hosts[i]
            by = columns[first : first + size * len(block.hosts)].reshape(size, -1)
            hosts[i] = by[group] * dynamics.even[i][:, None]
    for k, serve in enumerate(network.serves):
        served[:, serve.arcs] = served_by[group][:, serve.arcs] * dynamics.even_serve[k][:, None]
    return Plan(np.maximum(moved, 0.0), np.maximum(served, 0.0), {i: np.maximum(h, 0.0) for i, h in hosts.items()})
