"""One plan for many beliefs: the newsvendor, a case of two scenarios solved by hand, and what holds for all."""

from __future__ import annotations

import numpy as np
import pytest

from fieldshift import UsageError, build, read
from fieldshift.engines.evaluate import evaluate
from fieldshift.engines.futures import beliefs
from fieldshift.engines.optimize import optimize
from fieldshift.engines.robust import robust, worst
from fieldshift.errors import NoPlan
from fieldshift.network.build import build as build_network
from fieldshift.scenario.schema import Goal, Scenario

pytestmark = pytest.mark.slow

HIRE, SHORT, IDLE = 30.0, 100.0, 20.0

NEWSVENDOR = """
name: Newsvendor
horizon: {periods: 1, step: week}
quantities: {demand: {value: 100 person, range: 0..200 person, source: made up}}
stocks: {staff: {start: 0}}
choices: {hire: {head: staff, cost: 30}}
needs: {work: {of: staff, need: demand, short: {price: 100}, over: {price: 20}}}
"""

RUSH = """
name: Rush
horizon: {start: 2024-01-01, periods: 2, step: week}
quantities: {demand: {estimates: [{value: 10 person, source: one}, {value: 30 person, source: other}]}}
stocks: {staff: {start: 0}}
choices:
  hire: {head: staff, cost: 10, until: 2024-01-07}
  rush: {head: staff, cost: 15, from: 2024-01-08}
needs: {work: {of: staff, need: demand, short: {price: 0, most: 0}}}
"""


def written(text: str, tmp_path) -> Scenario:
    file = tmp_path / "case.yaml"
    file.write_text(text, encoding="utf-8")
    return read(file)


def demands(scenario: Scenario, futures: int, seed: int) -> np.ndarray:
    return np.array([build(scenario, draw).needs[0].need[-1, 0] for draw in beliefs(scenario, futures, seed)])


def losses(hired: float, demand: np.ndarray) -> np.ndarray:
    return HIRE * hired + SHORT * np.maximum(demand - hired, 0) + IDLE * np.maximum(hired - demand, 0)


def test_the_newsvendor_hires_the_critical_quantile(tmp_path):
    """Marginal cost: hired + idle with probability F, short otherwise; so F(Q) = (100 - 30) / (100 + 20) = 7 / 12.

    Of 25 equally likely demands that is the 15th smallest (15 / 25 is the first share not below 7 / 12).
    Source: Arrow, Harris & Marschak (1951), Optimal inventory policy, Econometrica 19.
    """
    scenario = written(NEWSVENDOR, tmp_path)
    demand = demands(scenario, 25, 3)
    found = robust(scenario, futures=25, seed=3)
    hired = found.plan.moved[0, 0]
    assert hired == pytest.approx(np.sort(demand)[14], abs=1e-6)
    goal = found.goals[0]
    np.testing.assert_allclose(goal.by_scenario, losses(hired, demand), rtol=1e-9)
    np.testing.assert_allclose(goal.known, HIRE * demand, rtol=1e-9, atol=1e-6)
    np.testing.assert_allclose(goal.mean_plan, losses(100.0, demand), rtol=1e-9)
    assert goal.worth == pytest.approx(losses(100.0, demand).mean() - losses(hired, demand).mean())
    assert goal.information == pytest.approx(losses(hired, demand).mean() - HIRE * demand.mean())
    assert goal.worth > 0
    assert (found.missed == 0).all()


def test_the_cautious_newsvendor_makes_the_mean_of_the_worst_least(tmp_path):
    """CVaR is piecewise linear in Q; a fine grid with the demands in it finds its least."""
    scenario = written(NEWSVENDOR, tmp_path)
    demand = demands(scenario, 10, 4)
    grid = np.unique(np.concatenate([demand, np.linspace(0, 200, 8001)]))
    for risk in (0.5, 1.0):
        judged = [(1 - risk) * losses(q, demand).mean() + risk * worst(losses(q, demand), 0.75) for q in grid]
        found = robust(scenario, futures=10, seed=4, risk=risk, alpha=0.75)
        goal = found.goals[0]
        mine = (1 - risk) * goal.value + risk * goal.worst
        assert mine == pytest.approx(min(judged), rel=1e-4)
        assert mine <= min(judged) + 1e-6
    neutral = robust(scenario, futures=10, seed=4)
    assert found.goals[0].worst < neutral.goals[0].worst
    assert found.goals[0].value > neutral.goals[0].value


@pytest.mark.parametrize(("alpha", "expected"), [(0.0, 2.5), (0.5, 3.5), (0.75, 4.0), (0.6, (4 + 0.6 * 3) / 1.6)])
def test_the_mean_of_the_worst_counts_a_part_of_one_in_part(alpha, expected):
    assert worst(np.array([2.0, 4.0, 1.0, 3.0]), alpha) == pytest.approx(expected)
    assert worst(np.array([-2.0, -4.0, -1.0, -3.0]), alpha, -1.0) == pytest.approx(-expected)


def test_two_scenarios_solved_by_hand(tmp_path):
    """Hire for 10 before the demand of 10 or 30 is known, in a rush for 15 when it is.

    A person hired beforehand beyond the 10th is needed half of the time: 10 against 7.50. So 10 are hired first, and
    20 more in a rush in one of the two: 100 + 300 / 2 = 250. Known beforehand it is 10 x 10 or 10 x 30, 200 on average.
    The plan for the mean of 20 costs 200 + 150 / 2 = 275. The solution is worth 25, perfect information 50.
    """
    scenario = written(
        RUSH.replace("need: demand", "need: {dates: {2024-01-01: 0 person, 2024-01-08: demand}}"), tmp_path
    )
    found = robust(scenario, (Goal(least="cost"),), futures=2, first_stage=1)
    goal = found.goals[0]
    assert sorted(demands(scenario, 2, 1)) == [10, 30]
    assert found.plan.moved[0].sum() == pytest.approx(10)
    assert goal.value == pytest.approx(250)
    assert sorted(goal.by_scenario) == pytest.approx([100, 400])
    assert sorted(goal.known) == pytest.approx([100, 300])
    assert sorted(goal.mean_plan) == pytest.approx([200, 350])
    assert goal.worth == pytest.approx(25)
    assert goal.information == pytest.approx(50)
    row = found.table().iloc[0]
    assert (row["mean"], row["worth"], row["information"]) == pytest.approx((250, 25, 50))


def test_moves_after_the_first_stage_are_each_scenarios_own(tmp_path):
    scenario = written(
        RUSH.replace("need: demand", "need: {dates: {2024-01-01: 0 person, 2024-01-08: demand}}"), tmp_path
    )
    split = robust(scenario, (Goal(least="cost"),), futures=2, first_stage=1)
    np.testing.assert_allclose(split.plans[0].moved[0], split.plans[1].moved[0], atol=1e-7)
    assert abs(split.plans[0].moved[1] - split.plans[1].moved[1]).max() == pytest.approx(20)
    same = robust(scenario, (Goal(least="cost"),), futures=2)
    np.testing.assert_allclose(same.plans[0].moved, same.plans[1].moved, atol=1e-7)
    assert same.goals[0].value == pytest.approx(300)
    assert np.isinf(same.goals[0].mean_plan).sum() == 1
    assert same.goals[0].worth == np.inf


def test_starts_that_a_scenario_cannot_make_are_counted(tmp_path):
    """Of a mean plan that retrains 20, a scenario with 12 people to retrain makes 12 and misses 8."""
    text = """
name: Cut
horizon: {start: 2024-01-01, periods: 2, step: week}
quantities: {ready: {estimates: [{value: 12 person, source: one}, {value: 28 person, source: other}]}}
stocks: {desk: {start: ready}, field: {start: 0}}
choices: {retrain: {tail: desk, head: field, most: 20 person/week}}
needs: {field: {of: field, need: 20 person, short: {price: 10}}}
"""
    found = robust(written(text, tmp_path), (Goal(least="short"),), futures=2, first_stage=1)
    assert sorted(found.missed) == pytest.approx([0, 8])
    assert sorted(found.goals[0].mean_plan) == pytest.approx([0, 16])


def test_values_of_information_have_their_signs_on_the_tutorial():
    """WS <= RP <= EEV for the first goal (Madansky 1960), and with one belief a scenario alone is the plan of optimize."""
    scenario = read("academy")
    short = scenario.model_copy(update={"horizon": scenario.horizon.model_copy(update={"periods": 40})})
    found = robust(short, short.goals[:2], futures=4, seed=2, first_stage=13)
    goal = found.goals[0]
    assert goal.known.mean() <= goal.value + 1e-5
    assert goal.value <= goal.mean_plan.mean() + 1e-5
    for s in (0, 3):
        alone = optimize(build_network(short, found.beliefs[s]), short.goals[:2], coarsen="none")
        assert found.goals[0].known[s] == pytest.approx(alone.goals[0].value, rel=1e-6, abs=1e-4)
        assert found.goals[1].known[s] == pytest.approx(alone.goals[1].value, rel=1e-5)
    first = [leg for leg in build_network(short).choices if not leg.auto]
    for plan in found.plans:
        for leg in first:
            np.testing.assert_allclose(plan.moved[:13, leg.arcs], found.plan.moved[:13, leg.arcs], atol=1e-6)


def test_the_same_seed_gives_the_same_plan(tmp_path):
    scenario = written(NEWSVENDOR, tmp_path)
    one, two = (robust(scenario, futures=8, seed=9, risk=0.3) for _ in range(2))
    assert one.plan.moved.tobytes() == two.plan.moved.tobytes()
    other = robust(scenario, futures=8, seed=10, risk=0.3)
    assert other.plan.moved.tobytes() != one.plan.moved.tobytes()


def test_a_robust_plan_is_evaluated_as_any_other(tmp_path):
    scenario = written(NEWSVENDOR, tmp_path)
    found = robust(scenario, futures=25, seed=3)
    lived = evaluate(scenario, (), plan=found, draws=6, groups=6, seed=8, sample=0)
    hired = np.round(found.plan.moved[0, 0])
    np.testing.assert_allclose(lived.values["plan"][0], losses(hired, demands(scenario, 6, 8)), rtol=1e-9)
    assert lived.promised[0] == pytest.approx(found.goals[0].value)


def test_what_cannot_be_planned_is_said(tmp_path):
    scenario = written(NEWSVENDOR, tmp_path)
    with pytest.raises(UsageError, match="alpha is 1"):
        robust(scenario, alpha=1.0)
    with pytest.raises(UsageError, match="futures is 1"):
        robust(scenario, futures=1)
    with pytest.raises(NoPlan, match="every scenario"):
        robust(written(RUSH, tmp_path).model_copy(update={"choices": {}}), futures=2)
