"""Choices, limits, work and rules whose answer is counted by hand.

Sources:
    Grinold & Marshall (1977), Manpower Planning Models, North-Holland, chapter 2 (fixed pipelines and yields).
    Bartholomew & Forbes (1979), Statistical Techniques for Manpower Planning, Wiley, chapter 3 (wastage on the way).
    Newell (1982), Applications of Queueing Theory, 2nd edition, chapter 2 (a queue over capacity grows by the
    difference: the fluid approximation).
"""

from __future__ import annotations

import numpy as np
import pytest
from told import ALL, CHANCE, agree_in_mean, live, told

from fieldshift.engines.reference import MeanEngine


@pytest.mark.parametrize("kind", ALL)
@pytest.mark.parametrize("lasts", [0, 1, 2, 5])
def test_a_transit_arrives_exactly_when_it_has_lasted(kind, lasts):
    """One group starts in week 0. It is in the field at instant 1 + `lasts`, and on its way at every one before."""
    scenario = told(
        f"""
        stocks: {{desk: {{start: 9 person}}, field: {{start: 0 person}}}}
        choices: {{retrain: {{tail: desk, head: field, lasts: {lasts} week}}}}
        policies: {{go: {{rules: [{{rule: schedule, choice: retrain, amount: 9 person/week, total: 9 person}}]}}}}
        """,
        8,
    )
    found = live(scenario, kind)
    assert found.people("desk")[0].tolist() == [9] + [0] * 8
    assert found.people("field")[0].tolist() == [9 if t >= 1 + lasts else 0 for t in range(9)]
    assert found.on("retrain", "under_way")[0].tolist() == [9 if 1 <= t <= lasts else 0 for t in range(9)]


@pytest.mark.parametrize("kind", ALL)
def test_stages_pass_on_their_yields(kind):
    """1,000 start; 80 % pass vetting, 90 % of these the academy: 720 arrive, 200 are gone, 80 go back to the desks."""
    scenario = told(
        """
        stocks: {desk: {start: 0 person}, field: {start: 0 person}}
        choices:
          hire:
            head: field
            stages:
              - {name: vetting, lasts: 3 week, pass: 80 %}
              - {name: academy, lasts: 2 week, pass: 90 %, fail_to: desk}
        policies: {go: {rules: [{rule: schedule, choice: hire, amount: 1000 person/week, total: 1000 person}]}}
        """,
        8,
    )
    n = 1 if kind is MeanEngine else 400
    found = live(scenario, kind, n)
    field, desk = found.people("field"), found.people("desk")
    assert (field[:, :6] == 0).all()
    if kind is MeanEngine:
        assert field[0, 6] == pytest.approx(720)
        assert desk[0, 6] == pytest.approx(80)
    else:
        agree_in_mean(field[:, 6], 720, 1000 * 0.72 * 0.28)
        agree_in_mean(desk[:, 6], 80, 1000 * 0.08 * 0.92)
        assert (found.on("hire", "passed", "vetting").sum(axis=1) == field[:, 6] + desk[:, 6]).all()


@pytest.mark.parametrize("kind", CHANCE)
def test_dropout_falls_on_each_week_under_way(kind):
    """Of N who start, Binomial(N, (1-d)^L) reach the end of L weeks; the others stand where `drop_to` says."""
    scenario = told(
        """
        stocks: {desk: {start: 0 person}, field: {start: 0 person}}
        choices: {hire: {head: field, lasts: 6 week, dropout: 7 %/week, drop_to: desk}}
        policies: {go: {rules: [{rule: schedule, choice: hire, amount: 200 person/week, total: 200 person}]}}
        """,
        8,
    )
    found = live(scenario, kind, 1500)
    p = 0.93**6
    agree_in_mean(found.people("field")[:, 7], 200 * p, 200 * p * (1 - p))
    assert (found.people("field")[:, 7] + found.people("desk")[:, 7] == 200).all()
    for t in range(1, 7):
        stay = 0.93**t
        agree_in_mean(found.on("hire", "under_way")[:, t], 200 * stay, 200 * stay * (1 - stay))


@pytest.mark.parametrize("kind", ALL)
def test_seats_hold_back_a_later_stage(kind):
    """4 seats of 2 weeks let 2 start a week on average; who has been vetted waits for a seat, and is not lost."""
    scenario = told(
        """
        stocks: {field: {start: 0 person}}
        choices:
          hire:
            head: field
            stages: [{name: vetting, lasts: 1 week}, {name: academy, lasts: 2 week, uses: {seats: 1}}]
        resources: {seats: {unit: seat, cap: 4 seat}}
        policies: {go: {rules: [{rule: schedule, choice: hire, amount: 3 person/week}]}}
        """,
        13,
    )
    found = live(scenario, kind)
    assert found.on("hire", "moved", "academy")[0].tolist() == [0, 3, 1, 3, 1, 3, 1, 3, 1, 3, 1, 3, 1]
    waiting = found.trace.people[0, :, found.network.stock("hire.academy.waiting").first]
    assert waiting.tolist()[:6] == [0, 0, 0, 2, 2, 4]
    assert found.on("hire", "under_way", "academy").max() == 4


@pytest.mark.parametrize("kind", ALL)
def test_a_shared_limit_is_split_in_proportion_to_what_is_asked(kind):
    """10 seats, 12 asked for at a and 4 at b: 7.5 and 2.5; in whole counts 8 and 2 (ties in canonical order)."""
    scenario = told(
        """
        sites: [a, b]
        stocks:
          desk: {start: {sites: {a: 60 person, b: 20 person}}}
          field: {start: 0 person}
        choices: {retrain: {tail: desk, head: field, lasts: 9 week, uses: {seats: 1}}}
        resources: {seats: {unit: seat, cap: 10 seat}}
        policies: {go: {rules: [{rule: schedule, choice: retrain, amount: 16 person/week}]}}
        """,
        2,
    )
    found = live(scenario, kind)
    assert found.trace.moved[0, 0].tolist() == ([7.5, 2.5] if kind is MeanEngine else [8, 2])
    assert found.trace.moved[0, 1].tolist() == [0, 0]
    assert found.trace.rows[0, :, 0].tolist() == [True, True]


@pytest.mark.parametrize("kind", ALL)
def test_a_ranked_limit_serves_the_first_first(kind):
    scenario = told(
        """
        sites: [{id: a, turn: 2}, {id: b, turn: 1}]
        stocks: {desk: {start: 20 person per site}, field: {start: 0 person}}
        choices: {retrain: {tail: desk, head: field, lasts: 9 week, uses: {seats: 1}}}
        resources: {seats: {unit: seat, cap: 7 seat, rank: turn}}
        policies: {go: {rules: [{rule: schedule, choice: retrain, amount: 5 person/week per site}]}}
        """,
        1,
    )
    assert live(scenario, kind).trace.moved[0, 0].tolist() == [2, 5]


@pytest.mark.parametrize("kind", ALL)
def test_floors_and_posts_stop_moves(kind):
    """20 at desks with a floor of 14: 6 may go; of 9 posts 5 are taken: 4 may come, those on their way counted."""
    scenario = told(
        """
        stocks:
          desk: {start: 20 person, floor: 14 person}
          field: {start: 5 person, funded: {dates: {2025-01-06: 9 post, 2025-01-20: 30 post}}}
        choices: {retrain: {tail: desk, head: field, lasts: 1 week}}
        policies: {go: {rules: [{rule: schedule, choice: retrain, amount: 3 person/week}]}}
        """,
        5,
    )
    found = live(scenario, kind)
    assert found.on("retrain")[0].tolist() == [3, 1, 2, 0, 0]
    assert found.people("desk")[0, -1] == 14


@pytest.mark.parametrize("kind", ALL)
def test_a_detail_serves_at_the_host_and_returns(kind):
    """6 of 10 go from a to b for 3 weeks: a's hours stay with a's count less them, b gains 6 * 40 hours, then none."""
    scenario = told(
        """
        sites: [a, b]
        stocks: {field: {start: {sites: {a: 10 person, b: 2 person}}, hours: 40 hour/week}}
        choices: {detail: {tail: field, at: [a], to: [b], returns: true, lasts: 3 week}}
        work: {cases: {start: 900 case per site, standard: 10 hour/case, by: field}}
        policies: {go: {rules: [{rule: schedule, choice: detail, amount: 6 person/week, total: 6 person}]}}
        """,
        5,
    )
    found = live(scenario, kind)
    assert found.trace.served[0].tolist() == [[16, 32], [16, 32], [16, 32], [40, 8], [40, 8]]
    assert found.at("field", "a")[0].tolist() == [10, 4, 4, 4, 10, 10]
    assert found.at("field", "b")[0].tolist() == [2] * 6
    assert found.trace.hosted[0, :, 1].tolist() == [6, 6, 6, 0, 0]
    assert found.on("detail", "under_way")[0].tolist() == [0, 6, 6, 6, 0, 0]


@pytest.mark.parametrize("kind", ALL)
def test_instructors_teach_instead_of_working(kind):
    """8 trainees tie up 4 of 10: 6 * 40 / 10 = 24 cases while the course runs, 40 before and after."""
    scenario = told(
        """
        stocks: {field: {start: 10 person, hours: 40 hour/week}, desk: {start: 8 person}}
        choices:
          course:
            tail: desk
            head: desk
            stages: [{name: school, lasts: 2 week, instructors: {stock: field, per_trainee: 0.5}}]
            from: 2025-01-13
        work: {cases: {start: 900 case, standard: 10 hour/case, by: field}}
        policies:
          go: {rules: [{rule: schedule, choice: course, amount: 8 person/week, total: 8 person, from: 2025-01-13}]}
        """,
        5,
    )
    assert live(scenario, kind).served("cases")[0].tolist() == [40, 24, 24, 40, 40]


@pytest.mark.parametrize("kind", CHANCE)
def test_only_whole_crews_work(kind):
    """16 people in crews of 7 are two crews: 14 * 40 / 20 = 28 cases, not 32; at b nobody can form one."""
    scenario = told(
        """
        sites: [a, b]
        stocks: {field: {start: {sites: {a: 16 person, b: 6 person}}, hours: 40 hour/week}}
        work: {cases: {start: 200 case per site, standard: 20 hour/case, by: field, crew: 7}}
        policies: {stay: {}}
        """,
        2,
    )
    assert live(scenario, kind).trace.served[0].tolist() == [[28, 0], [28, 0]]


@pytest.mark.parametrize("kind", ALL)
def test_work_goes_by_priority_and_becomes_other_work(kind):
    """400 hours: 30 urgent cases take 300, the rest serves 20 of the others; half of what is served is held."""
    scenario = told(
        """
        stocks: {field: {start: 10 person, hours: 40 hour/week}}
        work:
          a_slow: {start: 100 case, standard: 5 hour/case, by: field, priority: 2}
          urgent: {start: 30 case, standard: 10 hour/case, by: field, priority: 1, becomes: {held: 0.5}}
          held: {start: 0 case}
        policies: {stay: {}}
        """,
        2,
    )
    found = live(scenario, kind)
    assert found.served("urgent")[0].tolist() == [30, 0]
    assert found.served("a_slow")[0].tolist() == [20, 80]
    assert found.people("held")[0].tolist() == [0, 15, 15]


@pytest.mark.parametrize("kind", ALL)
def test_a_backlog_over_capacity_grows_by_the_difference(kind):
    """Arrivals of 60 a week, capacity 45: 15 more wait each week, whatever the start (Newell 1982, ch. 2)."""
    scenario = told(
        """
        stocks: {field: {start: 9 person, hours: 40 hour/week}}
        work: {cases: {start: 100 case, arrive: 60 case/week, standard: 8 hour/case, by: field}}
        policies: {stay: {}}
        """,
        30,
    )
    n = 1 if kind is MeanEngine else 500
    found = live(scenario, kind, n)
    assert (found.served("cases") == 45).all()
    rise = found.people("cases")[:, -1] - 100
    if kind is MeanEngine:
        assert rise[0] == pytest.approx(450)
    else:
        agree_in_mean(rise, 450, 60 * 30)


@pytest.mark.parametrize("kind", ALL)
def test_money_stops_hiring(kind):
    """12,500 of a year's grant hires 2 a week at 1,000 each, 12 in all; the next fiscal year hires again."""
    scenario = told(
        """
        name: Known
        horizon: {start: 2025-10-01, periods: 60, step: week, fiscal_year_starts: 10-01}
        stocks: {field: {start: 0 person}}
        choices: {hire: {head: field, cost: 1000 USD/person}}
        budgets: {hiring: {cap: {2026: 12500 USD, 2027: 0.5 MUSD}, pays: choices}}
        policies: {go: {rules: [{rule: schedule, choice: hire, amount: 2 person/week}]}}
        """
    )
    found = live(scenario, kind)
    hired = found.on("hire")[0]
    first = found.network.lines[0].window == 0
    if kind is MeanEngine:
        assert hired[first].sum() == pytest.approx(12.5)
    else:
        assert hired[first].tolist() == [2] * 6 + [0] * (int(first.sum()) - 6)
        assert found.trace.lines[0, :8, 0].tolist() == [False] * 6 + [True] * 2
    assert (hired[~first] == 2).all()
    assert found.trace.spent[0, first, 0].sum() == pytest.approx(1000 * hired[first].sum())


@pytest.mark.parametrize("kind", ALL)
def test_pay_to_the_end_of_the_year_is_committed_before_anybody_is_hired(kind):
    """1,000 a week each, 10 weeks of a calendar year left: a hire in the first costs 10,000, in the sixth 5,000.

    The grant is the part of the year that the horizon covers: 10/52.18 of 521,786 is 100,000; the 8 there take 80,000.
    """
    year = 365.25 / 7 * 1000
    scenario = told(
        f"""
        name: Known
        horizon: {{start: 2025-10-24, periods: 10, step: week}}
        stocks: {{field: {{start: 8 person, pay: {year!r} USD/year}}}}
        choices: {{hire: {{head: field}}}}
        budgets: {{pay: {{cap: {year * 10 + 10:.6f} USD, pays: stocks}}}}
        policies: {{go: {{rules: [{{rule: schedule, choice: hire, amount: 9 person/week, from: 2025-11-28}}]}}}}
        """
    )
    found = live(scenario, kind)
    # 100,000 less 80,000 leaves 20,000; from the sixth week on a hire costs 5,000 to the year's end: 4 of them.
    hired = found.on("hire")[0]
    assert hired.tolist()[:5] == [0] * 5
    assert hired[5] == pytest.approx(4, abs=1e-3)
    assert hired[6:].sum() == pytest.approx(0, abs=1e-2)
    assert found.trace.spent[0, :, 0].sum() == pytest.approx(100_000, abs=30)


@pytest.mark.parametrize("kind", ALL)
def test_nothing_starts_in_a_lapse(kind):
    scenario = told(
        """
        stocks: {field: {start: 0 person}}
        choices: {hire: {head: field, cost: 1000 USD/person}}
        budgets: {hiring: {pays: choices, lapses: [{from: 2025-01-15, until: 2025-01-21}]}}
        policies: {go: {rules: [{rule: schedule, choice: hire, amount: 2 person/week}]}}
        """,
        5,
    )
    assert live(scenario, kind).on("hire")[0].tolist() == [2, 0, 0, 2, 2]


@pytest.mark.parametrize("kind", ALL)
def test_a_response_profile_multiplies_arrivals_by_weeks_around_its_event(kind):
    """Straight lines between 1 at week -1 and 3 at week 1, half as strong: 1, 1, 1.5, 2, 2 times 100."""
    scenario = told(
        """
        stocks: {field: {start: 1 person}}
        events: {vote: {announced: 2025-01-20, effect: 2026-01-01}}
        profiles: {rush: {event: vote, weeks: {-1: 1, 1: 3}, strength: 0.5}}
        work: {cases: {arrive: 100 case/week, response: rush}}
        policies: {stay: {}}
        """,
        5,
    )
    n = 1 if kind is MeanEngine else 1500
    entered = live(scenario, kind, n).entered("cases")
    expected = np.array([100, 100, 150, 200, 200.0])
    if kind is MeanEngine:
        np.testing.assert_allclose(entered[0], expected)
    else:
        agree_in_mean(entered, expected, expected)
