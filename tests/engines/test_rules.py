"""The built-in rules ask for what they say, when they say it, and see the present only."""

from __future__ import annotations

import textwrap

import numpy as np
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from fieldshift.engines.engine import Engine
from fieldshift.engines.fit import whole_sum
from fieldshift.engines.kernel import Kernel
from fieldshift.engines.policies import Stay, chain, policy_of, settings_of
from fieldshift.engines.reference import MeanEngine, Reference
from fieldshift.engines.remainders import ask_nation
from fieldshift.engines.view import View
from fieldshift.errors import UsageError
from fieldshift.network.build import build
from fieldshift.scenario.schema import Scenario

WHOLE = (Reference, Kernel)
ALL = (*WHOLE, MeanEngine)
PEOPLE = """
stocks: {desk: {start: 100 person}, field: {start: 20 person, funded: 50 post}}
choices: {retrain: {tail: desk, head: field, lasts: 2 week}}
"""
SITES = """
sites: [{id: a, weight: 3, load: 1}, {id: b, weight: 1, load: 4}]
stocks: {desk: {start: {sites: {a: 60 person, b: 20 person}}}, field: {start: 10 person per site}}
choices:
  retrain: {tail: desk, head: field, lasts: 2 week}
  hire: {head: field}
  detail: {tail: desk, to: [a, b], returns: true, lasts: 2 week}
"""
WORK = """
stocks: {field: {start: 10 person, hours: 40 hour/week}}
choices: {hire: {head: field}}
work: {cases: {start: 9000 case, standard: 10 hour/case, by: field}}
dials: {pace: {from: 1, to: 1.1, turns: {work.cases.pace: 1}}}
"""


def scenario_of(parts: str, rules: str, periods: int = 8) -> Scenario:
    head = f"name: Rules\nhorizon: {{start: 2025-01-06, periods: {periods}, step: week}}\n"
    return Scenario.model_validate(
        {**yaml.safe_load(head + parts), "policies": {"go": {"rules": yaml.safe_load(textwrap.dedent(rules))}}}
    )


def live(scenario: Scenario, kind: type, policy: str = "go", draws: int = 1) -> Engine:
    network = build(scenario)
    engine = MeanEngine(network) if kind is MeanEngine else kind(network, 3, np.arange(draws))
    rules = policy_of(scenario, network, policy)
    for period in range(network.periods.count):
        engine.begin(period)
        engine.finish(period, rules.decide(View(engine, period)))
    return engine


def moved(engine: Engine, choice: str) -> list[float]:
    arcs = [b.arcs for b in engine.network.choices if b.part == choice and not b.auto]
    return sum(engine.trace.moved[0, :, a].sum(axis=1, dtype=float) for a in arcs).tolist()


# ---------------------------------------------------------------------------------------- schedule


@pytest.mark.parametrize("kind", WHOLE)
def test_schedule_keeps_fractions_until_they_make_a_person(kind):
    found = live(scenario_of(PEOPLE, "- {rule: schedule, choice: retrain, amount: 0.75 person/week}"), kind)
    assert moved(found, "retrain") == [0, 1, 1, 1, 0, 1, 1, 1]


def test_schedule_keeps_no_fraction_in_the_mean():
    found = live(scenario_of(PEOPLE, "- {rule: schedule, choice: retrain, amount: 0.75 person/week}"), MeanEngine)
    assert moved(found, "retrain") == [0.75] * 8


@pytest.mark.parametrize("kind", ALL)
def test_schedule_acts_between_its_dates_and_stops_at_its_total(kind):
    """A week acts if any of its days lies in the stretch: 15 January is in the week of the 13th."""
    rule = "- {rule: schedule, choice: retrain, amount: 3 person/week, from: 2025-01-15, until: 2025-02-10, total: 10}"
    assert moved(live(scenario_of(PEOPLE, rule), kind), "retrain") == [0, 3, 3, 3, 1, 0, 0, 0]
    rule = "- {rule: schedule, choice: retrain, amount: 3 person/week, until: 2025-01-20}"
    assert moved(live(scenario_of(PEOPLE, rule), kind), "retrain") == [3, 3, 3, 0, 0, 0, 0, 0]


@pytest.mark.parametrize("kind", ALL)
def test_schedule_takes_a_share_of_those_present(kind):
    found = live(scenario_of(PEOPLE, "- {rule: schedule, choice: retrain, share: 10 %/week}", 3), kind)
    # 10, then 9 of the 90 left, then 8.1 of 81; whole people keep the tenth for later.
    assert moved(found, "retrain") == pytest.approx([10, 9, 8.1] if kind is MeanEngine else [10, 9, 8])


@pytest.mark.parametrize("kind", ALL)
@pytest.mark.parametrize(
    ("spread", "expected"),
    [("", [6, 2]), (", spread: even", [4, 4]), (", spread: load", [1.6, 6.4]), (", spread: {a: 0, b: 1}", [0, 8])],
)
def test_schedule_spreads_a_national_amount(kind, spread, expected):
    found = live(scenario_of(SITES, f"- {{rule: schedule, choice: retrain, amount: 8 person/week{spread}}}", 1), kind)
    got = found.trace.moved[0, 0, next(b for b in found.network.choices if b.part == "retrain").arcs]
    assert got.tolist() == pytest.approx(expected if kind is MeanEngine else np.round(expected).tolist())
    assert got.sum() == pytest.approx(8)


@pytest.mark.parametrize("kind", ALL)
def test_schedule_hires_by_weight_and_acts_at_some_sites_only(kind):
    def at_sites(rule: str) -> list[float]:
        found = live(scenario_of(SITES, rule, 1), kind)
        return found.trace.moved[0, 0, next(b for b in found.network.choices if b.part == "hire").arcs].tolist()

    assert at_sites("- {rule: schedule, choice: hire, amount: 8 person/week}") == [6, 2]
    assert at_sites("- {rule: schedule, choice: hire, amount: 8 person/week, only: [b]}") == [0, 8]
    assert at_sites("- {rule: schedule, choice: hire, amount: 5 person/week per site, only: {load: 1}}") == [5, 0]


@pytest.mark.parametrize("kind", ALL)
def test_schedule_sends_details_where_it_says(kind):
    rule = "- {rule: schedule, choice: detail, amount: 8 person/week, to: {a: 1, b: 3}}"
    assert live(scenario_of(SITES, rule, 1), kind).trace.hosted[0, 0].tolist() == [2, 6]
    rule = "- {rule: schedule, choice: detail, amount: 8 person/week, to: even}"
    assert live(scenario_of(SITES, rule, 1), kind).trace.hosted[0, 0].tolist() == [4, 4]


@pytest.mark.parametrize("kind", ALL)
def test_rules_add_up_and_a_policy_takes_over_what_it_extends(kind):
    scenario = scenario_of(PEOPLE, "- {rule: schedule, choice: retrain, amount: 2 person/week}", 2)
    more = scenario.model_dump(mode="json", by_alias=True, exclude_none=True)
    more["policies"]["both"] = {
        "extends": "go",
        "set": {"stocks.desk.start": "7 person"},
        "rules": [{"rule": "schedule", "choice": "retrain", "amount": "3 person/week"}],
    }
    more = Scenario.model_validate(more)
    assert moved(live(more, kind, "both"), "retrain") == [5, 5]
    assert [len(p.rules) for p in chain(more, "both")] == [1, 1]
    assert settings_of(more, "both") == {"stocks.desk.start": "7 person"}
    assert settings_of(more, "go") == {}


def test_a_policy_that_is_not_there_or_extends_itself_is_told():
    scenario = scenario_of(PEOPLE, "[]")
    with pytest.raises(UsageError, match="no policy named 'stop'"):
        chain(scenario, "stop")
    round_about = scenario.model_copy(
        update={"policies": {"a": scenario.policies["go"].model_copy(update={"extends": "a"})}}
    )
    with pytest.raises(UsageError, match="extends itself"):
        chain(round_about, "a")


@pytest.mark.parametrize("kind", ALL)
def test_stay_asks_for_nothing(kind):
    network = build(scenario_of(PEOPLE, "[]"))
    engine = MeanEngine(network) if kind is MeanEngine else kind(network, 3, np.arange(2))
    engine.begin(0)
    decision = Stay().decide(View(engine, 0))
    assert decision.asked.shape == (engine.draws, network.n_choices)
    assert not decision.asked.any()
    assert decision.dials is None


# -------------------------------------------------------------------------------------------- fill


@pytest.mark.parametrize("kind", ALL)
def test_fill_reaches_the_posts_and_counts_those_on_their_way(kind):
    """30 posts are empty: 30 are asked for at once, and no more while they are under way."""
    found = live(scenario_of(PEOPLE, "- {rule: fill, choice: retrain, stock: field}"), kind)
    assert moved(found, "retrain") == [30] + [0] * 7
    assert found.trace.people[0, :, found.network.stock("field").first].tolist() == [20] * 3 + [50] * 6


@pytest.mark.parametrize("kind", ALL)
def test_fill_asks_for_at_most_so_many(kind):
    found = live(scenario_of(PEOPLE, "- {rule: fill, choice: retrain, stock: field, most: 8 person/week}"), kind)
    assert moved(found, "retrain") == [8, 8, 8, 6, 0, 0, 0, 0]


@pytest.mark.parametrize("kind", ALL)
def test_fill_goes_by_need_number_and_site(kind):
    parts = SITES + "needs: {more: {of: field, need: {sites: {a: 14 person, b: 10 person}}}}\n"
    found = live(scenario_of(parts, "- {rule: fill, choice: hire, stock: field, upto: more}", 2), kind)
    arcs = next(b for b in found.network.choices if b.part == "hire").arcs
    assert found.trace.moved[0, :, arcs].tolist() == [[4, 0], [0, 0]]
    found = live(scenario_of(SITES, "- {rule: fill, choice: hire, stock: field, upto: 12 person per site}", 2), kind)
    assert found.trace.moved[0, :, arcs].tolist() == [[2, 2], [0, 0]]
    found = live(scenario_of(SITES, "- {rule: fill, choice: hire, stock: field, upto: 28 person}", 2), kind)
    assert found.trace.moved[0, :, arcs].tolist() == [[6, 2], [0, 0]]


def test_fill_grosses_up_for_those_who_fail():
    """Half pass: 60 are asked for to gain 30, and the mean reaches the number exactly."""
    parts = PEOPLE.replace("lasts: 2 week", "lasts: 2 week, pass: 50 %, fail_to: desk").replace(", funded: 50 post", "")
    found = live(scenario_of(parts, "- {rule: fill, choice: retrain, stock: field, upto: 50 person}"), MeanEngine)
    assert moved(found, "retrain") == pytest.approx([60] + [0] * 7)
    assert found.trace.people[0, -1, found.network.stock("field").first] == pytest.approx(50)


def test_fill_orders_ahead_for_the_losses_of_its_lead():
    """With 1 % leaving a week and 3 weeks on the way, ordering ahead keeps the stock about a week's loss short of
    its number; ordering for today's gap leaves the losses of the whole lead open."""
    parts = PEOPLE.replace("lasts: 2 week", "lasts: 3 week").replace(", funded: 50 post", "").replace("100", "900")
    parts += "flows: {leave: {tail: field, rate: 1 %/week}}\n"
    ends = []
    for lead in ("", ", lead: 0 week"):
        rule = f"- {{rule: fill, choice: retrain, stock: field, upto: 50 person{lead}}}"
        found = live(scenario_of(parts, rule, 60), MeanEngine)
        ends.append(found.trace.people[0, -1, found.network.stock("field").first])
    assert 49.2 < ends[0] < 50.2
    assert ends[1] < 48.8


# ---------------------------------------------------------------------------------------- escalate

ESCALATE = """
- rule: escalate
  watch: cases.served
  window: 2 week
  below: 45 case/week
  first: {dial: pace, to: 1.1}
  then: {choice: hire, add: 3 person}
  cooldown: 2 week
"""


@pytest.mark.parametrize("kind", ALL)
def test_escalate_presses_first_and_then_adds(kind):
    """40 a week are under 45: after the window the dial; 44 are still under: after the cooldown 3 more; 57 are not."""
    found = live(scenario_of(WORK, ESCALATE, 9), kind)
    assert found.trace.dials[0, :, 0, -1].tolist() == pytest.approx([1, 1] + [1.1] * 7)
    assert moved(found, "hire") == [0, 0, 0, 0, 3, 0, 0, 0, 0]
    served = found.trace.served[0, :, 0].tolist()
    assert served == pytest.approx([40, 40, 44, 44] + ([57.2] if kind is MeanEngine else [57]) * 5)


@pytest.mark.parametrize("kind", ALL)
def test_escalate_does_nothing_where_output_is_enough(kind):
    found = live(scenario_of(WORK, ESCALATE.replace("45 case", "40 case"), 9), kind)
    assert (found.trace.dials == 1).all()
    assert moved(found, "hire") == [0] * 9


@pytest.mark.parametrize("kind", ALL)
def test_escalate_goes_on_adding_after_each_cooldown(kind):
    found = live(scenario_of(WORK, ESCALATE.replace("45 case", "9000 case"), 9), kind)
    assert moved(found, "hire") == [0, 0, 0, 0, 3, 0, 3, 0, 3]


@pytest.mark.parametrize("kind", ALL)
def test_escalate_by_site_acts_where_it_is_short(kind):
    """At b 5 people serve 20 a week, under 30; at a 10 serve 40: only b is pressed, then only b gets people."""
    parts = WORK.replace("start: 10 person", "start: {sites: {a: 10 person, b: 5 person}}").replace(
        "9000 case", "9000 case per site"
    )
    rule = ESCALATE.replace("45 case/week", "30 case/week per site").replace("3 person", "3 person per site")
    found = live(scenario_of("sites: [a, b]\n" + parts, rule, 5), kind)
    assert found.trace.dials[0, 2, 0, :2].tolist() == pytest.approx([1, 1.1])
    assert found.trace.moved[0].tolist() == [[0, 0]] * 4 + [[0, 3]]


# ----------------------------------------------------------------------------------------- respond


@pytest.mark.parametrize("kind", ALL)
def test_respond_moves_a_dial_part_of_the_way_to_where_the_load_would_have_it(kind):
    """10 cases a head are twice the 5 stated: aim 1 + 0.5 * 1; half the way in each of 2 weeks: 1.25, 1.375, ..."""
    parts = (
        WORK.replace("9000 case", "100 case")
        .replace("by: field", "by: field, most: 0 case/week")
        .replace("to: 1.1", "to: 2")
    )
    rule = (
        "- {rule: respond, watch: cases.backlog_per_head, above: 5 case/person, dial: pace, gain: 0.5, relax: 2 week}"
    )
    found = live(scenario_of(parts, rule, 5), kind)
    assert found.trace.dials[0, :, 0, -1].tolist() == pytest.approx([1.5 - 0.5 ** (k + 2) for k in range(5)])


@pytest.mark.parametrize("kind", ALL)
@pytest.mark.parametrize(("watch", "above"), [("cases.backlog", "50 case"), ("field.used", "0.5")])
def test_respond_stops_at_the_dial_s_end(kind, watch, above):
    rule = f"- {{rule: respond, watch: {watch}, above: {above}, dial: pace, gain: 9, relax: 1 week}}"
    found = live(scenario_of(WORK, rule, 4), kind)
    assert found.trace.dials[0, -1, 0, -1] == pytest.approx(1.1)
    assert found.trace.dials[0].max() == pytest.approx(1.1)


@pytest.mark.parametrize("kind", ALL)
def test_respond_leaves_a_dial_alone_under_its_load(kind):
    rule = "- {rule: respond, watch: cases.backlog, above: 9e6 case, dial: pace, gain: 9, relax: 1 week}"
    assert (live(scenario_of(WORK, rule, 4), kind).trace.dials == 1).all()


@given(
    hnp.arrays(
        np.float64,
        st.tuples(st.integers(1, 6), st.integers(1, 9)),
        elements=st.sampled_from([0.0, 0.5, 1.25, 7.0, 33.3]),
    ),
    st.integers(0, 40),
)
def test_compiled_shares_equal_readable_ones(weight: np.ndarray, total: int) -> None:
    where = np.arange(weight.shape[1]) % 3 != 1
    totals = np.full(len(weight), float(total))
    inside = np.where(where, weight, 0.0)
    sums = inside.sum(axis=1, keepdims=True)
    wanted = np.divide(inside, sums, out=np.zeros_like(inside), where=sums > 0) * totals[:, None]
    asked = np.zeros(weight.T.shape)
    ask_nation(asked, np.arange(weight.shape[1]), np.ascontiguousarray(weight.T), where, totals, True)
    got = asked.T
    np.testing.assert_array_equal(got.sum(axis=1), np.where(sums[:, 0] > 0, totals, 0.0))
    assert (np.abs(got - wanted) < 1).all()
    assert (got[:, ~where] == 0).all()
    np.testing.assert_array_equal(got, whole_sum(wanted, np.rint(wanted.sum(axis=1))))
