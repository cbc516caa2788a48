"""The search and the posterior against what is known in closed form: a Gaussian linear model."""

import numpy as np
import pytest
from scipy import linalg

from fieldshift.study.fitting import Peak, Question, climbed, sampled, slopes


def linear(seed=3, n=30, p=3):
    """Return a question about a straight function, and its posterior mean and covariance by the textbook formula."""
    generator = np.random.default_rng(seed)
    slope = generator.normal(size=(n, p)) * [2.0, 0.5, 0.1]
    cover = np.diag(generator.uniform(0.5, 2.0, n)) + 0.3
    target = slope @ [1.0, -0.5, 0.3] + linalg.cholesky(cover, lower=True) @ generator.normal(size=n)
    precision = slope.T @ linalg.inv(cover) @ slope + np.eye(p)
    mean = linalg.solve(precision, slope.T @ linalg.solve(cover, target))
    question = Question(lambda v: slope @ v, target, linalg.cholesky(cover, lower=True), np.eye(p))
    return question, slope, mean, linalg.inv(precision)


def test_slopes_of_a_straight_function_are_exact():
    question, slope, *_ = linear()
    assert slopes(question.function, np.array([0.3, 0.2, -1.0])) == pytest.approx(slope)


def test_the_likeliest_point_of_a_gaussian_linear_model_is_its_posterior_mean():
    question, slope, mean, _ = linear()
    wrong = slope * 1.4
    start = np.zeros(3)
    found = climbed(question, Peak(start, question.function(start), wrong), rounds=40)
    assert found.scores == pytest.approx(mean, abs=0.05)


@pytest.mark.parametrize("quadratic", [10, 0])
def test_the_sample_of_a_gaussian_linear_model_has_its_mean_and_covariance(quadratic):
    question, slope, mean, cover = linear()
    peak = Peak(mean, question.function(mean), slope)
    found = sampled(question, peak, 4000, np.random.default_rng(1), quadratic)
    assert found.method == ("quadratic" if quadratic else "normal")
    sd = np.sqrt(np.diag(cover))
    assert found.scores.mean(axis=0) == pytest.approx(mean, abs=0.08 * sd.max())
    assert np.cov(found.scores.T) / np.outer(sd, sd) == pytest.approx(cover / np.outer(sd, sd), abs=0.12)


def test_a_function_that_no_quadratic_follows_is_not_sampled_by_one():
    question, slope, mean, _ = linear()
    wild = Question(
        lambda v: slope @ v + 40 * np.sign(v[2] - mean[2]), question.target, question.factor, question.prior
    )
    found = sampled(wild, Peak(mean, wild.function(mean), slope), 500, np.random.default_rng(1))
    assert found.method == "normal"
    assert found.checked > 2
