"""The best plan on the mean: goals in order, solved on the program of `program.py`, replayed through the mean step."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import highspy
import numpy as np
import scipy.sparse as sp

from fieldshift.engines.plan import Plan
from fieldshift.engines.program import write_program
from fieldshift.engines.program_rows import Program
from fieldshift.errors import NoPlan, UsageError
from fieldshift.network.graph import Float, Int, Network
from fieldshift.scenario.schema import Goal

__all__ = ["GoalValue", "Solution", "groups_for", "optimize"]

LARGE = 60_000
"""Columns above which the horizon coarsens by itself."""

_LONG = [1] * 8 + [4] * 11 + [13]
"""How it does: eight periods one by one, four at a time to the end of the first year, then quarters of a year."""

_AGGREGATOR = 4096
"""The presolve rule of HiGHS that is off: on large plans it makes coefficients from 1e-13 to 1e11 out of good ones."""

_INTERIOR = 60_000
"""Entries above which a plan is solved by the interior point method (with crossover: prices come from a basis)."""

_HEAVY = 100.0
"""A row with a coefficient above this (money) is scaled to 1."""


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


def groups_for(network: Network, coarsen: str | Sequence[int] = "auto") -> Int:
    """Return the groups of periods in which a plan decides.

    Args:
        network: The network.
        coarsen: `none`; `auto`: where the program would be large and the step is a week or less, 8 single periods,
            groups of 4 to the end of the first year, then of 13; or the lengths of the groups, the last one repeated.
    """
    count = network.periods.count
    if isinstance(coarsen, str):
        if coarsen not in ("auto", "none"):
            raise UsageError(f"coarsen is {coarsen!r}: expected auto, none, or lengths such as 1,1,4")
        size = count * (network.n_cells + network.n_choices + network.n_serves)
        short = network.periods.length("week") <= 1.0 + 1e-9
        lengths = _LONG if coarsen == "auto" and size > LARGE and short else [1]
    else:
        lengths = list(coarsen)
    edges, i = [0], 0
    while edges[-1] < count:
        edges.append(min(edges[-1] + lengths[min(i, len(lengths) - 1)], count))
        i += 1
    return np.array(edges, np.int64)


def optimize(
    network: Network,
    goals: Sequence[Goal] = (),
    *,
    weighted: bool = False,
    coarsen: str | Sequence[int] = "auto",
    time_limit: float = 300.0,
) -> Solution:
    """Return the best plan on the mean.

    Args:
        network: The network.
        goals: What the plan is for, in order; least cost where none is given.
        weighted: Weigh the goals into one instead of taking them in order.
        coarsen: How the horizon coarsens, see `groups_for`.
        time_limit: Seconds after which the best plan so far is returned with its gap.

    Raises:
        NoPlan: No plan keeps every limit.
    """
    began = time.perf_counter()
    program = write_program(network, groups_for(network, coarsen))
    goals = tuple(goals) or (Goal(least="cost"),)
    built = time.perf_counter()
    solver = _Solver(program, time_limit)
    vectors = [goal_vector(program, goal) for goal in goals]
    if weighted:
        scale = [goal.weight for goal in goals]
        merged = sum(w * v[0] for w, v in zip(scale, vectors, strict=True))
        solver.least(np.asarray(merged))
        best, duals = [float("nan")] * len(goals), [solver.duals()]
    else:
        best, duals = [], []
        for i, (goal, (vector, constant, _)) in enumerate(zip(goals, vectors, strict=True)):
            solver.least(vector)
            best.append(solver.value(vector) + constant)
            duals.append(solver.duals())
            if i + 1 < len(goals):
                solver.hold(vector, solver.value(vector), goal.slack)
    columns = solver.columns()
    values = tuple(
        GoalValue(g, _label(g, network), _signed(g, b), _signed(g, float(v @ columns) + c), unit)
        for g, b, (v, c, unit) in zip(goals, best, vectors, strict=True)
    )
    ended = time.perf_counter()
    return Solution(
        _plan(program, columns),
        solver.status,
        solver.gap,
        values,
        tuple(duals),
        program,
        columns,
        (built - began, ended - built),
        solver.reduced(),
    )


def _signed(goal: Goal, value: float) -> float:
    return -value if goal.most is not None else value


def _label(goal: Goal, network: Network) -> str:
    word = f"least {goal.least}" if goal.least is not None else f"most {goal.most}"
    of = goal.of if isinstance(goal.of, str) else ", ".join(goal.of or ())
    return f"{word} of {of}" if of else word


def goal_vector(program: Program, goal: Goal) -> tuple[Float, float, str]:
    """Return what a goal makes least, as a coefficient for each column, a constant, and its unit."""
    word = goal.least or goal.most
    if word == "cost":
        return program.cost.copy(), program.cost_constant, program.network.currency
    lengths = program.columns.lengths().astype(np.float64)
    if goal.at == "end":
        lengths[:-1], lengths[-1] = 0.0, 1.0
    named = () if goal.of is None else (goal.of,) if isinstance(goal.of, str) else goal.of
    names = {n.split(".", 1)[-1] for n in named}
    if word in ("short", "over"):
        vector, unit = _needs_vector(program, word, names, lengths), "person-periods"
    elif word in ("backlog", "people"):
        vector = _stock_vector(program, "case" if word == "backlog" else "person", names, lengths)
        unit = "case-periods" if word == "backlog" else "person-periods"
    elif word == "served":
        vector, unit = _served_vector(program, names, lengths), "cases"
    else:
        raise UsageError(f"no goal {word!r} (known: least short, over, backlog, cost, people; most served, people)")
    return (-vector if goal.most is not None else vector), 0.0, unit


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


def _plan(program: Program, columns: Float) -> Plan:
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


class _Solver:
    """The program in a HiGHS model: one objective after another."""

    def __init__(self, program: Program, time_limit: float) -> None:
        self._deadline = time.monotonic() + time_limit
        self.status, self.gap = "optimal", 0.0
        self._model = highspy.Highs()
        self._model.setOptionValue("output_flag", False)
        self._model.setOptionValue("threads", 1)
        self._model.setOptionValue("random_seed", 0)
        self._model.HandleKeyboardInterrupt = True
        self._model.setOptionValue("presolve_rule_off", _AGGREGATOR)
        self._rows, self._unit = program.matrix.shape[0], 1.0
        self._ints = bool(len(program.whole) or program.lump)
        largest = abs(program.matrix).max(axis=1).toarray().ravel()
        self._scale = np.where((largest > _HEAVY) & (not self._ints), 1.0 / np.maximum(largest, 1.0), 1.0)
        self._model.passModel(_lp(program, self._scale))
        if program.matrix.nnz > _INTERIOR and not self._ints:
            self._model.setOptionValue("solver", "ipm")

    def least(self, vector: Float) -> None:
        """Solve for the least of an objective."""
        model = self._model
        count = len(vector)
        self._unit = 1.0 if self._ints else float(np.abs(vector).max(initial=0.0)) or 1.0
        model.changeColsCost(count, np.arange(count, dtype=np.int32), vector / self._unit)
        model.setOptionValue("time_limit", max(self._deadline - time.monotonic(), 0.1) + model.getRunTime())
        model.run()
        status = model.getModelStatus()
        kinds = highspy.HighsModelStatus
        if status in (kinds.kInfeasible, kinds.kUnboundedOrInfeasible):
            raise NoPlan("no plan keeps every limit")
        if status == kinds.kUnbounded:
            raise UsageError("the goal has no end: it can be made as small as you like; add a limit or a cost")
        if status == kinds.kInterrupt:
            self.status = "interrupted"
        elif status == kinds.kTimeLimit:
            self.status = "time limit"
        elif status != kinds.kOptimal:
            self.status = model.modelStatusToString(status).lower()
        info = model.getInfo()
        if self._ints:
            self.gap = float(info.mip_gap)
        if self.status != "optimal" and info.primal_solution_status != 2:
            raise NoPlan(f"{self.status}: there is no plan yet")

    def value(self, vector: Float) -> float:
        """Return the value of an objective at the present solution."""
        return float(vector @ self.columns())

    def columns(self) -> Float:
        """Return the value of each column."""
        return np.asarray(self._model.getSolution().col_value, np.float64)

    def duals(self) -> Float:
        """Return the price of each of the program's rows."""
        solution = self._model.getSolution()
        dual = np.asarray(solution.row_dual, np.float64)
        return dual[: self._rows] * self._scale * self._unit if len(dual) else np.full(self._rows, np.nan)

    def reduced(self) -> Float:
        """Return the reduced cost of each column."""
        return np.asarray(self._model.getSolution().col_dual, np.float64) * self._unit

    def hold(self, vector: Float, value: float, slack: float) -> None:
        """Keep an objective within its slack from now on."""
        used = np.flatnonzero(vector)
        most = value + abs(value) * slack + 1e-6 * max(1.0, abs(value))
        unit = self._unit
        self._model.addRow(-highspy.kHighsInf, most / unit, len(used), used.astype(np.int32), vector[used] / unit)


def _lp(program: Program, scale: Float) -> highspy.HighsLp:
    """Return the program as HiGHS reads it, each row times its scale."""
    lp = highspy.HighsLp()
    matrix = sp.csr_array(sp.diags_array(scale) @ program.matrix)
    lp.num_col_, lp.num_row_ = matrix.shape[1], matrix.shape[0]
    lp.col_cost_ = np.zeros(matrix.shape[1])
    lp.col_lower_, lp.col_upper_ = program.low, program.high
    lp.row_lower_, lp.row_upper_ = program.row_low * scale, program.row_high * scale
    lp.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
    lp.a_matrix_.start_ = matrix.indptr.astype(np.int32)
    lp.a_matrix_.index_ = matrix.indices.astype(np.int32)
    lp.a_matrix_.value_ = matrix.data
    if len(program.whole) or program.lump:
        kinds = np.full(matrix.shape[1], highspy.HighsVarType.kContinuous)
        kinds[program.whole] = highspy.HighsVarType.kInteger
        lp.integrality_ = list(kinds)
    return lp
