"""80 % intervals of a staffing fit hold the truth in 70 to 90 % of fits to tables simulated from known numbers."""

import numpy as np
import pytest

from fieldshift.study.levels import Counts, filtered, prior_of
from fieldshift.study.tenure import carried, extra_hazard

FITS = 120


def simulated(rng):
    """Return counts of leavers, the true last log rate, and the true early attrition."""
    months, stock = int(rng.integers(18, 60)), float(np.exp(rng.uniform(np.log(1000), np.log(30_000))))
    log, extra = rng.normal(np.log(0.006), 0.6), float(np.exp(rng.normal(0, 0.6)))
    spread, drift = rng.choice([0.0, 0.01, 0.04]), rng.choice([0.0, 0.02, 0.05])
    surge = (np.arange(months) > months // 2) & (np.arange(months) < months // 2 + 4)
    hired, hazard = rng.poisson(np.where(surge, 0.03, 0.008) * stock), extra_hazard(1)
    stay = 1 - extra * hazard - 0.004
    cohorts, count = 0.008 * stock * np.concatenate([[1.0], np.cumprod(stay[:-1])]), np.zeros(months)
    for t in range(months):
        log += drift * rng.standard_normal() if t else 0.0
        cohorts = np.concatenate([[hired[t]], cohorts[:-1]])
        wild = rng.gamma(1 / spread, spread) if spread else 1.0
        count[t] = rng.poisson(wild * (np.exp(log) * stock + extra * float(hazard @ cohorts)))
        cohorts = cohorts * stay
    early = carried(hired.astype(float), 1, 0.008 * stock, extra)[0]
    return Counts(count, np.full(months, stock), early, np.ones(months)), log, extra


@pytest.mark.slow
def test_intervals_hold_the_truth_as_often_as_they_say():
    rng, inside = np.random.default_rng(0), np.zeros(2)
    for _ in range(FITS):
        counts, *true = simulated(rng)
        rate, extra, _, _ = filtered(counts, prior_of((np.log(0.006), 1.8), early=True)).drawn(rng, 2000)
        for i, draws in enumerate((rate, extra)):
            low, high = np.quantile(draws, [0.1, 0.9])
            inside[i] += low <= true[i] <= high
    assert (inside / FITS >= 0.7).all(), inside / FITS
    assert (inside / FITS <= 0.9).all(), inside / FITS
