"""Programs of several scenarios side by side in one, with columns that they share, straight into the solver."""

from __future__ import annotations

import time
from collections.abc import Sequence

import highspy
import numpy as np
import scipy.sparse as sp

from fieldshift.engines.program_rows import Program
from fieldshift.engines.solver import UNSTABLE
from fieldshift.errors import NoPlan, UsageError
from fieldshift.network.graph import Float, Int

__all__ = ["Joint"]

MANY = 150_000
"""Entries of one program's matrix above which an interior point is quicker than the simplex."""

SHARED = 20_000
"""The same for programs that share columns, where the simplex wanders (tutorial, 4 scenarios: 13 s against 0.7 s)."""


class Joint:
    """Programs side by side, block by block, in one model: one objective after another.

    Columns are those of each program in turn, shared ones once; then, for each goal's mean of the worst, a threshold
    and how far each program is above it.

    Args:
        programs: Programs with the same columns.
        shared: Columns that are equal in all programs.
        time_limit: Seconds for all objectives together.
    """

    def __init__(self, programs: Sequence[Program], shared: Int, time_limit: float) -> None:
        self.size, self.width = len(programs), programs[0].columns.count
        self._deadline = time.monotonic() + time_limit
        self.status, self.gap = "optimal", 0.0
        self._whole = bool(sum(len(p.whole) for p in programs))
        self._place, self._columns = self._places(shared)
        blocks = sp.block_diag([p.matrix for p in programs], format="coo")
        where = (blocks.row, self._place[blocks.col])
        full = sp.csr_array(sp.coo_array((blocks.data, where), shape=(blocks.shape[0], self._columns)))
        lp = highspy.HighsLp()
        lp.num_col_, lp.num_row_ = self._columns, full.shape[0]
        low, high = np.full(self._columns, -np.inf), np.full(self._columns, np.inf)
        np.maximum.at(low, self._place, np.concatenate([p.low for p in programs]))
        np.minimum.at(high, self._place, np.concatenate([p.high for p in programs]))
        lp.col_cost_, lp.col_lower_, lp.col_upper_ = np.zeros(self._columns), low, high
        lp.row_lower_ = np.concatenate([p.row_low for p in programs])
        lp.row_upper_ = np.concatenate([p.row_high for p in programs])
        lp.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
        lp.a_matrix_.start_ = full.indptr.astype(np.int32)
        lp.a_matrix_.index_ = full.indices.astype(np.int32)
        lp.a_matrix_.value_ = full.data
        if self._whole:
            kinds = np.full(self._columns, highspy.HighsVarType.kContinuous)
            for s, program in enumerate(programs):
                kinds[self._place[s * self.width + program.whole]] = highspy.HighsVarType.kInteger
            lp.integrality_ = list(kinds)
        self._model = highspy.Highs()
        for option, value in (("output_flag", False), ("threads", 1), ("random_seed", 0)):
            self._model.setOptionValue(option, value)
        self._model.passModel(lp)
        if full.nnz > (SHARED if self.size > 1 else MANY) and not self._whole:
            # Nobody asks for prices here: crossover, the dear part, only where the interior point is imprecise.
            self._model.setOptionValue("solver", "ipm")
            self._model.setOptionValue("run_crossover", "choose")
            self._model.setOptionValue("presolve_rule_off", UNSTABLE)

    def _places(self, shared: Int) -> tuple[Int, int]:
        """Return the column of each program's columns, shape (programs * width,), and how many there are.

        What is shared is one column for all: the same as rows that say it is equal, and much quicker to solve.
        """
        own = np.ones((self.size, self.width), bool)
        own[1:, shared] = False
        place = (np.cumsum(own.ravel()) - 1).reshape(own.shape)
        place[1:, shared] = place[0, shared]
        return place.ravel(), int(own.sum())

    def objective(self, vectors: Sequence[Float], constants: Sequence[float], risk: float, alpha: float) -> Float:
        """Return the objective (1 - risk) mean + risk CVaR of what each program makes, over all columns.

        The constants' mean is not in it, but those of the worst are in its rows.

        Args:
            vectors: For each program, the coefficient of each of its columns.
            constants: For each program, what is added.
            risk: Weight of the mean of the worst.
            alpha: Share of programs that are not among the worst.
        """
        weights = (1.0 - risk) / self.size * np.concatenate(vectors)
        even = np.asarray(np.bincount(self._place, weights=weights, minlength=self._columns), np.float64)
        if risk <= 0:
            return even
        model, first = self._model, self._columns
        model.addVar(-highspy.kHighsInf, highspy.kHighsInf)
        for s, (vector, constant) in enumerate(zip(vectors, constants, strict=True)):
            model.addVar(0.0, highspy.kHighsInf)
            used = np.flatnonzero(vector)
            place = self._place[used + s * self.width]
            columns = np.concatenate([place, [first, first + 1 + s]]).astype(np.int32)
            values = np.concatenate([vector[used], [-1.0, -1.0]])
            model.addRow(-highspy.kHighsInf, -constant, len(columns), columns, values)
        self._columns += 1 + self.size
        worst = np.concatenate([[risk], np.full(self.size, risk / ((1.0 - alpha) * self.size))])
        return np.concatenate([even, worst])

    def least(self, vector: Float) -> float:
        """Solve for the least of an objective, and return it.

        Raises:
            NoPlan: No plan keeps every limit, or there is none yet.
            UsageError: The objective can be made as small as you like.
        """
        model, kinds = self._model, highspy.HighsModelStatus
        wide = np.concatenate([vector, np.zeros(self._columns - len(vector))])
        unit = float(np.abs(wide).max(initial=0.0)) or 1.0
        model.changeColsCost(len(wide), np.arange(len(wide), dtype=np.int32), wide / unit)
        model.setOptionValue("time_limit", max(self._deadline - time.monotonic(), 0.1) + model.getRunTime())
        model.run()
        status = model.getModelStatus()
        if status in (kinds.kInfeasible, kinds.kUnboundedOrInfeasible):
            raise NoPlan("no plan keeps every limit in every scenario")
        if status == kinds.kUnbounded:
            raise UsageError("the goal has no end: it can be made as small as you like; add a limit or a cost")
        if status != kinds.kOptimal:
            self.status = "time limit" if status == kinds.kTimeLimit else model.modelStatusToString(status).lower()
        info = model.getInfo()
        if self._whole:
            self.gap = float(info.mip_gap)
        if self.status != "optimal" and info.primal_solution_status != 2:
            raise NoPlan(f"{self.status}: there is no plan yet", unfinished=True)
        return float(wide @ self._values())

    def _values(self) -> Float:
        return np.asarray(self._model.getSolution().col_value, np.float64)

    def columns(self) -> Float:
        """Return the columns of each program, shape (programs, columns)."""
        return self._values()[self._place].reshape(self.size, self.width)

    def hold(self, vector: Float, value: float, slack: float, scale: float) -> None:
        """Keep an objective within its slack from now on; `scale` is how large the goal is, its constants too."""
        used = np.flatnonzero(vector)
        most = value + abs(scale) * slack + 1e-6 * max(1.0, abs(scale))
        unit = float(np.abs(vector).max(initial=0.0)) or 1.0
        self._model.addRow(-highspy.kHighsInf, most / unit, len(used), used.astype(np.int32), vector[used] / unit)
