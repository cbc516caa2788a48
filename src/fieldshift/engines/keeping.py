"""A plan made to keep every limit in every period, in whole numbers where asked.

The program decides for a group of periods at once and sees its limits at both ends of the group; a plan in whole
numbers stands beside the plan that it rounds. Here a plan is lived on the mean path: what the limits of a period let
through is moved, and what they cut stays owed and is asked for again in the next period in which the choice is open.
So no limit that moves can keep is broken: only one that people break by leaving or coming, or a floor under moves.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from fieldshift.engines import step
from fieldshift.engines.engine import Decision
from fieldshift.engines.fit import fit_moves, tables, whole_sum
from fieldshift.engines.plan import Plan
from fieldshift.engines.reference import MeanEngine
from fieldshift.network.graph import Bool, ChoiceBlock, Float, Network

__all__ = ["counted", "kept"]

_NEAR = 1e-9


def kept(network: Network, plan: Plan, *, whole: bool = False, until: int | None = None) -> Plan:
    """Return a plan that keeps every limit of the mean path in every period.

    In whole numbers each block of arcs follows its running total, in lumps where it has them; its arcs share each
    period's total by what each is owed so far (largest remainders). Later legs take all who wait for them, as they do
    under chance. Cases to serve and hosts are rounded alike. A line of money that rounding would overdraw is from then
    on spent with an eye to the end of its fiscal year.

    Args:
        network: The network.
        plan: The plan.
        whole: Whether people move, and cases are served, in whole numbers.
        until: Periods that are looked at; nothing moves later. All by default.

    Returns:
        The plan; its replay on the mean path is not cut anywhere.
    """
    if whole:
        network = counted(network)
    careful = np.zeros(len(network.lines), np.bool_)
    for _ in range(1 + len(network.lines) if whole else 1):
        result, spent = _lived(network, plan, (whole, until or network.periods.count), careful)
        broken = _overdrawn(network, spent) & ~careful
        if not broken.any():
            break
        careful |= broken
    return result


def counted(network: Network) -> Network:
    """Return a network whose limits are those that hold where counts are whole."""
    limits = tuple(replace(limit, cap=limit.most(True), whole=None) for limit in network.limits)
    return replace(network, limits=limits)


def _lived(network: Network, plan: Plan, how: tuple[bool, int], careful: Bool) -> tuple[Plan, Float]:
    """Live a plan on the mean path; return what was moved, and the money spent in each period, shape (T, lines)."""
    (whole, until), engine, lookup = how, MeanEngine(network), tables(network)
    moved, served = np.zeros_like(plan.moved), _rounded(plan.served) if whole else plan.served.copy()
    hosts = {i: np.zeros_like(part) for i, part in plan.hosts.items()}
    owed, due = np.zeros(network.n_choices), {i: np.zeros(part.shape[1]) for i, part in plan.hosts.items()}
    for t in range(until):
        engine.begin(t)
        owed = owed + plan.moved[t]
        asked = _whole_request(owed, network.choices) if whole else owed
        for i, block in enumerate(network.choices):
            if whole and block.auto:
                weights = plan.hosts[i][t : t + 1] if i in plan.hosts else None
                there = np.floor(engine.people + _NEAR)
                asked[block.arcs] = owed[block.arcs] = step.waiting(block, there, weights, True)[0]
        room = step.room_of(network, engine.state, t, False)
        room[:, network.n_rows :][:, ~careful] = np.inf
        got = fit_moves(network, lookup, t, asked[None, :], (engine.people, room), whole)[0][0]
        moved[t] = got
        owed = np.where(np.abs(owed - got) < _NEAR, 0.0, owed - got)
        for i, part in plan.hosts.items():
            total = float(got[network.choices[i].arcs].sum())
            due[i] = due[i] + part[t]
            hosts[i][t] = _hosted(due[i], total, whole)
            due[i] = due[i] - hosts[i][t]
        sent = {i: part[t][None, :] for i, part in hosts.items()}
        engine.finish(t, Decision(got[None, :], sent, None, served[t][None, :], auto=False))
        if not whole:
            served[t] = engine.trace.served[0, t]
    return replace(plan, moved=moved, served=served, hosts=hosts), np.asarray(engine.trace.spent[0], np.float64)


def _overdrawn(network: Network, spent: Float) -> Bool:
    """Return which lines of money are overdrawn in some fiscal year, shape (lines,)."""
    found = np.zeros(len(network.lines), np.bool_)
    for i, line in enumerate(network.lines):
        for window, cap in enumerate(line.cap):
            if np.isfinite(cap):
                found[i] |= spent[line.window == window, i].sum() > cap * (1 + _NEAR) + _NEAR
    return found


def _whole_request(owed: Float, blocks: tuple[ChoiceBlock, ...]) -> Float:
    """Return whole multiples of each block's lump, as near to what its arcs are owed as their whole total allows."""
    asked = np.zeros_like(owed)
    for block in blocks:
        mine = np.maximum(owed[block.arcs], 0.0) / block.lump
        total = np.floor(owed[block.arcs].sum() / block.lump + 0.5 + _NEAR)
        asked[block.arcs] = _shared(mine, total) * block.lump
    return asked


def _shared(owed: Float, total: float) -> Float:
    """Return whole numbers with a whole total, in proportion to what is owed, none more than it rounded up."""
    if total <= 0 or owed.sum() <= 0:
        return np.zeros_like(owed)
    total = min(total, float(np.ceil(owed).sum()))
    share = owed * min(total / float(owed.sum()), 1.0)
    return np.asarray(whole_sum(share[None, :], np.array([total]))[0])


def _hosted(due: Float, total: float, whole: bool) -> Float:
    """Return how many of those who leave go to each host, by what each is due so far."""
    weight = np.maximum(due, 0.0)
    weight = weight if weight.sum() > 0 else np.ones_like(weight)
    wanted = weight / weight.sum() * total
    return np.asarray(whole_sum(wanted[None, :], np.array([total]))[0]) if whole else wanted


def _rounded(plan: Float) -> Float:
    """Return whole numbers that follow the running sums of each column, shape (T, n)."""
    if not plan.size:
        return plan
    owed, result = np.zeros(plan.shape[1]), np.zeros_like(plan)
    for t in range(len(plan)):
        owed = owed + plan[t]
        result[t] = _shared(np.maximum(owed, 0.0), float(np.floor(owed.sum() + 0.5)))
        owed = owed - result[t]
    return result
