"""What flows do not explain of a stock: a lean to one side, noise that stays, and people counted early or late.

A residual is `r_t = lean stock + noise_t + u_t - u_(t-1)`. The timing error `u_t` is of people on their way between the
records of flows and the count of the stock: `u_t = -late_in entered_t + late_out left_t + error_t`. Where a month's
leavers go on its last day, they are in its stock and leave the next one; a batch of hires that the stock has not yet
seen is expected in the next stock. Neither is a lean, and neither is lost. Shares that are late, and sizes of noise and
error, stand on grids, weighed by likelihood; organisations of one table share what is usual.

Source:
    The filter: Kalman (1960), A new approach to linear filtering and prediction problems, J. Basic Engineering 82;
    its likelihood: Harvey (1989), Forecasting, Structural Time Series Models and the Kalman Filter, chapter 3.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fieldshift.study.flows import Flows
from fieldshift.study.seasons import shifts

__all__ = ["Unexplained", "unexplained_of"]

Float = npt.NDArray[np.float64]

LEAN = 0.001
"""Standard deviation of leans among organisations, as a share of the stock per month."""

NOISE = np.array([0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03])
"""Noise that stays: standard deviation as a share of the stock, per root month."""

ERROR = np.array([0.0, 0.07, 0.15, 0.3])
"""Timing errors: standard deviation as a share of those who enter and of those who leave in a period."""

LATE = np.array([-0.5, -0.25, 0.0, 0.25, 0.5, 0.75, 1.0])
"""Shares of those who enter, or leave, that reach the stock a period late; below zero, a period early."""

_BELIEF_IN = np.array([0.03, 0.04, 0.43, 0.16, 0.14, 0.1, 0.1])
_BELIEF_OUT = np.array([0.02, 0.03, 0.35, 0.15, 0.15, 0.1, 0.2])
"""Weights of `LATE` before any residual is seen: who leaves on a month's last day is commonly in its stock."""


@dataclass(frozen=True)
class Unexplained:
    """What flows do not explain of one organisation's stock.

    A combination is one of noise, error, late entries and late leavers, G of them.

    Attributes:
        weight: Posterior of the combinations, shape (G,).
        lean: Mean and standard deviation of the lean under each, shares of the stock per period, shape (G, 2).
        owed: Mean and standard deviation of the last timing error under each, in people, shape (G, 2).
        season: What each part of the year adds, shares of the stock, shape (S,).
        months: Length of a period.
    """

    weight: Float
    lean: Float
    owed: Float
    season: Float
    months: int

    @property
    def mean(self) -> tuple[float, float]:
        """Mean and standard deviation of the lean, shares of the stock per period."""
        return _mixed(self.weight, self.lean)

    @property
    def on_the_way(self) -> tuple[float, float]:
        """Mean and standard deviation of the last timing error, in people: below zero, they are still to be counted."""
        return _mixed(self.weight, self.owed)

    @property
    def late(self) -> tuple[float, float]:
        """Shares of those who enter and of those who leave that reach the stock a period late, means."""
        _, _, late_in, late_out = _combinations()
        return float(self.weight @ late_in), float(self.weight @ late_out)

    def drawn(self, rng: np.random.Generator, draws: int) -> tuple[Float, ...]:
        """Return draws of lean, last timing error, noise, error, late entries and late leavers, shape (draws,) each."""
        at = rng.choice(self.weight.size, size=draws, p=self.weight / self.weight.sum())
        noise, error, late_in, late_out = (values[at] for values in _combinations())
        normal = rng.standard_normal((2, draws))
        lean = self.lean[at, 0] + self.lean[at, 1] * normal[0]
        owed = self.owed[at, 0] + self.owed[at, 1] * normal[1]
        return lean, owed, noise * np.sqrt(self.months), error, late_in, late_out


def _mixed(weight: Float, told: Float) -> tuple[float, float]:
    mean = float(weight @ told[:, 0])
    return mean, float(np.sqrt(max(float(weight @ (told[:, 1] ** 2 + told[:, 0] ** 2)) - mean**2, 0.0)))


def _combinations() -> tuple[Float, Float, Float, Float]:
    noise, error, late_in, late_out = np.meshgrid(NOISE, ERROR, LATE, LATE, indexing="ij")
    return noise.ravel(), error.ravel(), late_in.ravel(), late_out.ravel()


def unexplained_of(read: Mapping[str, Flows]) -> dict[str, Unexplained]:
    """Return what flows do not explain of each organisation's stock."""
    shares = (np.ones(NOISE.size) / NOISE.size, np.ones(ERROR.size) / ERROR.size, _BELIEF_IN, _BELIEF_OUT)
    base = np.einsum("i,j,k,l->ijkl", *shares).ravel()
    flat = {org: np.zeros(12 // flows.months) for org, flows in read.items()}
    first = _pooled(read, flat, base)
    seasons = {org: _season(flows, first[org]) for org, flows in read.items()}
    return _pooled(read, seasons, base) if any(season.any() for season in seasons.values()) else first


def _season(flows: Flows, told: Unexplained) -> Float:
    """Return what each part of the year adds to a stock, once those who were late are in their own period."""
    late_in, late_out = told.late
    entered, left = np.nan_to_num(flows.entered), np.nan_to_num(flows.left)
    timing = -late_in * entered + late_out * left
    stock = np.maximum(flows.before, 1.0)
    rest = (flows.residual - np.diff(timing, prepend=np.nan)) / stock
    error = 2.0 * ERROR[-1] ** 2 * (entered**2 + left**2) / stock**2
    return shifts(rest, flows.seasons, 12 // flows.months, error)


def _pooled(read: Mapping[str, Flows], seasons: Mapping[str, Float], base: Float) -> dict[str, Unexplained]:
    told = {org: _filtered(flows, seasons[org]) for org, flows in read.items()}
    usable = [org for org, flows in read.items() if not flows.implied]
    found = {}
    for org, flows in read.items():
        evidence, lean, owed = told[org]
        prior = _prior(base, [told[other][0] for other in usable if other != org])
        if flows.implied:
            # Where one side of the flows is what the stock leaves over, nothing can be unexplained.
            noise, error, late_in, late_out = _combinations()
            none = (noise == NOISE[0]) & (error == 0) & (late_in == 0) & (late_out == 0)
            lean, owed, prior, evidence = 0.0 * lean, 0.0 * owed, none.astype(np.float64), np.zeros(base.size)
        found[org] = Unexplained(_weights(prior, evidence), lean, owed, seasons[org], flows.months)
    return found


def _prior(base: Float, others: list[Float]) -> Float:
    """Return what is believed of an organisation's combinations, given the evidence of the others of its table.

    Sizes of noise and error differ among organisations: they are averaged, the vague belief counting as two more. Who
    is late is a habit of whoever keeps the records, and one table has one keeper as a rule: so with a chance of three
    in four the late shares are the ones that all have in common, which the others tell together.
    """
    sizes, habits = NOISE.size * ERROR.size, LATE.size**2
    vague = base.reshape(sizes, habits)
    size, habit = vague.sum(axis=1), vague.sum(axis=0)
    together = np.log(habit)
    total = 2.0 * size
    for evidence in others:
        weight = _weights(base, evidence).reshape(sizes, habits)
        total = total + weight.sum(axis=1)
        together = together + np.log(np.maximum(weight.sum(axis=0) / habit, 1e-300))
    common = np.exp(together - together.max())
    common = 0.75 * common / common.sum() + 0.25 * habit if others else habit
    return np.asarray(np.outer(total / total.sum(), common).ravel(), np.float64)


def _weights(prior: Float, evidence: Float) -> Float:
    made = prior * np.exp(evidence - evidence.max())
    return np.asarray(made / made.sum(), np.float64)


def _filtered(flows: Flows, season: Float) -> tuple[Float, Float, Float]:
    """Return the evidence for each combination, shape (G,), and lean and last timing error under it, shape (G, 2).

    The state is (timing error, the one before, lean); all combinations are carried at once.
    """
    noise, error, late_in, late_out = _combinations()
    entered, left = np.nan_to_num(flows.entered), np.nan_to_num(flows.left)
    stock = np.maximum(flows.before, 1.0)
    rest = flows.residual - season[flows.seasons] * stock
    expected = -late_in * entered[:, None] + late_out * left[:, None]
    variance = error**2 * (entered**2 + left**2)[:, None] + 1.0
    state, spread = np.zeros((noise.size, 3)), np.zeros((noise.size, 3, 3))
    spread[:, 2, 2] = (LEAN * flows.months) ** 2
    evidence = np.zeros(noise.size)
    for t in range(rest.size):
        state[:, 1], spread[:, 1, :], spread[:, :, 1] = state[:, 0], spread[:, 0, :], spread[:, :, 0]
        spread[:, 1, 1] = spread[:, 0, 0]
        spread[:, 0, :] = spread[:, :, 0] = 0.0
        state[:, 0], spread[:, 0, 0] = expected[t], variance[t]
        if np.isnan(rest[t]):
            continue
        seen = np.array([1.0, -1.0, stock[t]])
        across = spread @ seen
        scatter = across @ seen + (noise * stock[t]) ** 2 * flows.months
        missed = rest[t] - state @ seen
        evidence -= 0.5 * (np.log(scatter) + missed**2 / scatter)
        state = state + across * (missed / scatter)[:, None]
        spread = spread - across[:, :, None] * across[:, None, :] / scatter[:, None, None]
    deviation = np.sqrt(np.maximum(spread[:, [2, 0], [2, 0]], 0.0))
    return evidence, np.stack([state[:, 2], deviation[:, 0]], axis=1), np.stack([state[:, 0], deviation[:, 1]], axis=1)
