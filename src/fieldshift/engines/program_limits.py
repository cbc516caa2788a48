"""Rows of a program that keep limits, and that let nobody move who is not there."""

from __future__ import annotations

import numpy as np

from fieldshift.engines.expressions import Affine
from fieldshift.engines.program_rows import Moment, Program, Rows, selector
from fieldshift.network.graph import Float, Int

__all__ = ["write_limits", "write_tails"]


def write_tails(rows: Rows, program: Program, moment: Moment) -> None:
    """Write that nobody moves, and no case is served, who is not there."""
    network = program.network
    tails = np.zeros(network.n_cells, bool)
    for tail in [b.tail for b in network.choices] + [b.tail for b in network.serves]:
        tails[tail[tail >= 0]] = True
    keep = np.tile(tails, len(moment.groups))
    stayed = Affine(moment.stayed.matrix[keep], moment.stayed.constant[keep])
    rows.put("tail", "tail", stayed, (0.0, np.inf), moment.index(network.n_cells)[keep])


def write_limits(rows: Rows, program: Program, moment: Moment) -> None:
    """Write each limit at a moment of each group; a limit on moves alone counts the whole group's, at its first."""
    network, columns, dynamics = program.network, program.columns, program.dynamics
    periods, size = moment.periods, len(moment.groups)
    opening = np.array_equal(periods, columns.groups[moment.groups])
    for limit in network.limits:
        n = len(limit.sites)
        rate_only = not len(limit.hold[0]) and not len(limit.transit[0])
        if rate_only and not opening:
            continue
        parts = _row_parts(program, (limit.move, limit.serve), moment, rate_only)
        use = dynamics.rows(periods, n, parts, np.zeros((size, n)))
        cap = (
            np.add.reduceat(limit.cap, columns.groups[:-1], axis=0)[moment.groups] if rate_only else limit.cap[periods]
        )
        if len(limit.hold[0]):
            use = use + moment.deciding.after(selector(limit.hold, network.n_cells, n, size))
        if len(limit.transit[0]):
            cells, weights = _transit_rows(program, limit.transit)
            use = use + dynamics.lagged(periods, 0, cells, weights, n)
        rows.put(limit.name, "limit", use, (-np.inf, cap.ravel()), moment.index(n))


def _transit_rows(program: Program, terms: tuple[Int, Int, Float]) -> tuple[list[Int], list[Float]]:
    """Return, for each choice block, the row in which each arc counts and its use by period."""
    arc_row = np.full(program.network.n_choices, -1)
    arc_use = np.zeros(program.network.n_choices)
    arc_row[terms[0]], arc_use[terms[0]] = terms[1], terms[2]
    cells, weights = [], []
    for block in program.network.choices:
        mine = arc_row[block.arcs]
        cells.append(mine)
        use = arc_use[block.arcs][mine >= 0]
        weights.append(np.full(program.network.periods.count, use[0] if len(use) else 0.0))
    return cells, weights


def _row_parts(
    program: Program, terms: tuple[tuple[Int, Int, Float], ...], moment: Moment, whole_group: bool
) -> list[tuple[Int, Int, Int, Float]]:
    """Return parts for moves and cases served in one period of each group, or in the whole group."""
    network, columns, dynamics = program.network, program.columns, program.dynamics
    parts = []
    moves, serves = [b.arcs for b in network.choices], [b.arcs for b in network.serves]
    for (index, row, use), blocks, evens, first, width in (
        (terms[0], moves, dynamics.even, columns.moved, network.n_choices),
        (terms[1], serves, dynamics.even_serve, columns.served, network.n_serves),
    ):
        if not len(index):
            continue
        part = np.zeros((len(moment.groups), width))
        for arcs, even in zip(blocks, evens, strict=True):
            part[:, arcs] = 1.0 if whole_group else even[moment.periods][:, None]
        position, k = np.meshgrid(np.arange(len(moment.groups)), np.arange(len(index)), indexing="ij")
        value = part[position, index[k]] * use[k]
        column = first + moment.groups[position] * width + index[k]
        kept = value.ravel() != 0
        parts.append((position.ravel()[kept], row[k].ravel()[kept], column.ravel()[kept], value.ravel()[kept]))
    return parts
