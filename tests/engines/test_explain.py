"""Why there is no plan: clashes and least relaxations that can be worked out by hand."""

from __future__ import annotations

import pytest

from fieldshift import build, read
from fieldshift.engines.explain import Clash, explain
from fieldshift.engines.optimize import Solution, optimize
from fieldshift.errors import NoPlan

HIRING = """
name: Hiring
horizon: {periods: 3, step: month, start: 2024-01-01}
stocks:
  workers: {start: 0, pay: 140 USD/month}
  drivers: {start: 9, floor: 4}
choices:
  hire: {head: workers, cost: 100, most: 3 person/month}
  drive: {tail: drivers, head: drivers, most: 1 person/month}
resources: {desks: {unit: desk, hold: workers, cap: 500 desk}}
needs:
  work: {of: workers, need: {dates: {2024-01: 20, 2024-02: 16, 2024-03: 25}}}
  driving: {of: drivers, need: 9 person}
"""

FLOOR = """
name: Floor
horizon: {periods: 4, step: week, start: 2024-01-01}
sites: [{id: north, name: North}, {id: south, name: South}]
stocks:
  desk: {start: {sites: {north: 30, south: 30}}, floor: {sites: {north: 29, south: 5}}}
  field: {start: {sites: {north: 20, south: 20}}}
choices: {retrain: {tail: desk, head: field}}
needs: {field: {of: field, need: {sites: {north: 22, south: 22}}}}
"""

LEAST = """
name: Least
horizon: {periods: 3, step: week, start: 2024-01-01}
stocks: {field: {start: 20}}
choices: {hire: {head: field, lasts: 1 week, least: 5 person/week, uses: {beds: 1}}}
resources: {beds: {unit: bed, cap: 3 bed}}
"""

MONEY = """
name: Money
horizon: {periods: 3, step: month, start: 2024-01-01}
stocks: {workers: {start: 0}}
choices: {hire: {head: workers, cost: 100}}
budgets: {recruiting: {pays: [hire], cap: 6000 USD}}
needs: {work: {of: workers, need: 20 person}}
"""


def told(text: str, tmp_path) -> Clash:
    """Return the explanation of a planner's text."""
    file = tmp_path / "case.yaml"
    file.write_text(text, encoding="utf-8")
    scenario = read(file)
    return explain(build(scenario), scenario)


def solved(text: str, tmp_path) -> Solution:
    """Return the best plan of a planner's text."""
    file = tmp_path / "case.yaml"
    file.write_text(text, encoding="utf-8")
    return optimize(build(read(file)))


def parts(clash: Clash) -> list[tuple[str, str, str]]:
    return [(rule.kind, rule.part, rule.site) for rule in clash.rules]


def test_a_need_and_a_limit_on_hiring_clash_and_nothing_else(tmp_path):
    """Three a month make 3, 6, 9 of 20, 16, 25. 17 more in January are enough (20, 23, 26), and less is not.

    Giving way alone, the need falls by 17, 10 and 16: 43 person-months.
    """
    clash = told(HIRING, tmp_path)
    assert parts(clash) == [("rate", "choices.hire.most", ""), ("need", "needs.work.need", "")]
    assert clash.minimal
    assert [rule.place.rsplit("/")[-1] for rule in clash.rules] == ["case.yaml:8", "case.yaml:12"]
    assert {str(rule.start) for rule in clash.rules} == {"2024-01-01"}
    assert {rule.periods for rule in clash.rules} == {1}
    hire, need = clash.alone
    assert (hire.total, hire.unit) == (pytest.approx(17), "people")
    assert (need.total, need.unit) == (pytest.approx(43), "person-months")
    assert need.gives[0].most == pytest.approx(17)
    assert clash.joint is not None
    assert clash.joint.burden == pytest.approx(17)
    assert "20 instead of 3 people a month" in " ".join(clash.sentences())


@pytest.mark.parametrize("rule", ["most: 3 person/month", "work: {of: workers, need"])
def test_without_either_rule_of_the_clash_there_is_a_plan(rule, tmp_path):
    free = {"most: 3 person/month": "cost: 100", "work: {of: workers, need": "work: {of: workers, short: {}, need"}
    with pytest.raises(NoPlan):
        solved(HIRING, tmp_path)
    text = HIRING.replace(f"cost: 100, {rule}", free[rule]).replace(rule, free[rule])
    assert solved(text, tmp_path).status == "optimal"


def test_the_least_relaxation_is_enough_and_a_little_less_is_not(tmp_path):
    total = told(HIRING, tmp_path).alone[0].total

    def most(january: float) -> str:
        dates = f"{{dates: {{2024-01: {january} person/month, 2024-02: 3 person/month}}}}"
        return HIRING.replace("most: 3 person/month}\n  drive", f"most: {dates}}}\n  drive")

    assert solved(most(3 + total), tmp_path).status == "optimal"
    with pytest.raises(NoPlan):
        solved(most(3 + total - 0.01), tmp_path)


def test_a_clash_is_told_at_its_own_site(tmp_path):
    """North may send one of two that it needs; South may send all. One less at the desk all four weeks mends it."""
    clash = told(FLOOR, tmp_path)
    assert parts(clash) == [("floor", "stocks.desk.floor", "North"), ("need", "needs.field.need", "North")]
    floor, need = clash.alone
    assert (floor.total, floor.unit) == (pytest.approx(4), "person-weeks")
    assert [(g.rule.site, g.said) for g in floor.gives] == [("North", "28 instead of 29 people")]
    assert [(g.rule.site, g.said) for g in need.gives] == [("North", "21 instead of 22 people")]
    assert solved(FLOOR.replace("north: 29", "north: 28"), tmp_path).status == "optimal"


def test_the_least_of_a_choice_clashes_with_its_beds(tmp_path):
    clash = told(LEAST, tmp_path)
    assert sorted(parts(clash)) == [("least", "choices.hire.least", ""), ("limit", "resources.beds", "")]
    totals = {r.gives[0].rule.kind: (r.total, r.gives[0].most) for r in clash.alone}
    assert totals["least"] == (pytest.approx(6), pytest.approx(2))
    assert totals["limit"][1] == pytest.approx(2)


def test_money_is_told_in_money(tmp_path):
    """A quarter of the year's 6,000 is 1,500, or 15 people at 100; 20 need 500 more."""
    clash = told(MONEY, tmp_path)
    assert [kind for kind, *_ in parts(clash)] == ["money", "need"]
    assert (clash.alone[0].total, clash.alone[0].unit) == (pytest.approx(500), "USD")
    assert clash.alone[1].gives[0].most == pytest.approx(5)


def test_where_a_plan_exists_that_is_said(tmp_path):
    clash = told(MONEY.replace("6000", "8000"), tmp_path)
    assert (clash.rules, clash.feasible) == ((), "yes")
    assert clash.sentences() == ("A plan keeps every limit.",)


def test_an_explanation_is_plain_data_and_the_same_every_time(tmp_path):
    one, two = told(FLOOR, tmp_path), told(FLOOR, tmp_path)
    assert one.as_dict() == two.as_dict()
    assert one.as_dict()["rules"][0]["site"] == "North"
