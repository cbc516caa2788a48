"""A network and traces made by hand: two sites and a nation, every kind of arc, numbers to add in the head.

Sites in canonical order are `alpha`, `beta`; the planner wrote `beta` first. Four weeks, two fiscal years.

| cell | stock | site |
|---|---|---|
| 0, 1 | desk | alpha, beta |
| 2, 3 | street (duty field) | alpha, beta |
| 4, 5 | street.new | alpha, beta |
| 6 | legal (no duty) | nation |
| 7 | border (not on strength) | nation |
| 8, 9 | cases | alpha, beta |
| 10, 11 | files | alpha, beta |
| 12, 13 | hire.academy.waiting | alpha, beta |
| 14 | move.pool | nation |
"""

import datetime as dt

import numpy as np

from fieldshift.horizon import Periods
from fieldshift.network.graph import (
    OUTSIDE,
    ChanceBlock,
    ChoiceBlock,
    Dials,
    EntryBlock,
    Limit,
    Line,
    NeedBlock,
    Network,
    ServeBlock,
    SiteTable,
    StockBlock,
)
from fieldshift.results.collect import Collector, PolicyResult
from fieldshift.results.measures import available
from fieldshift.results.trace import Trace

T = 4
BOTH = np.array([0, 1])
NATION = np.array([OUTSIDE])
NONE = np.zeros(0, np.int64)


def _stock(name: str, first: int, sites: np.ndarray, **other: object) -> StockBlock:
    n = len(sites)
    given = {
        "part": name,
        "kind": "person",
        "start": np.zeros(n),
        "tags": {},
        "on_strength": True,
        "fte": 1.0,
        "productivity": 1.0,
        "hours": np.zeros((T, n)),
        "pay": np.zeros((T, n)),
        "title": name.capitalize(),
    }
    return StockBlock(name=name, first=first, sites=sites, **{**given, **other})


def _choice(
    name: str, first: int, ends: tuple[list[int], list[int]], sites: np.ndarray, **other: object
) -> ChoiceBlock:
    n = len(sites)
    out = np.full(n, OUTSIDE)
    given = {
        "part": name.split(".", maxsplit=1)[0],
        "lasts": 0,
        "passing": np.ones(T),
        "fail": out,
        "drop": np.zeros(T),
        "drop_to": out,
        "turns": (),
        "open": np.ones(T),
        "auto": False,
        "returns": False,
        "hosts": NONE,
        "works_as": -1,
        "serves": 0.0,
        "teacher": -1,
        "per_trainee": 0.0,
        "on_strength": True,
        "fte": 1.0,
        "lump": 1,
        "least": None,
        "kind": name.split(".", maxsplit=1)[0],
        "stage": "",
        "title": name.split(".", maxsplit=1)[0].capitalize(),
    }
    tail, head = (np.array(end) for end in ends)
    return ChoiceBlock(name=name, first=first, tail=tail, head=head, sites=sites, **{**given, **other})


def _limit(name: str, first: int, sites: np.ndarray) -> Limit:
    empty = (NONE, NONE, np.zeros(0))
    cap = np.zeros((T, len(sites)))
    return Limit(
        name,
        f"resources.{name}",
        first,
        sites,
        cap,
        empty,
        empty,
        empty,
        empty,
        None,
        "seat",
        name.capitalize(),
    )


def _line(name: str, grant: list[float], window: np.ndarray) -> Line:
    grants, none = np.array(grant), np.zeros((T, 0))
    cap = np.full(2, np.inf)
    return Line(
        name, window, (2024, 2025), cap, grants, none, none, none, none, np.ones(T), none, none,
        none, none, np.zeros(T), f"budgets.{name}", name.capitalize(),
    )  # fmt: skip


def network() -> Network:
    """Two sites, four weeks from 2024-09-18; the fiscal year 2025 starts with the third week."""
    periods = Periods(dt.date(2024, 9, 18), T, "week", "10-01")
    table = SiteTable(("alpha", "beta"), ("Alpha", "Beta"), np.array([1, 0]), ({}, {}))
    posts = np.tile([60.0, 40.0], (T, 1))
    field = {"tags": {"duty": "field"}, "part": "street", "hours": np.full((T, 2), 40.0)}
    case = {"kind": "case", "on_strength": False, "fte": 0.0}
    stocks = (
        _stock(
            "desk",
            0,
            BOTH,
            tags={"duty": "desk"},
            fte=0.5,
            funded=np.tile([10.0, 10.0], (T, 1)),
            title="Desks",
        ),
        _stock("street", 2, BOTH, **field, funded=posts, authorised=posts + 5, title="Street teams"),
        _stock("street.new", 4, BOTH, **field, productivity=0.5),
        _stock("legal", 6, NATION),
        _stock("border", 7, NATION, on_strength=False, tags={"duty": "border"}),
        _stock("cases", 8, BOTH, **case),
        _stock("files", 10, BOTH, **case),
        _stock("hire.academy.waiting", 12, BOTH, part="hire", on_strength=False, waiting=True),
        _stock("move.pool", 14, NATION, part="move", waiting=True),
    )
    out = np.array([OUTSIDE, OUTSIDE])
    p = np.zeros((T, 2))
    chances = (
        ChanceBlock("cases.expire", "cases", 0, np.array([8, 9]), out, p, False, (), "expire"),
        ChanceBlock("cases.leave", "cases", 2, np.array([8, 9]), np.array([10, 11]), p, False, (), "leave"),
        ChanceBlock("learn", "street", 4, np.array([4, 5]), np.array([2, 3]), p, False, (), "learn"),
        ChanceBlock("quit", "quit", 6, np.array([2, 3]), out, p, False, (), "quit"),
        ChanceBlock("retire", "retire", 8, np.array([6]), NATION, p[:, :1], False, (), "retire"),
    )
    entries = (
        EntryBlock("cases", "cases", 0, np.array([8, 9]), p, ()),
        EntryBlock("return", "return", 2, np.array([6]), p[:, :1], ()),
    )
    choices = (
        _choice("detail", 0, ([2, 3], [2, 3]), BOTH, lasts=2, returns=True, hosts=BOTH, works_as=1, serves=1.0),
        _choice("hire", 2, ([OUTSIDE] * 2, [12, 13]), BOTH, lasts=3, on_strength=False, stage="vetting"),
        _choice("hire.academy", 4, ([12, 13], [4, 5]), BOTH, lasts=2, auto=True, stage="academy"),
        _choice("layoff", 6, ([0, 1], [OUTSIDE] * 2), BOTH),
        _choice("move", 8, ([2, 3], [14, 14]), BOTH),
        _choice("move.arrive", 10, ([14, 14], [2, 3]), BOTH, lasts=1, auto=True, stage="arrive"),
        _choice("retrain", 12, ([0, 1], [2, 3]), BOTH, lasts=2, fail=np.array([0, 1])),
    )
    heads = ((np.array([10, 11]), 1.0),)
    by = ((1, 1.0), (2, 1.0))
    tail, hours = np.array([8, 9]), np.full((T, 2), 4.0)
    serves = (ServeBlock("cases", 0, tail, BOTH, heads, hours, by, 2, np.ones(T), None, (), 1, "Cases"),)
    window = np.array([0, 0, 1, 1])
    weight = np.array([1.0, 1.0, 0.5, 0.5])
    cells = (np.array([2, 3, 4, 5]), np.array([0, 1, 0, 1]), weight)
    return Network(
        name="handmade",
        periods=periods,
        sites=table,
        stocks=stocks,
        chances=chances,
        entries=entries,
        choices=choices,
        serves=serves,
        limits=(_limit("beds", 0, BOTH), _limit("seats", 2, NATION)),
        lines=(_line("pay", [100.0, 200.0], window), _line("travel", [np.nan, np.nan], window)),
        costs=_line("costs", [np.nan, np.nan], window),
        needs=(NeedBlock("street", BOTH, cells, np.tile([50.0, 30.0], (T, 1)), "needs.street", "Street teams"),),
        dials=Dials(("pace",), np.array([0.5]), np.array([2.0]), np.array([1.0])),
        parts={"detail": (0,), "hire": (1,), "layoff": (3,), "move": (4,), "retrain": (6,)},
        currency="USD",
        hours_turns={},
        cell_site=np.concatenate([b.sites for b in stocks]),
    )


def blank(draws: int, whole: bool = True) -> Trace:
    """A trace of zeros."""
    return Trace.empty(network(), draws, whole)


def lived(draws: int, seed: int = 0) -> Trace:
    """A trace of people who move at random, with every flow counted and everybody accounted for."""
    made, luck, trace = network(), np.random.default_rng(seed), blank(draws)
    for d in range(draws):
        _live(made, luck, trace, d)
    return trace


def _live(made: Network, luck: np.random.Generator, trace: Trace, d: int) -> None:
    people = np.concatenate([luck.integers(20, 90, 12), np.zeros(3, np.int64)])
    rings = [np.zeros((max(c.lasts, 1), len(c.tail)), np.int64) for c in made.choices]
    trace.people[d, 0] = people
    for t in range(T):
        for c, ring in zip(made.choices, rings, strict=True):
            if c.lasts:
                due = ring[t % c.lasts].copy()
                ring[t % c.lasts] = 0
                _arrive(c, due, luck.binomial(due, 0.8), (trace, people, d, t))
        for c, ring in zip(made.choices, rings, strict=True):
            there = np.where(c.tail >= 0, people[c.tail], 9)
            amount = there if c.auto and c.tail[0] != 14 else luck.integers(0, 4, len(c.tail)) * (not c.auto)
            if c.auto and c.tail[0] == 14:
                amount = np.array([people[14] // 2, people[14] - people[14] // 2])
            trace.moved[d, t, c.arcs] = amount
            np.subtract.at(people, c.tail[c.tail >= 0], amount[c.tail >= 0])
            if c.lasts:
                ring[t % c.lasts] = amount
            else:
                _arrive(c, amount, amount, (trace, people, d, t))
        _work(made, luck, (trace, people, d, t))
        for c, ring in zip(made.choices, rings, strict=True):
            if c.lasts and c.name in ("hire.academy", "detail"):
                lost = luck.binomial(ring, 0.2)
                ring -= lost
                trace.dropped[d, t, c.arcs] = lost.sum(axis=0)
            trace.under_way[d, t + 1, c.arcs] = ring.sum(axis=0) if c.lasts else 0
        trace.people[d, t + 1] = people
        trace.rows[d, t] = luck.random(3) < 0.3
        trace.lines[d, t] = luck.random(2) < 0.1
        trace.spent[d, t] = luck.random(2) * 100
        trace.hours[d, t, 2:6] = 40.0 * people[2:6]
        trace.used[d, t, 2:6] = trace.hours[d, t, 2:6] * luck.random()
        trace.dials[d, t] = 1.0 + luck.random((1, 3))


def _arrive(c: ChoiceBlock, due: np.ndarray, good: np.ndarray, at: tuple[Trace, np.ndarray, int, int]) -> None:
    trace, people, d, t = at
    trace.passed[d, t, c.arcs], trace.failed[d, t, c.arcs] = good, due - good
    np.add.at(people, c.head[c.head >= 0], good[c.head >= 0])
    np.add.at(people, c.fail[c.fail >= 0], (due - good)[c.fail >= 0])


def _work(made: Network, luck: np.random.Generator, at: tuple[Trace, np.ndarray, int, int]) -> None:
    trace, people, d, t = at
    served = luck.binomial(people[8:10], 0.3)
    trace.served[d, t] = served
    trace.became[d, t, 10:12] = served
    people[8:10] -= served
    people[10:12] += served
    for b in made.chances:
        k = luck.binomial(people[b.tail], 0.05)
        trace.flowed[d, t, b.arcs] = k
        people[b.tail] -= k
        people[b.head[b.head >= 0]] += k[b.head >= 0]
    for e in made.entries:
        k = luck.poisson(3.0, len(e.head))
        trace.entered[d, t, e.arcs] = k
        people[e.head] += k


def collected(trace: Trace) -> PolicyResult:
    """Everything there is to keep of a trace."""
    made = network()
    keys = [(m.name, of) for m, of in available(made)]
    collector = Collector(made, keys, len(trace.people))
    collector.add(0, trace)
    return collector.done()
