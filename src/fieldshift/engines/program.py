"""The plan as a sparse linear program: columns and rows in named blocks, arrays straight into the solver.

Rows, for each group of periods (see `expressions.py` for the mean step). What limits counts, and needs, hold in the
first period of a group and in its last, so that moves that are even over the group keep them in between:

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
from fieldshift.engines.program_limits import write_limits, write_tails
from fieldshift.engines.program_money import close_columns, write_charges, write_money, write_needs
from fieldshift.engines.program_rows import Moment, Program, Rows
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
    moments, total, spans = _walk(rows, dynamics)
    program = Program(
        network,
        columns,
        dynamics,
        sp.csr_array((0, columns.count)),
        np.zeros(0),
        np.zeros(0),
        np.zeros(columns.count),
        np.full(columns.count, np.inf),
        np.zeros(0, np.int64),
        rows.blocks,
        total,
        spans,
        np.zeros(columns.count),
        0.0,
    )
    for moment in moments:
        write_tails(rows, program, moment)
        write_limits(rows, program, moment)
    write_hours(rows, program)
    _hosts(rows, program)
    write_money(rows, program)
    write_needs(rows, program, moments)
    write_charges(rows, program)
    close_columns(program)
    program.matrix = sp.vstack(rows.matrices).tocsr()
    program.row_low, program.row_high = np.concatenate(rows.low), np.concatenate(rows.high)
    return program


def _walk(rows: Rows, dynamics: Dynamics) -> tuple[list[Moment], Affine, Int]:
    """Write the mean step through each group; return its first and last periods, and who is present in each period."""
    network, groups = dynamics.network, dynamics.columns.groups
    lengths, starts = dynamics.columns.lengths(), groups[:-1]
    total: Affine | None = None
    spans: list[Int] = []
    moments: list[Moment] = []
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
        which = np.ones(len(live), bool) if not position else last
        if which.any():
            moments.append(Moment(live, periods, deciding, stayed, present).only(which, network.n_cells))
        counts = following
    assert total is not None
    return moments, total, np.concatenate(spans)


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
