"""Rows of a program for money and needs, and the bounds and prices of its columns."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import scipy.sparse as sp

from fieldshift.engines.expressions import Affine
from fieldshift.engines.program_rows import Moment, Program, Rows, selector
from fieldshift.network.graph import Float, Int, Line, NeedBlock

__all__ = ["close_columns", "spending", "write_charges", "write_money", "write_needs"]


def write_money(rows: Rows, program: Program) -> None:
    """Write the money of each fiscal year within its grant, and keep the cost of everything as the cost goal."""
    network = program.network
    for line in network.lines:
        spent = spending(program, line, by_window=True)
        cap = line.cap
        index = np.stack([np.arange(len(cap)), np.zeros(len(cap), np.int64)], axis=1)
        rows.put(line.name, "money", spent, (-np.inf, cap), index)
    everything = spending(program, network.costs, by_window=False)
    program.cost = everything.matrix.toarray()[0]
    program.cost_constant = float(everything.constant[0])


def spending(program: Program, line: Line, by_window: bool) -> Affine:
    """Return the money spent on a line, in each of its windows or in all."""
    network, columns, dynamics = program.network, program.columns, program.dynamics
    count, n = network.periods.count, network.n_cells
    window = line.window if by_window else np.zeros(count, np.int64)
    width = int(window.max()) + 1
    spans = program.spans
    row = np.repeat(window[spans], n)
    adding = sp.coo_array(
        (line.cell[spans].ravel(), (row, np.arange(len(spans) * n))), shape=(width, len(spans) * n)
    ).tocsr()
    total = program.present.after(adding)
    matrix = np.zeros((width, columns.count))
    constant = np.zeros(width)
    for i, block in enumerate(network.choices):
        even = dynamics.even[i]
        moved = columns.moved + dynamics.group[:, None] * network.n_choices + block.first + np.arange(len(block.tail))
        np.add.at(matrix, (window[:, None], moved), even[:, None] * line.move[:, block.arcs])
        if block.lasts and line.transit[:, block.arcs].any():
            start, now, weight, part = dynamics.after_moves(i)
            new = (start >= 0) & (part > 0)
            value = (weight * part)[new, None] * line.transit[now[new]][:, block.arcs]
            np.add.at(matrix, (window[now[new]][:, None], moved[start[new]]), value)
            if block.begun is not None:
                old = start < 0
                there = (
                    block.begun[start[old] % block.lasts] * weight[old, None] * line.transit[now[old]][:, block.arcs]
                )
                np.add.at(constant, window[now[old]], there.sum(axis=1))
    for k, served in enumerate(network.serves):
        even = dynamics.even_serve[k]
        column = (
            columns.served + dynamics.group[:, None] * network.n_serves + served.first + np.arange(len(served.tail))
        )
        np.add.at(matrix, (window[:, None], column), even[:, None] * line.serve[:, served.arcs])
    return total + Affine(sp.csr_array(matrix), constant)


def write_needs(rows: Rows, program: Program, moments: Sequence[Moment]) -> None:
    """Write that those who meet a need and are short, less those over, are the need, in each group's first period.

    In its last period they are no less than that: what a group is short of is the worse of the two. (Measured in its
    middle, a plan would send its details for the middle weeks: see docs/decisions/0009.)
    """
    network, columns, dynamics = program.network, program.columns, program.dynamics
    for need in network.needs:
        n = len(need.sites)
        for moment in moments:
            groups, size = moment.groups, len(moment.groups)
            there = moment.deciding if need.opening else moment.present
            who = there.after(selector(need.cells, network.n_cells, n, size)) + _under_way(
                program, need, moment.periods
            )
            target = need.need[moment.periods].ravel()
            short, over = (
                dynamics.rows(moment.periods, n, _slacks(groups, sign, starts, n), np.zeros((size, n)))
                for sign, starts in zip((1.0, -1.0), columns.needs[need.name], strict=True)
            )
            if np.array_equal(moment.periods, columns.groups[groups]):
                rows.put(need.name, "need", who + short + over, (target, target), moment.index(n))
                continue
            rows.put(need.name, "need", who + short, (target, np.inf), moment.index(n))
            if need.over is not None:
                rows.put(need.name, "need", who + over, (-np.inf, target), moment.index(n))
        _price_need(program, need)
    _groups(rows, program)


def _slacks(groups: Int, sign: float, starts: Sequence[int], n: int) -> list[tuple[Int, Int, Int, Float]]:
    size = len(groups)
    place = np.arange(size)
    return [
        (place, np.full(size, r), start + groups * n + r, np.full(size, sign)) for start in starts for r in range(n)
    ]


def _under_way(program: Program, need: NeedBlock, periods: Int) -> Affine:
    """Return those under way who meet a need in some periods, before the moves or after them."""
    network, dynamics = program.network, program.dynamics
    index, row, share = need.transit
    n, kind = len(need.sites), 0 if need.opening else 3
    total = dynamics.rows(periods, n, [], np.zeros((len(periods), n)))
    turn = np.array([np.sum(index[:k] == i) for k, i in enumerate(index.tolist())], np.int64)
    for now, each in sorted(set(zip(turn.tolist(), share.tolist(), strict=True))):
        mine = (turn == now) & (share == each)
        rows = np.full(network.n_choices, -1)
        rows[index[mine]] = row[mine]
        weights = [np.full(network.periods.count, each)] * len(network.choices)
        total = total + dynamics.lagged(periods, kind, [rows[b.arcs] for b in network.choices], weights, n)
    return total


def _price_need(program: Program, need: NeedBlock) -> None:
    """Price and bound being short of a need and over it; what is not declared short is not allowed."""
    columns = program.columns
    starts, lengths = columns.groups[:-1], columns.lengths()
    n = len(need.sites)
    for slack, firsts, free in (
        (need.short, columns.needs[need.name][0], False),
        (need.over, columns.needs[need.name][1], True),
    ):
        for k, first in enumerate(firsts):
            where = slice(first, first + columns.size * n)
            if slack is None:
                program.high[where] = np.inf if free else 0.0
                continue
            price = slack.price[starts] if k == 0 else np.full((columns.size, n), slack.steps[k - 1][0])
            program.cost[where] += (price * lengths[:, None]).ravel()
            if k == 0:
                most = np.minimum(slack.most[starts], slack.first_most)
            else:
                most = np.full((columns.size, n), slack.steps[k - 1][1])
            program.high[where] = np.inf if need.group and k == 0 else most.ravel()


def _groups(rows: Rows, program: Program) -> None:
    """Write that needs of one group are short, and over, by no more than their common limit in all."""
    network, columns, dynamics = program.network, program.columns, program.dynamics
    groups, size = np.arange(columns.size), columns.size
    for name in sorted({n.group for n in network.needs if n.group}):
        members = [n for n in network.needs if n.group == name]
        for side, word in ((0, "short"), (1, "over")):
            slacks = [s for n in members if (s := (n.short, n.over)[side]) is not None]
            if not slacks:
                continue
            most = np.min([s.most[columns.groups[:-1]].min(axis=1) for s in slacks], axis=0)
            parts = [
                (groups, np.zeros_like(groups), first + groups * len(n.sites) + r, np.ones(size))
                for n in members
                for first in columns.needs[n.name][side]
                for r in range(len(n.sites))
            ]
            index = np.stack([groups, np.zeros_like(groups)], axis=1)
            total = dynamics.rows(columns.groups[:-1], 1, parts, np.zeros((size, 1)))
            rows.put(f"{word} of {name}", "group", total, (-np.inf, most), index)


def write_charges(rows: Rows, program: Program) -> None:
    """Write that a choice with a fixed charge moves somebody only in a group in which the charge is paid."""
    network, columns, dynamics = program.network, program.columns, program.dynamics
    groups, size = np.arange(columns.size), columns.size
    people = sum(float(b.start.sum()) for b in network.stocks if b.kind == "person")
    largest = 2.0 * (people + sum(float(n.need.max(axis=0).sum()) for n in network.needs)) + 1.0
    largest += 2.0 * sum(float(np.abs(m.cap[np.isfinite(m.cap)]).max(initial=0.0)) for m in network.limits)
    for i, first in columns.used.items():
        block = network.choices[i]
        parts = [
            (groups, np.zeros_like(groups), columns.moved + groups * network.n_choices + a, np.ones(size))
            for a in range(block.arcs.start, block.arcs.stop)
        ]
        parts.append((groups, np.zeros_like(groups), first + groups, np.full(size, -largest)))
        index = np.stack([groups, np.zeros_like(groups)], axis=1)
        rows.put(
            f"use of {block.name}",
            "fixed",
            dynamics.rows(columns.groups[:-1], 1, parts, np.zeros((size, 1))),
            (-np.inf, 0.0),
            index,
        )
        program.high[first : first + size] = 1.0
        if block.fixed is not None:
            charge = np.maximum.reduceat(block.fixed, columns.groups[:-1]) * columns.lengths()
            program.cost[first : first + size] += charge
        if block.batch is not None:
            batch = np.add.reduceat(block.batch * block.open, columns.groups[:-1])
            parts[-1] = (*parts[-1][:3], -batch)
            used = dynamics.rows(columns.groups[:-1], 1, parts, np.zeros((size, 1)))
            rows.put(f"batch of {block.name}", "fixed", used, (0.0, np.inf), index)
        program.whole = np.concatenate([program.whole, first + groups])


def close_columns(program: Program) -> None:
    """Close what is never open, and set the least of each choice."""
    network, columns = program.network, program.columns
    starts = columns.groups[:-1]
    moves, serves = [(b.open, b.arcs) for b in network.choices], [(b.open, b.arcs) for b in network.serves]
    for blocks, first, width in (
        (moves, columns.moved, network.n_choices),
        (serves, columns.served, network.n_serves),
    ):
        upper = program.high[first : first + columns.size * width].reshape(columns.size, width)
        for is_open, arcs in blocks:
            shut = np.add.reduceat(is_open, starts) == 0
            upper[np.flatnonzero(shut)[:, None], np.arange(arcs.start, arcs.stop)[None, :]] = 0.0
    least = program.low[columns.moved : columns.moved + columns.size * network.n_choices]
    floor = least.reshape(columns.size, network.n_choices)
    for line in network.lines:
        shut = np.add.reduceat(line.open, starts) < columns.lengths()
        charged = (line.move.max(axis=0) > 0) | (line.transit.max(axis=0) > 0)
        upper = program.high[columns.moved : columns.moved + columns.size * network.n_choices]
        upper.reshape(columns.size, network.n_choices)[np.ix_(shut, charged)] = 0.0
    for choice in network.choices:
        if choice.least is not None:
            floor[:, choice.arcs] = np.add.reduceat(choice.least, starts, axis=0)
        if choice.whole:
            groups, arc = np.meshgrid(np.arange(columns.size), np.arange(choice.arcs.start, choice.arcs.stop))
            program.whole = np.union1d(program.whole, (columns.moved + groups * network.n_choices + arc).ravel())
        if choice.lump > 1:
            every = np.arange(columns.size)[:, None] * network.n_choices
            own = columns.moved + every + np.arange(choice.arcs.start, choice.arcs.stop)
            program.lump.update(dict.fromkeys(own.ravel().tolist(), choice.lump))
