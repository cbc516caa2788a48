"""Policies and plans on the same futures: values, needs, regret, and the best with known unknowns."""

from __future__ import annotations

import dataclasses
import json
from functools import cache

import numpy as np
import pandas as pd
import pytest

from fieldshift import UsageError, build, read, simulate
from fieldshift.engines.evaluate import evaluate
from fieldshift.engines.futures import beliefs
from fieldshift.engines.kernel import Kernel
from fieldshift.engines.live import live
from fieldshift.engines.optimize import goal_vector, optimize
from fieldshift.engines.outcome import outcome
from fieldshift.engines.policies import Stay, policy_of
from fieldshift.engines.reference import MeanEngine
from fieldshift.scenario.schema import Goal, Scenario

pytestmark = pytest.mark.slow

GOALS = (
    Goal(least="short", of="needs.field"),
    Goal(least="short", at="end"),
    Goal(least="over"),
    Goal(least="backlog", of="work.inspections"),
    Goal(least="backlog", at="end"),
    Goal(least="people", of=("stocks.desk", "stocks.field")),
    Goal(most="people", of="stocks.field", at="end"),
    Goal(most="served", of="work.reports"),
    Goal(most="served", at="end"),
    Goal(least="cost"),
)

PRICED = {
    "name": "Priced",
    "horizon": {"start": "2024-01-01", "periods": 12, "step": "week"},
    "stocks": {"desk": {"start": 40, "pay": "100 USD/week"}, "field": {"start": 10, "pay": "120 USD/week"}},
    "flows": {
        "leave": {"tail": ["desk", "field"], "rate": "2 %/week", "timing": "opening"},
        "quit": {"tail": "field", "rate": "3 %/week"},
    },
    "choices": {
        "retrain": {"tail": "desk", "head": "field", "lasts": "2 week", "pass": "80 %", "fail_to": "desk",
                    "dropout": "5 %/week", "drop_to": "desk", "cost": 50, "most": "3 person/week"},
        "hire": {"head": "desk", "cost": 300, "fixed_cost": 200, "most": "2 person/week"},
    },
    "needs": {
        "field": {"of": "field", "need": "20 person", "short": {"price": 100, "most": 3, "steps": [{"price": 900}]}},
        "desk": {"of": "desk", "need": "30 person", "short": {"price": 250}, "over": {"price": 4}},
    },
    "policies": {"stay": {}, "move": {"rules": [{"rule": "schedule", "choice": "retrain", "amount": "2 person/week"}]}},
}  # fmt: skip


@cache
def academy():
    scenario = read("academy")
    network = build(scenario)
    return scenario, network, optimize(network, scenario.goals)


@cache
def evaluated():
    scenario, _, plan = academy()
    return evaluate(scenario, ("both",), plan=plan, draws=16, seed=5, groups=4, workers=1, sample=2)


@pytest.mark.parametrize("goal", GOALS, ids=lambda g: f"{g.least or g.most} {g.of} {g.at}")
def test_a_goal_of_a_mean_path_is_the_goal_of_the_program(goal):
    _, network, plan = academy()
    trace = live(MeanEngine(network), plan.plan)
    vector, constant = goal_vector(plan.program, goal)
    program = float(vector @ plan.columns) + constant
    value = outcome(trace, network, (goal,)).goals[0, 0]
    assert value == pytest.approx(-program if goal.most else program, rel=1e-7, abs=1e-4)


def test_prices_charges_and_opening_chance_are_those_of_the_program():
    network = build(Scenario.model_validate(PRICED))
    plan = optimize(network, (Goal(least="cost"),))
    trace = live(MeanEngine(network), plan.plan)
    assert plan.plan.moved.sum() > 5
    assert outcome(trace, network, (Goal(least="cost"),)).goals[0, 0] == pytest.approx(plan.goals[0].value, rel=1e-7)


def test_the_cost_of_a_future_is_what_was_spent_in_it():
    """A line that pays for everything spends what the cost goal says, future by future, chance and all."""
    given = {**PRICED, "needs": {}, "budgets": {"all": {"pays": ["stocks", "choices"]}}}
    given["choices"] = {
        name: {k: v for k, v in c.items() if k != "fixed_cost"} for name, c in PRICED["choices"].items()
    }
    scenario = Scenario.model_validate(given)
    network = build(scenario)
    trace = live(Kernel(network, 3, np.arange(7)), policy_of(scenario, network, "move"))
    assert trace.dropped.sum() > 0
    cost = outcome(trace, network, (Goal(least="cost"),)).goals[0]
    np.testing.assert_allclose(cost, trace.spent[:, :, 0].sum(axis=1), rtol=1e-12)


def test_measures_are_those_of_a_simulation_of_the_same_futures():
    scenario, _, _ = academy()
    found = evaluated()
    other = simulate(scenario, ("both",), 16, 5, groups=4)
    pd.testing.assert_frame_equal(found.result.table(policies=("both",)), other.table())


def test_workers_change_nothing():
    scenario, _, plan = academy()
    one, three = (
        evaluate(scenario, ("both",), plan=plan, draws=6, seed=5, groups=3, workers=w, sample=1) for w in (1, 3)
    )
    assert json.dumps(one.as_dict()) == json.dumps(three.as_dict())
    for name in one.policies:
        assert np.array_equal(one.values[name], three.values[name])


def test_the_plan_keeps_its_promise_on_the_mean_and_not_under_chance():
    table = evaluated().table()
    mine = table[table["policy"] == "plan"]
    np.testing.assert_allclose(mine["on_mean"], mine["promised"], rtol=1e-6, atol=1e-3)
    assert (mine["futures"] == 16).all()
    np.testing.assert_allclose(mine["hidden"], mine["mean"] - mine["on_mean"])
    assert mine["hidden"].iloc[0] > 1


def test_regret_is_paired_by_future_and_signed_by_the_goal():
    scenario, _, plan = academy()
    goals = (Goal(least="short"), Goal(most="served", of="work.inspections"))
    found = evaluate(scenario, ("both",), plan=plan, goals=goals, draws=8, seed=2, sample=0)
    lost = found.regret("both")
    np.testing.assert_allclose(lost[0], found.values["both"][0] - found.values["plan"][0])
    np.testing.assert_allclose(lost[1], found.values["plan"][1] - found.values["both"][1])
    row = found.regret_table().iloc[1]
    assert row["better"] == (lost[1] < 0).mean()
    assert row["mean"] == pytest.approx(lost[1].mean())


def test_how_often_a_need_is_met_is_counted_in_the_records():
    scenario, network, _ = academy()
    found = evaluate(scenario, ("both",), draws=12, seed=4, groups=1, sample=0)
    trace = live(Kernel(network, 4, np.arange(12)), policy_of(scenario, network, "both"))
    need = network.needs[0]
    field = network.stock("field")
    moved = {b.name: trace.moved[:, :, b.arcs] for b in network.choices}
    opening = trace.people[:, :-1, field.cells].astype(float)
    for block in network.choices:
        if block.lasts:
            for k in range(len(block.tail)):
                for cells, done in ((block.head, trace.passed), (block.fail, trace.failed)):
                    if field.first <= cells[k] < field.first + len(field.sites):
                        opening[:, :, cells[k] - field.first] += done[:, :, block.first + k]
    gone = next(b for b in network.choices if b.name == "detail")
    opening[:, :, gone.tail - field.first] -= moved["detail"]
    met = opening >= need.need[None] - 1e-9
    np.testing.assert_allclose(found.met["both"]["field"].sites, met.mean(axis=0))
    np.testing.assert_allclose(found.met["both"]["field"].nation, met.all(axis=2).mean(axis=0))
    assert 0 < found.met["both"]["field"].sites.mean() < 1
    by_site = found.needs_table(by="site")
    assert set(by_site["site"]) == set(network.sites.ids)
    assert len(found.needs_table()) == 104


def test_no_policy_beats_known_unknowns_on_the_mean():
    informed = evaluated().informed
    assert informed is not None
    assert informed.exact
    for values in informed.on_mean.values():
        assert (values - informed.bound >= -1e-6 * np.maximum(1.0, np.abs(informed.bound))).all()


def test_the_bound_is_met_by_the_plan_that_knows():
    """Staying breaks no limit of the academy, so nothing is raised, and the bound is the optimum of that belief."""
    scenario, _, _ = academy()
    found = evaluate(scenario, ("stay",), goals=scenario.goals[:1], draws=3, groups=3, seed=5, sample=1)
    draw = beliefs(scenario, 3, 5)[0]
    network = build(scenario, draw)
    best = optimize(network, scenario.goals[:1])
    value = outcome(live(MeanEngine(network), best.plan), network, scenario.goals[:1]).goals[0, 0]
    assert value == pytest.approx(found.informed.bound[0, 0], abs=1e-6)


def test_plain_data_is_json_without_nan():
    text = json.dumps(evaluated().as_dict(), allow_nan=False)
    data = json.loads(text)
    assert {row["policy"] for row in data["goals"]} == {"both", "plan"}
    assert {row["policy"] for row in data["regret"]} == {"both"}


def test_a_strict_plan_serves_no_more_than_planned():
    scenario, _, plan = academy()
    goals = (Goal(most="served", of="work.inspections"),)
    loose, strict = (
        evaluate(scenario, (), plan=plan, goals=goals, draws=6, seed=2, sample=0, strict=s).values["plan"]
        for s in (False, True)
    )
    assert (strict <= loose).all()
    assert (strict < loose).any()


def test_what_cannot_be_evaluated_is_said():
    scenario, _, plan = academy()
    with pytest.raises(UsageError, match="no policy named"):
        evaluate(scenario, ("nobody",))
    with pytest.raises(UsageError, match="draws is 0"):
        evaluate(scenario, draws=0)
    with pytest.raises(UsageError, match="no policy to evaluate"):
        evaluate(scenario, ())
    with pytest.raises(UsageError, match="called 'plan'"):
        evaluate(scenario, {"plan": Stay()}, plan=plan)
    with pytest.raises(UsageError, match="there is no plan"):
        evaluate(scenario, ("stay",), draws=2, sample=0).regret("stay")


def test_a_plan_among_the_policies_is_made_whole():
    scenario, _, plan = academy()
    own = dataclasses.replace(plan.plan, strict=False)
    found = evaluate(scenario, {"mine": own}, plan=plan, draws=6, seed=2, sample=0)
    assert np.array_equal(found.values["mine"], found.values["plan"])
