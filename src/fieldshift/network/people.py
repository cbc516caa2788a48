"""Stocks of people and their flows, lowered."""

from __future__ import annotations

import dataclasses

import numpy as np

from fieldshift.network.graph import OUTSIDE, ChanceBlock, EntryBlock, Float, Int, StockBlock
from fieldshift.network.lowering import Charge, Lowering, names, whole_start
from fieldshift.network.moments import response
from fieldshift.scenario.schema import Amount, Flow, Stock

__all__ = ["learners_who_stay", "lower_flow", "lower_stock"]


def lower_stock(desk: Lowering, name: str, stock: Stock) -> None:
    """Lower one stock to a block, and its learning to a second one and a chance arc between them."""
    path = f"stocks.{name}"
    sites = desk.where(stock.at)
    n = len(sites)
    value = desk.values.plain(f"{path}.start", stock.start, "person")
    start = whole_start(desk.over_time(desk.spread(value, stock.spread, sites), n)[0])
    away = desk.at_sites(f"{path}.away", stock.away, "1", sites)
    hours = desk.rate_at(f"{path}.hours", stock.hours, "hour/week", sites) * (1.0 - away)
    pay = np.zeros((desk.count, n)) if stock.pay is None else desk.rate_at(f"{path}.pay", stock.pay, "USD/year", sites)
    tags = {k: v for k in ("job", "duty", "qualification") if (v := getattr(stock, k)) is not None} | stock.tags
    productivity = desk.values.number(f"{path}.productivity", stock.productivity, "1")
    block = StockBlock(
        name,
        name,
        "person",
        desk.n_cells,
        sites,
        start,
        tags,
        stock.on_strength,
        desk.values.number(f"{path}.fte", stock.fte, "1"),
        productivity,
        hours,
        pay,
        _posts(desk, f"{path}.authorised", stock.authorised, stock, sites),
        _posts(desk, f"{path}.funded", stock.funded, stock, sites),
        False,
        stock.title or name.replace("_", " "),
    )
    _put(desk, block, name)
    if stock.learning is None:
        return
    factor = desk.values.number(f"{path}.learning.productivity", stock.learning.productivity, "1")
    lasts = desk.values.duration(f"{path}.learning.lasts", stock.learning.lasts)
    new = dataclasses.replace(
        block,
        name=f"{name}.new",
        first=desk.n_cells,
        start=np.zeros(n),
        productivity=productivity * factor,
        tags={**tags, "experience": "new"},
        title=f"{block.title}, new",
        authorised=None,
        funded=None,
    )
    _put(desk, new, name)
    p = np.full((desk.count, n), 1.0 / max(lasts, 1))
    tail, head = np.arange(n) + new.first, np.arange(n) + block.first
    _chance(desk, ChanceBlock(f"{name}.learn", f"stocks.{name}", 0, tail, head, p, False, (), "learn"))


def _put(desk: Lowering, block: StockBlock, owner: str) -> None:
    desk.stocks.append(block)
    desk.n_cells += len(block.sites)
    if block.on_strength and block.pay.any():
        desk.cell_costs.append(Charge(owner, "stocks", np.arange(len(block.sites)) + block.first, block.pay))


def _posts(desk: Lowering, path: str, given: Amount | None, stock: Stock, sites: Int) -> Float | None:
    if given is None:
        return None
    return desk.over_time(desk.spread(desk.values.plain(path, given, "post"), stock.spread, sites), len(sites))


def _chance(desk: Lowering, block: ChanceBlock) -> None:
    desk.chances.append(block)


def learners_who_stay(desk: Lowering) -> None:
    """Let those learn who do not leave: no more of a new hands' cell become experienced than its flows leave there."""
    for i, block in enumerate(desk.chances):
        if block.kind != "learn":
            continue
        left = np.ones((desk.count, desk.n_cells))
        for other in desk.chances:
            if other.kind != "learn" and not other.opening:
                np.subtract.at(left.T, other.tail, other.p.T)
        p = np.minimum(block.p, np.maximum(left[:, block.tail], 0.0))
        desk.chances[i] = dataclasses.replace(block, p=p)


def lower_flow(desk: Lowering, name: str, flow: Flow) -> None:
    """Lower one flow to a chance block for each tail, or to an entry from outside."""
    path = f"flows.{name}"
    multiplier = response(desk, names(flow.response))
    if flow.arrive is not None and flow.head is not None:
        head = desk.blocks(flow.head)[0][1]
        value = desk.values.per_period(f"{path}.arrive", flow.arrive, "person/week")
        mean = desk.over_time(desk.spread(value, flow.spread, head.sites), len(head.sites)) * multiplier
        cells = np.arange(len(head.sites)) + head.first
        desk.entries.append(EntryBlock(name, name, 0, cells, mean, desk.turns.get(f"{path}.arrive", ())))
        return
    if flow.rate is None:
        return
    tails = [b for t in names(flow.tail) for b in _tail_blocks(desk, t)]
    for block in tails:
        tail, head_cells, share = _arcs(desk, block, flow)
        sites = block.sites if len(tail) == len(block.sites) else np.full(len(tail), OUTSIDE, np.int64)
        p = desk.probability_at(f"{path}.rate", flow.rate, sites) * multiplier * share
        label = name if len(tails) == 1 else f"{name}.{block.name}"
        turns = desk.turns.get(f"{path}.rate", ())
        opening = flow.timing == "opening"
        _chance(
            desk,
            ChanceBlock(label, name, 0, tail, head_cells, np.clip(p, 0, 1), opening, turns, flow.kind or name),
        )


def _tail_blocks(desk: Lowering, name: str) -> tuple[StockBlock, ...]:
    """Return the blocks of a planner's stock, or one of them (`field.new`, `field.experienced`)."""
    exact = tuple(b for b in desk.stocks if b.name == name.removesuffix(".experienced") and b.part != name)
    return exact or tuple(b for _, b in desk.blocks(name))


def _arcs(desk: Lowering, tail: StockBlock, flow: Flow) -> tuple[Int, Int, Float]:
    """Return the tail cell, head cell and share of each arc of a flow out of one block."""
    n = len(tail.sites)
    cells = np.arange(n, dtype=np.int64) + tail.first
    if flow.head is None:
        return cells, np.full(n, OUTSIDE, np.int64), np.ones(n)
    head = desk.blocks(flow.head)[0][1]
    if tail.sites[0] == OUTSIDE and head.sites[0] != OUTSIDE:
        share = desk.weights(flow.spread, head.sites)
        m = len(head.sites)
        return np.full(m, tail.first, np.int64), np.arange(m, dtype=np.int64) + head.first, share
    return cells, desk.cell_at(head, tail.sites), np.ones(n)
