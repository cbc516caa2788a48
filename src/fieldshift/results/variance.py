"""How much of a spread is luck, and how much is ignorance.

All futures of a group believe the same unknowns, so they differ by luck alone; groups differ by what they believe.

Source:
    One-way random effects with groups of unequal size: Searle, Casella & McCulloch (1992), Variance Components, Wiley,
    chapter 3 (the estimator of analysis of variance). That the two parts add up is the law of total variance.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from fieldshift.results.kept import Kept
from fieldshift.results.measures import Key

__all__ = ["Split", "split", "split_of"]

Array: TypeAlias = npt.NDArray[Any]
Float: TypeAlias = npt.NDArray[np.float64]

_BAND = (0.1, 0.9)


@dataclass(frozen=True)
class Split:
    """A spread over futures, split; arrays over time. NaN where it cannot be told: no value, or one future a group.

    Attributes:
        luck: Variance within groups, shape (time,).
        ignorance: Variance between groups, less what luck alone puts there; at least 0, shape (time,).
        low, high: From the middle, the 80 % band that luck alone would leave, shape (time,).
        width: Width of the 80 % band, shape (time,).
        width_known: Its width were every unknown known: that of luck alone, shape (time,).
        width_lucky: Its width without luck: that of ignorance alone, shape (time,).
    """

    luck: Float
    ignorance: Float
    low: Float
    high: Float
    width: Float
    width_known: Float
    width_lucky: Float

    @property
    def share(self) -> Float:
        """Share of the variance that is ignorance, shape (time,); NaN where nothing varies."""
        return _ratio(self.ignorance, self.luck + self.ignorance)

    @property
    def share_of_band(self) -> Float:
        """Share of the 80 % band's width that is ignorance, shape (time,); NaN where it has no width.

        Widths do not add up as variances do. Each part counts by what it adds, on average over which of the two comes
        first: Shapley's value of two players.
        """
        added = (self.width_lucky + (self.width - self.width_known)) / 2.0
        return np.clip(_ratio(added, self.width), 0.0, 1.0)


def _ratio(part: Float, whole: Float) -> Float:
    found = np.full_like(whole, np.nan)
    np.divide(part, whole, out=found, where=whole > 0)
    return found


def split(values: Array, group_of: npt.NDArray[np.int64]) -> Split:
    """Split the spread of some values.

    Args:
        values: A value for each future, or for each future and time, shape (D,) or (D, time); NaN is left out.
        group_of: The group of each future, shape (D,).
    """
    given = np.asarray(values, np.float64)
    given = given[:, None] if given.ndim == 1 else given
    groups = int(group_of.max(initial=0)) + 1
    there = np.isfinite(given)
    filled = np.where(there, given, 0.0)
    count = _by_group(there.astype(np.float64), group_of, groups)
    some = count > 0
    mean = np.divide(_by_group(filled, group_of, groups), count, out=np.zeros_like(count), where=some)
    apart = np.where(there, filled - mean[group_of], 0.0)
    total, used = count.sum(axis=0), some.sum(axis=0).astype(np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        within = _by_group(apart**2, group_of, groups).sum(axis=0) / (total - used)
        grand = (count * mean).sum(axis=0) / total
        between = (count * (mean - grand) ** 2).sum(axis=0) / (used - 1.0)
        usual = (total - (count**2).sum(axis=0) / total) / (used - 1.0)
        own = np.where(used > 1, np.maximum((between - within) / usual, 0.0), 0.0)
        own = np.where(np.isfinite(within), own, np.nan)
        whole = (count * (mean - grand) ** 2).sum(axis=0) / total
        shrink = np.sqrt(np.clip(np.where(whole > 0, own / whole, 0.0), 0.0, 1.0))
        wider = np.sqrt(np.where(count > 1, count / (count - 1.0), 1.0))
    luck = np.where(there, apart * wider[group_of], np.nan)
    known = np.where(there, (grand + shrink * (mean - grand))[group_of], np.nan)
    low, high = _ends(luck)
    all_low, all_high = _ends(np.where(there, given, np.nan))
    means_low, means_high = _ends(known)
    return Split(within, own, low, high, all_high - all_low, high - low, means_high - means_low)


def split_of(result: Kept, policy: str, key: Key, at: Sequence[int] | None = None) -> Split | None:
    """Return how the spread of a measure of a run splits, by date; None where it was kept without its futures.

    Args:
        result: The run.
        policy: The policy.
        key: The measure and its part.
        at: Which of its dates, by their place; all by default.
    """
    values = result.part(policy).draws.get(key)
    if values is None:
        return None
    return split((values if at is None else values[list(at)]).T, result.group_of)


def _by_group(values: Float, group_of: npt.NDArray[np.int64], groups: int) -> Float:
    """Return sums by group, shape (groups, time)."""
    found = np.zeros((groups, values.shape[1]))
    np.add.at(found, group_of, values)
    return found


def _ends(values: Float) -> tuple[Float, Float]:
    """Return the ends of the 80 % band at each time; NaN where there is no value."""
    known = np.isfinite(values)
    if known.all():
        low, high = np.quantile(values, _BAND, axis=0)
        return low, high
    found = np.full((2, values.shape[1]), np.nan)
    for t in range(values.shape[1]):
        if known[:, t].any():
            found[:, t] = np.quantile(values[known[:, t], t], _BAND)
    return found[0], found[1]
