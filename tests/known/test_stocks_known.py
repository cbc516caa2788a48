"""Stocks whose answer is known in closed form.

Sources:
    Bartholomew & Forbes (1979), Statistical Techniques for Manpower Planning, Wiley, chapters 2 (wastage: a closed
    cohort's survivors are binomial) and 4 (Markov models of graded systems: the fundamental matrix).
    Bartholomew, Forbes & McClean (1991), Statistical Techniques for Manpower Planning, 2nd edition, chapter 4
    (recruits in a Poisson stream leave a Poisson stock).
    Kemeny & Snell (1960), Finite Markov Chains, theorem 3.2.4 (expected visits N = (I - Q)^-1).
    Little (1961), A proof for the queuing formula L = lambda W, Operations Research 9(3).
"""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from told import ALL, CHANCE, agree_in_mean, agree_in_variance, live, told

from fieldshift.engines.reference import MeanEngine
from fieldshift.scenario.read import read

YEAR = 365.25


@pytest.mark.parametrize("timing", ["opening", "closing"])
def test_a_stock_with_constant_hires_follows_the_geometric_law(timing):
    """S_t = h/w + (S_0 - h/w)(1-w)^t, where w is the loss of a period and h hires come after it (Bartholomew 1979)."""
    scenario = told(
        f"""
        stocks: {{staff: {{start: 800 person}}}}
        flows: {{leave: {{tail: staff, rate: 2 %/week, timing: {timing}}}}}
        choices: {{hire: {{head: staff}}}}
        policies: {{go: {{rules: [{{rule: schedule, choice: hire, amount: 5 person/week}}]}}}}
        """,
        120,
    )
    found = live(scenario, MeanEngine)
    h, w, t = 5.0, 0.02, np.arange(121)
    np.testing.assert_allclose(found.people("staff")[0], h / w + (800 - h / w) * (1 - w) ** t, rtol=1e-12)
    assert found.people("staff")[0, -1] == pytest.approx(250 + 550 * 0.98**120)


@pytest.mark.parametrize("kind", CHANCE)
@pytest.mark.parametrize("timing", ["opening", "closing"])
def test_survivors_of_a_cohort_are_binomial(kind, timing):
    """Binomial(N, (1-w)^k) after k periods, in mean, in variance and in whole (Bartholomew & Forbes 1979, ch. 2)."""
    scenario = told(
        f"""
        stocks: {{staff: {{start: 40 person}}}}
        flows: {{leave: {{tail: staff, rate: 5 %/week, timing: {timing}}}}}
        policies: {{stay: {{}}}}
        """,
        30,
    )
    n = 4000
    left = live(scenario, kind, n).people("staff")
    for k in (1, 5, 13, 30):
        p = 0.95**k
        agree_in_mean(left[:, k], 40 * p, 40 * p * (1 - p))
        agree_in_variance(left[:, k], 40 * p * (1 - p), kurtosis=3 + (1 - 6 * p * (1 - p)) / (40 * p * (1 - p)))
    p = 0.95**13
    edges = np.arange(14, 28)
    seen = np.histogram(left[:, 13], [-0.5, *(edges + 0.5), 40.5])[0]
    chance = np.diff(stats.binom.cdf([-1, *edges, 40], 40, p))
    assert stats.chisquare(seen, chance * n).pvalue > 1e-5


@pytest.mark.parametrize("kind", CHANCE)
def test_sites_and_periods_draw_independently(kind):
    """The variance of a sum over sites, and over periods, is the sum of variances."""
    scenario = told(
        """
        sites: [a, b, c, d]
        stocks: {staff: {start: 25 person per site}}
        flows: {come: {head: staff, arrive: 4 person/week}}
        policies: {stay: {}}
        """,
        12,
    )
    entered = live(scenario, kind, 3000).entered("come")
    agree_in_mean(entered, 4.0, 4.0)
    agree_in_variance(entered.sum(axis=1), 48.0)
    agree_in_variance(entered[:, 0], 4.0, kurtosis=3.25)


@pytest.mark.parametrize("kind", CHANCE)
def test_a_poisson_stream_of_recruits_leaves_a_poisson_stock(kind):
    """In the steady state mean = variance = h/w, for recruits who come after the period's losses."""
    scenario = told(
        """
        stocks: {staff: {start: 0 person}}
        flows:
          leave: {tail: staff, rate: 20 %/week}
          come: {head: staff, arrive: 6 person/week}
        policies: {stay: {}}
        """,
        60,
    )
    end = live(scenario, kind, 5000).people("staff")[:, -1]
    steady = 6 / 0.2 * (1 - 0.8**60)
    agree_in_mean(end, steady, steady)
    agree_in_variance(end, steady, kurtosis=3 + 1 / steady)


@pytest.mark.parametrize("kind", ALL)
def test_a_pipeline_holds_its_intake_times_its_duration(kind):
    """Little's law: 3 a week for 7 weeks is 21 under way, once the first have arrived, and none before their time."""
    scenario = told(
        """
        stocks: {field: {start: 0 person}}
        choices: {hire: {head: field, lasts: 7 week}}
        policies: {go: {rules: [{rule: schedule, choice: hire, amount: 3 person/week}]}}
        """,
        20,
    )
    found = live(scenario, kind)
    under_way, field = found.on("hire", "under_way")[0], found.people("field")[0]
    assert under_way.tolist() == [3 * min(t, 7) for t in range(21)]
    # Started in period s they arrive at the beginning of period s + 7, and are seen at the instant after it.
    assert field.tolist() == [3 * max(t - 7, 0) for t in range(21)]


@pytest.mark.parametrize("kind", ALL)
def test_a_three_grade_chain_spends_the_time_of_its_fundamental_matrix(kind):
    """Expected periods in each grade, N = (I - Q)^-1, and where a career ends (Kemeny & Snell 1960)."""
    scenario = told(
        """
        stocks: {one: {start: 60 person}, two: {start: 0 person}, three: {start: 0 person}}
        flows:
          up1: {tail: one, head: two, rate: 10 %/week}
          up2: {tail: two, head: three, rate: 5 %/week}
          out1: {tail: one, rate: 4 %/week}
          out2: {tail: two, rate: 3 %/week}
          out3: {tail: three, rate: 8 %/week}
        policies: {stay: {}}
        """,
        400,
    )
    q = np.array([[0.86, 0.10, 0], [0, 0.92, 0.05], [0, 0, 0.92]])
    visits = np.linalg.inv(np.eye(3) - q)[0]
    n = 1 if kind is MeanEngine else 300
    found = live(scenario, kind, n)
    spent = np.stack([found.people(s)[:, :-1].sum(axis=1) for s in ("one", "two", "three")], axis=1)
    ends = np.stack([found.flowed(f).sum(axis=1) for f in ("out1", "out2", "out3")], axis=1)
    share = visits * np.array([0.04, 0.03, 0.08])
    assert share.sum() == pytest.approx(1)
    if kind is MeanEngine:
        np.testing.assert_allclose(spent[0], 60 * visits, rtol=1e-6)
        np.testing.assert_allclose(ends[0], 60 * share, rtol=1e-6)
    else:
        agree_in_mean(spent, 60 * visits, spent.var(axis=0, ddof=1))
        agree_in_mean(ends, 60 * share, 60 * share * (1 - share))
        assert (ends.sum(axis=1) == 60).all()


@pytest.mark.parametrize("kind", CHANCE)
def test_learners_become_experienced_after_a_geometric_time(kind):
    """Each leaves the new hands with chance 1/L: the mean time is L periods, the share still new (1 - 1/L)^t."""
    scenario = told(
        """
        stocks: {field: {start: 0 person, learning: {lasts: 5 week, productivity: 0.5}}}
        choices: {hire: {head: field}}
        policies: {go: {rules: [{rule: schedule, choice: hire, amount: 50 person/week, total: 50 person}]}}
        """,
        9,
    )
    found = live(scenario, kind, 2000)
    new = found.trace.people[:, :, found.network.stock("field.new").first].astype(float)
    for t in range(1, 10):
        p = 0.8 ** (t - 1)
        agree_in_mean(new[:, t], 50 * p, max(50 * p * (1 - p), 1e-12))
    assert (found.people("field")[:, 1:] == 50).all()


# ---------------------------------------------------------------------- the tutorial's hand numbers


def test_the_tutorial_keeps_235_of_250_in_a_year_without_hires():
    """250 people at 6 %/year for 52 weeks of 7 days: 364 days, so 250 * 0.94^(364/365.25) = 235.05, not 235."""
    scenario = told(
        """
        stocks: {desk: {start: 100 person}, field: {start: 150 person}}
        flows: {leave: {tail: [desk, field], rate: 6 %/year}}
        policies: {stay: {}}
        """,
        52,
    )
    found = live(scenario, MeanEngine)
    left = 0.94 ** (364 / YEAR)
    assert (found.people("desk") + found.people("field"))[0, -1] == pytest.approx(250 * left, rel=1e-12)
    assert 250 * left == pytest.approx(235.05, abs=0.005)
    assert found.people("field")[0, -1] == pytest.approx(141.03, abs=0.005)


@pytest.mark.parametrize("kind", ALL)
def test_the_tutorial_s_inspections_grow_by_ten_a_week(kind):
    """150 in the field * 32 hours / 20 hours a case = 240 a week; 250 arrive: the backlog grows by the difference."""
    scenario = told(
        """
        stocks: {field: {start: 150 person, hours: 32 hour/week}}
        work: {inspections: {start: 400 case, arrive: 250 case/week, standard: 20 hour/case, by: field}}
        policies: {stay: {}}
        """,
        40,
    )
    n = 1 if kind is MeanEngine else 400
    found = live(scenario, kind, n)
    assert (found.served("inspections") == 240).all()
    backlog = found.people("inspections")
    if kind is MeanEngine:
        np.testing.assert_allclose(backlog[0], 400 + 10 * np.arange(41))
    else:
        agree_in_mean(backlog[:, 1:], 400 + 10 * np.arange(1, 41), 250 * np.arange(1, 41))
        agree_in_variance(backlog[:, -1], 250 * 40)


@pytest.mark.parametrize("kind", ALL)
def test_the_tutorial_s_case_starts_as_written(kind):
    """The shipped case: 100 at desks and 150 in the field over four offices, 200 inspections waiting."""
    found = live(read("academy"), kind, policy="stay")
    assert found.people("desk")[0, 0] == 100
    assert found.people("field")[0, 0] == 150
    assert found.people("inspections")[0, 0] == 200
    assert found.served("inspections")[0, 0] == 200
