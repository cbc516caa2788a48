"""Rows of a program that keep work within the hours of those present."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp

from fieldshift.engines.expressions import Affine, with_dials
from fieldshift.engines.program_rows import Program, Rows
from fieldshift.network.graph import OUTSIDE, Float, Int

__all__ = ["write_hours"]


def write_hours(rows: Rows, program: Program) -> None:  # noqa: PLR0915
    """Write that work uses no more than the hours of those present, over each whole group."""
    network, columns, dynamics = program.network, program.columns, program.dynamics
    if not network.n_serves:
        return
    size, n = columns.size, network.n_cells
    hours = np.zeros((network.periods.count, n))
    for stock in network.stocks:
        if stock.kind == "person":
            hours[:, stock.cells] = with_dials(stock.hours, network.hours_turns.get(stock.name, ()), network)
    spans = program.spans
    position, cell = np.repeat(np.arange(len(spans)), n), np.tile(np.arange(n), len(spans))
    group = dynamics.group[spans]
    adding = sp.coo_array(
        (hours[spans].ravel(), (group[position] * n + cell, position * n + cell)),
        shape=(size * n, len(spans) * n),
    ).tocsr()
    available = program.present.after(adding) + _others(program, hours)
    paired = {(int(b), int(c)): i for i, (b, c) in enumerate(columns.pairs.tolist())}
    use_parts: list[tuple[Int, Int, Int, Float]] = []
    give_parts: list[tuple[Int, Int, Int, Float]] = []
    starts = columns.groups[:-1]
    groups = np.arange(size)
    for block in network.serves:
        even = dynamics.even_serve[network.serves.index(block)]
        pace = np.maximum(with_dials(np.ones(1), block.turns, network), 1e-12)
        weighted = np.add.reduceat(block.standard * even[:, None], starts, axis=0) / pace
        for k in range(len(block.tail)):
            arc = block.first + k
            cells = _giving(program, arc)
            for c, productivity in cells:
                if (arc, c) in paired:
                    column = columns.hours + groups * len(columns.pairs) + paired[arc, c]
                    use_parts.append((groups, np.full(size, c), column, np.full(size, -1.0)))
                    give_parts.append((groups, np.full(size, arc), column, np.full(size, productivity)))
                else:
                    column = columns.served + groups * network.n_serves + arc
                    use_parts.append((groups, np.full(size, c), column, -weighted[:, k] / productivity))
            if not cells or (arc, cells[0][0]) in paired:
                column = columns.served + groups * network.n_serves + arc
                give_parts.append((groups, np.full(size, arc), column, -weighted[:, k]))
    index = np.stack([np.repeat(groups, n), np.tile(np.arange(n), size)], axis=1)
    left = available + dynamics.rows(starts, n, use_parts, np.zeros((size, n)))
    serving = np.zeros(n, bool)
    serving[[c for part in use_parts for c in part[1][:1].tolist()]] = True
    keep = np.tile(serving, size)
    rows.put("hours", "hours", Affine(left.matrix[keep], left.constant[keep]), (0.0, np.inf), index[keep])
    if give_parts:
        width = network.n_serves
        index = np.stack([np.repeat(groups, width), np.tile(np.arange(width), size)], axis=1)
        rows.put(
            "serving",
            "serving",
            dynamics.rows(starts, width, give_parts, np.zeros((size, width))),
            (0.0, np.inf),
            index,
        )


def _giving(program: Program, arc: int) -> list[tuple[int, float]]:
    """Return the cells that can serve an arc, each with the standard hours one of its hours is worth."""
    network = program.network
    block = next(b for b in network.serves if b.first <= arc < b.first + len(b.tail))
    site = int(block.sites[arc - block.first])
    found = []
    for index, productivity in block.by:
        stock = network.stocks[index]
        worth = productivity * stock.productivity
        for k, s in enumerate(stock.sites.tolist()):
            if (site in (OUTSIDE, s)) and worth > 0:
                found.append((stock.first + k, worth))
    return found


def _others(program: Program, hours: Float) -> Affine:
    """Return hours that details give at their hosts less those that teachers lose, by group and cell."""
    network, columns, dynamics = program.network, program.columns, program.dynamics
    size, n = columns.size, network.n_cells
    total = dynamics.rows(columns.groups[:-1], n, [], np.zeros((size, n)))
    for i, block in enumerate(network.choices):
        if block.teacher >= 0 and block.lasts:
            total = total + _teaching(program, i, hours)
        if i in columns.hosts and block.works_as >= 0:
            total = total + _guests(program, i, hours)
    return total


def _teaching(program: Program, i: int, hours: Float) -> Affine:
    network, columns, dynamics = program.network, program.columns, program.dynamics
    block, n, size = network.choices[i], network.n_cells, columns.size
    stock = network.stocks[block.teacher]
    place = stock.cell_of
    start, now, weight, even = dynamics.after_moves(i)
    parts = []
    constant = np.zeros((size, n))
    for a, site in enumerate(block.sites.tolist()):
        teachers = [place[site]] if site in place else list(place.values())
        share = 1.0 / len(teachers)
        for cell in teachers:
            value = -weight * block.per_trainee * share * hours[now, cell]
            new = (start >= 0) & (even > 0)
            column = columns.moved + dynamics.group[np.maximum(start, 0)] * network.n_choices + block.first + a
            parts.append((dynamics.group[now[new]], np.full(int(new.sum()), cell), column[new], (value * even)[new]))
            if block.begun is not None:
                old = start < 0
                there = value[old] * block.begun[start[old] % block.lasts, a]
                np.add.at(constant[:, cell], dynamics.group[now[old]], there)
    return dynamics.rows(columns.groups[:-1], n, parts, constant)


def _guests(program: Program, i: int, hours: Float) -> Affine:
    network, columns, dynamics = program.network, program.columns, program.dynamics
    block, n, size = network.choices[i], network.n_cells, columns.size
    stock = network.stocks[block.works_as]
    place = stock.cell_of
    start, now, weight, even = dynamics.after_moves(i)
    parts = []
    new = (start >= 0) & (even > 0)
    for m, site in enumerate(block.hosts.tolist()):
        if site in place:
            cell = place[site]
            value = (weight * even * block.serves * hours[now, cell])[new]
            column = columns.hosts[i] + dynamics.group[start[new]] * len(block.hosts) + m
            parts.append((dynamics.group[now[new]], np.full(int(new.sum()), cell), column, value))
    return dynamics.rows(columns.groups[:-1], n, parts, np.zeros((size, n)))
