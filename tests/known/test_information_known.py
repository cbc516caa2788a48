"""What knowing is worth, against a case worked out in closed form.

Two policies: one always makes 0, the other m + a1 x1 + a2 x2 + a3 x3 with standard normal unknowns; less is better.
Knowing a part of the unknowns tells the mean of the other policy, normal with standard deviation s, so the worth is
min(0, m) - E min(0, m + s Z) = min(0, m) - m Phi(-m / s) + s phi(m / s): the unit normal loss integral of Raiffa &
Schlaifer (1961), Applied Statistical Decision Theory, section 5.
"""

import numpy as np
import pytest
from scipy import stats

from fieldshift.results.worth import of_all, of_one

A, M, N = np.array([3.0, 2.0, 0.5]), 1.0, 40_000


def exact(s):
    return min(0.0, M) - (M * stats.norm.cdf(-M / s) - s * stats.norm.pdf(M / s))


def model(n, seed):
    made = np.random.default_rng(seed)
    x = stats.norm.ppf(np.stack([(made.permutation(n) + made.random(n)) / n for _ in A], axis=1))
    return x, np.stack([np.zeros(n), M + x @ A])


@pytest.mark.parametrize("i", [0, 1])
def test_partial_information_of_a_gaussian_linear_model_to_5_per_cent(i):
    x, y = model(N, 11)
    found = of_one(np.stack([x[:, i], x[:, i] ** 2], axis=1), y, np.random.default_rng(1), resamples=20)
    assert found.value == pytest.approx(exact(A[i]), rel=0.05)
    assert found.low <= found.value <= found.high
    assert found.changes == pytest.approx(stats.norm.cdf(-M / A[i]), abs=0.02)


def test_perfect_information_to_5_per_cent():
    _, y = model(N, 12)
    luck = np.random.default_rng(2).normal(scale=0.5, size=(2, *y.shape))
    found = of_all(y + luck, np.random.default_rng(1), resamples=20)
    assert found.value == pytest.approx(exact(np.linalg.norm(A)), rel=0.05)


def test_luck_is_not_taken_for_knowledge():
    made = np.random.default_rng(3)
    halves = made.normal(size=(2, 4, 5_000))  # four policies that are alike, and luck
    found = of_all(halves, made, resamples=20)
    assert found.value < 0.05
    naive = halves.mean(axis=0).mean(axis=1).min() - halves.mean(axis=0).min(axis=0).mean()
    assert naive > 0.5


def test_an_unknown_that_does_nothing_is_worth_nothing():
    _, y = model(2_000, 4)
    other = np.random.default_rng(5).normal(size=(2_000, 1))
    assert of_one(other, y, np.random.default_rng(1), resamples=10).value < 0.02
