"""How good a forecast was: errors, scores of whole distributions, coverage of bands, skill against a reference."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, field

import numpy as np
import numpy.typing as npt

__all__ = [
    "LEVELS",
    "Scores",
    "bias",
    "coverage",
    "crps",
    "interval_score",
    "mape",
    "mean_of",
    "quantile_band",
    "scored",
    "skill",
    "weighted_interval_score",
]

Float = npt.NDArray[np.float64]

LEVELS = (0.5, 0.8, 0.95)
"""Shares of the central bands that are told and scored."""


def mean_of(values: npt.ArrayLike) -> float:
    """Return the mean of what is known: NaN is left out, and is the answer where nothing is known."""
    known = np.asarray(values, np.float64)
    known = known[~np.isnan(known)]
    return float(known.mean()) if known.size else float("nan")


def mape(forecast: npt.ArrayLike, outcome: npt.ArrayLike) -> float:
    """Return the mean absolute error in per cent of the outcome.

    Args:
        forecast: Point forecasts, any shape.
        outcome: What happened, of the same shape; NaN is unknown and left out, and so is zero, of which no error is
            a share.

    Source:
        Hyndman & Koehler (2006), Another look at measures of forecast accuracy, Int. J. Forecasting 22.
    """
    made, seen = np.asarray(forecast, np.float64), np.asarray(outcome, np.float64)
    seen = np.where(seen == 0.0, np.nan, seen)
    return 100.0 * mean_of(np.abs(made - seen) / np.abs(seen))


def bias(forecast: npt.ArrayLike, outcome: npt.ArrayLike) -> float:
    """Return the mean of forecast less outcome, in the outcome's unit: above zero, too much was forecast."""
    return mean_of(np.asarray(forecast, np.float64) - np.asarray(outcome, np.float64))


def crps(sample: npt.ArrayLike, outcome: npt.ArrayLike, fair: bool = True) -> Float:
    """Return the continuous ranked probability score of each outcome, in its unit; less is better.

    It is `E|X - y| - E|X - X'| / 2` over the sample. The fair version compares each member with the others only, so
    that a small sample is not punished for being small.

    Args:
        sample: Draws of the forecast, shape (draws, ...).
        outcome: What happened, shape (...); NaN gives NaN.
        fair: Whether the sample stands for the distribution it was drawn from, rather than for itself.

    Raises:
        ValueError: The fair version of one draw.

    Source:
        Gneiting & Raftery (2007), Strictly proper scoring rules, prediction, and estimation, JASA 102, eq. 21; the
        fair version: Ferro (2014), Fair scores for ensemble forecasts, Q. J. R. Meteorol. Soc. 140.
    """
    draws, seen = np.sort(np.asarray(sample, np.float64), axis=0), np.asarray(outcome, np.float64)
    count = draws.shape[0]
    if fair and count < 2:
        raise ValueError("a fair score needs at least two draws")
    # Over sorted draws, the sum of |x_i - x_j| over all pairs is 2 sum_i (2i - n + 1) x_i: no n x n table.
    weights = (2.0 * np.arange(count) - count + 1.0).reshape((-1,) + (1,) * seen.ndim)
    spread = 2.0 * (weights * draws).sum(axis=0) / (count * (count - 1 if fair else count))
    return np.asarray(np.abs(draws - seen).mean(axis=0) - spread / 2.0, np.float64)


def interval_score(low: npt.ArrayLike, high: npt.ArrayLike, outcome: npt.ArrayLike, level: float) -> Float:
    """Return the interval score: the band's width, and a penalty for an outcome outside it; less is better.

    Args:
        low: Lower ends, any shape.
        high: Upper ends, of the same shape.
        outcome: What happened, of the same shape.
        level: The share that the band is said to hold, such as 0.8.

    Source:
        Gneiting & Raftery (2007), JASA 102, eq. 43, with alpha = 1 - level.
    """
    bottom, top = np.asarray(low, np.float64), np.asarray(high, np.float64)
    seen, alpha = np.asarray(outcome, np.float64), 1.0 - level
    missed = np.maximum(bottom - seen, 0.0) + np.maximum(seen - top, 0.0)
    return np.asarray(top - bottom + 2.0 / alpha * missed + 0.0 * seen, np.float64)


def quantile_band(sample: npt.ArrayLike, level: float) -> tuple[Float, Float]:
    """Return the ends of the central band that holds a share of the draws, shape (...) each."""
    low, high = np.quantile(np.asarray(sample, np.float64), [(1 - level) / 2, (1 + level) / 2], axis=0)
    return np.asarray(low, np.float64), np.asarray(high, np.float64)


def weighted_interval_score(sample: npt.ArrayLike, outcome: npt.ArrayLike, levels: tuple[float, ...] = LEVELS) -> Float:
    """Return the weighted interval score of each outcome, in its unit; less is better.

    Args:
        sample: Draws of the forecast, shape (draws, ...).
        outcome: What happened, shape (...); NaN gives NaN.
        levels: Shares of the central bands that it is made of, beside the median.

    Source:
        Bracher, Ray, Gneiting & Reich (2021), Evaluating epidemic forecasts in an interval format, PLoS Comput. Biol.
        17, eq. 1: weights 1/2 for the median and alpha/2 for each band, over K + 1/2.
    """
    seen = np.asarray(outcome, np.float64)
    total = 0.5 * np.abs(np.median(np.asarray(sample, np.float64), axis=0) - seen)
    for level in levels:
        total = total + (1.0 - level) / 2.0 * interval_score(*quantile_band(sample, level), seen, level)
    return np.asarray(total / (len(levels) + 0.5), np.float64)


def coverage(sample: npt.ArrayLike, outcome: npt.ArrayLike, level: float) -> float:
    """Return the share of the known outcomes that lie inside the central band, ends included.

    Args:
        sample: Draws of the forecast, shape (draws, ...).
        outcome: What happened, shape (...); NaN is left out.
        level: The share that the band is said to hold.
    """
    low, high = quantile_band(sample, level)
    seen = np.asarray(outcome, np.float64)
    inside = ((seen >= low) & (seen <= high)).astype(np.float64)
    return mean_of(np.where(np.isnan(seen), np.nan, inside))


def skill(score: float, reference: float) -> float:
    """Return the share of a reference's score that a forecast saves: 1 is perfect, 0 no better, below 0 worse.

    NaN where the reference itself is perfect: nothing can be saved.

    Source:
        Murphy (1988), Skill scores based on the mean square error, Monthly Weather Review 116.
    """
    return 1.0 - score / reference if reference > 0 else float("nan")


@dataclass(frozen=True)
class Scores:
    """The scores of one forecast over the outcomes that are known.

    Attributes:
        count: Number of known outcomes.
        mape: Mean absolute error of the median, per cent of the outcome.
        mae: The same in the outcome's unit.
        bias: Mean of median less outcome, in the outcome's unit.
        crps: Fair continuous ranked probability score, mean.
        wis: Weighted interval score over the bands of `LEVELS`, mean.
        coverage: Share of outcomes inside each band, by level.
    """

    count: int
    mape: float
    mae: float
    bias: float
    crps: float
    wis: float
    coverage: dict[float, float] = field(default_factory=dict)

    def as_dict(self) -> dict[str, float | int | None]:
        """Return them by name, coverage as `cover50`, with nothing for what is not known."""
        told = asdict(self)
        covered = told.pop("coverage")
        told |= {f"cover{round(100 * level)}": share for level, share in covered.items()}
        return {name: None if math.isnan(value) else value for name, value in told.items()}


def scored(sample: npt.ArrayLike, outcome: npt.ArrayLike, levels: tuple[float, ...] = LEVELS) -> Scores:
    """Return all scores of a forecast.

    Args:
        sample: Draws of the forecast, shape (draws, ...), two or more.
        outcome: What happened, shape (...); NaN is unknown and left out.
        levels: Shares of the central bands.
    """
    draws, seen = np.asarray(sample, np.float64), np.asarray(outcome, np.float64)
    middle = np.median(draws, axis=0)
    return Scores(
        count=int((~np.isnan(seen)).sum()),
        mape=mape(middle, seen),
        mae=mean_of(np.abs(middle - seen)),
        bias=bias(middle, seen),
        crps=mean_of(crps(draws, seen)),
        wis=mean_of(weighted_interval_score(draws, seen, levels)),
        coverage={level: coverage(draws, seen, level) for level in levels},
    )
