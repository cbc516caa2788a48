"""A program solved again and again with some bounds moved, goals in order, from the basis of the plan before.

The value of a goal as bounds move is convex and in straight pieces (Gal 1979, Postoptimal Analyses, Parametric
Programming and Related Topics, McGraw-Hill); a slope at any point lies under it everywhere, which is how `reach` finds
where a price ends in a few solves (Eisner & Severance 1976, Journal of the ACM 23).
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import highspy
import numpy as np
import scipy.sparse as sp

from fieldshift.engines.program_reduce import Reduced, reduce
from fieldshift.engines.program_rows import Program
from fieldshift.engines.solver import Basis
from fieldshift.network.graph import Float, Int

__all__ = ["SAME", "Again", "Answer", "Shift", "load", "reach", "run"]

_KINDS = highspy.HighsModelStatus

SAME = 0.01
"""Relative difference under which two prices are one."""

WITHIN = 0.9
"""A gain that is all there at this part of a step is told so."""

_LOWER, _BASIC, _UPPER = 0, 1, 2

LARGE = 60_000
"""Entries above which a first solve takes the interior point method."""

UNSTABLE = 512 + 4096
"""Presolve rules that are off: they chain decays into coefficients that no solver can keep apart from zero."""


@dataclass(frozen=True)
class Shift:
    """Bounds of rows that one unit moves: how far each row's most and least go."""

    rows: Int
    low: Float
    high: Float


@dataclass(frozen=True)
class Answer:
    """A goal solved: its value, the price of each row (rate of its bound), the value of each column."""

    value: float
    duals: Float
    columns: Float

    def slope(self, shift: Shift) -> float:
        """Return how the value goes with each further unit of a shift, where the same basis holds."""
        price = self.duals[shift.rows]
        return float(np.sum(np.where(price < 0, price * shift.high, price * shift.low)))


def load(left: Reduced, width: Float, whole: Int) -> tuple[highspy.Highs, Float]:
    """Return a quiet model of a program, rows scaled to a largest coefficient of about 1, and the rows' scales.

    Args:
        left: The program.
        width: What one unit of each column is in the model: whole teams.
        whole: Columns that are whole.
    """
    matrix = sp.csr_array(left.matrix @ sp.diags_array(width))
    largest = np.asarray(abs(matrix).max(axis=1).toarray()).ravel() if matrix.shape[0] else np.zeros(0)
    scale = np.exp2(-np.round(np.log2(np.maximum(largest, 1e-30))))
    matrix = sp.csr_array(sp.diags_array(scale) @ matrix)
    lp = highspy.HighsLp()
    lp.num_row_, lp.num_col_ = matrix.shape
    lp.col_cost_ = np.zeros(matrix.shape[1])
    lp.col_lower_, lp.col_upper_ = left.low / width, left.high / width
    lp.row_lower_, lp.row_upper_ = left.row_low * scale, left.row_high * scale
    lp.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
    lp.a_matrix_.start_ = matrix.indptr.astype(np.int32)
    lp.a_matrix_.index_ = matrix.indices.astype(np.int32)
    lp.a_matrix_.value_ = matrix.data
    if len(whole):
        kinds = np.full(matrix.shape[1], highspy.HighsVarType.kContinuous)
        kinds[whole] = highspy.HighsVarType.kInteger
        lp.integrality_ = list(kinds)
    model = highspy.Highs()
    settings = {"output_flag": False, "log_to_console": False, "threads": 1, "random_seed": 0, "mip_rel_gap": 1e-9}
    for option, value in settings.items():
        model.setOptionValue(option, value)
    model.passModel(lp)
    return model, np.asarray(scale, np.float64)


def run(model: highspy.Highs, deadline: float, cold: bool, entries: int) -> highspy.HighsModelStatus:
    """Solve within the time that is left; a large program without a basis by the interior point method."""
    inner = cold and entries > LARGE
    model.setOptionValue("solver", "ipm" if inner else "choose")
    # Steepest edge would first solve once for each row to weigh a basis that it did not come to by itself.
    model.setOptionValue("simplex_dual_edge_weight_strategy", -1 if cold or entries <= LARGE else 1)
    model.setOptionValue("presolve_rule_off", UNSTABLE if inner else 0)
    model.setOptionValue("time_limit", model.getRunTime() + max(deadline - time.monotonic(), 0.01))
    model.run()
    return model.getModelStatus()


class Again:
    """A program whose plan is known, solved again with bounds moved.

    Args:
        program: The program.
        goals: Coefficients of each goal that is made least, and the share of it that later goals may give up.
        deadline: When to stop, as `time.monotonic` tells it.
        bases: Where each goal stood in the plan, for the same rows; rows that stand after them were columns' bounds.

    Attributes:
        base: Each goal solved with nothing moved, in order; fewer where the time was up.
        whole: Whether some columns are whole: then there are no slopes.
        late: Whether a solve ran out of time.
    """

    def __init__(
        self,
        program: Program,
        goals: Sequence[tuple[Float, float]],
        deadline: float,
        bases: Sequence[Basis | None] = (),
    ) -> None:
        self._program, self._goals, self._deadline = program, goals, deadline
        self._left = reduce(program, [vector for vector, _ in goals])
        left = self._left
        teams = {c: k for c, k in program.lump.items() if k > 1}
        width = np.ones(program.columns.count)
        width[list(teams)] = list(teams.values())
        self._width = width[left.columns]
        whole = np.union1d(program.whole, np.array(list(teams), np.int64)).astype(np.int64)
        self._whole = np.flatnonzero(np.isin(left.columns, whole))
        self.whole, self.late = bool(len(self._whole)), False
        self._model, self._scale = load(left, self._width, self._whole)
        self._place = np.full(program.matrix.shape[0], -1)
        self._place[left.rows] = np.arange(len(left.rows))
        self._units = [float(np.abs(v[left.columns]).max(initial=0.0)) or 1.0 for v, _ in goals]
        for k, (vector, _) in enumerate(goals[:-1]):
            own = vector[left.columns] * self._width / self._units[k]
            used = np.flatnonzero(own)
            self._model.addRow(-np.inf, np.inf, len(used), used.astype(np.int32), own[used])
        self._bases = self._starts(bases)
        self._known = [False] * len(goals)
        self._cap = [np.inf] * len(goals)
        none = Shift(np.zeros(0, np.int64), np.zeros(0), np.zeros(0))
        self.base = tuple(self.plan(none, 0.0))
        self._kept = [a.value for a in self.base]

    def ask(self, goal: int, shift: Shift, size: float) -> Answer | None:
        """Return one goal with bounds moved, the goals before it kept where they were; None where nothing can."""
        return self._solve(goal, shift, size, self._kept[:goal])

    def plan(self, shift: Shift, size: float) -> list[Answer]:
        """Return all goals in order with bounds moved, each kept at its own new best; nothing where no plan can."""
        found: list[Answer] = []
        for goal in range(len(self._goals)):
            answer = self._solve(goal, shift, size, [a.value for a in found])
            if answer is None:
                return found
            found.append(answer)
        return found

    def _starts(self, bases: Sequence[Basis | None]) -> list[highspy.HighsBasis | None]:
        """Return where each goal starts: a column that stood at a bound that is a row now stands there as a row."""
        given = [*bases[: len(self._goals)], *([None] * (len(self._goals) - len(bases)))]
        return [None if basis is None or self.whole else self._start(basis) for basis in given]

    def _start(self, basis: Basis) -> highspy.HighsBasis:
        program, left = self._program, self._left
        before = min((b.first for b in program.rows if b.kind == "bound"), default=program.matrix.shape[0])
        columns = basis.columns.copy()
        rows = np.concatenate([basis.rows[:before], np.ones(program.matrix.shape[0] - before, np.int8)])
        own = program.matrix[before:].tocoo()
        for row, column in zip((own.row + before).tolist(), own.col.tolist(), strict=True):
            most = np.isfinite(program.row_high[row])
            if columns[column] == (_UPPER if most else _LOWER):
                rows[row], columns[column] = columns[column], _BASIC
        held = basis.rows[before:]
        ends = np.concatenate([held, np.ones(max(len(self._goals) - 1 - len(held), 0), np.int8)])
        names = {int(k): k for k in highspy.HighsBasisStatus.__members__.values()}
        new = highspy.HighsBasis()
        new.col_status = [names[k] for k in columns[left.columns].tolist()]
        new.row_status = [names[k] for k in [*rows[left.rows].tolist(), *ends[: len(self._goals) - 1].tolist()]]
        new.valid, new.alien = True, True
        return new

    def _solve(self, goal: int, shift: Shift, size: float, kept: Sequence[float]) -> Answer | None:
        if time.monotonic() > self._deadline and self._known[goal]:
            self.late = True
            return None
        model, vector = self._model, self._goals[goal][0]
        own = vector[self._left.columns] * self._width / self._units[goal]
        model.changeColsCost(len(own), np.arange(len(own), dtype=np.int32), own)
        self._hold(kept)
        self._move(shift, size)
        status = self._run(goal)
        self._move(shift, 0.0)
        if status != _KINDS.kOptimal:
            self.late |= time.monotonic() > self._deadline
            return None
        if not self._known[goal]:
            self._known[goal] = True
            self._bases[goal] = None if self.whole else model.getBasis()
        solution = model.getSolution()
        columns = self._left.whole(np.asarray(solution.col_value) * self._width)
        duals = np.zeros(self._program.matrix.shape[0])
        if not self.whole:
            dual = np.asarray(solution.row_dual, np.float64)[: len(self._left.rows)]
            duals[self._left.rows] = dual * self._scale * self._units[goal]
        return Answer(float(vector @ columns), duals, columns)

    def _run(self, goal: int) -> highspy.HighsModelStatus:
        """Solve from the goal's basis; where the simplex gets stuck there, once more from nothing."""
        model, basis, began = self._model, self._bases[goal], time.monotonic()
        if basis is not None:
            model.setBasis(basis)
        cold = basis is None and not goal
        status = run(model, min(self._deadline, began + self._cap[goal]), cold, self._left.matrix.nnz)
        if not self._known[goal]:
            self._cap[goal] = 1.0 + 1e-4 * self._left.matrix.nnz + 5.0 * (time.monotonic() - began)
        elif status not in (_KINDS.kOptimal, _KINDS.kInfeasible):
            model.clearSolver()
            until = min(self._deadline, time.monotonic() + self._cap[goal])
            status = run(model, until, True, self._left.matrix.nnz)
        return status

    def _hold(self, kept: Sequence[float]) -> None:
        """Keep the goals before this one, and let the others go."""
        rows = len(self._left.rows)
        for k, (vector, slack) in enumerate(self._goals[:-1]):
            most = np.inf
            if k < len(kept):
                most = kept[k] + abs(kept[k]) * slack + 1e-6 * max(1.0, abs(kept[k]))
                most = (most - float(vector @ self._left.fixed)) / self._units[k]
            self._model.changeRowBounds(rows + k, -np.inf, most)

    def _move(self, shift: Shift, size: float) -> None:
        place = self._place[shift.rows]
        here = place >= 0
        at = place[here]
        scale = self._scale[at]
        low = (self._left.row_low[at] + size * shift.low[here]) * scale
        high = (self._left.row_high[at] + size * shift.high[here]) * scale
        self._model.changeRowsBounds(len(at), at.astype(np.int32), low, high)  # type: ignore[attr-defined]

    def fixed(self) -> Again:
        """Return the same with whole columns fixed where the plan has them: it has prices."""
        program, values = self._program, np.round(self.base[-1].columns, 9)
        columns = self._left.columns[self._whole]
        low, high = program.low.copy(), program.high.copy()
        low[columns] = high[columns] = values[columns]
        still = dataclasses.replace(program, low=low, high=high, whole=np.zeros(0, np.int64), lump={})
        return Again(still, self._goals, self._deadline)


def reach(value: Callable[[float], tuple[float, float] | None], start: float, far: float) -> float:
    """Return how far a price holds: the size up to which the average gain is within `SAME` of that of size 1.

    Under 1 it is the size that already brings all but `SAME` of the gain. The ends are found by Newton's method, from
    the side from which it cannot overshoot: on straight pieces it is exact after a few solves.

    Args:
        value: The gain of a size and its slope there, concave in the size from 0 at 0; None where it has no value.
        start: A slope at 0 that the gain does not exceed.
        far: How far to look; the answer is infinite where the price holds to there.
    """
    first = value(1.0)
    if first is None:
        return np.nan
    gain, size, at = first[0], 0.0, 0.0
    if (1.0 - SAME) * abs(start) > abs(gain):
        slope = start
        for _ in range(6):
            size = size + ((1.0 - SAME) * gain - at) / slope
            found = value(min(size, 1.0))
            if found is None:
                return np.nan
            at, slope = found
            if at >= (1.0 - SAME) * gain - 1e-9 * abs(gain) or slope <= 0:
                break
        if size < WITHIN:
            return size
    line = (1.0 - SAME if gain > 0 else 1.0 + SAME) * gain
    good, size = 1.0, 2.0
    while size <= far:
        found = value(size)
        if found is None:
            return good
        over, slope = found[0] - line * size, found[1] - line
        if over >= -1e-9 * abs(gain):
            good, size = size, 2.0 * size
            continue
        for _ in range(6):
            if slope >= 0:
                break
            size = max(size - over / slope, good)
            found = value(size)
            if found is None or found[0] - line * size >= -1e-6 * abs(gain):
                break
            over, slope = found[0] - line * size, found[1] - line
        return size
    return np.inf
