"""The plan as a sparse linear program: columns and rows in named blocks, arrays straight into the solver.

Rows, for each group of periods (see `expressions.py` for the mean step):

| block | meaning |
|---|---|
| `people` | the mean step: counts at the next group's start |
| `tail` | nobody moves, and no case is served, who is not there |
| a limit's name | `hold . people + transit . under way + move . moved + serve . served <= cap` |
| `hours of` a stock | hours used by work within the hours of those present |
| `serving` | cases served within the hours given |
| `hosts of` a detail | everybody who leaves on a detail is at one host |
| a line's name | money spent in a fiscal year within its grant |
| `need` a need's name | people + short - over = need |
"""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp

from fieldshift.engines.expressions import Affine, Dynamics, columns_of
from fieldshift.engines.program_hours import write_hours
from fieldshift.engines.program_money import close_columns, write_charges, write_money, write_needs
from fieldshift.engines.program_rows import Program, Rows, selector
from fieldshift.network.graph import Float, Int, Network

__all__ = ["write_program"]


def write_program(network: Network, groups: Int) -> Program:
    """Write the program of a network, deciding once per group of periods.

    Args:
        network: The network.
        groups: First period of each group, and the number of periods at the end, shape (G + 1,).
    """
    columns = columns_of(network, groups)
    dynamics = Dynamics(network, columns)
    rows = Rows()
    low, high = np.zeros(columns.count), np.full(columns.count, np.inf)
    lengths, starts = columns.lengths(), groups[:-1]
    total: Affine | None = None
    spans: list[Int] = []
    first: dict[str, Affine] = {}
    counts = dynamics.first_counts()
    for position in range(int(lengths.max())):
        live = np.flatnonzero(lengths > position)
        periods = starts[live] + position
        if position:
            still = np.isin(np.flatnonzero(lengths > position - 1), live)
            keep = np.repeat(still, network.n_cells)
            counts = Affine(counts.matrix[keep], counts.constant[keep])
        deciding = (counts + dynamics.arrivals(periods)).after(dynamics.chance(periods, True))
        out, once = dynamics.outgoing(periods), dynamics.at_once(periods)
        stayed = deciding - out
        present = stayed + once
        if not position:
            first = {"deciding": deciding, "present": present, "stayed": stayed}
        total = (
            present
            if total is None
            else Affine(
                sp.vstack([total.matrix, present.matrix]).tocsr(),
                np.concatenate([total.constant, present.constant]),
            )
        )
        spans.append(periods)
        following = stayed.after(dynamics.chance(periods, False)) + once + dynamics.later(periods)
        last = lengths[live] == position + 1
        _close(rows, dynamics, following, (live, last))
        counts = following
    assert total is not None
    program = Program(
        network,
        columns,
        dynamics,
        sp.csr_array((0, columns.count)),
        np.zeros(0),
        np.zeros(0),
        low,
        high,
        np.zeros(0, np.int64),
        rows.blocks,
        total,
        np.concatenate(spans),
        np.zeros(columns.count),
        0.0,
    )
    _tails(rows, program, first["stayed"])
    _limits(rows, program, first["deciding"])
    write_hours(rows, program)
    _hosts(rows, program)
    write_money(rows, program)
    write_needs(rows, program, first)
    write_charges(rows, program)
    close_columns(program)
    program.matrix = sp.vstack(rows.matrices).tocsr()
    program.row_low, program.row_high = np.concatenate(rows.low), np.concatenate(rows.high)
    return program


def _close(rows: Rows, dynamics: Dynamics, following: Affine, which: tuple[Int, Int]) -> None:
    """Write that the counts at the next group's start are what the mean step makes of these."""
    live, last = which
    columns, n = dynamics.columns, dynamics.network.n_cells
    ending = live[last]
    if not len(ending):
        return
    keep = np.repeat(last, n)
    index = np.stack([np.repeat(ending, n), np.tile(np.arange(n), len(ending))], axis=1)
    column = columns.people + index[:, 0] * n + index[:, 1]
    here = sp.coo_array(
        (np.ones(len(column)), (np.arange(len(column)), column)), shape=(len(column), columns.count)
    ).tocsr()
    chosen = Affine(following.matrix[keep], following.constant[keep])
    rows.put("people", "people", Affine(here, np.zeros(len(column))) - chosen, (0.0, 0.0), index)


def _tails(rows: Rows, program: Program, stayed: Affine) -> None:
    network = program.network
    n = network.n_cells
    tails = np.zeros(n, bool)
    for tail in [b.tail for b in network.choices] + [b.tail for b in network.serves]:
        tails[tail[tail >= 0]] = True
    index = np.stack(
        [np.repeat(np.arange(program.columns.size), n), np.tile(np.arange(n), program.columns.size)], axis=1
    )
    keep = np.tile(tails, program.columns.size)
    rows.put("tail", "tail", Affine(stayed.matrix[keep], stayed.constant[keep]), (0.0, np.inf), index[keep])


def _limits(rows: Rows, program: Program, deciding: Affine) -> None:
    """Write each limit at the first period of each group; a limit on moves alone counts the whole group's."""
    network, columns, dynamics = program.network, program.columns, program.dynamics
    starts, size = columns.groups[:-1], columns.size
    for limit in network.limits:
        n = len(limit.sites)
        rate_only = not len(limit.hold[0]) and not len(limit.transit[0])
        parts = _row_parts(program, limit.move, limit.serve, starts, rate_only)
        use = dynamics.rows(starts, n, parts, np.zeros((size, n)))
        cap = np.add.reduceat(limit.cap, starts, axis=0) if rate_only else limit.cap[starts]
        if len(limit.hold[0]):
            use = use + deciding.after(selector(limit.hold, network.n_cells, n, size))
        if len(limit.transit[0]):
            cells, weights = _transit_rows(program, limit.transit)
            use = use + dynamics.lagged(starts, 0, cells, weights, n)
        index = np.stack([np.repeat(np.arange(size), n), np.tile(np.arange(n), size)], axis=1)
        rows.put(limit.name, "limit", use, (-np.inf, cap.ravel()), index)


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
    program: Program,
    move: tuple[Int, Int, Float],
    serve: tuple[Int, Int, Float],
    starts: Int,
    whole_group: bool,
) -> list[tuple[Int, Int, Int, Float]]:
    """Return parts for moves and cases served in the first period of each group, or in the whole group."""
    network, columns, dynamics = program.network, program.columns, program.dynamics
    parts = []
    moves, serves = [b.arcs for b in network.choices], [b.arcs for b in network.serves]
    for terms, blocks, evens, first, width in (
        (move, moves, dynamics.even, columns.moved, network.n_choices),
        (serve, serves, dynamics.even_serve, columns.served, network.n_serves),
    ):
        index, row, use = terms
        if not len(index):
            continue
        part = np.zeros((len(starts), width))
        for arcs, even in zip(blocks, evens, strict=True):
            part[:, arcs] = 1.0 if whole_group else even[starts][:, None]
        position, k = np.meshgrid(np.arange(len(starts)), np.arange(len(index)), indexing="ij")
        value = part[position, index[k]] * use[k]
        column = first + position * width + index[k]
        kept = value.ravel() != 0
        parts.append((position.ravel()[kept], row[k].ravel()[kept], column.ravel()[kept], value.ravel()[kept]))
    return parts


def _hosts(rows: Rows, program: Program) -> None:
    """Write that everybody who leaves on a detail is at one host."""
    network, columns, dynamics = program.network, program.columns, program.dynamics
    groups = np.arange(columns.size)
    for i, first in columns.hosts.items():
        block = network.choices[i]
        parts: list[tuple[Int, Int, Int, Float]] = []
        for a in range(len(block.tail)):
            column = columns.moved + groups * network.n_choices + block.first + a
            parts.append((groups, np.zeros_like(groups), column, np.ones(len(groups))))
        for m in range(len(block.hosts)):
            column = first + groups * len(block.hosts) + m
            parts.append((groups, np.zeros_like(groups), column, -np.ones(len(groups))))
        index = np.stack([groups, np.zeros_like(groups)], axis=1)
        balance = dynamics.rows(columns.groups[:-1], 1, parts, np.zeros((columns.size, 1)))
        rows.put(f"hosts of {block.name}", "hosts", balance, (0.0, 0.0), index)
