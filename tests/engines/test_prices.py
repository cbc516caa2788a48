"""What one more of each limit is worth, against hand-solved cases and against plans of changed networks."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from fieldshift import build, read
from fieldshift.engines.gaps import gaps
from fieldshift.engines.live import live
from fieldshift.engines.optimize import optimize
from fieldshift.engines.policies import Stay
from fieldshift.engines.prices import shortages
from fieldshift.engines.reference import MeanEngine

REDEPLOY = """
name: Redeployment
horizon: {periods: 4, step: week, start: 2024-01-01}
stocks: {desk: {start: 30, floor: 10, duty: desk}, field: {start: 20, duty: field}}
choices: {retrain: {tail: desk, head: field, lasts: 1 week, uses: {seats: 1}}}
resources: {seats: {unit: seat, cap: 6 seat}}
needs: {field: {of: field, need: 40 person, short: {price: 10}}}
"""

MONEY = """
name: Money
horizon: {periods: 2, step: year, start: 2024-01-01}
stocks: {staff: {start: 0}}
choices: {hire: {head: staff, cost: 100 USD/person}}
budgets: {hiring: {cap: 1000 USD, pays: choices}}
needs: {staff: {of: staff, need: 50 person, short: {price: 0}}}
goals: [{least: short}, {least: cost}]
"""


def network_of(text, tmp_path):
    file = tmp_path / "case.yaml"
    file.write_text(text, encoding="utf-8")
    scenario = read(file)
    return scenario, build(scenario)


def priced(text, tmp_path, **options):
    scenario, network = network_of(text, tmp_path)
    solution = optimize(network, scenario.goals)
    return solution, shortages(solution, **options)


def test_a_seat_for_three_weeks_has_two_prices(tmp_path):
    """6 seats: short 20, 14, 8, 2 at 10 each. With h more, 60 h is gained until nobody is short in week 4 (h = 2/3),
    then 30 h: 50 for one more seat, while one less costs 60. The average stays within 1 % of 50 up to h = 20 / 19.5.
    """
    _, found = priced(REDEPLOY, tmp_path)
    (seat,) = [s for s in found.found if s.rule.part == "resources.seats"]
    assert seat.price.loosen == pytest.approx(50, abs=1e-6)
    assert seat.price.tighten == pytest.approx(60, abs=1e-6)
    assert seat.price.kinked
    assert seat.upto == pytest.approx(20 / 19.5, abs=1e-6)
    assert seat.downto >= 4
    assert (str(seat.rule.start), str(seat.rule.end), seat.rule.periods) == ("2024-01-01", "2024-01-22", 3)
    assert "one more seat, 2024-01-01 to 2024-01-21 (3 weeks)" in seat.sentence()
    assert "one seat fewer costs 60 USD" in seat.sentence()


def test_effects_are_people_of_the_plan_solved_again(tmp_path):
    """A seventh seat brings two more from desk to field in all, for the desk floor of 10 stops the third."""
    _, found = priced(REDEPLOY, tmp_path)
    effects = {e.what: e.change for e in found.found[0].effects}
    assert effects["on field duty on 2024-01-29"] == pytest.approx(2, abs=1e-6)
    assert effects["on desk duty on 2024-01-29"] == pytest.approx(-2, abs=1e-6)


def test_limits_that_bind_together_have_no_price_alone(tmp_path):
    """Six seats and at most six starts: a basis prices one of them, but one more of either alone brings nothing."""
    text = REDEPLOY.replace("lasts: 1 week,", "lasts: 1 week, most: 6 person/week,")
    solution, found = priced(text, tmp_path)
    assert max(-solution.duals[0].min(), solution.duals[0].max()) > 1
    assert found.found == ()
    assert found.unpriced >= 2
    assert "bind at no price" in found.sentences()[-1]


def test_a_hundredth_of_a_line_of_money(tmp_path):
    """1,000 USD a year hires 10; 1 % more in 2024 hires 0.1, short by 0.1 less in two years, in 2025 in one."""
    _, found = priced(MONEY, tmp_path)
    assert [s.rule.kind for s in found.found] == ["money", "money"]
    assert [s.amount for s in found.found] == [10, 10]
    assert [s.price.loosen for s in found.found] == pytest.approx([0.2, 0.1], abs=1e-6)
    assert [s.price.tighten for s in found.found] == pytest.approx([0.2, 0.1], abs=1e-6)
    assert not found.found[0].price.kinked
    assert found.found[0].effects[-1].what == "spent"
    assert found.found[0].effects[-1].change == pytest.approx(10, abs=1e-3)


def test_what_is_free_to_give_up_in_a_later_goal_has_its_price_there(tmp_path):
    """Least short first: a need that has to be met may fall for the sake of cost alone."""
    text = MONEY.replace("need: 50 person, short: {price: 0}", "need: 5 person")
    _, found = priced(text, tmp_path)
    (need,) = found.found
    assert (need.rule.kind, need.lead) == ("need", 1)
    assert need.price.loosen == pytest.approx(100, abs=1e-3)
    assert need.prices[0].loosen == 0


def test_the_least_of_a_choice_and_a_limit_of_being_short_have_prices(tmp_path):
    text = """
    name: Least
    horizon: {periods: 3, step: week, start: 2024-01-01}
    stocks: {a: {start: 0}, b: {start: 0}}
    choices:
      one: {head: a, cost: 7, least: 2 person/week}
      two: {head: b, cost: 5}
    needs: {b: {of: b, need: 9 person, short: {price: 1, most: 3 person}}}
    """
    _, found = priced(text, tmp_path)
    by = {s.rule.kind: s for s in found.found}
    assert by["least"].price.loosen == pytest.approx(3 * 7, abs=1e-6)
    # One more short of b all the time: one hire of 5 less, 1 a week more: 5 - 3.
    assert by["short"].price.loosen == pytest.approx(2, abs=1e-6)
    assert by["short"].price.tighten == pytest.approx(2, abs=1e-6)


@pytest.mark.parametrize("way", [1.0, -1.0])
def test_prices_are_those_of_a_changed_network(tmp_path, way):
    """On the tutorial: one more seat, and one less, on just the window's dates, planned afresh."""
    from fieldshift import cases

    scenario = read(cases()["academy"])
    network = build(scenario)
    solution = optimize(network, scenario.goals)
    found = shortages(solution, top=1)
    (seat,) = found.found
    limits = []
    for limit in network.limits:
        cap = limit.cap.copy()
        if limit.part == seat.rule.part:
            first, last = (network.periods.instants.index(d) for d in (seat.rule.start, seat.rule.end))
            cap[first:last] += way
        limits.append(dataclasses.replace(limit, cap=cap))
    changed = optimize(dataclasses.replace(network, limits=tuple(limits)), scenario.goals)
    better = solution.goals[seat.lead].best - changed.goals[seat.lead].best
    assert better == pytest.approx(way * (seat.price.loosen if way > 0 else seat.price.tighten), rel=1e-4)


def test_teams_are_solved_again_as_teams(tmp_path):
    """Teams of 3 out of 7 seats: two seats more are needed for another team, so one more is worth nothing."""
    text = REDEPLOY.replace("lasts: 1 week,", "lasts: 1 week, lump: 3,").replace("6 seat", "8 seat")
    _, found = priced(text, tmp_path)
    seats = [s for s in found.found if s.rule.part == "resources.seats"]
    assert all(s.price.loosen > 1e-6 for s in seats)
    text = text.replace("8 seat", "7 seat")
    _, found = priced(text, tmp_path)
    assert [s for s in found.found if s.rule.part == "resources.seats"] == []


def test_time_that_is_up_is_said(tmp_path):
    _, found = priced(REDEPLOY, tmp_path, time_limit=0.0)
    assert found.late
    assert "time was up" in found.sentences()[-1]


def test_tables_and_dicts_hold_the_same(tmp_path):
    _, found = priced(REDEPLOY, tmp_path)
    table = found.table()
    assert table["one_more"].tolist() == [s.price.loosen for s in found.found]
    assert found.as_dict()["found"][0]["rule"]["start"] == "2024-01-01"


def test_gaps_say_where_and_when_needs_are_not_met(tmp_path):
    """North loses half of its 8 each week and needs 3: 8, 4, 2, 1 are there; South has 2 of 4 from the third week on."""
    text = """
    name: Gaps
    horizon: {periods: 4, step: week, start: 2024-01-01}
    sites: [north, south]
    stocks: {field: {start: {sites: {north: 8, south: 4}}}}
    flows: {leave: {tail: field, rate: {sites: {north: 50 %/week, south: 0 %/week}}}}
    needs:
      field:
        of: field
        need: {grid: {2024-01-01: {north: 3, south: 4}, 2024-01-22: {north: 3, south: 8}}}
    """
    _, network = network_of(text, tmp_path)
    found = gaps(network, live(MeanEngine(network), Stay()))
    north, south = found.found
    assert found.first is north
    assert (north.site, str(north.first), north.periods, str(north.worst)) == ("north", "2024-01-15", 2, "2024-01-22")
    assert (north.largest, north.lowest, north.end) == pytest.approx((2, 1 / 3, 2))
    assert (south.site, str(south.first), south.largest, south.lowest) == ("south", "2024-01-22", 4, 0.5)
    assert found.sentences()[0].startswith("Depleted first: field at north: short from 2024-01-15, in 2 weeks")
    table = found.table()
    np.testing.assert_allclose(table[table.site == "north"].gap, [-5, -1, 1, 2])


def test_needs_that_are_met_are_counted(tmp_path):
    _, network = network_of(REDEPLOY.replace("40 person", "20 person"), tmp_path)
    found = gaps(network, live(MeanEngine(network), Stay()))
    assert (found.found, found.met, found.first) == ((), 1, None)
