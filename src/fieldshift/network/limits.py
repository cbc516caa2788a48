"""Everything that binds, lowered to rows: posts, floors, resources, most of a choice, shares of a stock."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from fieldshift.network.graph import OUTSIDE, Float, Int, Limit, ServeBlock
from fieldshift.network.lowering import Lowering, names
from fieldshift.scenario.formula import FormulaError
from fieldshift.scenario.schema import Amount, Choice, Resource, Stock, Work

__all__ = ["lower_limits"]

_Terms = dict[int, float]


@dataclass
class _Draft:
    """A limit being written: what each cell or arc uses of it."""

    name: str
    part: str
    per_site: bool
    cap: Float
    unit: str
    title: str
    hold: _Terms = field(default_factory=dict)
    transit: _Terms = field(default_factory=dict)
    take: _Terms = field(default_factory=dict)
    serve: _Terms = field(default_factory=dict)
    after: bool = True
    floor: bool = False
    rank: Float | None = None


def _add(terms: _Terms, index: Iterable[int], use: float) -> None:
    for i in index:
        if i >= 0:
            terms[int(i)] = terms.get(int(i), 0.0) + use


def lower_limits(desk: Lowering, serves: Sequence[ServeBlock]) -> tuple[Limit, ...]:
    """Lower all limits, in order of name."""
    scenario = desk.scenario
    drafts: list[_Draft] = []
    for name, stock in scenario.stocks.items():
        drafts += _of_stock(desk, name, stock)
    for name, choice in scenario.choices.items():
        drafts += _of_choice(desk, name, choice)
    for name, work in scenario.work.items():
        drafts += _of_work(desk, name, work, serves)
    for name, resource in scenario.resources.items():
        drafts += _of_resource(desk, name, resource)
    limits, first = [], 0
    for draft in sorted(drafts, key=lambda d: d.name):
        limit = _finish(desk, serves, draft, first)
        limits.append(limit)
        first += len(limit.sites)
    return tuple(limits)


def _sites(desk: Lowering, per_site: bool) -> Int:
    return np.arange(len(desk.sites), dtype=np.int64) if per_site else np.array([OUTSIDE], np.int64)


def _stock_cells(desk: Lowering, stock: str) -> list[int]:
    return [c for _, b in desk.blocks(stock) for c in range(b.first, b.first + len(b.sites))]


def _arc_numbers(desk: Lowering, choice: str, first_only: bool) -> list[int]:
    blocks = [b for b in desk.choices if b.part == choice and not (first_only and b.auto)]
    return [a for b in blocks for a in range(b.first, b.first + len(b.tail))]


def _of_stock(desk: Lowering, name: str, stock: Stock) -> list[_Draft]:
    """Funded posts and the floor of a stock, by site where the stock is."""
    block = desk.blocks(name)[0][1]
    per_site = bool(block.sites[0] != OUTSIDE)
    cells = _stock_cells(desk, name)
    found = []
    if block.funded is not None:
        cap = _at_all(desk, block.funded, block.sites, per_site, np.inf)
        draft = _Draft(
            f"posts of {name}", f"stocks.{name}.funded", per_site, cap, "post", f"funded posts: {block.title}"
        )
        _add(draft.hold, cells, 1.0)
        for leg in desk.choices:
            into = np.isin(leg.head, cells) & ~np.isin(leg.tail, cells)
            if leg.lasts and not leg.returns:
                _add(draft.transit, np.flatnonzero(into) + leg.first, 1.0)
        found.append(draft)
    if stock.floor is not None:
        value = desk.values.plain(f"stocks.{name}.floor", stock.floor, "person")
        floor = desk.over_time(desk.spread(value, stock.spread, block.sites), len(block.sites))
        cap = _at_all(desk, -floor, block.sites, per_site, 0.0)
        draft = _Draft(
            f"floor of {name}",
            f"stocks.{name}.floor",
            per_site,
            cap,
            "person",
            f"floor: {block.title}",
            floor=True,
        )
        _add(draft.hold, cells, -1.0)
        found.append(draft)
    return found


def _at_all(desk: Lowering, data: Float, sites: Int, per_site: bool, other: float) -> Float:
    """Return numbers known at some sites as rows for all sites; `other` elsewhere."""
    if not per_site:
        return data
    wide = np.full((desk.count, len(desk.sites)), other)
    wide[:, sites] = data
    return wide


def _cap(desk: Lowering, path: str, given: Amount, unit: str, rate: bool) -> tuple[Float, bool]:
    """Return a limit by row, and whether each site has its own."""
    value = desk.values.per_period(path, given, unit) if rate else desk.values.plain(path, given, unit)
    per_site = value.per_site and bool(desk.sites)
    n = len(desk.sites) if per_site else 1
    return desk.over_time(value.data, n), per_site


def _most(desk: Lowering, path: str, given: Amount, unit: str, called: tuple[str, str]) -> _Draft:
    """Return a limit on how many start or are served in a period; `called` is its name and its title."""
    cap, per_site = _cap(desk, path, given, f"{unit}/week", True)
    name, title = called
    return _Draft(f"most of {name}", path, per_site, cap, unit, f"most per period: {title}", after=False)


def _of_choice(desk: Lowering, name: str, choice: Choice) -> list[_Draft]:
    """Most that may start, absolute and as a share; and most that may start each stage."""
    found = []
    path = f"choices.{name}"
    title = choice.title or name.replace("_", " ")
    if choice.most is not None:
        draft = _most(desk, f"{path}.most", choice.most, "person", (name, title))
        _add(draft.take, _arc_numbers(desk, name, True), 1.0)
        found.append(draft)
    for i, stage in enumerate(choice.stages):
        if stage.most is not None:
            called = (f"{name}.{stage.name}", f"{title}, {stage.name}")
            draft = _most(desk, f"{path}.stages.{i}.most", stage.most, "person", called)
            blocks = [b for b in desk.choices if b.part == name and b.stage == stage.name]
            _add(draft.take, [a for b in blocks for a in range(b.first, b.first + len(b.tail))], 1.0)
            found.append(draft)
    if choice.share is not None:
        of = [b for s in names(choice.share.of) for _, b in desk.blocks(s)]
        ways = [b for b in desk.choices if b.part in names(choice.share.of)]
        per_site = all(sites[0] != OUTSIDE for sites in [b.sites for b in of] + [b.sites for b in ways])
        share = _share(desk, f"{path}.share.share", choice.share.share)
        cap = np.zeros((desk.count, len(desk.sites) if per_site else 1))
        draft = _Draft(
            f"share of {name}",
            f"{path}.share",
            per_site,
            cap,
            "person",
            f"share limit: {title}",
            after=choice.share.at == "closing",
        )
        for block in of:
            _add(draft.hold, range(block.first, block.first + len(block.sites)), -share)
        for part in names(choice.share.of):
            _add(draft.transit, _arc_numbers(desk, part, False), -share)
        _add(draft.take, _arc_numbers(desk, name, True), 1.0)
        found.append(draft)
    return found


def _share(desk: Lowering, path: str, given: Amount) -> float:
    data = desk.values.per_period(path, given, "1|1/week").data
    if not (data == data.flat[0]).all():
        raise FormulaError("must be one number here, the same over time and sites", "one for all of them")
    return float(data.flat[0])


def _of_work(desk: Lowering, name: str, work: Work, serves: Sequence[ServeBlock]) -> list[_Draft]:
    """Most of a kind of work that may be served."""
    if work.most is None:
        return []
    draft = _most(desk, f"work.{name}.most", work.most, "case", (name, work.title or name.replace("_", " ")))
    for block in serves:
        if block.name == name:
            _add(draft.serve, range(block.first, block.first + len(block.tail)), 1.0)
    return [draft]


def _resource_rows(desk: Lowering, path: str, given: Amount | None, resource: Resource) -> tuple[Float, bool]:
    """Return a resource's cap or floor by row (none: 0), and whether each site has a row of its own."""
    data, wide = (np.zeros((desk.count, 1)), False) if given is None else _cap(desk, path, given, resource.unit, False)
    per_site = bool(desk.sites) and (resource.per == "site" or (resource.per is None and wide))
    rows = len(desk.sites) if per_site else 1
    if data.shape[1] == rows:
        return data, per_site
    return (np.repeat(data, rows, axis=1) if per_site else data.sum(axis=1, keepdims=True)), per_site


def _of_resource(desk: Lowering, name: str, resource: Resource) -> list[_Draft]:
    """A resource's cap and its floor, each as rows."""
    path = f"resources.{name}"
    title = resource.title or name.replace("_", " ")
    hold, transit, take, serve = _uses(desk, name, resource)
    supply, brought = _Terms(), _Terms()
    for part, each in resource.supply.items():
        amount = desk.values.number(f"{path}.supply.{part}", Amount.model_validate(each), "unit/person|1")
        if part in desk.scenario.choices:
            _add(brought, _arc_numbers(desk, part, False), -amount)
        else:
            _add(supply, _stock_cells(desk, part), -amount)
    found = []
    if resource.cap is not None or resource.supply:
        cap, per_site = _resource_rows(desk, f"{path}.cap", resource.cap, resource)
        draft = _Draft(
            name,
            path,
            per_site,
            cap,
            resource.unit,
            title,
            dict(hold),
            dict(transit),
            dict(take),
            dict(serve),
        )
        for terms, more in ((draft.hold, supply), (draft.transit, brought)):
            for index, use in more.items():
                _add(terms, [index], use)
        if resource.rank is not None:
            draft.rank = np.array([float(site.attributes[resource.rank]) for site in desk.sites])
        found.append(draft)
    if resource.at_least is not None:
        floor, per_site = _resource_rows(desk, f"{path}.at_least", resource.at_least, resource)
        found.append(
            _Draft(
                f"{name}, at least",
                f"{path}.at_least",
                per_site,
                -floor,
                resource.unit,
                f"floor: {title}",
                {c: -u for c, u in hold.items()},
                {a: -u for a, u in transit.items()},
                {a: -u for a, u in take.items()},
                {b: -u for b, u in serve.items()},
                floor=True,
            )
        )
    return found


def _uses(desk: Lowering, name: str, resource: Resource) -> tuple[_Terms, _Terms, _Terms, _Terms]:
    hold, transit, take, serve = _Terms(), _Terms(), _Terms(), _Terms()
    for uses, terms in (
        (desk.holds, hold),
        (desk.transits, transit),
        (desk.takes, take),
        (desk.serve_takes, serve),
    ):
        for use in uses:
            if use.resource == name:
                _add(terms, use.index.tolist(), use.coefficient)
    given = resource.hold if isinstance(resource.hold, Mapping) else dict.fromkeys(names(resource.hold), 1.0)
    for part, each in given.items():
        if part in desk.scenario.choices:
            _add(transit, _arc_numbers(desk, part, False), float(each))
        else:
            _add(hold, _stock_cells(desk, part), float(each))
    return hold, transit, take, serve


def _finish(desk: Lowering, serves: Sequence[ServeBlock], draft: _Draft, first: int) -> Limit:
    """Add the net effect of moves and of serving, and put everything in rows."""
    move, serve = dict(draft.take), dict(draft.serve)
    if draft.after:
        for leg in desk.choices:
            for k in range(len(leg.tail)):
                arc = leg.first + k
                net = -draft.hold.get(int(leg.tail[k]), 0.0)
                there = draft.transit.get(arc, 0.0) if leg.lasts else draft.hold.get(int(leg.head[k]), 0.0)
                # Who fails at once takes no room, but chance may pass all; what they bring, only those bring who pass.
                net += there * float(leg.passing.mean()) if there < 0 and not leg.lasts else there
                _add(move, [arc] if net else [], net)
    for block in serves:
        for k in range(len(block.tail)):
            net = -draft.hold.get(int(block.tail[k]), 0.0)
            net += sum(share * draft.hold.get(int(heads[k]), 0.0) for heads, share in block.heads)
            _add(serve, [block.first + k] if net else [], net)
    cell_site = np.concatenate([b.sites for b in desk.stocks] or [np.zeros(0, np.int64)])
    arc_site = np.concatenate([b.sites for b in desk.choices] or [np.zeros(0, np.int64)])
    serve_site = np.concatenate([b.sites for b in serves] or [np.zeros(0, np.int64)])
    return Limit(
        draft.name,
        draft.part,
        first,
        _sites(desk, draft.per_site),
        draft.cap,
        _rows(draft.hold, cell_site, draft.per_site),
        _rows(draft.transit, arc_site, draft.per_site),
        _rows(move, arc_site, draft.per_site),
        _rows(serve, serve_site, draft.per_site),
        draft.rank,
        draft.unit,
        draft.title,
        draft.floor,
        _whole(draft.cap, (draft.hold, draft.transit), (move, serve)),
    )


def _whole(cap: Float, counted: tuple[_Terms, _Terms], moved: tuple[_Terms, _Terms]) -> Float | None:
    """Return a limit on moves alone for whole counts: period by period what its running total gains in whole units."""
    uses = np.array([use for terms in moved for use in terms.values()])
    finite = np.isfinite(cap)
    if any(counted) or (uses % 1.0).any() or not (cap[finite] % 1.0).any():
        return None
    total = np.floor(np.cumsum(np.where(finite, cap, 0.0), axis=0) + 1e-6)
    return np.where(finite, np.diff(total, axis=0, prepend=0.0), cap)


def _rows(terms: _Terms, sites: Int, per_site: bool) -> tuple[Int, Int, Float]:
    kept = [(i, u) for i, u in sorted(terms.items()) if u != 0.0 and (not per_site or sites[i] >= 0)]
    index = np.array([i for i, _ in kept], np.int64)
    use = np.array([u for _, u in kept], np.float64)
    return index, (sites[index] if per_site else np.zeros(len(index), np.int64)), use
