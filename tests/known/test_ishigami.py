"""Sobol indices against the function whose indices are known in closed form.

Ishigami & Homma (1990), An importance quantification technique in uncertainty analysis for computer models, First
International Symposium on Uncertainty Modeling and Analysis: y = sin x1 + a sin^2 x2 + b x3^4 sin x1 on (-pi, pi)^3.
With a = 7, b = 0.1 the first indices are 0.3139, 0.4424, 0 and the total ones 0.5576, 0.4424, 0.2437 (Saltelli and
others, 2008, Global Sensitivity Analysis: The Primer, Wiley, section 4.9).
"""

import numpy as np
import pytest

from fieldshift.results.curves import Axis
from fieldshift.scenario.schema import Amount
from fieldshift.scenario.values import Unknown
from fieldshift.study.chaos import indices, terms_of

FIRST, TOTAL = np.array([0.3139, 0.4424, 0.0]), np.array([0.5576, 0.4424, 0.2437])


def latin(n, d, seed):
    made = np.random.default_rng(seed)
    return np.stack([(made.permutation(n) + made.random(n)) / n for _ in range(d)], axis=1)


def ishigami(points):
    x = np.pi * (2 * points - 1)
    return np.sin(x[:, 0]) + 7 * np.sin(x[:, 1]) ** 2 + 0.1 * x[:, 2] ** 4 * np.sin(x[:, 0])


def told(points, answers, resamples=40):
    axes = [
        Axis(Unknown(f"quantities.x{i}", Amount(range=(-np.pi, np.pi), shape="uniform")))
        for i in range(points.shape[1])
    ]
    polynomials = [lambda k, a=axis, u=points[:, i]: a.polynomials(u, k) for i, axis in enumerate(axes)]
    terms = terms_of(polynomials, answers[:, None])
    return indices(terms, answers, np.random.default_rng(7), resamples)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_ishigami_from_400_given_points(seed):
    points = latin(400, 3, seed)
    found = told(points, ishigami(points))
    assert found.fit > 0.95
    np.testing.assert_allclose(found.first, FIRST, atol=0.03)
    np.testing.assert_allclose(found.total, TOTAL, atol=0.03)


def test_a_dummy_unknown_has_no_share_and_intervals_hold_the_truth():
    points = latin(300, 4, 4)
    found = told(points, ishigami(points))
    assert found.total[3] < 0.02
    assert (found.total_band[0][:3] - 0.03 < TOTAL).all()
    assert (found.total_band[1][:3] + 0.03 > TOTAL).all()


def test_where_nothing_is_foretold_any_share_may_be():
    points = latin(25, 3, 5)
    found = told(points, ishigami(points))
    assert found.fit < 0.1
    assert (found.first_band[1] - found.first_band[0]).min() == 1.0
