"""Published manpower-planning problems in the planner's own words, solved to the printed digit.

Sources:
    Williams: H. P. Williams, Model Building in Mathematical Programming, Wiley, "Manpower planning" (12.5, 13.5, 14.5
        in the editions since the third): 842 redundancies at the least, in three years 443, 166, 232 (841.8 before
        rounding); least cost 498,677 pounds with 1,424 redundancies.
    CSL: W. L. Winston, Operations Research: Applications and Algorithms, section 3.12, the CSL computer company:
        593,777, trainees 0, 8.45, 11.45, 9.52, 0.
    SureStep: W. L. Winston and S. C. Albright, Practical Management Science, aggregate planning: 692,820.
    Web Mercantile: Hillier and Lieberman, problems of chapter 3: space leased for one to five months, 7,650,000; here
        as help on contracts of a fixed length.
    Dewright: Hillier and Lieberman, goal programming: penalties of 16 2/3 with 8 1/3, 0 and 1 2/3 made.
    Union Airways: F. S. Hillier and G. J. Lieberman, Introduction to Operations Research, section 3.4: 30,610 with
        48, 31, 39, 43, 15 agents on the five shifts.
    Post office: W. L. Winston, Operations Research, section 3.5: 23 full-time employees.

Each optimum was found again by a program written by hand from the printed equations.
"""

from __future__ import annotations

import numpy as np
import pytest

from fieldshift import build, read
from fieldshift.engines.live import live
from fieldshift.engines.optimize import Solution, optimize
from fieldshift.engines.reference import MeanEngine
from fieldshift.results.trace import Trace

pytestmark = pytest.mark.slow

WILLIAMS = """
name: Manpower planning
currency: GBP
horizon: {periods: 3, step: year}
stocks:
  unskilled: {start: 2000}
  semi: {start: 1500}
  skilled: {start: 1000}
  redundant: {on_strength: false}
flows:
  unskilled_leave: {tail: unskilled, rate: 10 %/year, timing: opening}
  semi_leave: {tail: semi, rate: 5 %/year, timing: opening}
  skilled_leave: {tail: skilled, rate: 5 %/year, timing: opening}
choices:
  recruit_unskilled: {head: unskilled, most: 500 person/year, pass: 75 %}
  recruit_semi: {head: semi, most: 800 person/year, pass: 80 %}
  recruit_skilled: {head: skilled, most: 500 person/year, pass: 90 %}
  train_unskilled: {tail: unskilled, head: semi, most: 200 person/year, pass: 95 %, cost: 400}
  train_semi:
    {tail: semi, head: skilled, share: {share: 25 %, of: [skilled, short_skilled], at: closing}, pass: 95 %, cost: 500}
  downgrade_skilled: {tail: skilled, head: semi, pass: 50 %}
  downgrade_skilled_twice: {tail: skilled, head: unskilled, pass: 50 %}
  downgrade_semi: {tail: semi, head: unskilled, pass: 50 %}
  dismiss_unskilled: {tail: unskilled, head: redundant, cost: 200}
  dismiss_semi: {tail: semi, head: redundant, cost: 500}
  dismiss_skilled: {tail: skilled, head: redundant, cost: 500}
  short_unskilled: {tail: unskilled, returns: true, lasts: 1 year, most: 50 person/year, cost: 500}
  short_semi: {tail: semi, returns: true, lasts: 1 year, most: 50 person/year, cost: 400}
  short_skilled: {tail: skilled, returns: true, lasts: 1 year, most: 50 person/year, cost: 400}
needs:
  unskilled:
    of: {unskilled: 1, short_unskilled: 0.5}
    need: {2000-01-01: 1000, 2001-01-01: 500, 2002-01-01: 0}
    over: {price: 1500, most: 150}
    group: overmanning
  semi:
    of: {semi: 1, short_semi: 0.5}
    need: {2000-01-01: 1400, 2001-01-01: 2000, 2002-01-01: 2500}
    over: {price: 2000, most: 150}
    group: overmanning
  skilled:
    of: {skilled: 1, short_skilled: 0.5}
    need: {2000-01-01: 1000, 2001-01-01: 1500, 2002-01-01: 2000}
    over: {price: 3000, most: 150}
    group: overmanning
"""

CSL = """
name: CSL
horizon: {periods: 5, step: month}
stocks: {technicians: {start: 50, pay: 2000 USD/month}}
flows: {quit: {tail: technicians, rate: 5 %/month}}
choices:
  train:
    {head: technicians, lasts: 1 month, cost: 1000, instructors: {stock: technicians, per_trainee: 50 / 160}}
needs:
  service:
    of: technicians
    productive: true
    need: {2000-01-01: 6000 / 160, 2000-02-01: 7000 / 160, 2000-03-01: 8000 / 160, 2000-04-01: 9500 / 160,
      2000-05-01: 11000 / 160}
"""

SURESTEP = """
name: SureStep
horizon: {periods: 4, step: month}
stocks:
  workers: {start: 100, pay: 1500 USD/month}
  shoes: {title: shoes made so far, start: 500}
choices:
  hire: {head: workers, cost: 1600, whole: true}
  fire: {tail: workers, cost: 2000, whole: true}
  make: {head: shoes, cost: 15, takes: {hours: 4}}
  make_in_overtime: {head: shoes, cost: 15 + 4 * 13, takes: {overtime: 4}}
resources:
  hours: {unit: hour, supply: {workers: 160}}
  overtime: {unit: hour, supply: {workers: 20}}
needs:
  sold_so_far:
    of: shoes
    need: {2000-01-01: 3000, 2000-02-01: 8000, 2000-03-01: 10000, 2000-04-01: 11000}
    over: {price: 3}
"""

UNION = """
name: Union Airways
horizon: {periods: 1, step: day}
stocks: {from_6: {}, from_8: {}, from_12: {}, from_16: {}, from_22: {}}
choices:
  staff_6: {head: from_6, cost: 170}
  staff_8: {head: from_8, cost: 160}
  staff_12: {head: from_12, cost: 175}
  staff_16: {head: from_16, cost: 180}
  staff_22: {head: from_22, cost: 195}
needs:
  at_6: {of: from_6, need: 48}
  at_8: {of: [from_6, from_8], need: 79}
  at_10: {of: [from_6, from_8], need: 65}
  at_12: {of: [from_6, from_8, from_12], need: 87}
  at_14: {of: [from_8, from_12], need: 64}
  at_16: {of: [from_12, from_16], need: 73}
  at_18: {of: [from_12, from_16], need: 82}
  at_20: {of: from_16, need: 43}
  at_22: {of: [from_16, from_22], need: 52}
  at_24: {of: from_22, need: 15}
"""

CONTRACTS = """
name: Contracts of a fixed length
horizon: {periods: 5, step: month}
choices:
  one: {lasts: 1 month, cost: 65000}
  two: {lasts: 2 month, cost: 100000}
  three: {lasts: 3 month, cost: 135000}
  four: {lasts: 4 month, cost: 160000}
  five: {lasts: 5 month, cost: 190000}
needs:
  work:
    of: [one, two, three, four, five]
    need: {2000-01-01: 30, 2000-02-01: 20, 2000-03-01: 40, 2000-04-01: 10, 2000-05-01: 50}
"""

DEWRIGHT = """
name: Dewright
horizon: {periods: 1, step: year}
stocks: {first: {}, second: {}, third: {}}
choices: {make_1: {head: first}, make_2: {head: second}, make_3: {head: third}}
needs:
  profit: {of: {first: 12, second: 9, third: 15}, need: 125, short: 5}
  employment: {of: {first: 5, second: 3, third: 4}, need: 40, short: 4, over: 2}
  capital: {of: {first: 5, second: 7, third: 8}, need: 55, short: 0, over: 3}
"""


def solved(text: str, tmp_path, **options) -> tuple[Solution, Trace]:
    """Return the best plan, and what the mean step makes of it."""
    file = tmp_path / "case.yaml"
    file.write_text(text, encoding="utf-8")
    scenario = read(file)
    network = build(scenario)
    solution = optimize(network, scenario.goals, **options)
    assert solution.status == "optimal"
    return solution, live(MeanEngine(network), solution.plan)


def moved(solution: Solution, choice: str) -> np.ndarray:
    """Return how many a plan starts on a choice in each period, at all sites."""
    network = solution.program.network
    return sum(solution.plan.moved[:, b.arcs].sum(axis=1) for b in network.choices if b.part == choice and not b.auto)


def test_csl(tmp_path):
    solution, trace = solved(CSL, tmp_path)
    assert solution.goals[0].value == pytest.approx(593_777, abs=0.5)
    np.testing.assert_allclose(moved(solution, "train"), [0, 8.45, 11.45, 9.52, 0], atol=0.005)
    np.testing.assert_allclose(trace.people[0, 1:, 0] / 0.95, [50, 47.5, 53.58, 62.35, 68.75], atol=0.005)


FEWEST = "goals: [{least: people, of: stocks.redundant, at: end}, {least: cost}]\n"


def dismissed(solution: Solution) -> np.ndarray:
    return sum(moved(solution, f"dismiss_{grade}") for grade in ("unskilled", "semi", "skilled"))


def test_williams_least_cost(tmp_path):
    solution, _ = solved(WILLIAMS, tmp_path)
    assert solution.goals[0].value == pytest.approx(498_677, abs=0.5)
    assert dismissed(solution).sum() == pytest.approx(1_424, abs=0.5)


def test_williams_fewest_redundancies(tmp_path):
    solution, _ = solved(WILLIAMS + FEWEST, tmp_path)
    assert solution.goals[0].value == pytest.approx(841.8, abs=0.05)
    np.testing.assert_allclose(dismissed(solution), [443, 166, 232], atol=0.6)


def test_surestep(tmp_path):
    """Demand is met from all shoes made so far, so that those over are the stock held, at 3 a month."""
    solution, _ = solved(SURESTEP, tmp_path)
    assert solution.goals[0].value == pytest.approx(692_820, abs=0.5)
    for choice in ("hire", "fire"):
        np.testing.assert_allclose(moved(solution, choice), np.round(moved(solution, choice)), atol=1e-6)
    relaxed, _ = solved(SURESTEP.replace(", whole: true", ""), tmp_path)
    assert relaxed.goals[0].value == pytest.approx(692_500, abs=0.5)


def test_union_airways(tmp_path):
    solution, _ = solved(UNION, tmp_path)
    assert solution.goals[0].value == pytest.approx(30_610, abs=1e-6)
    assert [moved(solution, f"staff_{hour}")[0] for hour in (6, 8, 12, 16, 22)] == pytest.approx([48, 31, 39, 43, 15])


def test_post_office(tmp_path):
    """Seven stocks of people who start on a weekday and work five days; on the mean of a week 22 1/3 would do."""
    days = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
    at_work = {day: [days[(i - k) % 7] for k in range(5)] for i, day in enumerate(days)}
    needed = dict(zip(days, (17, 13, 15, 19, 14, 16, 11), strict=True))
    lines = ["name: Post office", "horizon: {periods: 1, step: week}", "stocks:"]
    lines += [f"  {day}: {{}}" for day in days]
    lines += ["choices:", *(f"  staff_{day}: {{head: {day}, cost: 1, whole: true}}" for day in days)]
    lines += ["needs:", *(f"  on_{day}: {{of: [{', '.join(at_work[day])}], need: {needed[day]}}}" for day in days)]
    text = "\n".join(lines)
    solution, _ = solved(text, tmp_path)
    assert solution.goals[0].value == pytest.approx(23, abs=1e-6)
    relaxed, _ = solved(text.replace(", whole: true", ""), tmp_path)
    assert relaxed.goals[0].value == pytest.approx(67 / 3, abs=1e-6)


def test_contracts_of_a_fixed_length(tmp_path):
    solution, trace = solved(CONTRACTS, tmp_path)
    assert solution.goals[0].value == pytest.approx(7_650_000, abs=1e-3)
    under_way = trace.under_way[0, :-1].sum(axis=1) - trace.passed[0].sum(axis=1) + trace.moved[0].sum(axis=1)
    assert (under_way >= np.array([30, 20, 40, 10, 50]) - 1e-6).all()
    assert moved(solution, "five")[0] == pytest.approx(30)


def test_goals_weighed(tmp_path):
    solution, trace = solved(DEWRIGHT, tmp_path)
    assert solution.goals[0].value == pytest.approx(50 / 3, abs=1e-6)
    np.testing.assert_allclose(trace.people[0, -1], [25 / 3, 0, 5 / 3], atol=1e-6)
