"""What a planner might write: small valid scenarios, drawn, as plain mappings; and how to live them.

Nothing here imports a number from the engines: the laws count people again with their own loops.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np
from hypothesis import strategies as st

from fieldshift.engines.engine import Decision, Engine
from fieldshift.engines.kernel import Kernel
from fieldshift.engines.policies import Policy, policy_of
from fieldshift.engines.reference import MeanEngine, Reference
from fieldshift.engines.view import View
from fieldshift.network.build import build
from fieldshift.network.graph import Network
from fieldshift.results.trace import Trace
from fieldshift.scenario.schema import Scenario

CHANCE = (Reference, Kernel)
"""The engines that draw; every law holds for each of them."""

FIELDS = (
    "people", "under_way", "moved", "passed", "failed", "dropped", "flowed", "entered", "served", "became",
    "hours", "used", "hosted", "dials", "spent", "rows", "lines",
)  # fmt: skip

Given = dict[str, Any]
Draw = Callable[[st.SearchStrategy[Any]], Any]
Ids = frozenset[str] | None
"""Where something is: ids of sites, or None for the nation."""

SHARES = ("0 %", "5 %", "35 %", "100 %")
RATES = ("6 %/year", "40 %/year", "5 %/week", "0 %/year")


def scenario_of(given: Mapping[str, Any]) -> Scenario:
    return Scenario.model_validate(given)


def engine_of(kind: type, network: Network, futures: Iterable[int], seed: int = 1) -> Engine:
    return kind(network, seed, np.fromiter(futures, np.int64)) if kind is not MeanEngine else MeanEngine(network)


def lived(scenario: Scenario, kind: type, futures: Iterable[int] = range(3), seed: int = 1, policy: str = "") -> Trace:
    """Live a scenario under its last policy (or a named one)."""
    network = build(scenario)
    engine = engine_of(kind, network, futures, seed)
    rules = policy_of(scenario, network, policy or list(scenario.policies)[-1])
    for period in range(network.periods.count):
        engine.begin(period)
        engine.finish(period, rules.decide(View(engine, period)))
    return engine.trace


def same(a: Trace, b: Trace, fields: Iterable[str] = FIELDS) -> None:
    for field in fields:
        left, right = np.asarray(getattr(a, field)), np.asarray(getattr(b, field))
        assert left.dtype == right.dtype, field
        assert left.shape == right.shape, field
        assert np.array_equal(left, right), f"{field} differs, first at {np.argwhere(left != right)[0]}"


class Greedy:
    """Asks for more than there can be of everything, by a pattern of its own: limits, not wishes, decide."""

    def __init__(self, most: int) -> None:
        self._most = most

    def decide(self, view: View) -> Decision:
        arcs, rows = np.arange(view.network.n_choices), np.arange(view.draws)[:, None]
        return Decision(((arcs * 7 + rows * 3 + view.period * 5) % (self._most + 1)).astype(np.float64))


def policy_for(scenario: Scenario, network: Network, greedy: int) -> Policy:
    return Greedy(greedy) if greedy else policy_of(scenario, network, list(scenario.policies)[-1])


# ------------------------------------------------------------------------------------ strategies


def _one(draw: Draw, *options: Any) -> Any:
    return draw(st.sampled_from(options))


def _yes(draw: Draw) -> bool:
    return draw(st.booleans())


def _reach(start: Ids, end: Ids) -> bool:
    """Can whoever is at `start` enter what is at `end`?"""
    return end is None or (start is not None and start <= end)


def _sites(draw: Draw) -> list[Given]:
    ids = _one(draw, "abcd", "dbca")[: draw(st.integers(0, 4))]
    return [
        {
            "id": id,
            "name": f"Office {id}",
            "weight": _one(draw, 1, 2.5, *([] if id == min(ids) else [0])),
            "load": _one(draw, 1, 1.5, 3),
            "kind": _one(draw, "big", "small"),
        }
        for id in ids
    ]


def _place(draw: Draw, sites: list[Given]) -> tuple[Any, Ids]:
    """Where something is: how it is written, and which ids that means."""
    ids = frozenset(s["id"] for s in sites)
    if not ids or draw(st.integers(0, 4)) == 0:
        return "nation", None
    if len(ids) > 1 and draw(st.integers(0, 3)) == 0:
        some = frozenset(sorted(ids)[: draw(st.integers(1, len(ids) - 1))])
        return sorted(some), some
    return "sites", ids


def _sized(draw: Draw, sites: list[Given], word: str, most: int) -> str:
    scope = " per site" if sites and _yes(draw) else ""
    return f"{draw(st.integers(0, most))} {word}{scope}"


def _stock(draw: Draw, sites: list[Given]) -> tuple[Given, Ids]:
    at, ids = _place(draw, sites)
    part: Given = {"at": at, "start": f"{draw(st.integers(0, 60))} person"}
    part["spread"] = _one(draw, "weight", "even", "load")
    if ids is None:
        del part["spread"]
    if _yes(draw):
        part["pay"] = _one(draw, "52000 USD/year", "90000 USD/year")
    if draw(st.integers(0, 2)) == 0:
        part["funded"] = f"{draw(st.integers(0, 70))} post"
    if draw(st.integers(0, 3)) == 0:
        part["floor"] = f"{draw(st.integers(0, 40))} person"
    if draw(st.integers(0, 3)) == 0:
        part["learning"] = {"lasts": _one(draw, "13 week", "26 week"), "productivity": 0.6}
    if draw(st.integers(0, 3)) == 0:
        part["on_strength"] = False
    return part, ids


def _flows(draw: Draw, stocks: Mapping[str, Ids]) -> Given:
    flows: Given = {}
    names = sorted(stocks)
    for name in draw(st.sets(st.sampled_from(["leave", "arrive", "promote", "early"]))):
        if name == "arrive":
            flows[name] = {"head": _one(draw, *names), "arrive": _one(draw, "0.4 person/week", "12 person/week")}
            continue
        tails = sorted(draw(st.sets(st.sampled_from(names), min_size=1)))
        part: Given = {"tail": tails if len(tails) > 1 or _yes(draw) else tails[0], "rate": _one(draw, *RATES)}
        if name == "promote":
            heads = [n for n in names if n not in tails and all(_reach(stocks[t], stocks[n]) for t in tails)]
            if heads:
                part["head"] = _one(draw, *heads)
        if name == "early" or _yes(draw):
            part["timing"] = "opening"
        flows[name] = part
    return flows


def _leg(draw: Draw, arcs: Ids, stocks: Mapping[str, Ids], used: list[str]) -> Given:
    """What one leg of a choice may say."""
    leg: Given = {"lasts": f"{draw(st.integers(0, 5))} week"}
    back = [n for n in sorted(stocks) if _reach(arcs, stocks[n])]
    if _yes(draw):
        leg["pass"] = _one(draw, *SHARES)
        if back and _yes(draw):
            leg["fail_to"] = _one(draw, *back)
    if _yes(draw):
        leg["dropout"] = _one(draw, "15 %/week", "30 %/year")
        if back and _yes(draw):
            leg["drop_to"] = _one(draw, *back)
    if used and _yes(draw):
        leg["uses"] = {_one(draw, *used): _one(draw, 1, 0.5, 2)}
    if used and draw(st.integers(0, 3)) == 0:
        leg["takes"] = {_one(draw, *used): 1}
    if _yes(draw):
        leg["cost"] = "1000 USD/person"
    if draw(st.integers(0, 3)) == 0:
        leg["begun"] = f"{draw(st.integers(0, 9))} person"
    if draw(st.integers(0, 4)) == 0:
        leg["instructors"] = {"stock": _one(draw, *sorted(stocks)), "per_trainee": 0.5}
    return leg


def _choice(  # noqa: PLR0912, PLR0915
    draw: Draw, stocks: Mapping[str, Ids], sites: list[Given], used: list[str]
) -> Given | None:
    names = sorted(stocks)
    kind = _one(draw, "hire", "retrain", "retrain", "stages", "detail", "move", "layoff")
    part: Given = {}
    if kind in ("detail", "move"):
        tails = [n for n in names if stocks[n] is not None]
        if not tails:
            return None
        tail = _one(draw, *tails)
        there = sorted(stocks[tail] or ())
        part = {"tail": tail, "to": _one(draw, there, there[:1]), "lasts": f"{draw(st.integers(1, 5))} week"}
        if kind == "detail":
            part["returns"] = True
        if _yes(draw):
            part["pass"] = _one(draw, *SHARES)
        if _yes(draw):
            part["upkeep"] = "100 USD/day"
        if used and _yes(draw):
            part["uses"] = {_one(draw, *used): 1}
    else:
        first = None if kind == "hire" else _one(draw, *names)
        tails = [] if first is None else [first]
        if first is not None and kind == "retrain" and _yes(draw):
            tails = [n for n in names if stocks[n] == stocks[first]]
            tails = tails[:-1] if len(tails) == len(names) > 1 else tails
        start = None if first is None else stocks[first]
        heads = [n for n in names if start is None or _reach(start, stocks[n])]
        if first is None or kind != "layoff":
            heads = [n for n in heads if n not in tails] or ([] if tails else heads)
            if not heads:
                return None
            part["head"] = _one(draw, *heads)
        if tails:
            part["tail"] = tails if len(tails) > 1 else tails[0]
        arcs = start if start is not None else stocks[part["head"]] if "head" in part else None
        if kind == "stages":
            part["stages"] = [
                {"name": name, **_leg(draw, arcs, stocks, used)}
                for name in ("vetting", "academy", "course")[: draw(st.integers(1, 3))]
            ]
        else:
            part.update(_leg(draw, arcs, stocks, used))
    if _yes(draw):
        part["most"] = _sized(draw, sites, "person/week", 8)
    if draw(st.integers(0, 4)) == 0:
        part["share"] = {"share": "20 %/week", "of": _one(draw, *names), "at": _one(draw, "opening", "closing")}
    if draw(st.integers(0, 4)) == 0:
        part["lump"] = 3
    return part


def _works(  # noqa: PLR0912
    draw: Draw, stocks: Mapping[str, Ids], sites: list[Given], used: list[str]
) -> Given:
    works: Given = {}
    if not _yes(draw):
        return works
    at, ids = _place(draw, sites)
    able = [n for n in sorted(stocks) if ids is None or (stocks[n] is not None and stocks[n] & ids)]
    for name, after in (("held", None), ("cases", "held"), ("visits", None)):
        if name == "visits" and _yes(draw):
            continue
        part: Given = {"at": at, "start": f"{draw(st.integers(0, 90))} case"}
        if _yes(draw):
            part["arrive"] = _one(draw, "0.7 case/week", "30 case/week")
        if draw(st.integers(0, 2)) == 0:
            part["expire"] = "10 %/week"
        if draw(st.integers(0, 2)) == 0:
            part["leave"] = "1 / 44 day"
            if after is not None and _yes(draw):
                part["leave_to"] = after
        if able and _yes(draw):
            part["standard"] = _one(draw, "2 hour/case", "7.5 hour/case", "60 hour/case")
            by = sorted(draw(st.sets(st.sampled_from(able), min_size=1)))
            part["by"] = _one(draw, by, dict.fromkeys(by, 0.7))
            part["crew"] = _one(draw, 1, 1, 2, 7)
            part["priority"] = draw(st.integers(1, 2))
            if ids is not None and _yes(draw):
                part["vary"] = "load"
            if after is not None and _yes(draw):
                part["becomes"] = _one(draw, after, {after: 0.6})
            if draw(st.integers(0, 2)) == 0:
                part["most"] = f"{draw(st.integers(0, 30))} case/week"
            if used and draw(st.integers(0, 3)) == 0:
                part["takes"] = {_one(draw, *used): 1}
        if used and _yes(draw):
            part["uses"] = {_one(draw, *used): 1}
        works[name] = part
    return works


def _rules(draw: Draw, given: Given, sites: list[Given]) -> list[Given]:
    rules: list[Given] = []
    names = sorted(given["stocks"])
    for choice in sorted(given["choices"]):
        at_sites = bool(sites)
        kind = _one(draw, "schedule", "schedule", "share", "fill", "none")
        part = given["choices"][choice]
        if kind == "schedule":
            amount = _one(draw, "3 person/week", "0.6 person/week", "25 person/week")
            rule: Given = {
                "rule": "schedule",
                "choice": choice,
                "amount": amount + (" per site" if at_sites and _yes(draw) else ""),
            }
            if _yes(draw) and "per site" not in rule["amount"]:
                rule["total"] = "11 person"
            rules.append(rule)
        elif kind == "share" and "tail" in part:
            rules.append({"rule": "schedule", "choice": choice, "share": "10 %/week"})
        elif kind == "fill" and "head" in part:
            upto = "funded" if "funded" in given["stocks"][part["head"]] else "30 person"
            rules.append({"rule": "fill", "choice": choice, "stock": part["head"], "upto": upto})
    served = [n for n, w in sorted(given["work"].items()) if "standard" in w]
    if served and given["choices"] and _yes(draw):
        rules.append(
            {
                "rule": "escalate",
                "watch": f"{served[0]}.served",
                "window": "2 week",
                "below": "9 case/week",
                "first": {"dial": "pace", "to": 1.5},
                "then": {"choice": min(given["choices"]), "add": "4 person"},
                "cooldown": "1 week",
            }
        )
    if served and _yes(draw):
        load = _one(draw, f"{served[0]}.backlog_per_head", f"{served[0]}.backlog", f"{names[0]}.used")
        above = {"k": "0.5 case/person", "g": "5 case", "d": "0.3"}[load[-1] if not load.endswith("head") else "k"]
        rules.append({"rule": "respond", "watch": load, "above": above, "dial": "pace", "gain": 0.3, "relax": "2 week"})
    return rules


@st.composite
def plans(draw: Draw) -> Given:
    """Draw what a planner writes: a valid scenario as a plain mapping."""
    sites = _sites(draw)
    stocks: Given = {}
    places: dict[str, Ids] = {}
    for name in ("desk", "field", "pool", "aide")[: draw(st.integers(1, 4))]:
        stocks[name], places[name] = _stock(draw, sites)
    resources: Given = {}
    if _yes(draw):
        resources["seats"] = {"unit": "seat", "cap": _sized(draw, sites, "seat", 9)}
    if _yes(draw):
        resources["beds"] = {"unit": "bed", "cap": f"{draw(st.integers(0, 40))} bed"}
    used = sorted(resources)
    if _yes(draw):
        resources["floors"] = {
            "unit": "person",
            "hold": _one(draw, *stocks),
            "at_least": f"{draw(st.integers(0, 9))} person",
        }
    choices = {
        name: part
        for name in ("alpha", "beta", "gamma")[: draw(st.integers(0, 3))]
        if (part := _choice(draw, places, sites, used)) is not None
    }
    given: Given = {
        "name": "Drawn",
        "horizon": {
            "start": "2025-01-06",
            "periods": draw(st.integers(1, 9)),
            "step": _one(draw, "week", "week", "month"),
        },
        "sites": sites,
        "stocks": stocks,
        "flows": _flows(draw, places),
        "choices": choices,
        "resources": resources,
        "work": _works(draw, places, sites, used),
    }
    if _yes(draw):
        cap = _one(draw, "0 USD", "9000 USD", "60000 USD", "0.4 MUSD", "9 MUSD")
        given["budgets"] = {
            "money": {"cap": cap, "pays": _one(draw, "choices", "stocks", ["stocks", "choices", "work"])}
        }
        if _yes(draw):
            given["budgets"]["money"]["lapses"] = [{"from": "2025-01-20", "until": "2025-02-05"}]
    served = [n for n, w in given["work"].items() if "standard" in w]
    turns = {f"work.{n}.pace": 1 for n in served}
    turns |= {f"flows.{n}.rate": 0.5 for n, f in given["flows"].items() if "rate" in f}
    turns |= {f"choices.{n}.dropout": 0.5 for n, c in choices.items() if "dropout" in c}
    turns |= {f"stocks.{n}.hours": 0.2 for n in stocks}
    given["dials"] = {"pace": {"from": 0.5, "to": 2, "turns": turns}}
    given["policies"] = {"stay": {}, "act": {"rules": _rules(draw, given, sites)}}
    return given


@st.composite
def calm_plans(draw: Draw) -> Given:
    """Draw a scenario in which no limit binds and nobody runs out of people, so the mean is exactly linear."""
    sites = [{"id": id} for id in "abc"[: draw(st.integers(1, 3))]]
    lasts = draw(st.integers(0, 5))
    choices: Given = {
        "retrain": {
            "tail": "desk",
            "head": "field",
            "lasts": f"{lasts} week",
            "pass": _one(draw, "100 %", "80 %"),
            "fail_to": _one(draw, "desk", "pool"),
            "dropout": _one(draw, "0 %/week", "9 %/week"),
        },
        "hire": {
            "head": "pool",
            "stages": [
                {
                    "name": "vetting",
                    "lasts": f"{draw(st.integers(0, 4))} week",
                    "dropout": "5 %/week",
                    "drop_to": "pool",
                },
                {"name": "academy", "lasts": f"{draw(st.integers(0, 3))} week", "pass": "70 %", "fail_to": "desk"},
            ],
        },
    }
    flows = {
        "leave": {"tail": ["desk", "field", "pool"], "rate": _one(draw, "6 %/year", "4 %/week")},
        "promote": {"tail": "pool", "head": "field", "rate": "7 %/week", "timing": _one(draw, "opening", "closing")},
        "arrive": {"head": "pool", "arrive": _one(draw, "0.5 person/week", "15 person/week")},
    }
    rules = [
        {"rule": "schedule", "choice": "retrain", "amount": f"{draw(st.integers(0, 3))} person/week per site"},
        {"rule": "schedule", "choice": "hire", "amount": f"{draw(st.integers(0, 4))} person/week per site"},
    ]
    return {
        "name": "Calm",
        "horizon": {"start": "2025-01-06", "periods": draw(st.integers(4, 10)), "step": "week"},
        "sites": sites,
        "stocks": {
            "desk": {"start": "150 person per site"},
            "field": {"start": "40 person per site", "learning": {"lasts": "5 week", "productivity": 0.5}},
            "pool": {"start": "20 person per site"},
        },
        "flows": flows,
        "choices": choices,
        "work": {
            "cases": {
                "start": "50 case per site",
                "arrive": "9 case/week",
                "expire": "6 %/week",
                "leave": "4 %/week",
                "leave_to": "held",
            },
            "held": {"leave": "1 / 44 day"},
        },
        "policies": {"act": {"rules": rules}},
    }  # fmt: skip
