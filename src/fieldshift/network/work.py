"""Kinds of work and needs, lowered."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from fieldshift.network.graph import (
    OUTSIDE,
    ChanceBlock,
    ChoiceBlock,
    EntryBlock,
    Float,
    Int,
    NeedBlock,
    ServeBlock,
    Slack,
    StockBlock,
)
from fieldshift.network.lowering import Charge, Lowering, Use, names, whole_start
from fieldshift.network.moments import response
from fieldshift.scenario.schema import Need, Price, Work

__all__ = ["lower_need", "lower_serving", "lower_waiting"]


def lower_waiting(desk: Lowering, name: str, work: Work) -> None:
    """Lower the cases that wait: a stock, what holds while it waits, and what it costs."""
    path = f"work.{name}"
    sites = desk.where(work.at)
    n = len(sites)
    value = desk.values.plain(f"{path}.start", work.start, "case")
    start = whole_start(desk.over_time(desk.spread(value, work.spread, sites), n)[0])
    none = np.zeros((desk.count, n))
    tags = ({"kind": work.kind} if work.kind else {}) | work.tags
    block = StockBlock(
        name,
        name,
        "case",
        desk.n_cells,
        sites,
        start,
        tags,
        False,
        0.0,
        0.0,
        none,
        none,
        None,
        None,
        False,
        work.title or name.replace("_", " "),
    )
    desk.stocks.append(block)
    desk.n_cells += n
    cells = np.arange(n, dtype=np.int64) + block.first
    desk.holds += [Use(resource, cells, use) for resource, use in work.uses.items()]
    if work.upkeep is not None:
        cost = desk.rate_at(f"{path}.upkeep", work.upkeep, "USD/day", sites)
        desk.cell_costs.append(Charge(name, "work", cells, cost))
    if work.arrive is not None:
        arriving = desk.values.per_period(f"{path}.arrive", work.arrive, "case/week")
        mean = desk.over_time(desk.spread(arriving, work.spread, sites), n) * response(desk, names(work.response))
        desk.entries.append(EntryBlock(name, name, 0, cells, mean, desk.turns.get(f"{path}.arrive", ())))


def _exit(desk: Lowering, name: str, kind: str, to: str | None) -> None:
    work = desk.scenario.work[name]
    rate = work.expire if kind == "expire" else work.leave
    if rate is None:
        return
    block = desk.blocks(name)[0][1]
    cells = np.arange(len(block.sites), dtype=np.int64) + block.first
    head = np.full(len(cells), OUTSIDE, np.int64) if to is None else desk.cell_at(desk.blocks(to)[0][1], block.sites)
    p = desk.probability_at(f"work.{name}.{kind}", rate, block.sites)
    turns = desk.turns.get(f"work.{name}.{kind}", ())
    desk.chances.append(ChanceBlock(f"{name}.{kind}", name, 0, cells, head, p, False, turns, kind))


def lower_serving(desk: Lowering, name: str, work: Work, first: int) -> ServeBlock | None:
    """Lower what happens to the cases: chance exits, and the arcs that serve them (or None where nobody does)."""
    _exit(desk, name, "expire", None)
    _exit(desk, name, "leave", work.leave_to)
    if work.standard is None:
        return None
    path = f"work.{name}"
    block = desk.blocks(name)[0][1]
    n = len(block.sites)
    standard = desk.at_sites(f"{path}.standard", work.standard, "hour/case", block.sites)
    if work.vary is not None and block.sites[0] != OUTSIDE:
        standard = standard * np.array([float(desk.sites[s].attributes[work.vary]) for s in block.sites])
    given = work.by if isinstance(work.by, Mapping) else dict.fromkeys(names(work.by), 1.0)
    by = tuple((i, float(productivity)) for stock, productivity in sorted(given.items()) for i, _ in desk.blocks(stock))
    arcs = np.arange(n, dtype=np.int64) + first
    desk.serve_takes += [Use(resource, arcs, use) for resource, use in work.takes.items()]
    if work.cost is not None:
        cost = desk.at_sites(f"{path}.cost", work.cost, "USD/case", block.sites)
        desk.serve_costs.append(Charge(name, "work", arcs, cost))
    target = None
    if work.target is not None:
        value = desk.values.per_period(f"{path}.target", work.target, "case/week")
        target = desk.over_time(desk.spread(value, "weight", block.sites), n)
    return ServeBlock(
        name,
        first,
        np.arange(n, dtype=np.int64) + block.first,
        block.sites,
        _becomes(desk, work, block.sites),
        standard,
        by,
        work.crew,
        desk.periods.active(work.start_from, work.until).astype(np.float64),
        target,
        desk.turns.get(f"{path}.pace", ()),
        work.priority,
        block.title,
    )


def _becomes(desk: Lowering, work: Work, sites: Int) -> tuple[tuple[Int, float], ...]:
    given = work.becomes if isinstance(work.becomes, Mapping) else dict.fromkeys(names(work.becomes), 1.0)
    return tuple((desk.cell_at(desk.blocks(to)[0][1], sites), float(share)) for to, share in sorted(given.items()))


def lower_need(desk: Lowering, name: str, need: Need) -> NeedBlock:
    """Lower one need to its rows, and the cells of the people who meet it."""
    value = desk.values.plain(f"needs.{name}.need", need.need, "person")
    by_site = (value.per_site or need.spread is not None) and bool(desk.sites)
    sites = np.arange(len(desk.sites), dtype=np.int64) if by_site else np.array([OUTSIDE], np.int64)
    amount: Float = desk.over_time(desk.spread(value, need.spread or "even", sites), len(sites))
    blocks, legs = _who(desk, need)
    cells = _terms(
        [(b.first, b.sites, share * (b.productivity if need.productive else 1.0)) for b, share in blocks], by_site
    )
    under_way = [(leg.first, leg.sites, share) for leg, share in legs]
    if need.productive:
        under_way += _tied(desk, blocks, by_site)
    return NeedBlock(
        name,
        sites,
        cells,
        amount,
        f"needs.{name}",
        need.title or name.replace("_", " "),
        need.at == "opening",
        _slack(desk, f"needs.{name}.short", need.short, len(sites)),
        _slack(desk, f"needs.{name}.over", need.over, len(sites)),
        need.group or "",
        _terms(under_way, by_site),
    )


def _terms(parts: list[tuple[int, Int, float]], by_site: bool) -> tuple[Int, Int, Float]:
    """Return index, row and weight of what counts: each part is its first index, its sites and its share of a post."""
    found: dict[tuple[int, int], float] = {}
    for first, sites, share in parts:
        for k, site in enumerate(sites.tolist()):
            row = site if by_site else 0
            if row >= 0:
                found[first + k, row] = found.get((first + k, row), 0.0) + share
    index = np.array([key for key, _ in found], np.int64)
    return index, np.array([row for _, row in found], np.int64), np.array(list(found.values()), np.float64)


def _tied(desk: Lowering, blocks: list[tuple[StockBlock, float]], by_site: bool) -> list[tuple[int, Int, float]]:
    """Return what trainees take from a need met by their teachers: the teachers whom they tie up."""
    share = {b.name: part * b.productivity for b, part in blocks}
    found = []
    for leg in desk.choices:
        stock = desk.stocks[leg.teacher] if leg.teacher >= 0 and leg.lasts else None
        if stock is None or stock.name not in share:
            continue
        for k, site in enumerate(leg.sites.tolist()):
            at = stock.sites if by_site and site not in stock.cell_of else np.array([site], np.int64)
            each = -share[stock.name] * leg.per_trainee / len(at)
            found += [(leg.first + k, at[i : i + 1], each) for i in range(len(at))]
    return found


def _slack(desk: Lowering, path: str, price: Price | None, n: int) -> Slack | None:
    """Lower the price and limit of being short or over; a limit is for each row, or for the nation's one row."""
    if price is None:
        return None
    each = desk.over_time(desk.values.plain(f"{path}.price", price.price, "USD/person").data, n)
    most = np.full((desk.count, n), np.inf)
    if price.most is not None:
        most = desk.over_time(desk.values.plain(f"{path}.most", price.most, "person").data, n)
    steps, before = [], np.inf
    if price.steps:
        before = float(most[0, 0])
        most = np.full((desk.count, n), np.inf)
    for i, step in enumerate(price.steps):
        cost = desk.values.number(f"{path}.steps.{i}.price", step.price, "USD/person")
        upto = np.inf if step.most is None else desk.values.number(f"{path}.steps.{i}.most", step.most, "person")
        steps.append((cost, upto))
    return Slack(each, most, tuple(steps), before)


def _who(desk: Lowering, need: Need) -> tuple[list[tuple[StockBlock, float]], list[tuple[ChoiceBlock, float]]]:
    """Return the stocks that meet a need and the choices whose people under way do, each at a share of a post."""
    wanted, shares = need.tagged.items(), need.shares
    if wanted:
        tagged = [b for b in desk.stocks if b.kind == "person" and all(b.tags.get(k) == v for k, v in wanted)]
        return [(b, 1.0) for b in tagged], []
    stocks = [(b, share) for part, share in shares.items() for _, b in desk.blocks(part)]
    return stocks, [(b, shares[b.part]) for b in desk.choices if b.part in shares]
