"""The rest of the horizon, as a network of its own: from the counts of this instant, with those under way.

What a plan made now may know is what a policy sees: who is where, how many are on each leg and when they started, and
what was spent in this fiscal year. Steps 1 and 2 of the present period are done, so nobody is due in it any more, and
its opening chance is over.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

import numpy as np

from fieldshift.engines.expressions import with_dials
from fieldshift.engines.fit import row_use
from fieldshift.engines.live import live
from fieldshift.engines.outcome import deciding, under_way
from fieldshift.engines.policies import Stay
from fieldshift.engines.reference import MeanEngine
from fieldshift.engines.view import View
from fieldshift.horizon import Periods
from fieldshift.network.graph import ChoiceBlock, Float, Int, Line, NeedBlock, Network, Slack, StockBlock
from fieldshift.results.trace import Trace

__all__ = ["eased", "raised", "remaining"]


def remaining(view: View, started: Float, future: int = 0, hosted: Mapping[int, Float] | None = None) -> Network:
    """Return the network of the periods from this one on, as one future left it.

    Those who dropped out are known as a number on each leg; they are taken from its cohorts as the mean would.

    Args:
        view: The present.
        started: Who started on each choice arc in each past period, in this future, shape (period, A).
        future: Which of the futures in view.
        hosted: For choice blocks with hosts, who of those who started went to each, shape (period, m).
    """
    network, k = view.network, view.period
    given = network.periods
    periods = Periods(given.instants[k], given.count - k, given.step, given.fiscal_year_starts)
    people = view.cells[future]
    choices = tuple(_choice(block, k, started[:, block.arcs], view.on_leg(block)[future]) for block in network.choices)
    chances = []
    for chance in network.chances:
        p = chance.p[k:].copy()
        if chance.opening:
            p[0] = 0.0
        chances.append(dataclasses.replace(chance, p=p))
    spent = np.array([view.spent(line.name)[future] for line in network.lines])
    rest = dataclasses.replace(
        network,
        periods=periods,
        stocks=tuple(_stock(block, k, people[block.cells]) for block in network.stocks),
        chances=tuple(chances),
        entries=tuple(dataclasses.replace(entry, mean=entry.mean[k:]) for entry in network.entries),
        choices=choices,
        serves=tuple(
            dataclasses.replace(b, standard=b.standard[k:], open=b.open[k:], target=_cut(b.target, k))
            for b in network.serves
        ),
        limits=tuple(dataclasses.replace(m, cap=m.cap[k:], whole=_cut(m.whole, k)) for m in network.limits),
        lines=tuple(_line(line, k, float(money)) for line, money in zip(network.lines, spent, strict=True)),
        costs=_line(network.costs, k, 0.0),
        needs=tuple(_need(need, k) for need in network.needs),
        dials=dataclasses.replace(network.dials, start=view.dials[future, :, -1].copy()),
    )
    for i, counts in (hosted or {}).items():
        rest = _with_guests(rest, i, counts, (network.choices[i], k))
    return rest


def _cut(values: Float | None, k: int) -> Float | None:
    return None if values is None else values[k:]


def _stock(block: StockBlock, k: int, people: Float) -> StockBlock:
    return dataclasses.replace(
        block,
        start=people.copy(),
        hours=block.hours[k:],
        pay=block.pay[k:],
        authorised=_cut(block.authorised, k),
        funded=_cut(block.funded, k),
    )


def _choice(block: ChoiceBlock, k: int, started: Float, on_leg: Float) -> ChoiceBlock:
    begun = None
    if block.lasts:
        begun = _cohorts(block, k, started)
        total = begun.sum(axis=0)
        begun = begun * np.divide(on_leg, total, out=np.zeros_like(total), where=total > 0)
    return dataclasses.replace(
        block,
        passing=block.passing[k:],
        drop=block.drop[k:],
        open=block.open[k:],
        least=_cut(block.least, k),
        fixed=_cut(block.fixed, k),
        begun=begun if begun is not None and begun.any() else None,
    )


def _cohorts(block: ChoiceBlock, k: int, started: Float) -> Float:
    """Return who is expected on a leg by starting period less `k`, modulo its length, shape (lasts, n)."""
    found = np.zeros((block.lasts, started.shape[1]))
    for back in range(1, block.lasts):
        start = k - back
        stays = float(np.prod(1.0 - block.drop[max(start, 0) : k]))
        if start >= 0:
            found[-back % block.lasts] = started[start] * stays
        elif block.begun is not None and start >= -block.lasts:
            found[-back % block.lasts] = block.begun[start % block.lasts] * stays
    return found


def _line(line: Line, k: int, spent: float) -> Line:
    first = int(line.window[k])
    cap = line.cap[first:].copy()
    cap[0] -= spent
    names = ("cell", "transit", "move", "serve", "open", *(f"ahead_{n}" for n in ("cell", "move", "transit", "serve")))
    cuts = {name: getattr(line, name)[k:] for name in (*names, "ahead_entry")}
    window, years = line.window[k:] - first, line.years[first:]
    return dataclasses.replace(line, window=window, years=years, cap=cap, granted=line.granted[first:], **cuts)


def _need(need: NeedBlock, k: int) -> NeedBlock:
    return dataclasses.replace(need, need=need.need[k:], short=_slack(need.short, k), over=_slack(need.over, k))


def _slack(slack: Slack | None, k: int) -> Slack | None:
    return None if slack is None else dataclasses.replace(slack, price=slack.price[k:], most=slack.most[k:])


def _with_guests(rest: Network, i: int, hosted: Float, origin: tuple[ChoiceBlock, int]) -> Network:
    """Return a network in which those on a detail already give their hours to their hosts until they return.

    They are a stock of one at each host that never changes, with the hours of all guests there; it is no staff, costs
    nothing and counts for nothing else.
    """
    block, k = origin
    if block.works_as < 0 or not block.lasts:
        return rest
    stock = rest.stocks[block.works_as]
    place = stock.cell_of
    known = [m for m, site in enumerate(block.hosts.tolist()) if site in place]
    cells = np.array([place[int(block.hosts[m])] - stock.first for m in known], np.int64)
    hours = with_dials(stock.hours, rest.hours_turns.get(stock.name, ()), rest)
    given = np.zeros((rest.periods.count, len(known)))
    for start in range(max(k - block.lasts + 1, 0), k):
        for now in range(k, min(start + block.lasts, k + len(given))):
            stays = float(np.prod(1.0 - block.drop[start:now]))
            given[now - k] += hosted[start, known] * stays * block.serves * hours[now - k, cells]
    if not given.any():
        return rest
    guests = StockBlock(
        f"guests of {block.name}", block.part, "person", rest.n_cells, stock.sites[cells], np.ones(len(known)), {},
        False, 0.0, stock.productivity, given, np.zeros_like(given), None, None, True, block.title,
    )  # fmt: skip
    index = len(rest.stocks)
    serves = []
    for work in rest.serves:
        extra = tuple((index, worth) for at, worth in work.by if at == block.works_as)
        serves.append(dataclasses.replace(work, by=(*work.by, *extra)))
    return dataclasses.replace(
        rest,
        stocks=(*rest.stocks, guests),
        serves=tuple(serves),
        lines=tuple(_wider(line, len(known)) for line in rest.lines),
        costs=_wider(rest.costs, len(known)),
        cell_site=np.concatenate([rest.cell_site, guests.sites]),
    )


def _wider(line: Line, n: int) -> Line:
    none = np.zeros((len(line.window), n))
    cell, ahead = np.hstack([line.cell, none]), np.hstack([line.ahead_cell, none])
    return dataclasses.replace(line, cell=cell, ahead_cell=ahead)


def eased(network: Network) -> Network:
    """Return a network in which nothing forbids to stay: chance may have left more than a limit allows.

    The simulation cuts what a policy asks for; it does not send people away. So each limit and each grant is raised to
    what it takes on the mean path on which nobody is moved but those who wait between two stages.
    """
    return raised(network, live(MeanEngine(network), Stay()))


def raised(network: Network, trace: Trace) -> Network:
    """Return a network whose limits and grants allow what a mean path takes of them.

    Args:
        network: The network.
        trace: A mean path on it (or on one with other limits).
    """
    people, way = deciding(trace, network)[0], under_way(trace, network, True)[0]
    limits = []
    for limit in network.limits:
        use = row_use(limit, people, way) + _taken(limit.move, trace.moved[0], len(limit.sites))
        use += _taken(limit.serve, trace.served[0], len(limit.sites))
        cap = np.maximum(limit.cap, use + 1e-9 * (1.0 + np.abs(use)))
        limits.append(dataclasses.replace(limit, cap=cap))
    lines = []
    for j, line in enumerate(network.lines):
        spent = np.bincount(line.window, weights=trace.spent[0, :, j], minlength=len(line.cap))
        lines.append(dataclasses.replace(line, cap=np.maximum(line.cap, spent * (1.0 + 1e-9))))
    return dataclasses.replace(network, limits=tuple(limits), lines=tuple(lines))


def _taken(terms: tuple[Int, Int, Float], counts: np.ndarray, rows: int) -> Float:
    """Return how much of each row moves or serving take, shape (T, rows)."""
    index, row, coefficient = terms
    used = np.zeros((len(counts), rows))
    if len(index):
        np.add.at(used.T, row, (counts[:, index] * coefficient).T)
    return used
