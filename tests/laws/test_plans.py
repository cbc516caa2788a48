"""A plan is what the mean step makes of it, keeps every limit, and its prices are what the limits are worth."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from planner import Given, plans, scenario_of

from fieldshift.engines.keeping import counted, kept
from fieldshift.engines.live import live
from fieldshift.engines.optimize import Solution, optimize
from fieldshift.engines.outcome import outcome
from fieldshift.engines.plan import Plan
from fieldshift.engines.reference import MeanEngine
from fieldshift.engines.view import View
from fieldshift.errors import NoPlan
from fieldshift.network.build import build
from fieldshift.network.graph import Network
from fieldshift.results.trace import Trace

pytestmark = pytest.mark.slow

FEW = settings(
    max_examples=20,
    derandomize=True,
    deadline=None,
    suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow],
)
NEAR = 1e-6


def planned(given: Given) -> tuple[Network, Solution, Trace]:
    """The best plan, period by period, and what the mean step makes of it."""
    scenario = scenario_of(given)
    network = build(scenario)
    solution = optimize(network, scenario.goals, coarsen="none")
    return network, solution, live(MeanEngine(network), solution.plan)


def best(given: Given) -> float:
    scenario = scenario_of(given)
    return optimize(build(scenario), scenario.goals, coarsen="none").goals[0].value


def counts(network: Network, solution: Solution) -> np.ndarray:
    """The program's own counts at the end of each period, shape (T, C)."""
    size = solution.program.columns.size * network.n_cells
    first = solution.program.columns.people
    return solution.columns[first : first + size].reshape(-1, network.n_cells)


def _replayed(network: Network, solution: Solution, trace: Trace) -> None:
    scale = max(1.0, float(np.abs(counts(network, solution)).max(initial=0.0)))
    for mine, programs in (
        (trace.people[0, 1:], counts(network, solution)),
        (trace.moved[0], solution.plan.moved),
        (trace.served[0], solution.plan.served),
    ):
        np.testing.assert_allclose(mine, programs, atol=NEAR * scale)


@st.composite
def tasks(draw: Any, sites: bool = True) -> Given:
    """Draw a small redeployment that always has a plan: all numbers are per site, so that all can be scaled."""
    one = lambda *options: draw(st.sampled_from(options))  # noqa: E731
    many = lambda low, high: draw(st.integers(low, high))  # noqa: E731
    per = " per site"
    given: Given = {
        "name": "Task",
        "horizon": {"start": "2025-01-06", "periods": many(2, 6)},
        "sites": [{"id": "a"}, {"id": "b"}][: many(1, 2)] if sites else [],
        "stocks": {
            "desk": {"start": f"{many(20, 40)} person{per}", "pay": one("0 USD/week", "90 USD/week")},
            "field": {"start": f"{many(0, 20)} person{per}", "pay": "100 USD/week"},
        },
        "flows": {
            "leave": {
                "tail": ["desk", "field"],
                "rate": one("2 %/week", "9 %/week"),
                "timing": one("opening", "closing"),
            },
            "come": {"head": "desk", "arrive": f"{many(0, 3)} person/week{per}"},
        },
        "choices": {
            "retrain": {
                "tail": "desk",
                "head": "field",
                "lasts": f"{many(0, 3)} week",
                "pass": one("100 %", "80 %"),
                "fail_to": "desk",
                "dropout": one("0 %/week", "10 %/week"),
                "takes": {"seats": 1},
                "cost": f"{many(0, 300)} USD/person",
            },
            "hire": {
                "head": "field",
                "stages": [
                    {"name": "vetting", "lasts": f"{many(0, 2)} week"},
                    {"name": "academy", "lasts": "1 week", "uses": {"beds": 1}, "pass": one("100 %", "70 %")},
                ],
                "cost": f"{many(0, 900)} USD/person",
                "most": f"{many(0, 9)} person/week{per}",
            },
            "lend": {
                "lasts": f"{many(1, 3)} week",
                "cost": f"{many(200, 600)} USD/person",
                "share": {"share": "30 %", "of": "field", "at": one("opening", "closing")},
            },
            "fire": {"tail": ["desk", "field"], "cost": "700 USD/person"},
        },
        "resources": {
            "seats": {"unit": "seat", "cap": f"{many(0, 8)} seat{per}"},
            "beds": {"unit": "bed", "cap": f"{many(0, 9)} bed{per}"},
        },
        "needs": {
            "field": {
                "of": {"field": 1, "lend": one(1, 0.5)},
                "need": f"{many(10, 40)} person{per}",
                "short": {"price": one(500, 2000)},
                "over": {"price": one(0, 50)},
            },
        },
        "goals": [{"least": one("cost", "cost", "short")}],
    }
    if draw(st.booleans()):
        given["stocks"]["field"]["learning"] = {"lasts": one("1 week", "4 week"), "productivity": 0.6}
        given["needs"]["field"]["productive"] = True
    if draw(st.booleans()):
        given["choices"]["retrain"]["instructors"] = {"stock": "field", "per_trainee": 0.25}
    if sites and draw(st.booleans()):
        given["choices"]["detail"] = {
            "tail": "desk",
            "to": "sites",
            "returns": True,
            "lasts": "2 week",
            "upkeep": "9 USD/day",
        }
    if draw(st.booleans()):
        given["work"] = {
            "cases": {
                "start": f"{many(0, 60)} case{per}",
                "arrive": f"{many(0, 30)} case/week{per}",
                "standard": one("10 hour/case", "80 hour/case"),
                "by": one("desk", ["desk", "field"]),
                "expire": one("0 %/week", "4 %/week"),
                "becomes": "held",
            },
            "held": {"leave": "20 %/week"},
        }
        given["goals"] = [{"least": one("backlog", "cost")}]
    if draw(st.booleans()):
        given["budgets"] = {"pay": {"cap": f"{many(1, 12) * 6_000} USD", "pays": ["choices"]}}
    return given


@given(plan=plans(), need=st.integers(0, 60), goals=st.sampled_from(["cost", "short", "backlog"]))
@FEW
def test_a_plan_replayed_is_the_programs_trajectory(plan, need, goals):
    """Whatever a planner writes: goals need not make sense for the two to be one equation."""
    for work in plan["work"].values():
        # Beds of cases that are served free room for moves of the same period in the program, not in the step.
        work.pop("uses", None)
        # Who of several gives the hours, the program chooses and the step shares out: with one kind of work it is one.
        if "by" in work:
            work["by"] = min(work["by"])
    name = min(plan["stocks"])
    plan["needs"] = {"posts": {"of": name, "need": f"{need} person", "short": {"price": 7}}}
    plan["goals"] = [{"least": goals}, {"least": "cost"}]
    try:
        found = planned(plan)
    except NoPlan:
        assume(False)
    _replayed(*found)


@given(task=tasks())
@FEW
def test_a_task_replayed_is_the_programs_trajectory(task):
    _replayed(*planned(task))


def _total(terms: Any, amounts: np.ndarray, rows: int) -> np.ndarray:
    """Add up `coefficient * count` into rows, one term at a time, (rows,)."""
    found = np.zeros(rows)
    for index, row, use in zip(*terms, strict=True):
        found[row] += use * amounts[index]
    return found


def _seats(given: Given, name: str) -> float:
    return float(given["resources"][name]["cap"].split()[0])


def _keeps(task: Given, network: Network, plan: Plan) -> tuple[float, np.ndarray]:
    """Live a plan on the mean path and count every limit again; return the price of those short and over, and money."""
    engine, price = MeanEngine(network), 0.0
    need = network.needs[0]
    for t in range(network.periods.count):
        engine.begin(t)
        people, way = engine.people[0].copy(), engine.under_way[0].copy()
        engine.finish(t, plan.decide(View(engine, t)))
        moved, served = engine.trace.moved[0, t], engine.trace.served[0, t]
        np.testing.assert_allclose(moved, plan.moved[t], atol=NEAR)
        assert people.min() >= -NEAR
        present, there = people.copy(), way.copy()
        for block in network.choices:
            for k, arc in enumerate(range(block.arcs.start, block.arcs.stop)):
                if block.tail[k] >= 0:
                    present[block.tail[k]] -= moved[arc]
                if block.lasts:
                    there[arc] += moved[arc]
                    continue
                for cell, share in ((block.head[k], block.passing[t]), (block.fail[k], 1 - block.passing[t])):
                    if cell >= 0:
                        present[cell] += share * moved[arc]
        assert present.min() >= -NEAR
        for limit in network.limits:
            n, most = len(limit.sites), limit.cap[t]
            used = _total(limit.hold, people, n) + _total(limit.transit, way, n)
            used += _total(limit.move, moved, n) + _total(limit.serve, served, n)
            assert (used <= most + NEAR * (1 + np.abs(most))).all(), limit.name
        for amounts, attribute, name, seats in (
            (moved, "part", "retrain", "seats"),
            (there, "stage", "academy", "beds"),
        ):
            for site in range(len(network.sites.ids)):
                taken = [
                    amounts[b.first + k]
                    for b in network.choices
                    for k, s in enumerate(b.sites)
                    if (getattr(b, attribute), s) == (name, site)
                ]
                assert sum(taken) <= _seats(task, seats) + NEAR
        have = _total(need.cells, present, len(need.sites)) + _total(need.transit, there, len(need.sites))
        short = need.need[t] - have
        price += np.maximum(short, 0) @ need.short.price[t] + np.maximum(-short, 0) @ need.over.price[t]
    spent = engine.trace.spent[0]
    for i, line in enumerate(network.lines):
        for window, cap in enumerate(line.cap):
            assert spent[line.window == window, i].sum() <= cap + NEAR * (1 + (cap if np.isfinite(cap) else 0))
    return float(price), spent


@given(task=tasks())
@FEW
def test_a_plan_keeps_every_limit_and_costs_what_its_replay_spends(task):
    """Counted again from the replay: rows of limits, seats in the planner's words, money, and those short or over."""
    task["goals"] = [{"least": "cost"}]
    task["budgets"] = {**task.get("budgets", {}), "all": {"pays": ["stocks", "choices", "work"]}}
    scenario = scenario_of(task)
    network = build(scenario)
    solution = optimize(network, scenario.goals, coarsen="none")
    price, spent = _keeps(task, network, solution.plan)
    everything = spent[:, [line.name for line in network.lines].index("all")].sum()
    assert solution.goals[0].value == pytest.approx(everything + price, rel=NEAR, abs=1e-3)


@given(task=tasks(), coarsen=st.sampled_from([[2], [3], [1, 2], [1, 4]]))
@FEW
def test_a_coarse_plan_keeps_every_limit_in_every_period(task, coarsen):
    """And what it loses is that of a plan which decides less often: it is never better."""
    task["goals"] = [{"least": "cost"}]
    scenario = scenario_of(task)
    network = build(scenario)
    try:
        solution = optimize(network, scenario.goals, coarsen=coarsen)
    except NoPlan:
        assume(False)
    _keeps(task, network, solution.plan)
    lived = outcome(live(MeanEngine(network), solution.plan), network, scenario.goals).goals[0, 0]
    fine = best(task)
    assert lived >= fine - NEAR * (1 + abs(fine))


@given(task=tasks(), coarsen=st.sampled_from(["none", [2]]), lump=st.sampled_from([1, 1, 3]))
@FEW
def test_a_plan_in_whole_numbers_keeps_every_limit(task, coarsen, lump):
    task["choices"]["retrain"]["lump"] = lump
    task["choices"]["hire"]["most"] = "2.4 person/week per site" if task["sites"] else "2.4 person/week"
    scenario = scenario_of(task)
    network = build(scenario)
    try:
        plan = optimize(network, scenario.goals, coarsen=coarsen).plan
    except NoPlan:
        assume(False)
    whole = kept(network, plan, whole=True)
    assert np.array_equal(whole.moved, np.round(whole.moved))
    assert np.array_equal(whole.served, np.round(whole.served))
    for block in network.choices:
        assert not (whole.moved[:, block.arcs] % block.lump).any()
        assert whole.moved[:, block.arcs].sum() <= plan.moved[:, block.arcs].sum() + block.lump or block.auto
    _keeps(task, counted(network), whole)


SIZES = (
    ("stocks", "desk", "start"), ("stocks", "field", "start"), ("flows", "come", "arrive"), ("choices", "hire", "most"),
    ("resources", "seats", "cap"), ("resources", "beds", "cap"), ("needs", "field", "need"), ("work", "cases", "start"),
    ("work", "cases", "arrive"), ("budgets", "pay", "cap"),
)  # fmt: skip
"""Every number of a task that counts people, cases, seats or money granted."""


def changed(given: Given, path: tuple[str, str, str], change: Any) -> Given | None:
    """A task with one of its numbers changed; None where it has no such number."""
    given = copy.deepcopy(given)
    collection, name, key = path
    if name not in given.get(collection, {}):
        return None
    number, *unit = given[collection][name][key].split(" ")
    given[collection][name][key] = " ".join([repr(change(float(number))), *unit])
    return given


@given(task=tasks(), times=st.sampled_from([2, 3, 10]))
@FEW
def test_twice_the_people_and_the_limits_are_twice_the_plan(task, times):
    larger = task
    for path in SIZES:
        larger = changed(larger, path, lambda number: number * times) or larger
    assert best(larger) == pytest.approx(times * best(task), rel=1e-6, abs=1e-3)


LIMITS = (
    (("resources", "seats", "cap"), "seats", "limit"),
    (("resources", "beds", "cap"), "beds", "limit"),
    (("choices", "hire", "most"), "most of hire", "limit"),
    (("budgets", "pay", "cap"), "pay", "money"),
    (("needs", "field", "need"), "field", "need"),
)


@pytest.mark.slow
@given(task=tasks(), more=st.sampled_from([0.5, 3, 100]))
@FEW
def test_a_looser_limit_never_worsens_the_optimum(task, more):
    tight = best(task)
    for path, _, kind in LIMITS:
        loose = changed(task, path, lambda number: number + more) if kind != "need" else None
        if loose is not None:
            assert best(loose) <= tight + 1e-6 * (1 + abs(tight)), path
    share = copy.deepcopy(task)
    share["choices"]["lend"]["share"]["share"] = "45 %"
    assert best(share) <= tight + 1e-6 * (1 + abs(tight))


@pytest.mark.slow
def test_a_price_lies_between_the_finite_differences_on_both_sides():
    """The optimum is convex in a limit: its price is no more than what the next unit changes, no less than the last."""
    seen = {name: 0 for _, name, _ in LIMITS}

    @given(task=tasks(), step=st.sampled_from([0.01, 0.5]))
    @settings(FEW, max_examples=25)
    def hold(task, step):
        solution = planned(task)[1]
        value = solution.goals[0].value
        for path, name, kind in LIMITS:
            by = step * (1000.0 if kind == "money" else 1.0)
            up = changed(task, path, lambda number, by=by: number + by)
            if up is None:
                continue
            looser = planned(up)[1]
            assert looser.program.matrix.shape == solution.program.matrix.shape
            rows = np.concatenate(
                [
                    np.arange(b.first, b.first + len(b.index))
                    for b in solution.program.rows
                    if (b.name, b.kind) == (name, kind)
                ]
            )
            # A grant is for a whole year: a row has its part of the unit.
            unit = looser.program.row_high[rows] - solution.program.row_high[rows]
            assert (unit > 0).all()
            price = float(solution.duals[0][rows] @ unit)
            near = 1e-6 * (1 + abs(value))
            assert looser.goals[0].value - value >= price - near, name
            if float(task[path[0]][path[1]][path[2]].split()[0]) >= by:
                tighter = best(changed(task, path, lambda number, by=by: number - by))
                assert value - tighter <= price + near, name
            seen[name] += abs(price) > near

    hold()
    assert min(seen.values()) > 0, f"a limit never binds, so that the law says nothing of it: {seen}"


def test_the_tasks_reach_every_limit_of_a_plan():
    """Prices that are zero would make the laws above empty: over some tasks each goal and each way is used."""
    used: set[str] = set()

    @given(task=tasks())
    @settings(FEW, max_examples=40)
    def collect(task):
        network, solution, trace = planned(task)
        used.update(goal.goal.least or "" for goal in solution.goals)
        used.update(b.name for b in network.choices if trace.moved[0][:, b.arcs].sum() > NEAR)
        used.update({"served"} if trace.served[0].sum() > NEAR else ())

    collect()
    assert {"retrain", "hire", "hire.academy", "lend", "detail", "fire.desk", "served", "cost", "backlog"} <= used
