"""Scores against worked-out answers and closed forms."""

import math

import numpy as np
import pytest
from scipy.stats import norm

from fieldshift.study.scores import (
    bias,
    coverage,
    crps,
    interval_score,
    mape,
    mean_of,
    scored,
    skill,
    weighted_interval_score,
)


def test_errors_leave_out_what_is_not_known():
    assert mape([110, 90, 5], [100, 100, np.nan]) == pytest.approx(10.0)
    assert mape([1.0], [0.0]) != mape([1.0], [0.0]), "no error is a share of nothing"
    assert bias([110, 95], [100, 100]) == pytest.approx(2.5)
    assert math.isnan(mean_of([np.nan]))


def test_crps_of_two_draws_by_hand():
    assert crps([0.0, 1.0], 0.5, fair=False) == pytest.approx(0.25)
    assert crps([0.0, 1.0], 0.5) == pytest.approx(0.0)
    assert crps([3.0], 5.0, fair=False) == pytest.approx(2.0), "of one draw it is the absolute error"
    with pytest.raises(ValueError, match="two draws"):
        crps([3.0], 5.0)


def test_crps_of_a_normal_is_gneitings_closed_form():
    """Gneiting & Raftery (2007), eq. 20 region: s [z (2 Phi(z) - 1) + 2 phi(z) - 1 / sqrt(pi)]."""
    draws = norm.ppf((np.arange(20_000) + 0.5) / 20_000, loc=10, scale=2)
    for y in (7.0, 10.0, 13.5):
        z = (y - 10) / 2
        exact = 2 * (z * (2 * norm.cdf(z) - 1) + 2 * norm.pdf(z) - 1 / math.sqrt(math.pi))
        assert crps(draws, y) == pytest.approx(exact, abs=2e-3)


def test_the_fair_score_does_not_depend_on_the_sample_s_size():
    rng = np.random.default_rng(1)
    small = crps(rng.normal(size=(4, 40_000)), np.zeros(40_000)).mean()
    exact = 2 / math.sqrt(2 * math.pi) - 1 / math.sqrt(math.pi)
    assert small == pytest.approx(exact, abs=0.01)
    assert crps(rng.normal(size=(4, 40_000)), np.zeros(40_000), fair=False).mean() > exact + 0.1


def test_interval_score_by_hand():
    """Width 10, and 2 / 0.2 for each unit outside."""
    assert interval_score(0, 10, 5, 0.8) == pytest.approx(10)
    assert interval_score(0, 10, 12, 0.8) == pytest.approx(30)
    assert interval_score(0, 10, -1, 0.8) == pytest.approx(20)


def test_weighted_interval_score_by_hand():
    """Draws 0..10: median 5, 80 % band 1..9; y = 12: (7 / 2 + 0.1 (8 + 10 * 3)) / 1.5 = 7.3 / 1.5."""
    assert weighted_interval_score(np.arange(11.0), 12.0, (0.8,)) == pytest.approx(7.3 / 1.5)


def test_weighted_interval_score_nears_the_crps_with_many_bands():
    """Bracher et al. (2021): with many even bands the score approaches the CRPS."""
    draws = norm.ppf((np.arange(4000) + 0.5) / 4000)
    levels = tuple(np.arange(1, 100) / 100)
    assert weighted_interval_score(draws, 0.7, levels) == pytest.approx(crps(draws, 0.7), rel=0.01)


def test_coverage_counts_known_outcomes_inside():
    sample = np.tile(np.arange(101.0)[:, None], 4)
    assert coverage(sample, [50, 10, 5, np.nan], 0.8) == pytest.approx(2 / 3)


def test_skill():
    assert skill(2, 4) == 0.5
    assert skill(5, 4) == -0.25
    assert math.isnan(skill(0, 0))


def test_all_scores_at_once():
    rng = np.random.default_rng(2)
    sample, outcome = rng.normal(100, 5, (2000, 3000)), rng.normal(100, 5, 3000)
    outcome[0] = np.nan
    found = scored(sample, outcome)
    assert found.count == 2999
    assert [found.coverage[level] for level in (0.5, 0.8, 0.95)] == pytest.approx([0.5, 0.8, 0.95], abs=0.03)
    told = found.as_dict()
    assert set(told) == {"count", "mape", "mae", "bias", "crps", "wis", "cover50", "cover80", "cover95"}
    assert scored([[1.0], [2.0]], [np.nan]).as_dict()["crps"] is None
