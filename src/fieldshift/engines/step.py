"""What happens in one period, in this order.

 1. arrive    transits that end now pass to their head or fail
 2. open      chance arcs with `timing: opening` are drawn on those present
 3. look      the policy sees the counts of this instant, never the future
 4. decide    it asks for a number on each choice arc, and may turn dials
 5. fit       requests are cut to people present, to limits and to money; a limit that binds is shared in proportion
 6. move      choices move people
 7. serve     work is served by priority within the hours of the people who are present
 8. chance    those who stayed draw their chance arcs, competing per tail; transits draw dropout
 9. enter     arrivals from OUTSIDE
10. count     stocks, flows, backlog, hours used and lost, money spent, which limit bound

Those who moved in 6, were served in 7 or entered in 9 do not draw in 8. A transit of L periods draws dropout L times.

This module is the readable reading of the equation: with `luck.Chance` it is the oracle of the fast engine, with
`luck.Mean` it is the mean step that `optimize` writes as constraints. Steps 1-2 are `begin`, 5-10 are `finish`;
between them stands the policy.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from fieldshift.engines.engine import Decision
from fieldshift.engines.fit import Tables, dot, fit_moves, line_room, row_use, whole_sum
from fieldshift.engines.luck import Luck
from fieldshift.engines.serving import serve_work
from fieldshift.engines.state import Counts, State, add_to, dialled, under_way
from fieldshift.network.graph import OUTSIDE, ChanceBlock, ChoiceBlock, Float, Int, Network

__all__ = ["begin", "finish", "room_of", "waiting"]

_TINY = 1e-9


def begin(network: Network, state: State, luck: Luck, period: int) -> tuple[Float, Float, Float]:
    """Do steps 1 and 2: arrive and open, in place.

    Returns:
        passed (D, A), failed (D, A), and the opening part of flowed (D, F).
    """
    draws = len(state.people)
    passed, failed = np.zeros((draws, network.n_choices)), np.zeros((draws, network.n_choices))
    if period and network.lines:
        fresh = [line.window[period] != line.window[period - 1] for line in network.lines]
        state.spent[:, np.array(fresh)] = 0.0
    for block, ring in zip(network.choices, state.rings, strict=True):
        if not block.lasts:
            continue
        slot = period % block.lasts
        due = ring[:, slot].copy()
        ring[:, slot] = 0.0
        good = luck.binomial((block.name, "pass"), block.sites, period, due, block.passing[None, period : period + 1])
        passed[:, block.arcs], failed[:, block.arcs] = good, due - good
        add_to(state.people, block.head, good)
        add_to(state.people, block.fail, due - good)
    flowed = np.zeros((draws, network.n_chances))
    _chances(network, state, luck, period, (flowed, True, np.zeros_like(state.people)))
    return passed, failed, flowed


def _chances(network: Network, state: State, luck: Luck, period: int, how: tuple[Float, bool, Float]) -> None:
    """Draw all chance arcs of one timing, competing per tail: each takes its part of those the earlier ones left."""
    flowed, opening, incoming = how
    left = np.ones_like(state.people)
    base = state.people.copy()
    for block in network.chances:
        if block.opening is not opening:
            continue
        sites = _arc_sites(block, network)
        p = np.minimum(dialled(block.p[period], block.turns, state.dials, sites), left[:, block.tail])
        for arcs in _distinct(block):
            cells = block.tail[arcs]
            given = np.divide(p[:, arcs], left[:, cells], out=np.zeros_like(p[:, arcs]), where=left[:, cells] > _TINY)
            k = luck.binomial((block.name, "flow"), sites[arcs], period, base[:, cells], np.minimum(given, 1.0))
            base[:, cells] -= k
            left[:, cells] -= p[:, arcs]
            flowed[:, block.first + arcs] = k
            state.people[:, cells] -= k
            add_to(incoming, block.head[arcs], k)
    if opening:
        state.people += incoming


def _distinct(block: ChanceBlock) -> list[Int]:
    """Return the block's arcs in groups with no tail twice in a group (a national tail may have an arc per site)."""
    seen: dict[int, int] = {}
    groups: dict[int, list[int]] = {}
    for arc, cell in enumerate(block.tail.tolist()):
        seen[cell] = seen.get(cell, -1) + 1
        groups.setdefault(seen[cell], []).append(arc)
    return [np.array(arcs) for arcs in groups.values()]


def _arc_sites(block: ChanceBlock, network: Network) -> Int:
    tail, head = (
        network.cell_site[block.tail],
        np.where(block.head >= 0, network.cell_site[block.head], OUTSIDE),
    )
    return np.asarray(np.where(tail >= 0, tail, head))


def finish(
    network: Network,
    state: State,
    luck: Luck,
    decided: tuple[int, Decision, Tables],
    begun: tuple[Float, Float, Float],
) -> Counts:
    """Do steps 5 to 10 in place, and return what was counted.

    Args:
        network: The network.
        state: The state after `begin`.
        luck: Chance or the mean.
        decided: The period, the policy's decision and the network's lookups.
        begun: What `begin` returned.
    """
    period, decision, lookup = decided
    draws = len(state.people)
    if decision.dials is not None:
        low, high = network.dials.low[:, None], network.dials.high[:, None]
        state.dials = np.clip(decision.dials, low, high)
    room = room_of(network, state, period, luck.whole)
    if not (luck.whole or decision.auto):
        # A plan keeps the year's money as a whole; what its moves commit it to it may undo again, by moves of its own.
        room[:, network.n_rows :] = np.inf
    asked = np.floor(decision.asked + _TINY) if luck.whole else decision.asked.copy()
    for i, block in enumerate(network.choices):
        if block.auto and decision.auto:
            asked[:, block.arcs] = waiting(block, state.people, decision.hosts.get(i), luck.whole)
    moved, rows, lines = fit_moves(network, lookup, period, asked, (state.people, room), luck.whole)
    incoming = _move(network, state, luck, (period, moved, decision.hosts))
    counts = Counts(
        moved,
        *begun[:2],
        np.zeros_like(moved),
        begun[2],
        np.zeros((draws, network.n_entries)),
        np.zeros((draws, network.n_serves)),
        [],
        np.zeros_like(state.people),
        np.zeros_like(state.people),
        np.zeros((draws, len(network.sites))),
        np.zeros((draws, len(network.lines))),
        rows.astype(np.float64),
        lines.astype(np.float64),
    )
    counts.passed, counts.failed = _at_once(network, luck, (period, moved, incoming), counts)
    room = _after_moves(network, lookup, room, moved, period)
    serve_work(network, state, luck, (period, decision, lookup), (counts, room, incoming))
    _spend(network, state, period, counts, incoming)
    _chances(network, state, luck, period, (counts.flowed, False, incoming))
    _drop(network, state, luck, period, (counts.dropped, incoming))
    for entry in network.entries:
        sites = network.cell_site[entry.head]
        mean = dialled(entry.mean[period], entry.turns, state.dials, sites)
        arrived = luck.poisson((entry.name, "enter"), sites, period, mean)
        counts.entered[:, entry.arcs] = arrived
        add_to(incoming, entry.head, arrived)
    state.people += incoming
    return counts


def waiting(block: ChoiceBlock, people: Float, weights: Float | None, whole: bool) -> Float:
    """Return what a later leg asks for: all who wait, shared among its arcs where they wait in one national pool."""
    there = people[:, block.tail]
    if len(block.tail) < 2 or block.tail[0] != block.tail[1]:
        return there
    weight = np.ones_like(there) if weights is None else np.maximum(weights, 0.0)
    weight = np.where(weight.sum(axis=1, keepdims=True) > 0, weight, 1.0)
    wanted = weight / weight.sum(axis=1, keepdims=True) * there
    return whole_sum(wanted, there[:, 0]) if whole else wanted


def room_of(network: Network, state: State, period: int, whole: bool) -> Float:
    """Return what is left of each row of a limit, then of each line of money, before the moves of a period, (D, n)."""
    way = under_way(state, len(state.people))
    room = np.zeros((len(state.people), network.n_rows + len(network.lines)))
    for limit in network.limits:
        room[:, limit.rows] = limit.most(whole)[period] - row_use(limit, state.people, way)
    for i, line in enumerate(network.lines):
        finite = np.isfinite(line.cap[line.window[period]])
        room[:, network.n_rows + i] = (
            line_room(line, period, state.people, state.rings, state.spent[:, i], network) if finite else np.inf
        )
    return room


def _after_moves(network: Network, lookup: Tables, room: Float, moved: Float, period: int) -> Float:
    room = room.copy()
    for i, limit in enumerate(network.limits):
        for r, (arcs, coefficient) in enumerate(lookup.rows[i]):
            if len(arcs):
                room[:, limit.first + r] -= dot(moved[:, arcs], coefficient)
    for i, line in enumerate(network.lines):
        room[:, network.n_rows + i] -= dot(moved, line.ahead_move[period])
    return room


def _move(network: Network, state: State, luck: Luck, how: tuple[int, Float, Mapping[int, Float]]) -> Float:
    """Do step 6; return those who arrive at once, by cell (D, C); those with a chance to fail are added later."""
    period, moved, hosts = how
    incoming = np.zeros_like(state.people)
    for i, block in enumerate(network.choices):
        amount = moved[:, block.arcs]
        inside = block.tail >= 0
        np.subtract.at(state.people.T, block.tail[inside], amount[:, inside].T)
        if not block.lasts:
            continue
        slot = period % block.lasts
        state.rings[i][:, slot] = amount
        if len(block.hosts):
            total = amount.sum(axis=1)
            weight = np.maximum(hosts.get(i, np.ones((len(amount), len(block.hosts)))), 0.0)
            weight = np.where(weight.sum(axis=1, keepdims=True) > 0, weight, 1.0)
            wanted = weight / weight.sum(axis=1, keepdims=True) * total[:, None]
            state.hosted[i][:, slot] = whole_sum(wanted, total) if luck.whole else wanted
            state.started[i][:, slot] = total
    return incoming


def _at_once(network: Network, luck: Luck, how: tuple[int, Float, Float], counts: Counts) -> tuple[Float, Float]:
    period, moved, incoming = how
    passed, failed = counts.passed.copy(), counts.failed.copy()
    for block in network.choices:
        if not block.lasts:
            amount = moved[:, block.arcs]
            p = block.passing[None, period : period + 1]
            good = luck.binomial((block.name, "pass"), block.sites, period, amount, p)
            passed[:, block.arcs], failed[:, block.arcs] = good, amount - good
            add_to(incoming, block.head, good)
            add_to(incoming, block.fail, amount - good)
    return passed, failed


def _spend(network: Network, state: State, period: int, counts: Counts, incoming: Float) -> None:
    present = state.people + incoming
    way = under_way(state, len(present))
    for i, line in enumerate(network.lines):
        spent = dot(present, line.cell[period]) + dot(way, line.transit[period]) + dot(counts.moved, line.move[period])
        counts.spent[:, i] = spent + dot(counts.served, line.serve[period])
        state.spent[:, i] += counts.spent[:, i]


def _drop(network: Network, state: State, luck: Luck, period: int, into: tuple[Float, Float]) -> None:
    dropped, incoming = into
    for i, block in enumerate(network.choices):
        if not block.lasts or block.drop[period] <= 0:
            continue
        p = dialled(block.drop[period : period + 1], block.turns, state.dials, np.array([OUTSIDE]))[:, 0]
        lost = luck.lost((block.name, "drop"), block.sites, period, state.rings[i], np.minimum(p, 1.0))
        state.rings[i][:] -= lost
        gone = lost.sum(axis=1)
        dropped[:, block.arcs] = gone
        add_to(incoming, block.drop_to, gone)
