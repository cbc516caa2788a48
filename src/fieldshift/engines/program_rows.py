"""The program being written: its columns, and rows in named blocks."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import scipy.sparse as sp

from fieldshift.engines.expressions import Affine, Columns, Dynamics
from fieldshift.network.graph import Bool, Float, Int, Network

__all__ = ["Moment", "Program", "RowBlock", "Rows", "selector"]


@dataclass(frozen=True)
class RowBlock:
    """Rows of one kind.

    Attributes:
        name: Its name.
        kind: `people`, `tail`, `limit`, `hours`, `serving`, `hosts`, `money`, `need`.
        first: Its first row.
        index: For each row: group (or window), then row, cell or arc within the kind, shape (rows, 2).
    """

    name: str
    kind: str
    first: int
    index: Int


@dataclass
class Program:
    """A linear (or integer) program of a network.

    Attributes:
        network: The network.
        columns: Where each decision stands.
        matrix: Rows by columns.
        row_low, row_high: Bounds of rows.
        low, high: Bounds of columns.
        whole: Which columns are whole.
        rows: Blocks of rows.
        cost: Cost of each column, and `cost_constant`.
    """

    network: Network
    columns: Columns
    dynamics: Dynamics
    matrix: sp.csr_array
    row_low: Float
    row_high: Float
    low: Float
    high: Float
    whole: Int
    rows: list[RowBlock]
    present: Affine
    spans: Int
    cost: Float
    cost_constant: float
    lump: dict[int, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Moment:
    """One period of some groups, and who is there then.

    Attributes:
        groups: The groups, shape (g,).
        periods: The period of each, shape (g,).
        deciding: Counts when the plan decides, (g * C,).
        stayed: Those of them who do not move, (g * C,).
        present: Those who are there after the moves, (g * C,).
    """

    groups: Int
    periods: Int
    deciding: Affine
    stayed: Affine
    present: Affine

    def only(self, which: Bool, n: int) -> Moment:
        """Return it for some of its groups; `n` cells each."""
        keep = np.repeat(which, n)
        deciding, stayed, present = (
            Affine(a.matrix[keep], a.constant[keep]) for a in (self.deciding, self.stayed, self.present)
        )
        return Moment(self.groups[which], self.periods[which], deciding, stayed, present)

    def index(self, n: int) -> Int:
        """Return the index of `n` rows for each group: its group, and the row."""
        return np.stack([np.repeat(self.groups, n), np.tile(np.arange(n), len(self.groups))], axis=1)


@dataclass
class Rows:
    """Rows being collected."""

    matrices: list[sp.csr_array] = field(default_factory=list)
    low: list[Float] = field(default_factory=list)
    high: list[Float] = field(default_factory=list)
    blocks: list[RowBlock] = field(default_factory=list)
    count: int = 0

    def put(
        self,
        name: str,
        kind: str,
        expression: Affine,
        bounds: tuple[Float | float, Float | float],
        index: Int,
    ) -> None:
        """Add rows `low <= expression <= high`, dropping those that nothing can move."""
        low = np.broadcast_to(np.asarray(bounds[0], np.float64), expression.constant.shape) - expression.constant
        high = np.broadcast_to(np.asarray(bounds[1], np.float64), expression.constant.shape) - expression.constant
        used = np.diff(expression.matrix.indptr) > 0
        finite = np.isfinite(low) | np.isfinite(high)
        broken = ~used & ((low > 1e-7) | (high < -1e-7))
        keep = (used & finite) | broken
        if not keep.any():
            return
        self.matrices.append(expression.matrix[keep])
        self.low.append(low[keep])
        self.high.append(high[keep])
        self.blocks.append(RowBlock(name, kind, self.count, index[keep]))
        self.count += int(keep.sum())


def selector(terms: tuple[Int, Int, Float], width: int, n: int, size: int) -> sp.csr_array:
    """Return the matrix that adds up cells into rows, block diagonal over groups."""
    index, row, use = terms
    one = sp.coo_array((use, (row, index)), shape=(n, width)).tocsr()
    return sp.kron(sp.eye_array(size), one).tocsr()
