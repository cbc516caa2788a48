"""A program in the HiGHS solver: one goal after another, each kept from then on, from a basis where there is one.

The first goal of a large plan is solved by the interior point method with crossover to a basis; the goals after it
start from the basis before by the primal simplex, for the plan before still keeps every limit. A plan for nearly the
same numbers starts each goal from that goal's basis of the plan before, by the dual simplex.

Source:
    Huangfu & Hall (2018), Parallelizing the dual revised simplex method, Mathematical Programming Computation 10.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass

import highspy
import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from fieldshift.engines.program_reduce import Reduced, reduce, untouched
from fieldshift.engines.program_rows import Program
from fieldshift.errors import NoPlan, UsageError
from fieldshift.network.graph import Float, Int

__all__ = ["Basis", "Solver"]

INTERIOR = 60_000
"""Entries above which the first goal of a plan is solved by the interior point method."""

UNSTABLE = 512 + 4096
"""Presolve rules that are off: doubleton equations and aggregation make 1e-13 and 1e11 out of decays in chains."""

STEPS = 5_000
"""Simplex steps that may clean up after the interior point, or start from an old basis, before another way is tried."""

_KINDS = highspy.HighsModelStatus


@dataclass(frozen=True)
class Basis:
    """Which columns and rows of a program stand at a bound, in HiGHS's numbers.

    Attributes:
        columns: Of each column of the program, shape (columns,).
        rows: Of each row of the program, then of the goals held before, shape (rows + goals,).
    """

    columns: npt.NDArray[np.int8]
    rows: npt.NDArray[np.int8]


class Solver:
    """A program in a HiGHS model.

    Args:
        program: The program.
        goals: Coefficients of each goal that will be asked for.
        time_limit: Seconds for all goals together.

    Attributes:
        status: `optimal`, `time limit` or `interrupted`.
        gap: Relative distance of the last goal from its best bound: 0 where solved, infinite where none is known.
        size: Rows, columns and entries of the model, after what no goal wants is left out.
    """

    def __init__(self, program: Program, goals: Sequence[Float], time_limit: float) -> None:
        self._deadline = time.monotonic() + time_limit
        self._program, self.status, self.gap = program, "optimal", 0.0
        self._left = reduce(program, goals) if program.matrix.nnz > INTERIOR else untouched(program)
        teams = {c: k for c, k in program.lump.items() if k > 1}
        self._team = np.ones(program.columns.count)
        self._team[list(teams)] = list(teams.values())
        whole = np.union1d(program.whole, np.array(list(teams), np.int64)).astype(np.int64)
        self._whole = np.flatnonzero(np.isin(self._left.columns, whole))
        self._width = self._team[self._left.columns]
        self._model = _quiet()
        self._scale = self._load(self._left)
        self._large = self._left.matrix.nnz > INTERIOR and not len(self._whole)
        self._unit, self._held, self._found = 1.0, 0, np.zeros(0)
        self.size = (*self._left.matrix.shape, self._left.matrix.nnz)

    def _load(self, left: Reduced) -> Float:
        """Load what is left into the model, rows scaled to a largest coefficient of about 1; return their scales."""
        matrix = sp.csr_array(left.matrix @ sp.diags_array(self._width))
        rows, columns = matrix.shape
        largest = np.asarray(abs(matrix).max(axis=1).toarray()).ravel() if rows else np.zeros(0)
        scale = np.exp2(-np.round(np.log2(np.maximum(largest, 1e-30))))
        matrix = sp.csr_array(sp.diags_array(scale) @ matrix)
        lp = highspy.HighsLp()
        lp.num_col_, lp.num_row_ = columns, rows
        lp.col_cost_ = np.zeros(columns)
        lp.col_lower_, lp.col_upper_ = left.low / self._width, left.high / self._width
        lp.row_lower_, lp.row_upper_ = left.row_low * scale, left.row_high * scale
        lp.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
        lp.a_matrix_.start_ = matrix.indptr.astype(np.int32)
        lp.a_matrix_.index_ = matrix.indices.astype(np.int32)
        lp.a_matrix_.value_ = matrix.data
        if len(self._whole):
            kinds = np.full(columns, highspy.HighsVarType.kContinuous)
            kinds[self._whole] = highspy.HighsVarType.kInteger
            lp.integrality_ = list(kinds)
        self._model.passModel(lp)
        return np.asarray(scale, np.float64)

    def least(self, vector: Float, basis: Basis | None = None) -> bool:
        """Solve for the least of an objective; return whether it was solved to the end.

        Args:
            vector: Coefficient of each column of the program.
            basis: Where to start, from this goal of a plan with the same rows and columns.

        Raises:
            NoPlan: No plan keeps every limit, or there is none yet.
            UsageError: The objective can be made as small as you like.
        """
        own = vector[self._left.columns] * self._width
        self._unit = float(np.abs(own).max(initial=0.0)) or 1.0
        if len(self._whole):
            self._unit = 1.0
        self._model.changeColsCost(len(own), np.arange(len(own), dtype=np.int32), own / self._unit)
        stopped = False
        for options in self._ways(basis):
            if options.pop("from", None) is not None and basis is not None and not self._start(basis):
                continue
            for option, value in options.items():
                self._model.setOptionValue(option, value)
            left = max(self._deadline - time.monotonic(), 0.01)
            self._model.setOptionValue("time_limit", left + self._model.getRunTime())
            stopped = _run(self._model)
            status = self._model.getModelStatus()
            if stopped or status in (_KINDS.kOptimal, _KINDS.kInterrupt, _KINDS.kTimeLimit):
                break
            if status in (_KINDS.kInfeasible, _KINDS.kUnboundedOrInfeasible, _KINDS.kUnbounded):
                break
        return self._judge(vector, stopped)

    def _ways(self, basis: Basis | None) -> list[dict[str, str | int]]:
        """Return the ways to try, in order, as options of HiGHS."""
        simplex: dict[str, str | int] = {
            "solver": "choose" if not self._large else "simplex",
            "presolve": "choose",
            "simplex_strategy": 1,
        }
        free: dict[str, str | int] = {**simplex, "simplex_iteration_limit": 2**31 - 1}
        if len(self._whole):
            return [free]
        warm: list[dict[str, str | int]] = []
        if basis is not None:
            warm.append({**simplex, "solver": "simplex", "simplex_iteration_limit": STEPS, "from": "basis"})
        if not self._large:
            return [*warm, free]
        inner: dict[str, str | int] = {"solver": "ipm", "run_crossover": "on", "simplex_iteration_limit": STEPS}
        cold: list[dict[str, str | int]] = [
            {**inner, "presolve": "on", "presolve_rule_off": UNSTABLE},
            {**inner, "presolve": "off"},
            {**free, "simplex_strategy": 4},
        ]
        if self._held:
            cold.insert(0, {**simplex, "simplex_strategy": 4, "simplex_iteration_limit": 4 * STEPS})
        return [*warm, *cold]

    def _start(self, basis: Basis) -> bool:
        """Take a basis of a program of the same shape; False where the shape is another."""
        rows = self._program.matrix.shape[0]
        if len(basis.columns) != self._program.columns.count or len(basis.rows) != rows + self._held:
            return False
        kinds = highspy.HighsBasisStatus
        names = {int(k): k for k in kinds.__members__.values()}
        new = highspy.HighsBasis()
        new.col_status = [names[k] for k in basis.columns[self._left.columns].tolist()]
        own = np.concatenate([basis.rows[:rows][self._left.rows], basis.rows[rows:]])
        new.row_status = [names[k] for k in own.tolist()]
        new.valid, new.alien = True, True
        return bool(self._model.setBasis(new) != highspy.HighsStatus.kError)

    def basis(self) -> Basis | None:
        """Return where the goal just solved stands, for `least` of another solver; None where there is no basis."""
        found = self._model.getBasis()
        if not found.valid or len(self._whole):
            return None
        rows = self._program.matrix.shape[0]
        columns = np.zeros(self._program.columns.count, np.int8)
        columns[self._left.columns] = [int(k) for k in found.col_status]
        status = np.array([int(k) for k in found.row_status], np.int8)
        every = np.ones(rows + self._held, np.int8)
        every[self._left.rows] = status[: len(self._left.rows)]
        every[rows:] = status[len(self._left.rows) :]
        return Basis(columns, every)

    def _judge(self, vector: Float, stopped: bool) -> bool:
        status = self._model.getModelStatus()
        if status in (_KINDS.kInfeasible, _KINDS.kUnboundedOrInfeasible):
            raise NoPlan("no plan keeps every limit")
        if status == _KINDS.kUnbounded:
            raise UsageError("the goal has no end: it can be made as small as you like; add a limit or a cost")
        info = self._model.getInfo()
        done = status == _KINDS.kOptimal
        if not done:
            words = {_KINDS.kInterrupt: "interrupted", _KINDS.kTimeLimit: "time limit"}
            told = words.get(status) or str(self._model.modelStatusToString(status)).lower()
            self.status = "interrupted" if stopped else told
        usable = done or info.primal_solution_status == int(highspy.SolutionStatus.kSolutionStatusFeasible)
        if usable:
            self._found = self._left.whole(np.asarray(self._model.getSolution().col_value) * self._width)
        elif not len(self._found):
            raise NoPlan(f"{self.status}: there is no plan yet", unfinished=True)
        if done:
            self.gap = max(float(info.mip_gap), 0.0) if len(self._whole) else 0.0
        else:
            self.gap = self._distance(vector, float(info.mip_dual_bound) if len(self._whole) else -np.inf)
        return done

    def _distance(self, vector: Float, bound: float) -> float:
        """Return how far the plan so far may be from the best: from the solver's bound, or from the columns' own."""
        low, high = self._program.low, self._program.high
        own = np.where(vector > 0, low, np.where(vector < 0, high, 0.0))
        least = float(np.sum(np.where(vector != 0, vector * own, 0.0)))
        bound = max(least, bound + float(vector @ self._left.fixed) if np.isfinite(bound) else -np.inf)
        value = float(vector @ self._found)
        return (value - bound) / max(abs(value), 1e-9) if np.isfinite(bound) else np.inf

    def value(self, vector: Float) -> float:
        """Return the value of an objective at the present solution."""
        return float(vector @ self._found)

    def columns(self) -> Float:
        """Return the value of each column of the program."""
        return self._found

    def duals(self) -> Float:
        """Return the price of each of the program's rows; rows that nothing can break have none."""
        dual = np.asarray(self._model.getSolution().row_dual, np.float64)
        rows = self._left.rows
        found = np.zeros(self._program.matrix.shape[0])
        found[rows] = dual[: len(rows)] * self._scale * self._unit if len(dual) else np.nan
        return found

    def reduced(self) -> Float:
        """Return the reduced cost of each column; nothing for those that no goal wants."""
        found = np.zeros(self._program.columns.count)
        dual = np.asarray(self._model.getSolution().col_dual, np.float64)
        found[self._left.columns] = dual * self._unit / self._width if len(dual) else np.nan
        return found

    def hold(self, vector: Float, slack: float) -> None:
        """Keep an objective, at the present solution, within its slack from now on."""
        value = self.value(vector)
        most = value + abs(value) * slack + 1e-6 * max(1.0, abs(value)) - float(vector @ self._left.fixed)
        own = vector[self._left.columns] * self._width
        used: Int = np.flatnonzero(own)
        unit = self._unit
        self._model.addRow(-highspy.kHighsInf, most / unit, len(used), used.astype(np.int32), own[used] / unit)
        self._held += 1


def _quiet() -> highspy.Highs:
    """Return an empty model that writes nothing anywhere and gives the same answer every time."""
    model = highspy.Highs()
    for option, value in (("output_flag", False), ("log_to_console", False), ("threads", 1), ("random_seed", 0)):
        model.setOptionValue(option, value)
    return model


def _run(model: highspy.Highs) -> bool:
    """Solve; on Ctrl-C stop at the solver's next look around. Return whether it was stopped."""
    if threading.current_thread() is not threading.main_thread():
        model.run()
        return False
    stop, over = threading.Event(), threading.Event()

    def ask(event: highspy.HighsCallbackEvent) -> None:
        if stop.is_set():
            event.interrupt()

    def work() -> None:
        try:
            model.run()
        finally:
            over.set()

    asks = (model.cbSimplexInterrupt, model.cbIpmInterrupt, model.cbMipInterrupt)
    for each in asks:
        each.subscribe(ask)
    worker = threading.Thread(target=work, daemon=True)
    worker.start()
    # Not `worker.join`: interrupted, it takes the thread for ended (Python 3.11), and the process would abort.
    while not over.is_set():
        try:
            over.wait(0.2)
        except KeyboardInterrupt:
            stop.set()
    for each in asks:
        each.unsubscribe(ask)
    return stop.is_set()
