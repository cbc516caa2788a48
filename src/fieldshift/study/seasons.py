"""Factors of the season, told from one year or more, and believed no more than they deserve.

Source:
    The ratio to a centred year: Shiskin, Young & Musgrave (1967), The X-11 variant of the Census Method II, US Census
    Bureau technical paper 15, in its simplest form. Shrinkage: Efron & Morris (1975), Data analysis using Stein's
    estimator, JASA 70.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

__all__ = ["Profile", "factors", "ratios", "shifts"]

Float = npt.NDArray[np.float64]
Int = npt.NDArray[np.int64]

_NOISE = 0.04
"""Variance of the logarithm of a month's count beyond that of counting, until the history tells its own."""


@dataclass(frozen=True)
class Profile:
    """What one flow's history says of each part of the year.

    Attributes:
        mean: Mean logarithm of the ratio to the year around it, shape (S,); zero where nothing is known.
        variance: How uncertain it is, shape (S,); infinite where nothing is known.
    """

    mean: Float
    variance: Float


def ratios(count: Float, exposure: Float, seasons: Int, per_year: int) -> Profile | None:
    """Return a flow's profile over the year, or nothing if less than a year is known.

    Args:
        count: Counts, shape (T,); NaN is missing.
        exposure: What they are counts of, shape (T,).
        seasons: Where each period lies in the year, shape (T,).
        per_year: Periods in a year, S.
    """
    known = ~np.isnan(count) & (exposure > 0)
    if per_year < 2 or len(set(seasons[known].tolist())) < per_year or known.sum() < per_year:
        return None
    level = _year_around(np.where(known, count, np.nan), exposure, per_year)
    expected = level * exposure
    usable = known & (expected > 0)
    log = np.where(usable, np.log((np.nan_to_num(count) + 0.5) / np.maximum(expected + 0.5, 1e-9)), np.nan)
    counting = 1.0 / np.maximum(expected, 0.5)
    groups = [np.flatnonzero((seasons == s) & usable) for s in range(per_year)]
    mean = np.array([log[g].mean() if g.size else 0.0 for g in groups])
    degrees = sum(max(g.size - 1, 0) for g in groups)
    within = sum(float(((log[g] - log[g].mean()) ** 2).sum()) for g in groups if g.size > 1)
    noise = (within + _NOISE * 6) / (degrees + 6)
    if usable.any() and known.sum() < 2 * per_year:
        # One year cannot tell a season from a trend: but after a season, a year comes back to where it began.
        first, last = log[usable][: max(per_year // 6, 1)], log[usable][-max(per_year // 6, 1) :]
        noise = max(noise, float(first.mean() - last.mean()) ** 2 / 2)
    variance = np.array([(counting[g].mean() + noise) / g.size if g.size else np.inf for g in groups])
    return Profile(mean - mean.mean(), variance)


def _year_around(count: Float, exposure: Float, per_year: int) -> Float:
    """Return the rate over the year around each period; at the ends, over the nearest whole year."""
    size, made = count.size, np.zeros(count.size)
    for t in range(size):
        start = min(max(t - per_year // 2, 0), max(size - per_year, 0))
        part = slice(start, start + per_year)
        known = ~np.isnan(count[part])
        exposed = exposure[part][known].sum()
        made[t] = count[part][known].sum() / exposed if exposed > 0 else 0.0
    return made


def _shrunk(mean: Float, variance: Float) -> Float:
    """Pull a profile towards none, the more the less it stands out of its own noise."""
    known = np.isfinite(variance)
    if not known.any():
        return np.zeros(mean.size)
    between = max(float((mean[known] ** 2).mean() - variance[known].mean()), 0.0)
    keep = np.where(known, between / (between + np.where(known, np.maximum(variance, 1e-12), 1.0)), 0.0)
    return np.asarray(keep * mean, np.float64)


def factors(own: Profile | None, others: Sequence[Profile]) -> Float | None:
    """Return a flow's factors, mean one: its own profile, pulled towards that of the same flow elsewhere.

    Args:
        own: Its profile.
        others: Profiles of the same flow in other organisations.
    """
    usable = [profile for profile in others if np.all(np.isfinite(profile.variance))]
    if own is None and len(usable) < 2:
        return None
    pooled = np.zeros((own or usable[0]).mean.size)
    apart = float("inf")
    if len(usable) >= 2:
        stack = np.stack([profile.mean for profile in usable])
        noise = np.stack([profile.variance for profile in usable])
        apart = max(float(stack.var(axis=0, ddof=1).mean() - noise.mean()), 0.01)
        pooled = _shrunk(stack.mean(axis=0), (apart + noise.mean(axis=0)) / len(usable))
    if own is None:
        log = pooled
    elif np.isfinite(apart):
        keep = apart / (apart + np.where(np.isfinite(own.variance), own.variance, 1e9))
        log = pooled + keep * (own.mean - pooled)
    else:
        log = _shrunk(own.mean, own.variance)
    made = np.exp(log)
    return np.asarray(made / made.mean(), np.float64)


def shifts(change: Float, seasons: Int, per_year: int, noise: Float | None = None) -> Float:
    """Return what each part of the year adds to a change, mean zero: zeros where less than a year is known.

    Args:
        change: Changes as shares of the stock, shape (T,); NaN is missing.
        seasons: Where each period lies in the year, shape (T,).
        per_year: Periods in a year, S.
        noise: Variance that each change has beside the season, as far as it is known, shape (T,).
    """
    known = ~np.isnan(change)
    groups = [np.flatnonzero((seasons == s) & known) for s in range(per_year)]
    if per_year < 2 or any(g.size == 0 for g in groups):
        return np.zeros(per_year)
    mean = np.array([float(np.median(change[g])) if g.size > 2 else float(change[g].mean()) for g in groups])
    mean -= float(np.median(mean)) if known.sum() < 2 * per_year else mean.mean()
    degrees = sum(g.size - 1 for g in groups)
    within = sum(float(((change[g] - change[g].mean()) ** 2).sum()) for g in groups)
    usual = (1.4826 * float(np.median(np.abs(change[known] - np.median(change[known]))))) ** 2
    rest = (within + 6 * usual) / (degrees + 6)
    beside = np.zeros(change.size) if noise is None else noise
    variance = np.array([(rest + float(beside[g].mean())) / g.size for g in groups])
    made = _shrunk(mean, variance)
    return np.asarray(made - made.mean(), np.float64)
