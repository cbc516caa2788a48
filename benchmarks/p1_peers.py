"""P1's program built by each: Fieldshift from the scenario's network, linopy and Pyomo from the finished rows.

The peers are given the columns' names and the rows, so what they take is their own part only: a model in their own way
of writing, up to a loaded HiGHS model. Fieldshift's part begins earlier, at the network.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import highspy
import numpy as np
import numpy.typing as npt

import fieldshift as fs
from fieldshift.engines.optimize import Solution, goal_vector, groups_for, optimize
from fieldshift.engines.program import write_program
from fieldshift.engines.program_rows import Program
from fieldshift.engines.solver import Solver
from fieldshift.errors import NoPlan
from fieldshift.network.graph import Network

Float = npt.NDArray[np.float64]

FOLDER = Path(__file__).parent / "p1"
LIMIT = 70.0
"""Seconds that one plan may take."""


@dataclass(frozen=True)
class Problem:
    """A program and what it makes least: `cost @ columns + constant`."""

    program: Program
    cost: Float
    constant: float


def network(weeks: int, changes: Mapping[str, Any] | None = None) -> Network:
    """Return P1 over its first weeks."""
    return fs.build(fs.overlaid(fs.read(FOLDER), {"horizon.periods": weeks, **(changes or {})}))


def problem(given: Network, coarsen: str = "none") -> Problem:
    """Write the program of a network, with P1's goals weighed into one."""
    program = write_program(given, groups_for(given, coarsen))
    cost, constant = np.zeros(program.columns.count), 0.0
    for goal in fs.read(FOLDER).goals:
        vector, more, _ = goal_vector(program, goal)
        cost += goal.weight * vector
        constant += goal.weight * more
    return Problem(program, cost, constant)


def column_blocks(program: Program) -> list[tuple[str, int, int]]:
    """Return the named blocks of columns: name, first column, number of columns."""
    columns, given = program.columns, program.network
    first = {"people": columns.people, "moved": columns.moved, "served": columns.served, "hours": columns.hours}
    first |= {f"hosts_{given.choices[i].name}": at for i, at in columns.hosts.items()}
    for name, (short, over) in columns.needs.items():
        first |= {f"short_{name}_{k}": at for k, at in enumerate(short)}
        first |= {f"over_{name}_{k}": at for k, at in enumerate(over)}
    order = sorted(first.items(), key=lambda pair: pair[1])
    ends = [at for _, at in order[1:]] + [columns.count]
    return [(name, at, end - at) for (name, at), end in zip(order, ends, strict=True) if end > at]


def ours(given: Problem) -> tuple[Any, float]:
    """Write the program again from its network and load it as `optimize` does, without what no goal wants."""
    began = time.process_time()
    again = problem(given.program.network)
    solver = Solver(again.program, [again.cost], 300.0)
    return solver, time.process_time() - began


def ours_whole(given: Problem) -> tuple[Any, float]:
    """Write the program again from its network and load all of it: the same model as the peers'."""
    began = time.process_time()
    model = _passed(problem(given.program.network))
    return model, time.process_time() - began


def ours_rows(given: Problem) -> tuple[Any, float]:
    """Load the finished rows, all of them: the part that the peers do."""
    began = time.process_time()
    model = _passed(given)
    return model, time.process_time() - began


def _passed(given: Problem) -> highspy.Highs:
    """Load a whole program into HiGHS as arrays."""
    program, lp = given.program, highspy.HighsLp()
    lp.num_row_, lp.num_col_ = program.matrix.shape
    lp.col_cost_, lp.col_lower_, lp.col_upper_ = given.cost, program.low, program.high
    lp.row_lower_, lp.row_upper_ = program.row_low, program.row_high
    lp.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
    lp.a_matrix_.start_ = program.matrix.indptr.astype(np.int32)
    lp.a_matrix_.index_ = program.matrix.indices.astype(np.int32)
    lp.a_matrix_.value_ = program.matrix.data
    model = highspy.Highs()
    model.setOptionValue("output_flag", False)
    model.passModel(lp)
    return model


def with_linopy(given: Problem) -> tuple[Any, float]:
    """Build it in linopy: an array of variables and of constraints for each named block, to `to_highspy`."""
    import linopy
    import xarray as xr

    program = given.program
    matrix, low, high = program.matrix, program.row_low, program.row_high
    began = time.process_time()
    model = linopy.Model()
    labels = np.full(program.columns.count, -1, np.int64)
    costs = []
    for name, first, count in column_blocks(program):
        where = slice(first, first + count)
        index = [np.arange(count)]
        bounds = [xr.DataArray(b[where], coords=index, dims=["i"]) for b in (program.low, program.high)]
        block = model.add_variables(*bounds, name=name)
        labels[where] = block.labels.values
        costs.append((block * xr.DataArray(given.cost[where], coords=index, dims=["i"])).sum())
    sign = np.where(low == high, "=", np.where(np.isfinite(high), "<=", ">="))
    right = np.where(np.isfinite(high), high, low)
    for rows in program.rows:
        here = slice(rows.first, rows.first + len(rows.index))
        part = matrix[here]
        lengths = np.diff(part.indptr)
        shape = (len(lengths), int(lengths.max()))
        row = np.repeat(np.arange(shape[0]), lengths)
        place = np.arange(part.nnz) - np.repeat(part.indptr[:-1], lengths)
        coefficients, variables = np.full(shape, np.nan), np.full(shape, -1, np.int64)
        coefficients[row, place], variables[row, place] = part.data, labels[part.indices]
        dims = ("j", "_term")
        data = xr.Dataset(
            {"coeffs": (dims, coefficients), "vars": (dims, variables)}, coords={"j": np.arange(shape[0])}
        )
        sides = [xr.DataArray(a[here], coords=[data["j"]], dims=["j"]) for a in (sign, right)]
        model.add_constraints(
            linopy.LinearExpression(data, model), *sides, name=f"{rows.kind} {rows.name} {rows.first}"
        )
    model.add_objective(linopy.merge(costs, cls=linopy.LinearExpression))
    highs = model.to_highspy(set_names=False)
    return (model, highs), time.process_time() - began


def with_pyomo(given: Problem) -> tuple[Any, float]:
    """Build it in Pyomo: a Var for each block, a Constraint of a LinearExpression for each row, to appsi's HiGHS."""
    import pyomo.environ as pyo
    from pyomo.contrib.appsi.solvers import Highs
    from pyomo.core.expr.numeric_expr import LinearExpression

    program = given.program
    matrix = program.matrix
    began = time.process_time()
    model = pyo.ConcreteModel()
    low = [None if not np.isfinite(x) else x for x in program.low.tolist()]
    high = [None if not np.isfinite(x) else x for x in program.high.tolist()]
    every: list[Any] = []
    for name, first, count in column_blocks(program):

        def bounds(_: Any, i: int, first: int = first) -> tuple[float | None, float | None]:
            return low[first + i], high[first + i]

        block = pyo.Var(range(count), bounds=bounds)
        model.add_component(name, block)
        every += [block[i] for i in range(count)]
    starts, indices, data = matrix.indptr.tolist(), matrix.indices.tolist(), matrix.data.tolist()
    row_low, row_high = program.row_low.tolist(), program.row_high.tolist()
    for k, rows in enumerate(program.rows):

        def rule(_: Any, j: int, first: int = rows.first) -> Any:
            r = first + j
            a, b = starts[r], starts[r + 1]
            body = LinearExpression(linear_coefs=data[a:b], linear_vars=[every[c] for c in indices[a:b]])
            if row_low[r] == row_high[r]:
                return body == row_low[r]
            return body <= row_high[r] if np.isfinite(row_high[r]) else body >= row_low[r]

        model.add_component(f"rows_{k}_{rows.kind}", pyo.Constraint(range(len(rows.index)), rule=rule))
    used = np.flatnonzero(given.cost).tolist()
    costs = LinearExpression(linear_coefs=given.cost[used].tolist(), linear_vars=[every[c] for c in used])
    model.least = pyo.Objective(expr=costs)
    solver = Highs()
    solver.set_instance(model)
    return (model, solver), time.process_time() - began


BUILDERS: dict[str, Callable[[Problem], tuple[Any, float]]] = {
    "ours": ours,
    "whole": ours_whole,
    "rows": ours_rows,
    "linopy": with_linopy,
    "pyomo": with_pyomo,
}


def loaded(name: str, built: Any) -> Any:
    """Return the loaded HiGHS model of what a builder built whole."""
    return {"linopy": lambda: built[1], "pyomo": lambda: built[1]._solver_model}.get(name, lambda: built)()


def size(name: str, built: Any) -> tuple[int, int, int]:
    """Return columns, rows and entries of the loaded model."""
    if name == "ours":
        rows, columns, entries = built.size
        return columns, rows, entries
    model = loaded(name, built)
    return model.getNumCol(), model.getNumRow(), model.getNumNz()


def least(name: str, weeks: int) -> float:
    """Return P1's optimum over its first weeks, period by period, from the model of one builder."""
    given = network(weeks)
    if name == "optimize":
        found = optimize(given, fs.read(FOLDER).goals, weighted=True, coarsen="none")
        if found.status != "optimal":
            raise RuntimeError(found.status)
        return weighed(found)
    asked = problem(given)
    built, _ = BUILDERS[name](asked)
    model = loaded(name, built)
    model.setOptionValue("output_flag", False)
    model.run()
    status = model.modelStatusToString(model.getModelStatus())
    if status != "Optimal":
        raise RuntimeError(f"{name}: {status}")
    columns = np.asarray(model.getSolution().col_value)
    costs = np.asarray(model.getLp().col_cost_)
    return float(costs @ columns) + asked.constant


def weighed(found: Solution) -> float:
    """Return the value of a plan's goals, weighed as the scenario says."""
    return float(sum(g.goal.weight * g.value * (-1 if g.goal.most else 1) for g in found.goals))


def planned(weeks: int, seats: float) -> dict[str, Any]:
    """Plan P1 on the coarsened horizon, then again with fewer seats, from the plan before."""
    goals = fs.read(FOLDER).goals
    first = network(weeks)
    cap = fs.read(FOLDER).resources["seats"].cap
    assert cap is not None
    fewer = network(weeks, {"resources.seats.cap": f"{float(str(cap.value).split()[0]) * seats:g} seat"})
    answer: dict[str, Any] = {}
    before: Solution | None = None
    for name, given, start in (("first", first, False), ("again", fewer, True)):
        began = time.process_time()
        status, gap, least = "no plan in time", float("inf"), float("nan")
        try:
            found = optimize(
                given, goals, weighted=True, coarsen="rolling", time_limit=LIMIT, start=before if start else None
            )
            status, gap, least = found.status, found.gap, weighed(found)
        except NoPlan:
            if before is None:
                raise
        answer[f"{name}_cpu"] = time.process_time() - began
        answer |= {f"{name}_status": status, f"{name}_gap": gap, f"{name}_least": least}
        if before is None:
            before = found
            rows, columns = found.program.matrix.shape
            answer |= {"groups": found.program.columns.size, "columns": columns, "rows": rows}
    return answer
