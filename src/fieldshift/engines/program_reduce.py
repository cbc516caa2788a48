"""A smaller program with the same best plans: what no goal rewards is not done, and what nothing moves is a number.

A column may stay at its least where less of it harms nothing: no goal in the list pays for it, no row needs it, and
the counts that it lowers or raises harm nothing either. Counts follow from decisions by the rows of the mean step, so
the harm of a count is found by walking those rows backwards. (This is dominance of columns as in Andersen & Andersen
1995, Presolving in linear programming, Mathematical Programming 71, told of whole trajectories: a solver's own
presolve sees one equality at a time and cannot tell the sign of its price.)

Counts that only fixed columns lead to are computed once. Signs alone decide, so prices of the rows that stay are those
of the whole program.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from scipy.sparse.linalg import spsolve_triangular

from fieldshift.engines.program_rows import Program
from fieldshift.errors import NoPlan
from fieldshift.network.graph import Bool, Float, Int

__all__ = ["Reduced", "reduce", "untouched"]

NEAR = 1e-7
"""How far a row without columns may be off, relative to its size."""


@dataclass(frozen=True)
class Reduced:
    """What is left of a program.

    Attributes:
        matrix: Rows by columns that are left.
        row_low, row_high, low, high: Their bounds.
        rows, columns: Which of the program's they are.
        fixed: The value of every column of the program, 0 for those that are left.
    """

    matrix: sp.csr_array
    row_low: Float
    row_high: Float
    low: Float
    high: Float
    rows: Int
    columns: Int
    fixed: Float

    def whole(self, values: Float) -> Float:
        """Return all columns of the program from those that are left."""
        found = self.fixed.copy()
        found[self.columns] = values
        return found


def untouched(program: Program) -> Reduced:
    """Return the whole program, where it is small enough that nothing need be left out."""
    rows, columns = (np.arange(n) for n in program.matrix.shape)
    bounds = (program.row_low, program.row_high, program.low, program.high)
    return Reduced(program.matrix, *bounds, rows, columns, np.zeros(len(columns)))


def reduce(program: Program, goals: Sequence[Float]) -> Reduced:
    """Leave out of a program what the goals cannot want and what nothing moves.

    Args:
        program: The program.
        goals: Coefficients of each goal, every one of them to be made or kept small, shape (columns,).

    Raises:
        NoPlan: A row that nothing can move is broken.
    """
    matrix = program.matrix
    steps = _step_rows(program)
    head = _heads(program, steps)
    other = matrix[~steps]
    low, high = program.row_low[~steps], program.row_high[~steps]
    effect = _effects(program, steps, head)
    least, most = program.low.copy(), program.high.copy()
    decided = np.ones(matrix.shape[1], bool)
    decided[head] = False
    for _ in range(3):
        needed = ~_redundant(other, (low, high), least, most)
        up, down = _harm(other[needed], low[needed], high[needed], goals)
        down |= ~decided & ~_never_negative(effect, program, steps, head)
        down = _walk(effect, up, down)
        still = decided & ~down & (most > least) & np.isfinite(least)
        most[still] = least[still]
        if not still.any():
            break
    return _without(program, (steps, head, effect), (least, most), decided & (most <= least))


def _step_rows(program: Program) -> Bool:
    """Return which rows are those of the mean step."""
    steps = np.zeros(program.matrix.shape[0], bool)
    for block in program.rows:
        if block.kind == "people":
            steps[block.first : block.first + len(block.index)] = True
    return steps


def _heads(program: Program, steps: Bool) -> Int:
    """Return the count that each row of the mean step defines, shape (rows of the step,)."""
    n = program.network.n_cells
    found = [
        program.columns.people + block.index[:, 0] * n + block.index[:, 1]
        for block in program.rows
        if block.kind == "people"
    ]
    return np.concatenate(found) if steps.any() else np.zeros(0, np.int64)


def _effects(program: Program, steps: Bool, head: Int) -> sp.csr_array:
    """Return what one more of a column adds to each count, the columns of all counts and decisions, square."""
    size = program.matrix.shape[1]
    part = program.matrix[steps].tocoo()
    row, column = head[part.row], part.col
    keep = row != column
    return sp.coo_array((-part.data[keep], (row[keep], column[keep])), shape=(size, size)).tocsr()


def _redundant(matrix: sp.csr_array, bounds: tuple[Float, Float], least: Float, most: Float) -> Bool:
    """Return which rows hold whatever the columns do within their bounds."""
    positive, negative = matrix.maximum(0).tocsr(), matrix.minimum(0).tocsr()
    big = 1e30
    small, large = np.maximum(least, -big), np.minimum(most, big)
    lowest, highest = positive @ small + negative @ large, positive @ large + negative @ small
    return np.asarray((lowest >= bounds[0]) & (highest <= bounds[1]), np.bool_)


def _harm(matrix: sp.csr_array, low: Float, high: Float, goals: Sequence[Float]) -> tuple[Bool, Bool]:
    """Return for which columns more harms a row or a goal, and for which less does."""
    above, below = np.isfinite(high).astype(np.float64), np.isfinite(low).astype(np.float64)
    positive, negative = (matrix > 0).astype(np.float64), (matrix < 0).astype(np.float64)
    up = (positive.T @ above + negative.T @ below) > 0
    down = (negative.T @ above + positive.T @ below) > 0
    for goal in goals:
        up |= goal > 0
        down |= goal < 0
    return up, down


def _never_negative(effect: sp.csr_array, program: Program, steps: Bool, head: Int) -> Bool:
    """Return which counts are sums of what cannot be negative: no move and no service takes from them."""
    taken = np.asarray(effect.minimum(0).sum(axis=1)).ravel() < 0
    taken[head[program.row_low[steps] < 0]] = True
    taken |= np.isfinite(program.high)
    taken |= program.low > 0
    return ~taken


def _walk(effect: sp.csr_array, up: Bool, down: Bool) -> Bool:
    """Return for which columns less harms something, at once or through the counts that follow."""
    more = (effect > 0).astype(np.float64).T.tocsr()
    less = (effect < 0).astype(np.float64).T.tocsr()
    now_up, now_down = up, down
    while now_up.any() or now_down.any():
        u, d = now_up.astype(np.float64), now_down.astype(np.float64)
        next_up = (more @ u + less @ d) > 0
        next_down = (more @ d + less @ u) > 0
        now_up, now_down = next_up & ~up, next_down & ~down
        up, down = up | now_up, down | now_down
    return down


def _without(
    program: Program, step: tuple[Bool, Int, sp.csr_array], bounds: tuple[Float, Float], fixed: Bool
) -> Reduced:
    """Leave out fixed columns, the counts that only they lead to, and the rows that are left without columns."""
    steps, head, effect = step
    least, most = bounds
    live = ~fixed
    live[head] = False
    moves = live.copy()
    pattern = abs(effect).tocsr()
    while moves.any():
        moves = ((pattern @ moves.astype(np.float64)) > 0) & ~live
        live |= moves
    values = np.where(live, 0.0, least)
    still = head[~live[head]]
    if len(still):
        constant = np.zeros(len(live))
        constant[head] = program.row_low[steps]
        order = np.sort(still)
        known = values.copy()
        known[head] = 0.0
        right = (effect @ known + constant)[order]
        own = sp.eye_array(len(order)) - effect[order][:, order]
        values[order] = spsolve_triangular(own.tocsr(), right, lower=True, unit_diagonal=True)
    columns = np.flatnonzero(live)
    given = program.matrix @ np.where(live, 0.0, values)
    left = program.matrix[:, columns].tocsr()
    low, high = program.row_low - given, program.row_high - given
    used = np.diff(left.indptr) > 0
    size = NEAR * np.maximum(1.0, abs(program.matrix) @ np.abs(values))
    if (~used & ((low > size) | (high < -size))).any() or (values[still] < -NEAR * (1 + values.max(initial=0))).any():
        raise NoPlan("no plan keeps every limit")
    keep = used & (~_redundant(left, (low, high), least[columns], most[columns]))
    rows = np.flatnonzero(keep)
    return Reduced(left[rows].tocsr(), low[rows], high[rows], least[columns], most[columns], rows, columns, values)
