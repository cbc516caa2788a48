"""What a run's own groups say of what drives it."""

import numpy as np
import pytest

import fieldshift as fs
from fieldshift.results.curves import Axis
from fieldshift.results.drives import LEAST, drives_of
from fieldshift.results.report_drives import drives_section
from fieldshift.results.worth import of_classes
from fieldshift.scenario.schema import Amount
from fieldshift.scenario.values import Unknown

CASE = """\
name: Which way
horizon: {start: 2025-01-06, periods: 26, step: week}
quantities:
  share:
    estimates:
      - {range: 40..50 %, source: One office}
      - {range: 0..10 %, source: Another office}
  loss: {range: 5..15 %/year}
stocks:
  desk: {title: Desks, duty: desk, start: 400 person * share}
  field: {title: Field, duty: field, start: 200 person}
flows:
  leave: {tail: field, rate: loss}
choices:
  move: {tail: desk, head: field}
  hire: {head: field}
policies:
  stay: {}
  move: {title: Move them, rules: [{rule: schedule, choice: move, amount: 20 person/week}]}
  hire: {title: Hire, rules: [{rule: schedule, choice: hire, amount: 4 person/week}]}
headlines:
  - {measure: field, title: People in the field, better: more}
"""


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    file = tmp_path_factory.mktemp("case") / "case.yaml"
    file.write_text(CASE, encoding="utf-8")
    return fs.simulate(fs.read(file), draws=120, groups=24, workers=1)


def test_the_unknown_that_drives_it_stands_first_with_its_interval(run):
    (found,) = drives_of(run)
    first, second = found.telling("move")
    assert first.path == "quantities.share"
    assert first.sure
    assert first.up
    assert first.low < first.share < first.high
    assert first.share > 0.8 > second.share
    assert not found.telling("hire")[0].up  # of those that are hired more are left where fewer leave


def test_rivals_are_told_apart(run):
    (found,) = drives_of(run)
    rivals = {estimate.source: answers for estimate, answers in found.rivals("quantities.share")}
    move, hire = found.policies.index("move"), found.policies.index("hire")
    assert rivals["One office"][move] > rivals["One office"][hire]
    assert rivals["Another office"][move] < rivals["Another office"][hire]
    group = np.array([run.values("move", "field")[run.group_of == g].mean() for g in range(24)])
    believes = found.points["quantities.share"] <= 0.5
    assert rivals["One office"][move] == pytest.approx(group[believes].mean(), rel=1e-5)


def test_one_paragraph_says_what_it_does_and_what_to_measure(run):
    section = drives_section(run)
    (said,) = section.blocks[0].paragraphs
    assert "is ignorance and" in said
    assert "Sources disagree on share" in said
    assert "“Move them” if 40 to 50 % and “Hire” if 0 to 10 %" in said
    assert "What to measure first: share." in said
    assert "person-months (80 % interval" in said


def test_a_run_with_few_groups_or_without_unknowns_says_nothing(run, tmp_path):
    assert drives_of(fs.simulate(run.scenario, draws=40, groups=LEAST - 1, workers=1)) == []
    known = fs.overlaid(run.scenario, {"quantities.loss": "5 %/year", "quantities.share": "10 %"})
    assert drives_section(fs.simulate(known, draws=40, workers=1)) is None


def test_a_stored_run_says_the_same(run, tmp_path):
    again = fs.load(fs.save(run, tmp_path / "run") or tmp_path / "run")
    assert drives_section(again).blocks[0] == drives_section(run).blocks[0]


def test_a_summary_tells_how_much_is_ignorance(run):
    last = {o.policy: o for o in fs.summary(run).outlooks if o.when != "now"}
    assert last["move"].ignorance > 0.9
    assert last["move"].ignorance_of_band > 0.7
    now = next(o for o in fs.summary(run).outlooks if o.policy == "stay" and o.when == "now")
    assert now.ignorance is None  # nothing varies yet


# ----------------------------------------------------------------------------------------- axes


def axis(**given):
    return Axis(Unknown("quantities.x", Amount(**given)))


@pytest.mark.parametrize(
    "given",
    [
        {"range": (1.0, 3.0)},
        {"value": 2.0, "range": (1.0, 10.0)},
        {"range": (1.0, 3.0), "shape": "lognormal"},
        {"estimates": [{"range": (60, 70), "weight": 0.3}, {"range": (2, 5), "weight": 0.7}]},
    ],
)
def test_polynomials_are_orthonormal_under_the_distribution(given):
    points = (np.arange(4_000) + 0.5) / 4_000
    columns = axis(**given).polynomials(points, 3)
    np.testing.assert_allclose(columns.mean(axis=0), 0, atol=0.02)
    np.testing.assert_allclose(columns.T @ columns / 4_000, np.eye(3), atol=0.05)


def test_an_answer_that_is_a_line_in_the_value_is_one_polynomial():
    one = axis(estimates=[{"range": (60, 70), "weight": 0.3}, {"range": (2, 5), "weight": 0.7}])
    points = (np.arange(500) + 0.5) / 500
    answer, column = 3 * one.values(points) + 1, one.polynomials(points, 1)[:, 0]
    assert np.corrcoef(answer, column)[0, 1] ** 2 == pytest.approx(1)


def test_ends_of_rival_estimates_are_the_least_and_greatest_of_all():
    one = axis(estimates=[{"range": "60..70 %"}, {"range": "2..5 %"}, {"range": "20..45 %"}])
    low, high = one.ends
    assert (one.written(low), one.written(high)) == ("2 %", "70 %")
    assert one.ranks(np.array([low]))[0] < 0.01
    assert one.ranks(np.array([high]))[0] > 0.99


def test_ends_of_a_bell_hold_90_per_cent():
    one = axis(range="1..3 person", shape="normal")
    assert [one.written(u) for u in one.ends] == ["1 person", "3 person"]


def test_two_point_estimates_have_one_polynomial_only():
    one = axis(estimates=[{"value": 1}, {"value": 3}])
    columns = one.polynomials(np.array([0.2, 0.8]), 3)
    assert columns[:, 0] == pytest.approx([-1, 1])
    assert not columns[:, 1:].any()


def test_rival_estimates_that_change_the_best_policy_are_counted_where_each_is_believed(run):
    (found,) = drives_of(run)
    believes = found.points["quantities.share"] <= 0.5
    worth = found.worth("quantities.share")
    assert worth.changes == pytest.approx(min(believes.mean(), 1 - believes.mean()))
    assert worth.value > 0


def test_rivals_that_no_straight_line_can_tell_apart_are_counted_too():
    which = np.repeat([0, 1, 2], 8)
    answers = np.array([[0.0] * 24, [1.0] * 8 + [-3.0] * 8 + [1.0] * 8])
    worth = of_classes(which, answers, np.random.default_rng(1))
    assert worth.without == 1
    assert worth.changes == pytest.approx(2 / 3)
    assert worth.value == pytest.approx(2 / 3)
