"""One period, in the order that the step module states: who is where when, and who draws what."""

from __future__ import annotations

import textwrap
from collections.abc import Callable

import numpy as np
import pytest
import yaml

from fieldshift.engines.engine import Decision, Engine
from fieldshift.engines.kernel import Kernel
from fieldshift.engines.reference import MeanEngine, Reference
from fieldshift.engines.view import View
from fieldshift.network.build import build
from fieldshift.scenario.schema import Scenario

WHOLE = (Reference, Kernel)
ALL = (*WHOLE, MeanEngine)
Decide = Callable[[View], Decision]


def start(kind: type, parts: str, periods: int = 4, draws: int = 1) -> Engine:
    head = f"name: Step\nhorizon: {{start: 2025-01-06, periods: {periods}, step: week}}\n"
    network = build(Scenario.model_validate(yaml.safe_load(head + textwrap.dedent(parts))))
    return MeanEngine(network) if kind is MeanEngine else kind(network, 5, np.arange(draws))


def asks(**amounts: float) -> Decide:
    """Ask for so many on each first-leg arc of each choice."""

    def decide(view: View) -> Decision:
        asked = np.zeros((view.draws, view.network.n_choices))
        for block in view.network.choices:
            if not block.auto:
                asked[:, block.arcs] = amounts.get(block.part, 0.0)
        return Decision(asked)

    return decide


def live(engine: Engine, decide: Decide, periods: int | None = None) -> Engine:
    for period in range(engine.network.periods.count if periods is None else periods):
        engine.begin(period)
        engine.finish(period, decide(View(engine, period)))
    return engine


def people(engine: Engine, stock: str) -> np.ndarray:
    cells = np.concatenate([np.arange(b.first, b.first + len(b.sites)) for b in engine.network.blocks_of(stock)])
    return engine.trace.people[:, :, cells].sum(axis=2, dtype=float)


@pytest.mark.parametrize("kind", ALL)
def test_those_who_moved_do_not_draw_in_that_period(kind):
    """Everybody leaves each week by chance, before and after: only who moved this week is spared, once."""
    engine = start(
        kind,
        """
        stocks: {desk: {start: 10}, field: {start: 10}}
        flows: {leave: {tail: [desk, field], rate: 100 %/week}}
        choices: {move: {tail: desk, head: field}}
        """,
    )
    live(engine, asks(move=4))
    assert people(engine, "field")[0].tolist() == pytest.approx([10, 4, 0, 0, 0], abs=1e-9)
    assert people(engine, "desk")[0].tolist() == pytest.approx([10, 0, 0, 0, 0], abs=1e-9)


@pytest.mark.parametrize("kind", ALL)
def test_opening_chance_is_drawn_before_anybody_decides(kind):
    engine = start(
        kind,
        """
        stocks: {desk: {start: 10}, field: {start: 0}}
        flows: {leave: {tail: desk, rate: 100 %/week, timing: opening}}
        choices: {move: {tail: desk, head: field}}
        """,
    )
    seen: list[float] = []

    def decide(view: View) -> Decision:
        seen.append(float(view.people("desk").sum()))
        return asks(move=4)(view)

    live(engine, decide)
    assert seen[0] == pytest.approx(0, abs=1e-9)
    assert engine.trace.moved.sum() == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize("kind", ALL)
def test_a_closing_chance_lets_the_decision_go_first(kind):
    engine = start(
        kind,
        """
        stocks: {desk: {start: 10}, field: {start: 0}}
        flows: {leave: {tail: desk, rate: 100 %/week}}
        choices: {move: {tail: desk, head: field}}
        """,
    )
    live(engine, asks(move=4))
    assert people(engine, "field")[0].tolist() == pytest.approx([0, 4, 4, 4, 4])


@pytest.mark.parametrize("kind", ALL)
def test_who_arrives_is_seen_may_be_moved_on_and_draws(kind):
    """A transit of 2 weeks that began in week 0 ends as week 2 opens: seen then, and drawn by chance then."""
    engine = start(
        kind,
        """
        stocks: {desk: {start: 6}, field: {start: 0}}
        flows: {leave: {tail: field, rate: 100 %/week}}
        choices: {move: {tail: desk, head: field, lasts: 2 week}}
        """,
    )
    seen: list[float] = []

    def decide(view: View) -> Decision:
        seen.append(float(view.people("field").sum()))
        return asks(move=6)(view)

    live(engine, decide)
    assert seen == pytest.approx([0, 0, 6, 0], abs=1e-9)
    assert people(engine, "field")[0].tolist() == pytest.approx([0] * 5, abs=1e-9)


@pytest.mark.parametrize("kind", ALL)
def test_entries_come_last_and_do_not_draw(kind):
    engine = start(
        kind,
        """
        stocks: {desk: {start: 0}}
        flows: {leave: {tail: desk, rate: 100 %/week}, come: {head: desk, arrive: 5 person/week}}
        """,
        periods=6,
        draws=50,
    )
    live(engine, asks())
    entered = engine.trace.entered.sum(axis=2)
    assert entered.sum() > 0
    np.testing.assert_allclose(people(engine, "desk")[:, 1:], entered, atol=1e-9)


@pytest.mark.parametrize("kind", ALL)
def test_served_cases_do_not_lapse_and_new_ones_are_not_served(kind):
    """40 hours serve 20 cases of 30; the 10 that stay all lapse, the new ones come after that and wait."""
    engine = start(
        kind,
        """
        stocks: {field: {start: 1, hours: 40 hour/week}}
        work: {cases: {start: 30 case, arrive: 3 case/week, expire: 100 %/week, standard: 2 hour/case, by: field}}
        """,
    )
    live(engine, asks())
    assert engine.trace.served[0, 0, 0] == pytest.approx(20)
    assert engine.trace.flowed[0, 0, 0] == pytest.approx(10)
    assert people(engine, "cases")[0, 1] == pytest.approx(float(engine.trace.entered[0, 0, 0]))


@pytest.mark.parametrize("kind", ALL)
def test_those_who_move_at_once_serve_in_that_period_and_those_under_way_do_not(kind):
    parts = """
        stocks: {{desk: {{start: 2}}, field: {{start: 1, hours: 40 hour/week}}}}
        choices: {{move: {{tail: desk, head: field, lasts: {} week}}}}
        work: {{cases: {{start: 900 case, standard: 4 hour/case, by: field}}}}
        """
    for lasts, served in ((0, [30, 30, 30, 30]), (1, [10, 30, 30, 30])):
        engine = live(start(kind, parts.format(lasts)), asks(move=2))
        assert engine.trace.served[0, :, 0].tolist() == pytest.approx(served)


@pytest.mark.parametrize("kind", WHOLE)
def test_competing_chances_are_one_draw_of_many_outcomes(kind):
    """30 % one way and 20 % another out of one stock: multinomial, so means n p and covariance -n p q."""
    n, size = 20_000, 50
    engine = start(
        kind,
        """
        stocks: {desk: {start: 50}, field: {start: 0}}
        flows: {a_quit: {tail: desk, rate: 30 %/week}, b_up: {tail: desk, head: field, rate: 20 %/week}}
        """,
        periods=1,
        draws=n,
    )
    live(engine, asks())
    quit_, up = engine.trace.flowed[:, 0, 0].astype(float), engine.trace.flowed[:, 0, 1].astype(float)
    for counts, p in ((quit_, 0.3), (up, 0.2)):
        variance = size * p * (1 - p)
        assert abs(counts.mean() - size * p) / np.sqrt(variance / n) < 4.5
        assert abs(counts.var() / variance - 1) < 4.5 * np.sqrt(2 / n)
    covariance = np.cov(quit_, up)[0, 1]
    error = np.sqrt((quit_.var() * up.var() + covariance**2) / n)
    assert abs(covariance + size * 0.3 * 0.2) / error < 4.5


@pytest.mark.parametrize("kind", ALL)
def test_chances_that_take_all_leave_nobody_and_no_more(kind):
    engine = start(
        kind,
        """
        stocks: {desk: {start: 31}, field: {start: 0}}
        flows: {a: {tail: desk, rate: 60 %/week}, b: {tail: desk, head: field, rate: 40 %/week}}
        """,
        periods=1,
        draws=20,
    )
    live(engine, asks())
    np.testing.assert_allclose(people(engine, "desk")[:, 1], 0, atol=1e-9)
    np.testing.assert_allclose(engine.trace.flowed[:, 0].sum(axis=1), 31)


@pytest.mark.parametrize("kind", ALL)
def test_requests_are_cut_to_people_present_in_proportion(kind):
    """9 are there; 8 and 4 are asked for: 6 and 3."""
    engine = start(
        kind,
        """
        stocks: {desk: {start: 9}, field: {start: 0}, pool: {start: 0}}
        choices: {one: {tail: desk, head: field}, two: {tail: desk, head: pool}}
        """,
        periods=1,
    )
    live(engine, asks(one=8, two=4))
    assert engine.trace.moved[0, 0].tolist() == pytest.approx([6, 3])


@pytest.mark.parametrize("kind", WHOLE)
def test_people_start_in_whole_groups(kind):
    engine = start(
        kind,
        """
        stocks: {desk: {start: 20}, field: {start: 0}}
        choices: {move: {tail: desk, head: field, lump: 7}}
        """,
        periods=3,
    )
    live(engine, asks(move=16))
    assert engine.trace.moved[0, :, 0].tolist() == [14, 0, 0]


@pytest.mark.parametrize("kind", ALL)
def test_a_choice_is_open_between_its_dates(kind):
    engine = start(
        kind,
        """
        stocks: {desk: {start: 20}, field: {start: 0}}
        choices: {move: {tail: desk, head: field, from: 2025-01-13, until: 2025-01-20}}
        """,
    )
    live(engine, asks(move=3))
    assert engine.trace.moved[0, :, 0].tolist() == [0, 3, 3, 0]


@pytest.mark.parametrize("kind", ALL)
def test_a_policy_may_decide_the_serving_and_cannot_serve_more_than_there_are_hours(kind):
    parts = """
        stocks: {field: {start: 1, hours: 40 hour/week}}
        work: {cases: {start: 90 case, standard: 4 hour/case, by: field}}
        """
    for wanted, got in ((3, 3), (99, 10)):
        engine = start(kind, parts, periods=1)
        live(engine, lambda v, w=wanted: Decision(np.zeros((v.draws, 0)), serve=np.full((v.draws, 1), float(w))))
        assert engine.trace.served[0, 0, 0] == pytest.approx(got)


@pytest.mark.parametrize("kind", ALL)
def test_dials_stay_in_their_bounds_and_last(kind):
    """A setting above the end is cut to it; it holds until it is turned again; it works in the period it is turned."""
    engine = start(
        kind,
        """
        stocks: {field: {start: 1, hours: 40 hour/week}}
        work: {cases: {start: 900 case, standard: 4 hour/case, by: field}}
        dials: {pace: {from: 0.5, to: 1.5, turns: {work.cases.pace: 1, stocks.field.hours: -0.4}}}
        """,
    )

    def decide(view: View) -> Decision:
        to = {1: 9.0, 3: 0.1}.get(view.period)
        dials = None if to is None else np.full_like(view.dials, to)
        return Decision(np.zeros((view.draws, 0)), dials=dials)

    live(engine, decide)
    assert engine.trace.dials[0, :, 0, 0].tolist() == pytest.approx([1, 1.5, 1.5, 0.5])
    # Hours are 40 (1 - 0.4 (s - 1)), the pace is s: 10, then 32 * 1.5 / 4 = 12, then 48 * 0.5 / 4 = 6 cases.
    assert engine.trace.served[0, :, 0].tolist() == pytest.approx([10, 12, 12, 6])
    assert engine.trace.hours[0, :, 0].tolist() == pytest.approx([40, 32, 32, 48])


@pytest.mark.parametrize("kind", ALL)
def test_later_legs_ask_by_themselves_unless_the_plan_says_all(kind):
    parts = """
        stocks: {field: {start: 0}}
        choices: {hire: {head: field, stages: [{name: one, lasts: 1 week}, {name: two, lasts: 1 week}]}}
        """
    engine = live(start(kind, parts), asks(hire=5))
    assert people(engine, "field")[0].tolist() == [0, 0, 0, 5, 10]
    engine = start(kind, parts)
    live(engine, lambda v: Decision(np.tile([5.0, 0.0], (v.draws, 1)), auto=False))
    assert people(engine, "field")[0].tolist() == [0] * 5
    assert engine.trace.moved[0, :, 1].tolist() == [0] * 4


@pytest.mark.parametrize("kind", ALL)
@pytest.mark.parametrize("lasts", [1, 2, 3])
def test_a_move_between_sites_ends_at_the_hosts_when_it_has_lasted(kind, lasts):
    """6 leave a; at the instant 1 + `lasts` 2 are at b and 4 at c, and in between nobody is lost."""
    engine = start(
        kind,
        f"""
        sites: [a, b, c]
        stocks: {{field: {{start: {{sites: {{a: 6 person, b: 0 person, c: 0 person}}}}}}}}
        choices: {{move: {{tail: field, at: [a], to: [b, c], lasts: {lasts} week}}}}
        """,
        periods=6,
    )
    arrive = next(i for i, b in enumerate(engine.network.choices) if b.auto)

    def decide(view: View) -> Decision:
        weights = np.tile([1.0, 2.0], (view.draws, 1))
        return Decision(asks(move=6)(view).asked, {arrive: weights})

    live(engine, decide)
    field = engine.trace.people[0, :, engine.network.stock("field").cells]
    assert field[-1].tolist() == pytest.approx([0, 2, 4])
    assert next(t for t in range(7) if field[t, 1:].sum() > 0) == 1 + lasts
    total = engine.trace.people[0].sum(axis=1) + engine.trace.under_way[0].sum(axis=1)
    assert total.tolist() == pytest.approx([6] * 7)


@pytest.mark.parametrize("kind", ALL)
def test_a_national_stock_flows_to_sites_by_its_spread(kind):
    engine = start(
        kind,
        """
        sites: [{id: a, weight: 3}, {id: b, weight: 1}]
        stocks: {pool: {start: 40, at: nation}, field: {start: 0}}
        flows: {go: {tail: pool, head: field, rate: 100 %/week}}
        """,
        periods=1,
        draws=2000,
    )
    live(engine, asks())
    at = engine.trace.people[:, 1, engine.network.stock("field").cells].astype(float)
    np.testing.assert_allclose(at.sum(axis=1), 40)
    assert at.mean(axis=0) == pytest.approx(
        [30, 10], abs=4.5 * np.sqrt(7.5 / len(at)) if kind is not MeanEngine else 1e-9
    )


@pytest.mark.parametrize("kind", ALL)
def test_those_begun_arrive_one_by_one_over_the_length(kind):
    """6 under way on the first day of a course of 3 weeks: 2 arrive as each of the first 3 weeks opens."""
    engine = start(
        kind,
        """
        stocks: {desk: {start: 0}, field: {start: 0}}
        choices: {move: {tail: desk, head: field, lasts: 3 week, begun: 6 person}}
        """,
    )
    live(engine, asks())
    assert engine.trace.under_way[0, :, 0].tolist() == [6, 4, 2, 0, 0]
    assert people(engine, "field")[0].tolist() == [0, 2, 4, 6, 6]


@pytest.mark.parametrize("kind", ALL)
def test_the_policy_sees_the_period_just_opened(kind):
    """What is recorded is the count at the end of the period; what the policy sees is the count after it opened."""
    engine = start(
        kind,
        """
        stocks: {desk: {start: 8}, field: {start: 0}}
        choices: {move: {tail: desk, head: field, lasts: 1 week}}
        """,
        periods=3,
    )
    seen: list[list[float]] = []

    def decide(view: View) -> Decision:
        seen.append(
            [float(view.people("desk").sum()), float(view.people("field").sum()), float(view.under_way("move")[0])]
        )
        return asks(move=2)(view)

    live(engine, decide)
    assert seen == [[8, 0, 0], [6, 2, 0], [4, 4, 0]]
    assert people(engine, "field")[0].tolist() == [0, 0, 2, 4]
