"""What it would be worth to know: every unknown, or one of them, before a policy is chosen.

The value of knowing is in the planner's own measure: by how much better the policies chosen then are, on average over
the unknowns, than the one policy that is best without knowing. It is about ignorance, not about luck.

Source:
    Raiffa & Schlaifer (1961), Applied Statistical Decision Theory, Harvard. Of one unknown, by regression of each
    policy's answer on it: Strong, Oakley & Brennan (2014), Estimating multiparameter partial expected value of perfect
    information from a probabilistic sensitivity analysis sample, Medical Decision Making 34(3).
    Intervals: Rubin (1981), The Bayesian bootstrap, Annals of Statistics 9(1).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from fieldshift.results.curves import best_degree, fitted

__all__ = ["Worth", "of_all", "of_classes", "of_one"]

Float: TypeAlias = npt.NDArray[np.float64]
Int: TypeAlias = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Worth:
    """What knowing is worth.

    Attributes:
        value: Mean gain, in the measure's unit; at least 0.
        low, high: Its 80 % interval.
        changes: Share of the points at which another policy is chosen than without knowing.
        without: The policy that is chosen without knowing.
        chosen: The policy that is chosen at each point, shape (n,).
    """

    value: float
    low: float
    high: float
    changes: float
    without: int
    chosen: Int


def _gain(foretold: Float, weights: Float) -> float:
    """Return by how much choosing at each point is better than choosing once; lower answers are better."""
    share = weights / weights.sum()
    return float((foretold @ share).min() - foretold.min(axis=0) @ share)


def _worth(foretold: Float, drawn: list[float]) -> Worth:
    even = np.ones(foretold.shape[1])
    without, chosen = int(foretold.mean(axis=1).argmin()), foretold.argmin(axis=0)
    # A tie changes nothing: who chose a policy stays with it.
    tied = foretold[without] <= foretold.min(axis=0) + 1e-9 * (1.0 + np.abs(foretold[without]))
    chosen = np.where(tied, without, chosen).astype(np.int64)
    low, high = np.quantile(drawn, (0.1, 0.9)) if drawn else (np.nan, np.nan)
    value = max(_gain(foretold, even), 0.0)
    changes = float((chosen != without).mean())
    return Worth(value, min(float(low), value), max(float(high), value), changes, without, chosen)


def of_one(columns: Float, answers: Float, generator: np.random.Generator, resamples: int = 100) -> Worth:
    """Return what knowing one unknown is worth.

    Each policy's answer is foretold from the unknown alone; the policy that is best by that is chosen.

    Args:
        columns: Polynomials of the unknown at the points, the simplest first, shape (n, degrees).
        answers: The answer under each policy, lower better, shape (policies, n).
        generator: What the interval is drawn with.
        resamples: How often all is fitted again for the interval.
    """
    # Only differences between policies matter, and they are smoother than the answers themselves.
    apart = answers - answers[int(answers.mean(axis=1).argmin())]
    degrees = [best_degree(columns, row) for row in apart]

    def foretold(weights: Float | None) -> Float:
        found = np.empty_like(apart)
        for degree in set(degrees):
            mine = [p for p, d in enumerate(degrees) if d == degree]
            found[mine] = fitted(columns[:, :degree], apart[mine].T, weights)[0].T
        return np.asarray(found, np.float64)

    drawn = []
    for _ in range(resamples):
        weights: Float = np.asarray(generator.exponential(size=answers.shape[1]))
        drawn.append(_gain(foretold(weights), weights))
    return _worth(foretold(None), drawn)


def of_classes(which: Int, answers: Float, generator: np.random.Generator, resamples: int = 100) -> Worth:
    """Return what it is worth to know which of some rival estimates holds: each policy's mean answer under each.

    Args:
        which: The estimate that holds at each point, shape (n,).
        answers: The answer under each policy, lower better, shape (policies, n).
        generator: What the interval is drawn with.
        resamples: How often the points are weighed anew for the interval.
    """
    member: Float = np.asarray(which == np.unique(which)[:, None], np.float64)

    def foretold(weights: Float) -> Float:
        share = member * weights
        return np.asarray((answers @ (share / share.sum(axis=1, keepdims=True)).T) @ member, np.float64)

    drawn = []
    for _ in range(resamples):
        weights: Float = np.asarray(generator.exponential(size=len(which)))
        drawn.append(_gain(foretold(weights), weights))
    return _worth(foretold(np.ones(len(which))), drawn)


def of_all(halves: Float, generator: np.random.Generator, resamples: int = 100) -> Worth:
    """Return what knowing every unknown is worth.

    A policy is chosen at each point by half of the futures there and judged by the other half, in turn, so that luck
    is not taken for knowledge.

    Args:
        halves: The mean answer under each policy in either half of the futures, lower better, (2, policies, n).
        generator: What the interval is drawn with.
        resamples: How often the points are weighed anew for the interval.
    """
    points = np.arange(halves.shape[2])
    whole: Float = np.asarray(halves.mean(axis=0))
    judged = np.mean([halves[1 - h][halves[h].argmin(axis=0), points] for h in (0, 1)], axis=0)

    def gain(weights: Float) -> float:
        share = weights / weights.sum()
        return float((whole @ share).min() - judged @ share)

    drawn = [gain(np.asarray(generator.exponential(size=len(points)))) for _ in range(resamples)]
    found = _worth(whole, drawn)
    value = max(gain(np.ones(len(points))), 0.0)
    low, high = np.quantile(drawn, (0.1, 0.9)).tolist()
    return Worth(value, min(low, value), max(high, value), found.changes, found.without, found.chosen)
