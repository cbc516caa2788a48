"""Why there is no plan: hand-made clashes with their known rules and least relaxations, each then really solved."""

from __future__ import annotations

import pytest

from fieldshift import build, read
from fieldshift.engines.clash import explain, place_of
from fieldshift.engines.optimize import optimize
from fieldshift.errors import NoPlan

HIRING = """
name: Hiring
horizon: {periods: 3, step: month}
stocks: {workers: {start: 0, pay: 140 USD/month}}
choices:
  hire: {head: workers, cost: 100, most: 9 person/month}
  fire: {tail: workers, cost: 50}
needs: {work: {of: workers, need: {dates: {2000-01: 20, 2000-02: 16, 2000-03: 25}}}}
resources: {cars: {unit: car, hold: workers, cap: 500 car}}
"""

FLOOR = """
name: Desk floor
horizon: {periods: 4, step: week, start: 2024-01-01}
sites: [boston, miami]
stocks:
  desk: {start: 40, spread: even, floor: 16 person per site}
  field: {start: 10, spread: even}
choices: {retrain: {tail: desk, head: field, lasts: 1 week}}
needs:
  field: {of: field, need: {grid: {2024-01-01: {boston: 5, miami: 5}, 2024-01-22: {boston: 11, miami: 8}}}}
"""

MONEY = """
name: Money
horizon: {periods: 4, step: quarter, start: 2024-01-01}
stocks: {staff: {start: 10}}
choices: {hire: {head: staff, cost: 1000 USD/person, least: 5 person/quarter}}
budgets: {hiring: {cap: 12000 USD, pays: choices}}
"""

SEATS = """
name: Seats at two sites
horizon: {periods: 5, step: week, start: 2024-01-01}
sites: [east, west]
stocks: {desk: {start: 40, spread: even}, field: {start: 0}}
choices: {retrain: {tail: desk, head: field, lasts: 2 week, uses: {seats: 1}}}
resources: {seats: {unit: seat, cap: 4 seat, per: nation}}
needs:
  field: {of: field, need: {grid: {2024-01-01: {east: 0, west: 0}, 2024-01-29: {east: 9, west: 1}}}}
"""

TEAMS = """
name: Teams
horizon: {periods: 2, step: week, start: 2024-01-01}
stocks: {field: {start: 0}}
choices: {hire: {head: field, lump: 7, cost: 10}}
needs: {field: {of: field, need: 10 person, over: {most: 1 person}}}
"""


def told(text, tmp_path):
    file = tmp_path / "case.yaml"
    file.write_text(text, encoding="utf-8")
    return read(file)


def clash_of(text, tmp_path):
    scenario = told(text, tmp_path)
    with pytest.raises(NoPlan):
        optimize(build(scenario), scenario.goals)
    found = explain(scenario)
    assert found is not None
    assert found.proved
    return found


def plans(text, tmp_path):
    scenario = told(text, tmp_path)
    return optimize(build(scenario), scenario.goals).status == "optimal" and explain(scenario) is None


def alone(found):
    """Return what each rule alone gives: level and total by part and site."""
    return {(g.rule.part, g.rule.site): (g.level, g.total) for r in found.relaxations if r.alone for g in r.given}


def lines(found):
    return {rule.part: int(rule.place.rsplit(":", 1)[1]) for rule in found.rules}


def test_a_need_against_a_limit_on_hiring(tmp_path):
    """20 are needed in the first month and 9 can be hired: 20 hired then are enough for all (25 - 16 is 9)."""
    found = clash_of(HIRING, tmp_path)
    assert lines(found) == {"choices.hire.most": 6, "needs.work.need": 8}
    assert {rule.periods for rule in found.rules} == {1}
    given = alone(found)
    assert given["choices.hire.most", ""] == pytest.approx((11, 11))
    assert given["needs.work.need", ""] == pytest.approx((11, 11))
    assert "20 instead of 9 people a month" in str(found)
    assert plans(HIRING.replace("most: 9", "most: 20"), tmp_path)
    assert not plans_or_clash(HIRING.replace("most: 9", "most: 19.9"), tmp_path)
    assert plans(HIRING.replace("2000-01: 20", "2000-01: 9"), tmp_path)


def plans_or_clash(text, tmp_path):
    return explain(told(text, tmp_path)) is None


def test_a_desk_floor_against_what_the_field_needs_at_the_end(tmp_path):
    """Boston has 5 in the field and may move 4 of 20 desks; 11 are needed: the floor at 14, or the need at 9."""
    found = clash_of(FLOOR, tmp_path)
    assert lines(found) == {"stocks.desk.floor": 6, "needs.field.need": 10}
    assert {rule.site for rule in found.rules} == {"boston"}
    given = alone(found)
    assert given["stocks.desk.floor", "boston"][0] == pytest.approx(2, abs=1e-5)
    assert given["needs.field.need", "boston"] == pytest.approx((2, 2), abs=1e-5)
    assert set(given) == {("stocks.desk.floor", "boston"), ("needs.field.need", "boston")}
    assert "floor: desk at boston at 14 instead of 16 people" in str(found)
    assert plans(FLOOR.replace("floor: 16 person per site", "floor: {sites: {boston: 14, miami: 16}}"), tmp_path)
    assert plans(FLOOR.replace("boston: 11", "boston: 9"), tmp_path)


def test_money_against_the_least_that_must_be_hired(tmp_path):
    """5 a quarter cost 20,000 in the year; the grant of 12,000 pays for 3 a quarter."""
    found = clash_of(MONEY, tmp_path)
    assert lines(found) == {"budgets.hiring": 6, "choices.hire.least": 5}
    given = alone(found)
    assert given["budgets.hiring", ""][0] == pytest.approx(8_000)
    assert given["choices.hire.least", ""] == pytest.approx((2, 8), abs=1e-5)
    assert plans(MONEY.replace("12000", "20000"), tmp_path)
    assert plans(MONEY.replace("least: 5", "least: 3"), tmp_path)


def test_seats_that_two_sites_share(tmp_path):
    """A seat trains one in two weeks, in the field from the fifth week on: 4 seats twice bring 8, 10 are needed."""
    found = clash_of(SEATS, tmp_path)
    assert lines(found) == {"resources.seats": 7, "needs.field.need": 9}
    (need,) = [r for r in found.rules if r.part == "needs.field.need"]
    assert need.site == "east and west"
    assert str(need.start) == "2024-01-29"
    given = alone(found)
    assert given["resources.seats", ""][0] == pytest.approx(1, abs=1e-5)
    assert sum(v[0] for (part, _), v in given.items() if part == "needs.field.need") == pytest.approx(2, abs=1e-5)
    assert plans(SEATS.replace("cap: 4 seat", "cap: 5 seat"), tmp_path)


def test_a_clash_in_whole_teams_is_said(tmp_path):
    """Teams of 7 make 7 or 14: 10 to 11 are reached by halves only. Alone the need falls to 7 and no less far."""
    found = clash_of(TEAMS, tmp_path)
    assert found.whole
    assert "whole numbers or teams" in str(found)
    assert {rule.part for rule in found.rules} == {"needs.field.need", "needs.field.over.most"}
    given = alone(found)
    assert given["needs.field.need", ""][0] == pytest.approx(3, abs=1e-5)
    assert given["needs.field.over.most", ""][0] == pytest.approx(3, abs=1e-5)
    assert plans(TEAMS.replace("most: 1 person", "most: 4 person"), tmp_path)


def test_one_rule_that_nothing_can_keep(tmp_path):
    text = """
    name: Nobody
    horizon: {periods: 2, step: week, start: 2024-01-01}
    stocks: {field: {start: 3}}
    needs: {field: {of: field, need: 5 person}}
    """
    found = clash_of(text, tmp_path)
    assert [rule.part for rule in found.rules] == ["needs.field.need"]
    assert "this rule cannot be kept" in str(found)
    assert alone(found)["needs.field.need", ""][0] == pytest.approx(2)


def test_a_rule_that_is_no_part_of_the_clash_is_left_out(tmp_path):
    found = clash_of(HIRING.replace("500 car", "17 car"), tmp_path)
    assert len(found.rules) == 2


def test_two_clashes_need_two_rules_to_give(tmp_path):
    """Hiring cannot reach 20, and 3 clerks of 5 cannot be had at all: no one rule is enough, both together are."""
    text = HIRING.replace("stocks: {", "stocks: {clerks: {start: 3}, ").replace(
        "needs: {", "needs: {clerks: {of: clerks, need: 5 person}, "
    )
    found = clash_of(text, tmp_path)
    assert all(not r.alone for r in found.relaxations)
    (joint,) = found.relaxations
    assert ("needs.clerks.need", 2) in [(g.rule.part, pytest.approx(g.level)) for g in joint.given]
    assert len({g.rule.part for g in joint.given}) == 2
    assert found.as_dict()["relaxations"][0]["sentence"].startswith("feasible with")


def test_a_plan_that_exists_has_no_clash(tmp_path):
    assert explain(told(HIRING.replace("most: 9", "most: 25"), tmp_path)) is None


def test_places_are_file_and_line(tmp_path):
    scenario = told(MONEY, tmp_path)
    assert place_of(scenario, "budgets.hiring").endswith("case.yaml:6")
    assert place_of(scenario, "choices.hire.least").endswith("case.yaml:5")
