"""Rates mean the same in weeks and months, the mean is the mean of chance, and what is written reads back."""

from __future__ import annotations

import tempfile

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from planner import CHANCE, calm_plans, lived, plans, same, scenario_of

from fieldshift.engines.reference import MeanEngine
from fieldshift.scenario.read import digest, read
from fieldshift.scenario.write import to_yaml, write

DAYS = {"day": 1, "week": 7, "month": 365.25 / 12, "quarter": 365.25 / 4, "year": 365.25}


def cohort(step: str, periods: int, rate: str, timing: str = "closing") -> np.ndarray:
    """A closed cohort of 1,000: how many stay at each instant, in the mean."""
    scenario = scenario_of(
        {
            "name": "Cohort",
            "horizon": {"start": "2025-01-01", "periods": periods, "step": step},
            "stocks": {"all": {"start": "1000 person"}},
            "flows": {"leave": {"tail": "all", "rate": rate, "timing": timing}},
            "policies": {"stay": {}},
        }
    )
    return lived(scenario, MeanEngine).people[0, :, 0]


@given(share=st.floats(0, 99), unit=st.sampled_from(sorted(DAYS)), timing=st.sampled_from(["opening", "closing"]))
@settings(max_examples=40)
def test_a_closed_cohort_decays_the_same_by_every_step(share, unit, timing):
    rate = f"{share!r} %/{unit}"
    stay = 1 - share / 100
    for step, periods in (("day", 28), ("week", 52), ("month", 12), ("quarter", 4), ("year", 1)):
        days = np.arange(periods + 1) * DAYS[step]
        expected = 1000 * stay ** (days / DAYS[unit])
        np.testing.assert_allclose(cohort(step, periods, rate, timing), expected, rtol=1e-9, atol=1e-9)


@given(share=st.floats(0, 90))
@settings(max_examples=20)
def test_a_year_of_months_is_a_year(share):
    rate = f"{share!r} %/year"
    year = cohort("year", 1, rate)[-1]
    assert cohort("month", 12, rate)[-1] == pytest.approx(year, rel=1e-9)
    weeks = cohort("week", 53, rate)
    log = np.interp(365.25 / 7, np.arange(54), np.log(weeks))
    assert np.exp(log) == pytest.approx(year, rel=1e-9)


@given(plan=plans())
@settings(max_examples=40)
def test_what_is_written_reads_back(plan):
    scenario = scenario_of(plan)
    with tempfile.TemporaryDirectory() as folder:
        back = read(write(scenario, f"{folder}/one"))
        assert digest(back) == digest(scenario)
        assert to_yaml(back) == to_yaml(scenario)
        same(lived(scenario, CHANCE[-1], policy="act"), lived(back, CHANCE[-1], policy="act"))


@pytest.mark.parametrize("kind", CHANCE)
@given(plan=calm_plans(), seed=st.integers(0, 10**6))
@settings(max_examples=12, derandomize=True)
def test_the_mean_is_the_mean_of_chance(kind, plan, seed):
    """Where no limit binds the step is linear, so the mean path is the mean of the paths: |z| < 5.5 of some 10^4."""
    n = 300
    scenario = scenario_of(plan)
    mean, drawn = lived(scenario, MeanEngine), lived(scenario, kind, range(n), seed)
    for field in ("people", "under_way", "passed", "failed", "dropped", "flowed", "entered"):
        exact, paths = np.asarray(getattr(mean, field))[0], np.asarray(getattr(drawn, field), np.float64)
        error = np.sqrt(np.maximum(paths.var(axis=0), 0.02) / n)
        z = np.abs(paths.mean(axis=0) - exact) / error
        assert z.max(initial=0) < 5.5, field
    assert np.array_equal(mean.moved[:, :, :1], drawn.moved[:1, :, :1]), "something bound: the scenario is not calm"


@given(
    caps=st.tuples(st.integers(0, 40), st.integers(0, 40)),
    lasts=st.integers(0, 5),
    use=st.sampled_from([0.5, 1, 2]),
    ask=st.sampled_from(["1 person/week", "7.5 person/week", "30 person/week"]),
    passing=st.sampled_from(["100 %", "60 %"]),
    limit=st.sampled_from(["seats", "most", "posts"]),
)
@settings(max_examples=40)
def test_a_looser_cap_never_moves_fewer(caps, lasts, use, ask, passing, limit):
    """For a single schedule, in the mean: the total moved by each date never falls when its limit is raised."""

    def moved(cap: int) -> np.ndarray:
        # A seat is held while under way, so a move at once holds none.
        time = max(lasts, 1) if limit == "seats" else lasts
        choice = {"tail": "desk", "head": "field", "lasts": f"{time} week", "pass": passing, "fail_to": "desk"}
        plan = {
            "name": "Cap",
            "horizon": {"start": "2025-01-06", "periods": 25},
            "sites": [{"id": "a", "weight": 3}, {"id": "b"}],
            "stocks": {"desk": {"start": "90 person"}, "field": {"start": "0 person"}},
            "flows": {"leave": {"tail": "desk", "rate": "1 %/week"}},
            "choices": {"retrain": choice},
            "policies": {"act": {"rules": [{"rule": "schedule", "choice": "retrain", "amount": ask}]}},
        }
        if limit == "seats":
            plan["resources"] = {"seats": {"unit": "seat", "cap": f"{cap} seat", "hold": {"retrain": use}}}
        elif limit == "most":
            choice["most"] = f"{cap} person/week"
        else:
            plan["stocks"]["field"]["funded"] = f"{cap * 3} post"
        return np.cumsum(lived(scenario_of(plan), MeanEngine).moved[0].sum(axis=1))

    tight, loose = (moved(cap) for cap in sorted(caps))
    assert (loose >= tight - 1e-9).all()
    assert moved(1000)[-1] > moved(0)[-1], "the limit never binds: the law says nothing"
