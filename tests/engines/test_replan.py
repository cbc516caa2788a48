"""The rest of the horizon as a network, and a policy that plans again from where it is."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from fieldshift import UsageError, build, read
from fieldshift.engines.evaluate import evaluate
from fieldshift.engines.kernel import Kernel
from fieldshift.engines.live import live
from fieldshift.engines.optimize import optimize
from fieldshift.engines.outcome import outcome
from fieldshift.engines.reference import MeanEngine, Reference
from fieldshift.engines.remaining import eased, raised, remaining
from fieldshift.engines.replan import Replan
from fieldshift.engines.view import View
from fieldshift.scenario.schema import Goal, Scenario

pytestmark = pytest.mark.slow

SMALL = {
    "name": "Small",
    "horizon": {"start": "2024-01-01", "periods": 16, "step": "week"},
    "sites": [{"id": "a"}, {"id": "b"}],
    "stocks": {
        "desk": {"duty": "desk", "start": "40 person per site", "pay": "100 USD/week", "hours": "30 hour/week"},
        "field": {"duty": "field", "start": "10 person per site", "pay": "110 USD/week", "hours": "30 hour/week"},
    },
    "flows": {
        "leave": {"tail": ["desk", "field"], "rate": "2 %/week", "timing": "opening"},
        "quit": {"tail": "field", "rate": "3 %/week"},
    },
    "choices": {
        "retrain": {"tail": "desk", "head": "field", "lasts": "3 week", "pass": "80 %", "fail_to": "desk",
                    "dropout": "5 %/week", "drop_to": "desk", "cost": 50, "begun": "6 person per site",
                    "uses": {"seats": 1}},
        "hire": {"head": "desk", "stages": [{"name": "vetting", "lasts": "2 week"}, {"name": "school", "lasts": "3 week",
                 "on_strength": True}], "most": "2 person/week"},
        "detail": {"tail": "field", "at": ["a"], "to": ["b"], "returns": True, "lasts": "4 week", "upkeep": "10 USD/day"},
    },
    "resources": {"seats": {"unit": "seat", "cap": "18 seat"}},
    "budgets": {"money": {"cap": 520000, "pays": ["stocks", "choices"]}},
    "work": {"cases": {"start": "60 case per site", "arrive": {"sites": {"a": "10 case/week", "b": "40 case/week"}},
                       "standard": "10 hour/case", "by": "field"}},
    "needs": {"field": {"of": "field", "need": {"sites": {"a": "5 person", "b": "20 person"}}, "short": {"price": 100}}},
    "policies": {"stay": {}},
}  # fmt: skip

GOALS = (Goal(least="short"), Goal(least="backlog"), Goal(least="cost"))


def small(**changes) -> Scenario:
    return Scenario.model_validate({**SMALL, **changes})


class Keeps:
    """Lives a plan, and keeps the rest of the horizon at one period."""

    def __init__(self, plan, at):
        self.plan, self.at, self.started, self.rest, self.hosts = plan, at, [], None, []

    def decide(self, view: View):
        if view.period:
            self.started.append(view.moved(np.arange(view.network.n_choices))[0])
        if view.period == self.at:
            past = np.array(self.started).reshape(view.period, view.network.n_choices)
            hosted = {i: part[: view.period] for i, part in self.plan.hosts.items()}
            self.rest = remaining(view, past, 0, hosted)
        return self.plan.decide(view)


@cache
def planned():
    network = build(small())
    return network, optimize(network, GOALS)


@pytest.mark.parametrize("at", range(16))
def test_planning_again_without_chance_gives_back_the_optimum(at):
    """The tail of the best plan is the best plan of the tail (Bellman's principle), goal by goal."""
    network, plan = planned()
    keeps = Keeps(plan.plan, at)
    trace = live(MeanEngine(network), keeps)
    again = optimize(keeps.rest, GOALS)
    path = live(MeanEngine(keeps.rest), again.plan)
    before = outcome(trace, network, GOALS)
    for g, goal in enumerate(GOALS[:2]):
        past = _until(trace, network, goal, at)
        assert again.goals[g].value + past == pytest.approx(before.goals[g, 0], rel=2e-6, abs=1e-4)
        assert outcome(path, keeps.rest, (goal,)).goals[0, 0] == pytest.approx(again.goals[g].value, rel=1e-6, abs=1e-4)
    assert all(plan.plan.moved[:, b.arcs].sum() > 1 for b in network.choices if b.part != "hire")


def _until(trace, network, goal, at) -> float:
    """What the first periods count for a goal."""
    if goal.least == "short":
        return float(outcome(trace, network, ()).short["field"][0, :at].sum())
    cells = network.stock("cases").cells
    return float(trace.people[0, 1 : at + 1, cells].sum())


def test_the_rest_of_the_horizon_lives_on_as_the_whole():
    """The same moves from the middle on give the same counts, dropouts, guests, money and all."""
    network, plan = planned()
    keeps = Keeps(plan.plan, 6)
    trace = live(MeanEngine(network), keeps)
    assert trace.dropped[0, :6].sum() > 0
    tail = type(plan.plan)(plan.plan.moved[6:], plan.plan.served[6:], {i: h[6:] for i, h in plan.plan.hosts.items()})
    later = live(MeanEngine(keeps.rest), tail)
    n = network.n_cells
    np.testing.assert_allclose(later.people[0, 1:, :n], trace.people[0, 7:], atol=1e-8)
    np.testing.assert_allclose(later.under_way[0, 1:], trace.under_way[0, 7:], atol=1e-8)
    np.testing.assert_allclose(later.spent[0], trace.spent[0, 6:], rtol=1e-9)
    assert keeps.rest.lines[0].cap[0] == pytest.approx(network.lines[0].cap[0] - trace.spent[0, :6].sum())


def test_guests_on_a_detail_keep_giving_their_hours():
    network, plan = planned()
    detail = next(i for i, b in enumerate(network.choices) if b.returns)
    arcs = network.choices[detail].arcs
    moved = plan.plan.moved[:, arcs].sum(axis=1)
    at = 1 + int(np.argmax(np.convolve(moved, np.ones(3))[:15]))
    keeps = Keeps(plan.plan, at)
    live(MeanEngine(network), keeps)
    there = moved[max(at - 3, 0) : at].sum()
    assert there > 1
    guests = [b for b in keeps.rest.stocks if b.name.startswith("guests")]
    assert guests[0].hours[0].sum() == pytest.approx(30 * there)
    assert keeps.rest.n_cells == network.n_cells + 1


def test_a_rolling_horizon_without_chance_is_the_plan():
    network, plan = planned()
    rolling = Replan(GOALS, 5, strict=True)
    value = outcome(live(MeanEngine(network), rolling), network, GOALS).goals[:, 0]
    best = [goal.value for goal in plan.goals]
    np.testing.assert_allclose(value[:2], best[:2], rtol=1e-5, atol=1e-3)
    assert rolling.solves == 4
    assert rolling.kept == 0


def test_a_future_is_planned_for_whatever_shares_its_batch():
    network = build(small(horizon={"start": "2024-01-01", "periods": 9, "step": "week"}))
    together = live(Kernel(network, 3, np.arange(3)), Replan(GOALS, 4))
    for d in range(3):
        alone = live(Kernel(network, 3, np.array([d])), Replan(GOALS, 4))
        assert np.array_equal(alone.people[0], together.people[d])
        assert np.array_equal(alone.moved[0], together.moved[d])
    assert len({t.tobytes() for t in together.moved}) > 1
    readable = live(Reference(network, 3, np.arange(3)), Replan(GOALS, 4))
    assert np.array_equal(readable.moved, together.moved)


def test_what_rounding_owes_goes_on_to_the_next_plan():
    """0.4 people a week are hired for sure; planned anew every week, rounding alone would never hire anybody."""
    scenario = Scenario.model_validate({
        "name": "Slow", "horizon": {"periods": 20, "step": "week"}, "stocks": {"staff": {"start": 50}},
        "choices": {"hire": {"head": "staff", "most": "0.4 person/week"}},
        "needs": {"staff": {"of": "staff", "need": "100 person", "short": {"price": 1}}},
    })  # fmt: skip
    network = build(scenario)
    free = Replan((Goal(least="short"),), 1)
    rolling = live(MeanEngine(network), free)
    assert rolling.moved.sum() == pytest.approx(8.0)
    owed = Replan((Goal(least="short"),), 1)
    asked = []
    engine = Kernel(network, 1, np.arange(1))
    for t in range(20):
        engine.begin(t)
        decision = owed.decide(View(engine, t))
        asked.append(float(decision.asked.sum()))
        engine.finish(t, decision)
    assert sum(asked) == pytest.approx(8.0)
    assert set(asked) == {0.0, 1.0}


def test_what_chance_left_below_a_floor_does_not_forbid_to_plan():
    given = {**SMALL["stocks"], "desk": {**SMALL["stocks"]["desk"], "floor": "39 person per site"}}
    network = build(small(stocks=given))
    allowed = eased(network)
    cap = next(i for i, limit in enumerate(network.limits) if limit.name.startswith("floor"))
    assert (allowed.limits[cap].cap[-1] > network.limits[cap].cap[-1]).all()
    assert optimize(allowed, GOALS).status == "optimal"
    rolling = Replan(GOALS, 8)
    trace = live(Kernel(network, 2, np.arange(2)), rolling)
    assert rolling.kept == 0
    assert trace.moved.sum() > 0


def test_limits_are_raised_to_what_a_path_takes_and_no_further():
    network, plan = planned()
    trace = live(MeanEngine(network), plan.plan)
    same = raised(network, trace)
    for limit, other in zip(network.limits, same.limits, strict=True):
        np.testing.assert_allclose(other.cap, limit.cap, rtol=1e-6, atol=1e-6)


def test_a_rolling_horizon_lives_a_sample_and_does_better_than_the_plan():
    scenario = read("academy")
    plan = optimize(build(scenario), scenario.goals[:1])
    rolling = Replan(scenario.goals[:1], 52)
    found = evaluate(
        scenario, {"stay": "stay", "rolling": rolling}, plan=plan, goals=scenario.goals[:1], draws=6, groups=1, sample=2
    )
    assert found.policies[-1] == "rolling"
    assert found.futures["rolling"].tolist() == [0, 5]
    assert found.regret("rolling").shape == (1, 2)
    assert found.regret("rolling").mean() < 0
    assert "rolling" not in found.result.policies


def test_every_is_at_least_one_period():
    with pytest.raises(UsageError, match="every is 0"):
        Replan((), 0)
