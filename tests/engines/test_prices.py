"""What one more of each limit is worth, against hand-solved cases and against plans of changed networks."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest

from fieldshift import build, read
from fieldshift.engines.gaps import gaps
from fieldshift.engines.live import live
from fieldshift.engines.optimize import goal_vector, optimize
from fieldshift.engines.policies import Stay
from fieldshift.engines.prices import shortages
from fieldshift.engines.program_reduce import reduce
from fieldshift.engines.reference import MeanEngine
from fieldshift.engines.resolve import load, reach

pytestmark = pytest.mark.slow

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


def changed(network, rule, by):
    """Return the network with a limit moved on a rule's dates."""
    limits = []
    for limit in network.limits:
        cap = limit.cap.copy()
        if limit.part == rule.part:
            first, last = (network.periods.instants.index(d) for d in (rule.start, rule.end))
            cap[first:last] += by
        limits.append(dataclasses.replace(limit, cap=cap))
    return dataclasses.replace(network, limits=tuple(limits))


@pytest.mark.parametrize("way", [1.0, -1.0])
def test_prices_are_those_of_a_changed_network(way):
    """On the tutorial: one more seat, and one less, on just the window's dates, planned afresh."""
    scenario = read("academy")
    network = build(scenario)
    solution = optimize(network, scenario.goals)
    (seat,) = shortages(solution, top=1).found
    again = optimize(changed(network, seat.rule, way), scenario.goals)
    better = solution.goals[seat.lead].best - again.goals[seat.lead].best
    assert better == pytest.approx(way * (seat.price.loosen if way > 0 else seat.price.tighten), rel=1e-4)


@pytest.mark.parametrize("limit", ["most: 6 person/week", "uses: {seats: 1}"])
def test_prices_where_the_horizon_coarsens(limit, tmp_path):
    """One more in every week of a group of weeks, as a limit on starts and as a limit on those under way."""
    text = REDEPLOY.replace("periods: 4", "periods: 9").replace("start: 30, floor: 10", "start: 90")
    text = text.replace("lasts: 1 week, uses: {seats: 1}", f"lasts: 2 week, {limit}").replace("40 person", "100 person")
    scenario, network = network_of(text, tmp_path)
    solution = optimize(network, scenario.goals, coarsen=(1, 2))
    (found,) = shortages(solution).found
    assert found.rule.periods > 2
    for way, price in ((1.0, found.price.loosen), (-1.0, -found.price.tighten)):
        again = optimize(changed(network, found.rule, way), scenario.goals, coarsen=(1, 2))
        assert solution.goals[0].value - again.goals[0].value == pytest.approx(price, abs=1e-6)


def test_needs_that_share_a_limit_of_being_short(tmp_path):
    """A and B may be short by 2 in all, at 1 a week; who is hired costs 5: one more short saves 5 for 2 weeks at 1."""
    text = """
    name: Group
    horizon: {periods: 2, step: week, start: 2024-01-01}
    stocks: {a: {start: 0}, b: {start: 0}}
    choices: {one: {head: a, cost: 5}, two: {head: b, cost: 5}}
    needs:
      a: {of: a, need: 4 person, short: {price: 1, most: 2 person}, group: all}
      b: {of: b, need: 4 person, short: {price: 1, most: 2 person}, group: all}
    """
    _, found = priced(text, tmp_path)
    (short,) = [s for s in found.found if s.rule.kind == "group"]
    assert short.price.loosen == pytest.approx(3, abs=1e-6)
    assert short.rule.part == "needs.a.short.most"


def test_teams_are_solved_again_as_teams(tmp_path):
    """Teams of 3 from 8 seats: a ninth is a third team a week, there for 3, 2 and 1 weeks; from 7, one more alone is worth nothing."""
    teams = REDEPLOY.replace("lasts: 1 week,", "lasts: 1 week, lump: 3,").replace(
        "desk: {start: 30", "desk: {start: 50"
    )
    for seats, gain in ((8, 10 * 3 * (3 + 2 + 1)), (7, 0)):
        text = teams.replace("need: 40", "need: 90").replace("6 seat", f"{seats} seat")
        _, found = priced(text, tmp_path)
        prices = [s.price.loosen for s in found.found if s.rule.part == "resources.seats"]
        assert prices == ([pytest.approx(gain, abs=1e-6)] if gain else [])


def test_time_that_is_up_is_said(tmp_path):
    _, found = priced(REDEPLOY, tmp_path, time_limit=0.0)
    assert found.late
    assert "time was up" in found.sentences()[-1]


def test_tables_and_dicts_hold_the_same(tmp_path):
    _, found = priced(REDEPLOY, tmp_path)
    table = found.table()
    assert table["one_more"].tolist() == [s.price.loosen for s in found.found]
    plain = found.as_dict()
    assert plain["found"][0]["rule"]["start"] == "2024-01-01"
    json.dumps(plain, allow_nan=False)


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


def test_how_far_a_price_holds_on_straight_pieces():
    """A gain of 3 a unit up to 2.5 and 1 after it: the average is 1 % less where 5 + h = 2.97 h."""

    def gain(size):
        return (3 * size, 3.0) if size <= 2.5 else (5 + size, 1.0)

    assert reach(gain, 3.0, 16.0) == pytest.approx(5 / 1.97)
    assert reach(lambda size: (2 * size, 2.0), 5.0, 16.0) == np.inf
    # All of the gain is there at a tenth of a step, less 1 %.
    assert reach(lambda size: (min(size, 0.1), float(size < 0.1)), 1.0, 16.0) == pytest.approx(0.099)
    # A loss of 3 a unit up to 2.5, then of 5.
    assert reach(lambda s: (-3 * s, -3.0) if s <= 2.5 else (5 - 5 * s, -5.0), -3.0, 16.0) == pytest.approx(5 / 1.97)


def test_a_price_holds_as_far_as_the_solver_ranges_its_row(tmp_path):
    """One seat row with one best basis: the solver's own ranging of the row ends where the price does."""
    text = REDEPLOY.replace("periods: 4", "periods: 2").replace("need: 40", "need: 33")
    solution, found = priced(text, tmp_path)
    (seat,) = [s for s in found.found if s.rule.part == "resources.seats"]
    vector = goal_vector(solution.program, solution.goals[0].goal)[0]
    left = reduce(solution.program, [vector])
    model, scale = load(left, np.ones(len(left.columns)), np.zeros(0, np.int64))
    model.changeColsCost(len(left.columns), np.arange(len(left.columns), dtype=np.int32), vector[left.columns])
    model.run()
    _, ranging = model.getRanging()
    block = next(b for b in solution.program.rows if b.name == "seats")
    row = left.rows.tolist().index(block.first)
    far = ranging.row_bound_up.value_[row] / scale[row] - 6
    assert far == pytest.approx(7)
    assert seat.upto * 0.99 == pytest.approx(far)
    assert seat.price.loosen == pytest.approx(10)
