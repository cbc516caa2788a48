"""What published manpower-planning problems say, one thing each, solved by hand: what the planner's words mean.

Overtime at a price and up to a share of the staff (C. C. Holt, F. Modigliani, J. F. Muth and H. A. Simon, Planning
Production, Inventories, and Work Force, 1960, in its linear form); batches; leaving by length of service (D. J.
Bartholomew, A. F. Forbes and S. I. McClean, Statistical Techniques for Manpower Planning, 1991); an intake that must
be kept up; teachers; a required end state; help on contracts that brings capacity.
"""

from __future__ import annotations

import numpy as np
import pytest
from test_plans_literature import moved, solved

OVERTIME = """
name: Overtime
horizon: {periods: 3, step: month}
stocks: {workers: {start: 10, pay: 100 USD/month}}
choices:
  hire: {head: workers, cost: 400}
  fire: {tail: workers}
  overtime: {lasts: 1 month, cost: 150, share: {share: 25 %, of: workers, at: closing}}
needs: {work: {of: [workers, overtime], need: {2000-01-01: 10, 2000-02-01: 14, 2000-03-01: 10}}}
"""

BATCH = """
name: Batch
horizon: {periods: 1, step: month}
stocks: {workers: {}}
choices: {hire: {head: workers, cost: 10, batch: 5 person}}
needs: {work: {of: workers, need: 2, short: 20}}
"""

SERVICE = """
name: Length of service
horizon: {periods: 3, step: year}
stocks: {staff: {learning: {lasts: 1 year, productivity: 1}}}
flows:
  new_leave: {tail: staff.new, rate: 20 %/year}
  others_leave: {tail: staff.experienced, rate: 5 %/year}
choices: {hire: {head: staff, cost: 1, until: 2000-12-31}}
needs: {staff: {of: staff, need: {2000-01-01: 0, 2002-01-01: 76}}}
"""

INTAKE = """
name: Intake
horizon: {periods: 2, step: year}
stocks: {officers: {}, clerks: {}}
choices:
  hire_officer: {head: officers, cost: 30, takes: {intake: 1}, most: 2 person/year}
  hire_clerk: {head: clerks, cost: 50, takes: {intake: 1}}
resources: {intake: {at_least: 5}}
"""

TUTORS = """
name: Tutors on contract
horizon: {periods: 3, step: month}
stocks: {desk: {start: 20}, field: {}}
choices:
  tutor: {lasts: 2 month, cost: 100}
  train: {tail: desk, head: field, lasts: 1 month, uses: {seats: 1}}
resources: {seats: {supply: {tutor: 4}}}
needs: {field: {of: field, need: {2000-01-01: 0, 2000-03-01: 8}}}
"""

END = """
name: End state
horizon: {periods: 4, step: quarter}
stocks: {juniors: {start: 30}, seniors: {start: 10}}
choices:
  promote: {tail: juniors, head: seniors, share: {share: 10 %, of: juniors, at: opening}, cost: 2}
  dismiss: {tail: [juniors, seniors], cost: 9}
needs:
  seniors: {of: seniors, need: {2000-01-01: 0, 2000-10-01: 18}, over: {most: {2000-01-01: 99, 2000-10-01: 0}}}
"""

TEACHERS = """
name: Teachers by office
horizon: {periods: 2, step: month}
sites: [{id: a}, {id: b}]
stocks: {staff: {start: 10 person per site}}
choices:
  train: {head: staff, lasts: 1 month, instructors: {stock: staff, per_trainee: 0.5}}
needs: {work: {of: staff, productive: true, need: {2000-01-01: 8, 2000-02-01: 11}, spread: even, short: 1}}
"""

GROUP = """
name: Group limits by date
horizon: {periods: 2, step: month}
stocks: {a: {start: 1}, b: {start: 1}}
choices: {hire: {head: a, cost: {2000-01-01: 10, 2000-02-01: 8}}}
needs:
  one: {of: a, need: 4, short: {price: 1, most: {2000-01-01: 5, 2000-02-01: 3}}, group: both}
  two: {of: b, need: 4, short: {price: 1, most: {2000-01-01: 5, 2000-02-01: 3}}, group: both}
"""


def test_a_limit_of_a_group_by_date(tmp_path):
    """Six are short. Five may be in the first month, three in the second: one is hired, then two more, who are cheaper then."""
    solution, _ = solved(GROUP, tmp_path)
    np.testing.assert_allclose(moved(solution, "hire"), [1, 2], atol=1e-6)
    assert solution.goals[0].value == pytest.approx(10 + 2 * 8 + 5 + 3, abs=1e-6)


def test_overtime_at_a_price_up_to_a_share_of_the_staff(tmp_path):
    """11.2 workers and 2.8 in overtime make 14: 3,000 of pay, 1.2 x (400 + 100) for hands hired for a month, 2.8 x 150.

    The hands hired are let go again, or else they cost 100 more each.
    """
    solution, _ = solved(OVERTIME, tmp_path)
    np.testing.assert_allclose(moved(solution, "overtime"), [0, 2.8, 0], atol=1e-6)
    np.testing.assert_allclose(moved(solution, "hire"), [0, 1.2, 0], atol=1e-6)
    assert solution.goals[0].value == pytest.approx(4_020, abs=1e-6)


@pytest.mark.parametrize(("need", "hired", "cost"), [(2, 0, 40), (3, 5, 50), (7, 7, 70)])
def test_a_batch_is_started_whole_or_not_at_all(tmp_path, need, hired, cost):
    """Two short cost 40 and a batch of five 50; three short would cost 60; seven are more than a batch."""
    solution, _ = solved(BATCH.replace("need: 2,", f"need: {need},"), tmp_path)
    assert moved(solution, "hire").sum() == pytest.approx(hired, abs=1e-6)
    assert solution.goals[0].value == pytest.approx(cost, abs=1e-6)


def test_new_hands_leave_at_another_rate(tmp_path):
    """Of 95 hired in a year, whom it does not yet touch, 20 % leave in the next: 76, of whom 5 % in the one after."""
    solution, trace = solved(SERVICE, tmp_path)
    assert solution.goals[0].value == pytest.approx(95, abs=1e-6)
    np.testing.assert_allclose(trace.people[0].sum(axis=1), [0, 95, 76, 72.2], atol=1e-6)


def test_an_intake_is_kept_up(tmp_path):
    """Five a year over all ways in: two officers at 30 and three clerks at 50, twice."""
    solution, _ = solved(INTAKE, tmp_path)
    assert solution.goals[0].value == pytest.approx(420, abs=1e-6)
    np.testing.assert_allclose(moved(solution, "hire_clerk"), [3, 3], atol=1e-6)


def test_help_on_contract_brings_capacity(tmp_path):
    """Eight to train in two months, four seats a tutor: one on a contract of two months has both courses."""
    solution, _ = solved(TUTORS, tmp_path)
    assert solution.goals[0].value == pytest.approx(100, abs=1e-6)
    np.testing.assert_allclose(moved(solution, "train")[:2], [4, 4], atol=1e-6)


def test_an_end_state_is_reached_exactly(tmp_path):
    """At most 3, 2.7, 2.43, 2.187 of the juniors may be promoted: eight in all, and nobody need go."""
    solution, trace = solved(END, tmp_path)
    assert trace.people[0, -1].sum() == pytest.approx(40)
    assert moved(solution, "promote").sum() == pytest.approx(8, abs=1e-6)
    assert solution.goals[0].value == pytest.approx(16, abs=1e-6)


def test_teachers_of_an_office_do_not_meet_its_need(tmp_path):
    """Each office has 10 and needs 4, then 5.5: nothing is short, though a trainee ties up half a teacher.

    With 9.5 and then 12 needed in each, two trainees tie up one of its ten: each office is short by half a post once.
    """
    solution, _ = solved(TEACHERS, tmp_path)
    assert solution.goals[0].value == pytest.approx(0, abs=1e-6)
    more = TEACHERS.replace("2000-01-01: 8, 2000-02-01: 11", "2000-01-01: 19, 2000-02-01: 24")
    solution, _ = solved(more, tmp_path)
    assert solution.goals[0].value == pytest.approx(1, abs=1e-6)
