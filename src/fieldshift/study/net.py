"""The net change of a stock whose flows are not known: a trend that is forgotten, and fades.

How fast the trend is forgotten, and how fast it fades over a forecast, cannot be known: several ways are averaged, each
weighed by how well it would have foretold the organisations of the table before, over the same distances.

Source:
    Gardner & McKenzie (1985), Forecasting trends in time series, Management Science 31: the damped trend.
    Averaging by past errors: Bates & Granger (1969), The combination of forecasts, Operational Research Quarterly 20.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fieldshift.study.flows import Flows
from fieldshift.study.seasons import shifts

__all__ = ["Net", "net_of"]

Float = npt.NDArray[np.float64]

_FORGET = (0.05, 0.1, 0.2, 0.4)
_FADE = (0.0, 0.6, 0.8, 0.9, 0.96, 1.0)
_FAR = 13
_FEWEST = 4
"""Periods that must lie before a point in the past for it to be foretold from."""


@dataclass(frozen=True)
class Net:
    """A stock's net change, as shares of the stock per period.

    Attributes:
        ways: Weight, trend at the end, and share of it that is left after each period, of each way, shape (K, 3).
        season: What each part of the year adds, shape (S,).
        error: Standard deviation of the error of the mean change a period, over a forecast.
        noise: Standard deviation of one period's change around it.
    """

    ways: Float
    season: Float
    error: float
    noise: float

    def path(self, periods: int) -> Float:
        """Return the trend's part of each coming period's change, shape (H,)."""
        steps = np.arange(1, periods + 1)
        return np.asarray((self.ways[:, :1] * self.ways[:, 1:2] * self.ways[:, 2:] ** steps).sum(axis=0), np.float64)


def net_of(read: Mapping[str, Flows]) -> dict[str, Net]:
    """Return the net change of organisations whose stocks alone are known."""
    rest, seasons = {}, {}
    for org, flows in read.items():
        change = np.diff(flows.stock) / np.maximum(flows.stock[:-1], 1.0)
        seasons[org] = shifts(change, flows.seasons[1:], 12 // flows.months)
        rest[org] = change - seasons[org][flows.seasons[1:]]
    if not rest:
        return {}
    ways = _ways(list(rest.values()))
    pooled = [_noise(change) for change in rest.values() if change.size >= 3]
    usual = float(np.median(pooled)) if pooled else 0.01
    found = {}
    for org, change in rest.items():
        # The pooled noise counts as three periods more: a short history tells little of its own.
        own = _noise(change) if change.size >= 3 else usual
        noise = float(np.sqrt((change.size * own**2 + 3 * usual**2) / (change.size + 3)))
        errors = _errors(change, ways)
        error = float(np.sqrt(np.mean(errors**2))) if errors.size > 2 else noise
        last = [_trends(change, forget)[-1] if change.size else 0.0 for _, forget, _ in ways]
        table = np.array([(weight, trend, fade) for (weight, _, fade), trend in zip(ways, last, strict=True)])
        found[org] = Net(table, seasons[org], error, noise)
    return found


def _noise(change: Float) -> float:
    return float(np.sqrt(np.mean((change - change.mean()) ** 2)) + 1e-6)


def _trends(change: Float, forget: float) -> Float:
    """Return the trend as it was after each period, shape (T,): a mean that forgets, and begins at zero."""
    made, trend, weight = np.zeros(change.size), 0.0, 0.0
    total = 0.0
    for t, value in enumerate(change):
        total, weight = (1 - forget) * total + value, (1 - forget) * weight + 1.0
        trend = total / (weight + 1.0)
        made[t] = trend
    return made


def _errors(change: Float, ways: list[tuple[float, float, float]]) -> Float:
    """Return the errors of the mean change a period, foretold from each point of the past over what followed."""
    total = np.zeros(max(change.size - _FEWEST, 0))
    for weight, forget, fade in ways:
        trends = _trends(change, forget)
        for i, t in enumerate(range(_FEWEST - 1, change.size - 1)):
            ahead = change[t + 1 : t + 1 + _FAR]
            total[i] += weight * float((ahead - trends[t] * fade ** np.arange(1, ahead.size + 1)).mean())
    return total


def _ways(changes: list[Float]) -> list[tuple[float, float, float]]:
    """Return weight, how fast to forget and how fast to fade: the less a way missed over all, the more it weighs.

    One that missed by a tenth more weighs about half; no change at all is one of them.
    """
    found = []
    for forget in _FORGET:
        for fade in _FADE if forget == _FORGET[0] else _FADE[1:]:
            missed = [value for change in changes if (value := _missed(change, forget, fade)) is not None]
            found.append((float(np.mean(missed)) if missed else 1.0, forget, fade))
    least = max(min(missed for missed, _, _ in found), 1e-9)
    weights = np.array([(least / max(missed, least)) ** 7 for missed, _, _ in found])
    return [(float(w), forget, fade) for w, (_, forget, fade) in zip(weights / weights.sum(), found, strict=True)]


def _missed(change: Float, forget: float, fade: float) -> float | None:
    trends, found = _trends(change, forget), []
    for t in range(_FEWEST - 1, change.size - 1):
        ahead = change[t + 1 : t + 1 + _FAR]
        powers = fade ** np.arange(1, ahead.size + 1)
        found.append(float(np.abs(np.cumsum(ahead - trends[t] * powers)).mean()))
    return float(np.mean(found)) if found else None
