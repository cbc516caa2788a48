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

from dataclasses import dataclass, field

import numpy as np
import scipy.sparse as sp

from fieldshift.engines.expressions import Affine, Columns, Dynamics, columns_of
from fieldshift.network.graph import OUTSIDE, Float, Int, Line, NeedBlock, Network

__all__ = ["Program", "RowBlock", "write_program"]


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


@dataclass
class _Rows:
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
        low = (
            np.broadcast_to(np.asarray(bounds[0], np.float64), expression.constant.shape)
            - expression.constant
        )
        high = (
            np.broadcast_to(np.asarray(bounds[1], np.float64), expression.constant.shape)
            - expression.constant
        )
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


def write_program(network: Network, groups: Int) -> Program:
    """Write the program of a network, deciding once per group of periods.

    Args:
        network: The network.
        groups: First period of each group, and the number of periods at the end, shape (G + 1,).
    """
    columns = columns_of(network, groups)
    dynamics = Dynamics(network, columns)
    rows = _Rows()
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
    _hours(rows, program)
    _hosts(rows, program)
    _money(rows, program)
    _needs(rows, program, first)
    _fixed(rows, program)
    _bounds(program)
    program.matrix = sp.vstack(rows.matrices).tocsr()
    program.row_low, program.row_high = np.concatenate(rows.low), np.concatenate(rows.high)
    return program


def _close(rows: _Rows, dynamics: Dynamics, following: Affine, which: tuple[Int, Int]) -> None:
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


def _tails(rows: _Rows, program: Program, stayed: Affine) -> None:
    network = program.network
    n = network.n_cells
    tails = np.zeros(n, bool)
    for block in (*network.choices, *network.serves):
        tails[block.tail[block.tail >= 0]] = True
    index = np.stack(
        [np.repeat(np.arange(program.columns.size), n), np.tile(np.arange(n), program.columns.size)], axis=1
    )
    keep = np.tile(tails, program.columns.size)
    rows.put("tail", "tail", Affine(stayed.matrix[keep], stayed.constant[keep]), (0.0, np.inf), index[keep])


def _selector(terms: tuple[Int, Int, Float], width: int, n: int, size: int) -> sp.csr_array:
    """Return the matrix that adds up cells into rows, block diagonal over groups."""
    index, row, use = terms
    one = sp.coo_array((use, (row, index)), shape=(n, width)).tocsr()
    return sp.kron(sp.eye_array(size), one).tocsr()


def _limits(rows: _Rows, program: Program, deciding: Affine) -> None:
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
            use = use + deciding.after(_selector(limit.hold, network.n_cells, n, size))
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
    for terms, blocks, evens, first, width in (
        (move, network.choices, dynamics.even, columns.moved, network.n_choices),
        (serve, network.serves, dynamics.even_serve, columns.served, network.n_serves),
    ):
        index, row, use = terms
        if not len(index):
            continue
        part = np.zeros((len(starts), width))
        for block, even in zip(blocks, evens, strict=True):  # type: ignore[call-overload]
            part[:, block.arcs] = 1.0 if whole_group else even[starts][:, None]
        position, k = np.meshgrid(np.arange(len(starts)), np.arange(len(index)), indexing="ij")
        value = part[position, index[k]] * use[k]
        column = first + position * width + index[k]
        kept = value.ravel() != 0
        parts.append(
            (position.ravel()[kept], row[k].ravel()[kept], column.ravel()[kept], value.ravel()[kept])
        )
    return parts


def _hours(rows: _Rows, program: Program) -> None:
    """Write that work uses no more than the hours of those present, over each whole group."""
    network, columns, dynamics = program.network, program.columns, program.dynamics
    if not network.n_serves:
        return
    size, n = columns.size, network.n_cells
    hours = np.zeros((network.periods.count, n))
    for stock in network.stocks:
        if stock.kind == "person":
            turned = stock.hours
            for dial, slope in network.hours_turns.get(stock.name, ()):
                turned = turned * max(1.0 + slope * (network.dials.start[dial] - 1.0), 0.0)
            hours[:, stock.cells] = turned
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
        pace = 1.0
        for dial, slope in block.turns:
            pace *= max(1.0 + slope * (network.dials.start[dial] - 1.0), 0.0)
        weighted = np.add.reduceat(block.standard * even[:, None], starts, axis=0) / max(pace, 1e-12)
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


def _under_way_after(program: Program, i: int) -> tuple[Int, Int, Float, Float]:
    """Return (start, now, survival) of those of one block under way after the moves, and the even parts of the starts."""
    block, count = program.network.choices[i], program.network.periods.count
    log = np.concatenate([[0.0], np.cumsum(np.log1p(-np.minimum(block.drop, 1 - 1e-15)))])
    low = -block.lasts + 1 if block.begun is not None else 0
    start, k = np.meshgrid(np.arange(low, count), np.arange(block.lasts), indexing="ij")
    start, now = start.ravel(), (start + k).ravel()
    keep = (now < count) & (now >= 0)
    start, now = start[keep], now[keep]
    weight = np.exp(log[now] - log[np.maximum(start, 0)])
    even = np.where(start >= 0, program.dynamics.even[i][np.maximum(start, 0)], 0.0)
    return start, now, weight, even


def _teaching(program: Program, i: int, hours: Float) -> Affine:
    network, columns, dynamics = program.network, program.columns, program.dynamics
    block, n, size = network.choices[i], network.n_cells, columns.size
    stock = network.stocks[block.teacher]
    place = {int(s): stock.first + k for k, s in enumerate(stock.sites)}
    start, now, weight, even = _under_way_after(program, i)
    parts = []
    constant = np.zeros((size, n))
    for a, site in enumerate(block.sites.tolist()):
        teachers = [place[site]] if site in place else list(place.values())
        share = 1.0 / len(teachers)
        for cell in teachers:
            value = -weight * block.per_trainee * share * hours[now, cell]
            new = (start >= 0) & (even > 0)
            column = (
                columns.moved + dynamics.group[np.maximum(start, 0)] * network.n_choices + block.first + a
            )
            parts.append(
                (dynamics.group[now[new]], np.full(int(new.sum()), cell), column[new], (value * even)[new])
            )
            if block.begun is not None:
                old = start < 0
                np.add.at(
                    constant,
                    (dynamics.group[now[old]], cell),
                    value[old] * block.begun[start[old] % block.lasts, a],
                )
    return dynamics.rows(columns.groups[:-1], n, parts, constant)


def _guests(program: Program, i: int, hours: Float) -> Affine:
    network, columns, dynamics = program.network, program.columns, program.dynamics
    block, n, size = network.choices[i], network.n_cells, columns.size
    stock = network.stocks[block.works_as]
    place = {int(s): stock.first + k for k, s in enumerate(stock.sites)}
    start, now, weight, even = _under_way_after(program, i)
    parts = []
    new = (start >= 0) & (even > 0)
    for m, site in enumerate(block.hosts.tolist()):
        if site in place:
            cell = place[site]
            value = (weight * even * block.serves * hours[now, cell])[new]
            column = columns.hosts[i] + dynamics.group[start[new]] * len(block.hosts) + m
            parts.append((dynamics.group[now[new]], np.full(int(new.sum()), cell), column, value))
    return dynamics.rows(columns.groups[:-1], n, parts, np.zeros((size, n)))


def _hosts(rows: _Rows, program: Program) -> None:
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


def _money(rows: _Rows, program: Program) -> None:
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
        moved = (
            columns.moved
            + dynamics.group[:, None] * network.n_choices
            + block.first
            + np.arange(len(block.tail))
        )
        np.add.at(matrix, (window[:, None], moved), even[:, None] * line.move[:, block.arcs])
        if block.lasts and line.transit[:, block.arcs].any():
            start, now, weight, part = _under_way_after(program, i)
            new = (start >= 0) & (part > 0)
            value = (weight * part)[new, None] * line.transit[now[new]][:, block.arcs]
            np.add.at(matrix, (window[now[new]][:, None], moved[start[new]]), value)
            if block.begun is not None:
                old = start < 0
                there = (
                    block.begun[start[old] % block.lasts]
                    * weight[old, None]
                    * line.transit[now[old]][:, block.arcs]
                )
                np.add.at(constant, window[now[old]], there.sum(axis=1))
    for k, served in enumerate(network.serves):
        even = dynamics.even_serve[k]
        column = (
            columns.served
            + dynamics.group[:, None] * network.n_serves
            + served.first
            + np.arange(len(served.tail))
        )
        np.add.at(matrix, (window[:, None], column), even[:, None] * line.serve[:, served.arcs])
    return total + Affine(sp.csr_array(matrix), constant)


def _needs(rows: _Rows, program: Program, first: dict[str, Affine]) -> None:
    """Write that those who meet a need, and those short, less those over, are the need, at each group's first period."""
    network, columns, dynamics = program.network, program.columns, program.dynamics
    size, groups = columns.size, np.arange(columns.size)
    for need in network.needs:
        n = len(need.sites)
        who = first["deciding" if need.opening else "present"].after(
            _selector(need.cells, network.n_cells, n, size)
        )
        parts: list[tuple[Int, Int, Int, Float]] = []
        for sign, starts in zip((1.0, -1.0), columns.needs[need.name], strict=True):
            for start in starts:
                for r in range(n):
                    parts.append((groups, np.full(size, r), start + groups * n + r, np.full(size, sign)))
        met = who + dynamics.rows(columns.groups[:-1], n, parts, np.zeros((size, n)))
        target = need.need[columns.groups[:-1]].ravel()
        index = np.stack([np.repeat(groups, n), np.tile(np.arange(n), size)], axis=1)
        rows.put(need.name, "need", met, (target, target), index)
        _price_need(program, need)
    _groups(rows, program)


def _price_need(program: Program, need: NeedBlock) -> None:
    """Price and bound being short of a need and over it; what is not declared short is not allowed."""
    columns = program.columns
    starts, lengths = columns.groups[:-1], columns.lengths()
    n = len(need.sites)
    for slack, firsts, free in ((need.short, columns.needs[need.name][0], False), (need.over, columns.needs[need.name][1], True)):
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


def _groups(rows: _Rows, program: Program) -> None:
    """Write that needs of one group are short, and over, by no more than their common limit in all."""
    network, columns, dynamics = program.network, program.columns, program.dynamics
    groups, size = np.arange(columns.size), columns.size
    for name in sorted({n.group for n in network.needs if n.group}):
        members = [n for n in network.needs if n.group == name]
        for side, word in ((0, "short"), (1, "over")):
            slacks = [s for n in members if (s := (n.short, n.over)[side]) is not None]
            most = min((np.nanmin(s.most[0]) for s in slacks), default=np.inf)
            if not np.isfinite(most):
                continue
            parts = [
                (groups, np.zeros_like(groups), first + groups * len(n.sites) + r, np.ones(size))
                for n in members
                for first in columns.needs[n.name][side]
                for r in range(len(n.sites))
            ]
            index = np.stack([groups, np.zeros_like(groups)], axis=1)
            total = dynamics.rows(columns.groups[:-1], 1, parts, np.zeros((size, 1)))
            rows.put(f"{word} of {name}", "group", total, (-np.inf, most), index)


def _fixed(rows: _Rows, program: Program) -> None:
    """Write that a choice with a fixed charge moves somebody only in a group in which the charge is paid."""
    network, columns, dynamics = program.network, program.columns, program.dynamics
    groups, size = np.arange(columns.size), columns.size
    people = sum(float(b.start.sum()) for b in network.stocks if b.kind == "person")
    largest = 2.0 * (people + sum(float(n.need.max(axis=0).sum()) for n in network.needs)) + 1.0
    for i, first in columns.used.items():
        block = network.choices[i]
        parts = [
            (groups, np.zeros_like(groups), columns.moved + groups * network.n_choices + a, np.ones(size))
            for a in range(block.arcs.start, block.arcs.stop)
        ]
        parts.append((groups, np.zeros_like(groups), first + groups, np.full(size, -largest)))
        index = np.stack([groups, np.zeros_like(groups)], axis=1)
        rows.put(f"use of {block.name}", "fixed", dynamics.rows(columns.groups[:-1], 1, parts, np.zeros((size, 1))),
                 (-np.inf, 0.0), index)
        program.high[first : first + size] = 1.0
        assert block.fixed is not None
        program.cost[first : first + size] += np.maximum.reduceat(block.fixed, columns.groups[:-1]) * columns.lengths()
        program.whole = np.concatenate([program.whole, first + groups])


def _bounds(program: Program) -> None:
    """Close what is never open, and set the least of each choice."""
    network, columns = program.network, program.columns
    starts = columns.groups[:-1]
    for blocks, first, width in (
        (network.choices, columns.moved, network.n_choices),
        (network.serves, columns.served, network.n_serves),
    ):
        upper = program.high[first : first + columns.size * width].reshape(columns.size, width)
        for block in blocks:  # type: ignore[attr-defined]
            shut = np.add.reduceat(block.open, starts) == 0
            upper[np.flatnonzero(shut)[:, None], np.arange(block.arcs.start, block.arcs.stop)[None, :]] = 0.0
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
        if choice.lump > 1:
            for a in range(choice.arcs.start, choice.arcs.stop):
                for g in range(columns.size):
                    program.lump[columns.moved + g * network.n_choices + a] = choice.lump
