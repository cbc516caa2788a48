"""Fit a costly function's arguments to rows that lie around it as a Gaussian: the likeliest point, and a sample.

Arguments are normal scores of unknowns: each has the standard normal as its prior, perhaps correlated with others.

Source:
    Gelman et al. (2013), Bayesian Data Analysis, 3rd ed., ch. 4 (normal approximation), 11-12 (simulation, R-hat).
    Broyden (1965), A class of methods for solving nonlinear simultaneous equations, Math. Comp. 19 (the slopes
    between two full sets of differences).
    Box & Wilson (1951), On the experimental attainment of optimum conditions, JRSS B 13 (a quadratic in place of the
    function).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import linalg
from scipy.special import ndtri
from scipy.stats import qmc

__all__ = ["Peak", "Question", "Sampled", "climbed", "sampled", "slopes"]

Float = npt.NDArray[np.float64]
Function = Callable[[Float], Float]

_CLOSE = 1e-3
"""The square of a step, in standard deviations of the posterior, below which the likeliest point is found."""

_FAR = 4.0
"""How far from the middle of its prior a score may go, in standard deviations."""


@dataclass(frozen=True)
class Question:
    """What is fitted to what.

    Attributes:
        function: From scores, shape (P,), to rows, shape (n,).
        target: The observed rows, shape (n,).
        factor: Lower Cholesky factor of the rows' covariance around the function, (n, n).
        prior: Precision of the scores' prior, (P, P).
    """

    function: Function
    target: Float
    factor: Float
    prior: Float

    def white(self, rows: Float) -> Float:
        """Return rows, shape (n,) or (n, k), in units of independent standard normals."""
        return np.asarray(linalg.solve_triangular(self.factor, rows, lower=True))

    def loss(self, scores: Float, rows: Float) -> float:
        """Return minus the log posterior density of scores at which the function gives some rows."""
        gap = self.white(self.target - rows)
        return float(gap @ gap + scores @ self.prior @ scores) / 2


@dataclass(frozen=True)
class Peak:
    """The likeliest scores.

    Attributes:
        scores: They, shape (P,).
        rows: What the function gives there, shape (n,).
        slope: Slopes of the rows there, (n, P).
    """

    scores: Float
    rows: Float
    slope: Float


def slopes(function: Function, scores: Float, step: float = 0.3) -> Float:
    """Return central differences of a function, (n, P): so wide that a number counted in whole periods moves too."""
    columns = []
    for i in range(len(scores)):
        move = np.zeros(len(scores))
        move[i] = step
        columns.append((function(scores + move) - function(scores - move)) / (2 * step))
    return np.array(columns).T


def climbed(question: Question, start: Peak, rounds: int = 10) -> Peak:
    """Return a point uphill by damped Gauss-Newton steps, the slopes brought along by Broyden's rule."""
    scores, rows, slope = start.scores, start.rows, start.slope.copy()
    loss, damping = question.loss(scores, rows), 0.0
    for _ in range(rounds):
        down = question.white(slope)
        gradient = down.T @ question.white(question.target - rows) - question.prior @ scores
        curve = down.T @ down + question.prior + damping * np.eye(len(scores))
        step = np.clip(linalg.solve(curve, gradient, assume_a="pos"), -1.5, 1.5)
        trial = np.clip(scores + step, -_FAR, _FAR)
        moved = trial - scores
        if float(moved @ curve @ moved) < _CLOSE:
            break
        found = question.function(trial)
        slope += np.outer(found - rows - slope @ moved, moved) / float(moved @ moved)
        ahead = question.loss(trial, found)
        if ahead < loss:
            scores, rows, loss, damping = trial, found, ahead, damping / 4
        else:
            damping = max(4 * damping, float(np.diag(curve).max()) * 0.1)
    return Peak(scores, rows, slope)


@dataclass(frozen=True)
class Sampled:
    """A sample of the posterior.

    Attributes:
        scores: The sample, (count, P).
        method: `quadratic` or `normal`.
        checked: Middle error of the log density at points where the function itself was run again; NaN where none was.
        mixing: Gelman & Rubin's R-hat, the worst of all scores; NaN where the sample is independent.
    """

    scores: Float
    method: str
    checked: float
    mixing: float


def sampled(question: Question, peak: Peak, count: int, generator: np.random.Generator, quadratic: int = 10) -> Sampled:
    """Return a sample of the posterior: from a quadratic in place of the function, or the normal at the peak.

    Args:
        question: What is fitted.
        peak: The likeliest point.
        count: How many.
        generator: Where chance comes from.
        quadratic: The most scores for which a quadratic is made; it takes runs by their square.
    """
    down = question.white(peak.slope)
    root = linalg.cholesky(linalg.inv(down.T @ down + question.prior), lower=True)
    p = len(peak.scores)
    if p > quadratic:
        scores = peak.scores + generator.standard_normal((count, p)) @ root.T
        return Sampled(np.clip(scores, -_FAR, _FAR), "normal", float("nan"), float("nan"))
    terms = len(_features(np.zeros((1, p)))[0])
    points = ndtri(np.clip(qmc.Sobol(p, seed=generator).random(2 ** int(np.ceil(np.log2(1.6 * terms + 8)))), 1e-6, 1))
    points = np.clip(points, -2.5, 2.5) * 1.3
    at = np.clip(peak.scores + points @ root.T, -_FAR, _FAR)
    points = linalg.solve_triangular(root, (at - peak.scores).T, lower=True).T
    runs = np.array([question.white(question.target - question.function(one)) for one in at])
    kept, tried = points[:-6], points[-6:]
    table, *_ = linalg.lstsq(_features(kept), runs[:-6])
    inner = table @ table.T

    def density(w: Float) -> Float:
        scores = peak.scores + w @ root.T
        f = _features(w)
        prior = np.einsum("ij,jk,ik->i", scores, question.prior, scores)
        inside = (np.abs(scores) <= _FAR).all(axis=1) & (np.abs(w) < 5).all(axis=1)
        return np.where(inside, -(np.einsum("ij,jk,ik->i", f, inner, f) + prior) / 2, -np.inf)

    f = _features(tried)
    guessed = -np.einsum("ij,jk,ik->i", f, inner, f) / 2
    error = float(np.median(np.abs(guessed + (runs[-6:] ** 2).sum(axis=1) / 2)))
    if not error < 2.0:
        scores = peak.scores + generator.standard_normal((count, p)) @ root.T
        return Sampled(np.clip(scores, -_FAR, _FAR), "normal", error, float("nan"))
    chains, mixing = _walked(density, p, count, generator)
    return Sampled(np.asarray(peak.scores + chains @ root.T), "quadratic", error, mixing)


def _features(w: Float) -> Float:
    """Return 1, each score, and each product of two, shape (k, terms)."""
    i, j = np.triu_indices(w.shape[1])
    return np.hstack([np.ones((len(w), 1)), w, w[:, i] * w[:, j]])


def _walked(density: Function, p: int, count: int, generator: np.random.Generator) -> tuple[Float, float]:
    """Return a sample by Metropolis walks side by side, and how well they mix.

    The width of their steps is set in the first half, which is thrown away.

    Source:
        Roberts, Gelman & Gilks (1997), Weak convergence and optimal scaling of random walk Metropolis algorithms,
        Annals of Applied Probability 7(1): steps of 2.38 / sqrt(P) standard deviations.
    """
    chains, steps = 40, 2000
    now = generator.standard_normal((chains, p))
    high, width = density(now), 2.38 / np.sqrt(p)
    kept = np.empty((steps, chains, p))
    for t in range(2 * steps):
        trial = now + width * generator.standard_normal((chains, p))
        ahead = density(trial)
        taken = np.log(generator.random(chains)) < ahead - high
        now, high = np.where(taken[:, None], trial, now), np.where(taken, ahead, high)
        if t < steps:
            width *= float(np.exp((taken.mean() - 0.3) / np.sqrt(t + 1)))
        else:
            kept[t - steps] = now
    within = kept.var(axis=0, ddof=1).mean(axis=0)
    between = kept.mean(axis=0).var(axis=0, ddof=1)
    mixing = float(np.sqrt(1 + between / np.maximum(within, 1e-12)).max())
    flat = kept.reshape(-1, p)
    return flat[np.linspace(0, len(flat) - 1, count).astype(int)], mixing
