"""Step 7 of a period: work is served by priority within the hours of the people who are present."""

from __future__ import annotations

import numpy as np

from fieldshift.engines.engine import Decision
from fieldshift.engines.fit import Tables, dot, share_out
from fieldshift.engines.luck import Luck
from fieldshift.engines.state import Counts, State, add_to, dialled
from fieldshift.network.graph import OUTSIDE, Float, Int, Network, ServeBlock, Turn

__all__ = ["hours_present", "serve_work"]

_TINY = 1e-9


def hours_present(network: Network, state: State, present: Float, period: int) -> tuple[Float, Float]:
    """Return hours for work by person cell (D, C), and people of other sites serving at each site (D, S).

    Teachers tied up by trainees give no hours; details give theirs at the host.
    """
    hours = np.zeros_like(present)
    heads = present.copy()
    guests = np.zeros((len(present), len(network.sites)))
    for i, block in enumerate(network.choices):
        if block.teacher >= 0 and block.lasts:
            _tie(network, heads, i, state)
        if len(block.hosts):
            alive = state.rings[i].sum(axis=2)
            began = state.started[i]
            share = np.divide(alive, began, out=np.zeros_like(alive), where=began > 0)
            there = np.einsum("dl,dlm->dm", share, state.hosted[i])
            guests[:, block.hosts] += there
            if block.works_as >= 0:
                stock = network.stocks[block.works_as]
                cell = stock.cell_of
                known = [m for m, s in enumerate(block.hosts) if int(s) in cell]
                heads[:, [cell[int(block.hosts[m])] for m in known]] += there[:, known] * block.serves
    for stock in network.stocks:
        if stock.kind == "person":
            turned = dialled(stock.hours[period], _turns_of(network, stock.name), state.dials, stock.sites)
            hours[:, stock.cells] = np.maximum(heads[:, stock.cells], 0.0) * turned
    return hours, guests


def _turns_of(network: Network, stock: str) -> tuple[Turn, ...]:
    return tuple(network.hours_turns.get(stock, ()))


def _tie(network: Network, heads: Float, choice: int, state: State) -> None:
    block = network.choices[choice]
    stock = network.stocks[block.teacher]
    tied = state.rings[choice].sum(axis=1) * block.per_trainee
    cell = stock.cell_of
    loose = np.zeros(len(heads))
    for k, site in enumerate(block.sites.tolist()):
        if site in cell:
            heads[:, cell[site]] -= tied[:, k]
        else:
            loose += tied[:, k]
    if loose.any():
        there = np.maximum(heads[:, stock.cells], 0.0)
        total = there.sum(axis=1, keepdims=True)
        heads[:, stock.cells] -= loose[:, None] * np.divide(there, total, out=np.zeros_like(there), where=total > 0)


def serve_work(
    network: Network,
    state: State,
    luck: Luck,
    how: tuple[int, Decision, Tables],
    into: tuple[Counts, Float, Float],
) -> None:
    """Do step 7: each kind of work in order of priority."""
    period, decision, lookup = how
    counts, room, incoming = into
    present = state.people + incoming
    counts.hours, counts.hosted = hours_present(network, state, present, period)
    left = counts.hours.copy()
    for block in network.serves:
        pool, cells = _pool(network, block, left, present)
        pace = dialled(np.ones(len(block.tail)), block.turns, state.dials, block.sites)
        if block.crew > 1 and luck.whole:
            heads = np.stack([present[:, c].sum(axis=1) if len(c) else np.zeros(len(pool)) for c in cells], axis=1)
            crews = np.floor(heads / block.crew + _TINY) * block.crew
            pool = pool * np.divide(crews, heads, out=np.zeros_like(heads), where=heads > 0)
        able = np.divide(
            pool * pace,
            block.standard[period],
            out=np.full_like(pool, np.inf),
            where=block.standard[period] > 0,
        )
        want = np.minimum(state.people[:, block.tail], able) * block.open[period]
        if decision.serve is not None:
            want = np.minimum(want, decision.serve[:, block.arcs])
        want = np.floor(want + _TINY) if luck.whole else want
        want = _fit_serve(network, block, (want, room, period, luck.whole), lookup, counts)
        counts.served[:, block.arcs] = want
        need = want * block.standard[period] / np.where(pace > 0, pace, 1.0)
        _use_hours(block, network, cells, (need, left, counts.used))
        state.people[:, block.tail] -= want
        _become(block, luck, (period, want, incoming), counts)
        room = _room_after_serve(network, block, want, (room, period, lookup))


def _become(block: ServeBlock, luck: Luck, how: tuple[int, Float, Float], counts: Counts) -> None:
    period, want, incoming = how
    if not block.heads:
        counts.became.append(np.zeros((0, *want.shape)))
        return
    share = np.array([s for _, s in block.heads])
    parts = luck.shares((block.name, "become"), block.sites, period, want, share)
    for part, (cells, _) in zip(parts, block.heads, strict=True):
        add_to(incoming, cells, part)
    counts.became.append(parts)


def _pool(network: Network, block: ServeBlock, left: Float, present: Float) -> tuple[Float, list[Int]]:
    """Return hours of standard work there are for each arc (D, n), and the cells that give them."""
    pool = np.zeros((len(left), len(block.tail)))
    cells: list[list[int]] = [[] for _ in block.tail]
    for index, productivity in block.by:
        stock = network.stocks[index]
        own = stock.cell_of
        for k, site in enumerate(block.sites.tolist()):
            mine = list(own.values()) if site == OUTSIDE else [own[site]] if site in own else []
            cells[k] += mine
            pool[:, k] += left[:, mine].sum(axis=1) * (productivity * stock.productivity)
    return pool, [np.array(c, np.int64) for c in cells]


def _use_hours(block: ServeBlock, network: Network, cells: list[Int], how: tuple[Float, Float, Float]) -> None:
    """Take the hours of one kind of work from the people who gave them, in proportion to what they have left."""
    need, left, used = how
    weight = np.zeros(left.shape[1])
    for index, productivity in block.by:
        stock = network.stocks[index]
        weight[stock.cells] = productivity * stock.productivity
    for k, mine in enumerate(cells):
        if len(mine):
            there = dot(left[:, mine], weight[mine])
            part = np.divide(need[:, k], there, out=np.zeros(len(there)), where=there > 0)
            taken = left[:, mine] * np.minimum(part, 1.0)[:, None]
            left[:, mine] -= taken
            used[:, mine] += taken


def _serve_terms(network: Network, block: ServeBlock, lookup: Tables, period: int) -> list[tuple[int, Int, Float]]:
    """Return the rows of limits and lines that serving this work uses: index of the row, arcs within the block, use."""
    found = []
    lo, hi = block.first, block.first + len(block.tail)
    for i, limit in enumerate(network.limits):
        for r, (arcs, use) in enumerate(lookup.serve_rows[i]):
            mine = (arcs >= lo) & (arcs < hi) & (use > _TINY)
            if mine.any():
                found.append((limit.first + r, arcs[mine] - lo, use[mine]))
    for i, line in enumerate(network.lines):
        use = line.ahead_serve[period, block.arcs]
        mine = use > _TINY
        if mine.any() and np.isfinite(line.cap[line.window[period]]):
            found.append((network.n_rows + i, np.flatnonzero(mine), use[mine]))
    return found


def _fit_serve(
    network: Network, block: ServeBlock, how: tuple[Float, Float, int, bool], lookup: Tables, counts: Counts
) -> Float:
    want, room, period, whole = how
    want = want.copy()
    for row, arcs, use in _serve_terms(network, block, lookup, period):
        got = share_out(want[:, arcs], use, room[:, row], whole)
        bound = (got < want[:, arcs] - _TINY).any(axis=1)
        target = counts.rows if row < network.n_rows else counts.lines
        target[bound, row if row < network.n_rows else row - network.n_rows] = 1.0
        want[:, arcs] = got
    return want


def _room_after_serve(network: Network, block: ServeBlock, want: Float, how: tuple[Float, int, Tables]) -> Float:
    room, period, lookup = how
    lo, hi = block.first, block.first + len(block.tail)
    for i, limit in enumerate(network.limits):
        for r, (arcs, use) in enumerate(lookup.serve_rows[i]):
            mine = (arcs >= lo) & (arcs < hi)
            if mine.any():
                room[:, limit.first + r] -= dot(want[:, arcs[mine] - lo], use[mine])
    for i, line in enumerate(network.lines):
        room[:, network.n_rows + i] -= dot(want, line.ahead_serve[period, block.arcs])
    return room
