"""Plans with known answers, each written in the planner's own words, solved to the printed digit.

Sources:
    Workco: an exercise on minimum-cost flows, of the kind of W. L. Winston, Operations Research: Applications and
    Algorithms: need 20, 16, 25; hiring 100, firing 50, salary 140, starting with nobody; 11,600.
    The contractor: the work-force size model of H. A. Taha, Operations Research: An Introduction (deterministic
    dynamic programming): need 5, 7, 8, 4, 6; an idle worker 300 a week; hiring 400 and 200 a head; firing free; 3,300.
    The others are solved by hand in their docstrings.
"""

from __future__ import annotations

import numpy as np
import pytest

from fieldshift import build, read
from fieldshift.engines.live import live
from fieldshift.engines.optimize import Solution, optimize
from fieldshift.engines.reference import MeanEngine
from fieldshift.errors import NoPlan

WORKCO = """
name: Workco
horizon: {periods: 3, step: month}
stocks: {workers: {start: 0, pay: 140 USD/month}}
choices:
  hire: {head: workers, cost: 100}
  fire: {tail: workers, cost: 50}
needs: {work: {of: workers, need: {dates: {2000-01: 20, 2000-02: 16, 2000-03: 25}}}}
"""

CONTRACTOR = """
name: Contractor
horizon: {periods: 5, step: week, start: 2024-01-01}
stocks: {workers: {start: 0}}
choices:
  hire: {head: workers, cost: 200, fixed_cost: 400}
  fire: {tail: workers}
needs:
  work:
    of: workers
    need: {dates: {2024-01-01: 5, 2024-01-08: 7, 2024-01-15: 8, 2024-01-22: 4, 2024-01-29: 6}}
    over: {price: 300}
"""

CENSUS = """
name: Steady census
horizon: {periods: 12, step: month}
stocks: {staff: {start: 100}}
flows: {leave: {tail: staff, rate: 5 %/month, timing: opening}}
choices: {hire: {head: staff, cost: 1000}}
needs: {staff: {of: staff, need: 100 person}}
"""

REDEPLOY = """
name: Redeployment
horizon: {periods: 4, step: week, start: 2024-01-01}
stocks: {desk: {start: 30, floor: 10}, field: {start: 20}}
choices: {retrain: {tail: desk, head: field, lasts: 1 week, uses: {seats: 1}}}
resources: {seats: {unit: seat, cap: 6 seat}}
needs: {field: {of: field, need: 40 person, short: {price: 10}}}
"""


def solved(text: str, tmp_path, **options) -> tuple[Solution, np.ndarray]:
    """Return the best plan, and the strength after each period's moves on its mean path, shape (T, stocks)."""
    file = tmp_path / "case.yaml"
    file.write_text(text, encoding="utf-8")
    scenario = read(file)
    network = build(scenario)
    solution = optimize(network, scenario.goals, **options)
    trace = live(MeanEngine(network), solution.plan)
    return solution, trace.people[0, 1:]


def test_workco(tmp_path):
    solution, strength = solved(WORKCO, tmp_path)
    assert solution.status == "optimal"
    assert solution.goals[0].value == pytest.approx(11_600, abs=1e-6)
    np.testing.assert_allclose(strength[:, 0], [20, 20, 25], atol=1e-7)


def test_contractor_with_a_charge_for_hiring_at_all(tmp_path):
    solution, strength = solved(CONTRACTOR, tmp_path)
    assert solution.goals[0].value == pytest.approx(3_300, abs=1e-6)
    assert solution.gap == pytest.approx(0, abs=1e-9)
    np.testing.assert_allclose(strength[:, 0], [5, 8, 8, 6, 6], atol=1e-6)


def test_a_steady_census_hires_what_leaves(tmp_path):
    """100 people, 5 % leave before each month's hiring: 5 are hired every month, 12 x 5 x 1,000 in all."""
    solution, strength = solved(CENSUS, tmp_path)
    np.testing.assert_allclose(solution.plan.moved[:, 0], np.full(12, 5.0), atol=1e-7)
    np.testing.assert_allclose(strength[:, 0], np.full(12, 100.0), atol=1e-7)
    assert solution.goals[0].value == pytest.approx(60_000, abs=1e-6)


def test_a_redeployment_solved_by_hand_with_its_price(tmp_path):
    """6 seats for a week each: the field has 20, 26, 32, 38 in weeks 1-4, so it is short by 20, 14, 8, 2.

    20 + 14 + 8 + 2 = 44 person-weeks at 10. A seventh seat in week 1 has one more in the field for three weeks, in
    week 2 for two, in week 3 for one: worth 30, 20 and 10; in week 4 nothing, whoever starts then arrives too late.
    """
    solution, _ = solved(REDEPLOY, tmp_path)
    assert solution.goals[0].value == pytest.approx(440, abs=1e-6)
    names = {block.name: block for block in solution.program.rows}
    seats = names["seats"]
    price = -solution.duals[0][seats.first : seats.first + 4]
    np.testing.assert_allclose(price, [30, 20, 10, 0], atol=1e-7)


def test_a_price_is_the_finite_difference(tmp_path):
    more = REDEPLOY.replace("cap: 6 seat", "cap: {dates: {2024-01-01: 7 seat, 2024-01-08: 6 seat}}")
    base, _ = solved(REDEPLOY, tmp_path)
    looser, _ = solved(more, tmp_path)
    assert looser.goals[0].value - base.goals[0].value == pytest.approx(-30, abs=1e-6)


def test_no_plan_is_said(tmp_path):
    with pytest.raises(NoPlan):
        solved(
            WORKCO.replace("fire:", "x_fire:").replace(
                "head: workers, cost: 100", "head: workers, most: 3 person/month"
            ),
            tmp_path,
        )


def test_goals_stand_in_order(tmp_path):
    """The first goal's best is kept: least cost alone would hire nobody, for being short is free of charge here."""
    text = (
        REDEPLOY.replace("short: {price: 10}", "short: {price: 0}").replace(
            "uses: {seats: 1}", "uses: {seats: 1}, cost: 5"
        )
        + "goals: [{least: short, of: needs.field}, {least: cost}]\n"
    )
    solution, _ = solved(text, tmp_path)
    assert solution.goals[0].value == pytest.approx(44, abs=1e-4)
    assert solution.goals[1].value == pytest.approx(18 * 5, abs=1e-3)


TEAMS = """
name: Teams
horizon: {periods: 3, step: week, start: 2024-01-01}
stocks: {desk: {start: 40}, field: {start: 20}}
choices: {retrain: {tail: desk, head: field, lump: 7, cost: 1}}
resources: {seats: {unit: seat, cap: 12 seat}}
needs: {field: {of: field, need: 40 person, short: {price: 10}, over: {price: 4}}}
"""


def test_people_who_move_in_whole_teams(tmp_path):
    """20 more are needed at once; teams of seven go: 14 leave six short (60 a week), 21 leave one over (4 a week).

    21 in the first week cost 21 and 3 x 4 = 12: 33. Without teams the 20 cost 20.
    """
    solution, strength = solved(TEAMS, tmp_path)
    np.testing.assert_allclose(solution.plan.moved[:, 0], [21, 0, 0], atol=1e-7)
    np.testing.assert_allclose(strength.sum(axis=1), [60, 60, 60], atol=1e-7)
    assert solution.goals[0].value == pytest.approx(33, abs=1e-6)
    assert (solution.status, solution.gap) == ("optimal", pytest.approx(0, abs=1e-6))
    alone, _ = solved(TEAMS.replace("lump: 7, ", ""), tmp_path)
    assert alone.goals[0].value == pytest.approx(20, abs=1e-6)
