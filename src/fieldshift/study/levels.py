"""A rate that wanders, seen through counts: the exact filter on a grid, with one-off months and lasting shifts.

Counts of leavers in period t are negative binomial with mean `season_t (rate_t exposure_t + extra early_t)` and
variance `mean + spread mean^2`. The logarithm of the rate walks at random, and now and then jumps: a lasting shift. So
does `extra`, the early attrition of those who come now, which is drawn anew in some months: people hired in a surge may
not be those hired before it. A count may also be a one-off, four or twelve times the mean or a quarter of it, that says
nothing about either. Their distribution is carried on a grid, so that none of this needs an approximation; `spread` and
the walk's step stand on grids of their own, weighed by how well each foretold every count from those before it.

Source:
    Kitagawa (1987), Non-Gaussian state-space modeling of nonstationary time series, JASA 82.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import gammaln

__all__ = ["DRIFT", "EXTRA", "ONE_OFFS", "SPREAD", "Counts", "Filtered", "Prior", "filtered", "prior_of"]

Float = npt.NDArray[np.float64]

EXTRA = np.array([0.0, 0.1, 0.2, 0.35, 0.6, 1.0, 1.5, 2.2, 3.3, 5.0, 7.5])
"""Early attrition as multiples of the usual extra hazard of new hires."""

SPREAD = np.array([0.0005, 0.01, 0.04, 0.15, 0.5])
"""Overdispersion: variance is `mean + spread mean^2`."""

DRIFT = np.array([0.0, 0.02, 0.05, 0.12])
"""Standard deviation of the step of the rate's logarithm, per root month."""

ONE_OFFS = (4.0, 12.0, 0.25)
ONE_OFF_CHANCE = 0.03
JUMP_CHANCE, JUMP_SIZE = 0.015, 0.8
"""Chance of a lasting shift a month, and the standard deviation of its logarithm."""

RENEWED = 0.03
"""Chance a month that early attrition is drawn anew."""

_POINTS = 121


@dataclass(frozen=True)
class Counts:
    """One flow's history.

    Attributes:
        count: Numbers of leavers (or of hires), shape (T,); NaN is missing.
        exposure: Those exposed, in person-months, shape (T,).
        early: Extra leavers expected of new hires at the usual extra hazard, shape (T,).
        season: Factors of the season, shape (T,).
        months: Length of a period in months.
    """

    count: Float
    exposure: Float
    early: Float
    season: Float
    months: int = 1


@dataclass(frozen=True)
class Prior:
    """What is believed before the counts.

    Attributes:
        rate: Mean and standard deviation of the logarithm of the first rate, per person-month.
        extra: Weights of `EXTRA`.
        spread: Weights of `SPREAD`.
        drift: Weights of `DRIFT`.
    """

    rate: tuple[float, float]
    extra: Float
    spread: Float
    drift: Float


def prior_of(rate: tuple[float, float], early: bool, seasoned: bool = True) -> Prior:
    """Return a prior that is vague about spread and drift.

    Where the seasons are not known, months differ more, and what looks like a rate on its way may be the time of year:
    more spread is believed, and less drift.

    The usual extra hazard is believed to a factor of two (80 %: 0.4 to 2.4 times); its sources stand in `tenure`.

    Args:
        rate: Mean and standard deviation of the logarithm of the rate.
        early: Whether new hires may leave more than others.
        seasoned: Whether the factors of the season are known.
    """
    weights = np.exp(-0.5 * (np.log(np.maximum(EXTRA, 0.05)) / 0.7) ** 2)
    extra = weights / weights.sum() if early else np.eye(EXTRA.size)[0]
    spread = np.array([0.1, 0.25, 0.3, 0.25, 0.1] if seasoned else [0.08, 0.22, 0.35, 0.27, 0.08])
    return Prior(rate, extra, spread, np.array([0.25, 0.3, 0.3, 0.15] if seasoned else [0.5, 0.3, 0.15, 0.05]))


@dataclass(frozen=True)
class Filtered:
    """What the counts say of a flow, by the end of its history.

    Attributes:
        rates: Logarithms of the rate, the grid's points, shape (R,).
        weight: Posterior of spread and drift, shape (F, W).
        state: The last extra's and rate's distribution under each, shape (F, W, K, R).
        belief: Weights of `EXTRA` from which it is drawn anew, shape (K,).
        scores: Logarithm of the chance that was given to each count before it was seen, shape (T,); NaN is missing.
    """

    rates: Float
    weight: Float
    state: Float
    belief: Float
    scores: Float

    @property
    def spread(self) -> Float:
        """Posterior of `SPREAD`, shape (F,)."""
        return np.asarray(self.weight.sum(axis=1), np.float64)

    @property
    def drift(self) -> Float:
        """Posterior of `DRIFT`, shape (W,)."""
        return np.asarray(self.weight.sum(axis=0), np.float64)

    @property
    def extra(self) -> Float:
        """Posterior of `EXTRA` at the end, shape (K,)."""
        return np.asarray(np.einsum("fw,fwkr->k", self.weight, self.state), np.float64)

    def rate(self) -> tuple[float, float]:
        """Return mean and standard deviation of the last rate's logarithm."""
        shares = np.einsum("fw,fwkr->r", self.weight, self.state)
        mean = float(shares @ self.rates)
        return mean, float(np.sqrt(max(shares @ (self.rates - mean) ** 2, 0.0)))

    def drawn(self, rng: np.random.Generator, draws: int) -> tuple[Float, Float, Float, Float]:
        """Return draws of the last log rate, extra, spread and drift from the posterior, shape (draws,) each."""
        cells = rng.choice(self.weight.size, size=draws, p=self.weight.ravel() / self.weight.sum())
        f, w = np.unravel_index(cells, self.weight.shape)
        sums = np.cumsum(self.state.reshape(self.weight.size, -1), axis=1)
        want = rng.random(draws)
        at = np.array([np.searchsorted(sums[c], u * sums[c, -1]) for c, u in zip(cells, want, strict=True)])
        k, r = np.unravel_index(np.minimum(at, sums.shape[1] - 1), self.state.shape[2:])
        step = self.rates[1] - self.rates[0]
        # Between the points of a grid the draws are spread evenly; those of extra are about a half apart.
        extra = EXTRA[k] * np.exp(0.4 * (rng.random(draws) - 0.5))
        return self.rates[r] + (rng.random(draws) - 0.5) * step, extra, SPREAD[f], DRIFT[w]


def filtered(counts: Counts, prior: Prior) -> Filtered:
    """Return what a flow's counts say of its rate, extra, spread and drift."""
    rates = _grid(counts, prior)
    kinds = np.flatnonzero(prior.extra > 0)
    belief = prior.extra[kinds] / prior.extra[kinds].sum()
    moves = [_kernel(rates, step, counts.months) for step in DRIFT]
    renewed = 1.0 - (1.0 - RENEWED) ** counts.months if kinds.size > 1 else 0.0
    start = np.exp(-0.5 * ((rates - prior.rate[0]) / prior.rate[1]) ** 2) + 1e-12
    start = belief[:, None] * start[None, :] / start.sum()
    state = np.broadcast_to(start, (SPREAD.size, DRIFT.size, *start.shape)).copy()
    before = prior.spread[:, None] * prior.drift[None, :]
    evidence, scores = np.log(np.maximum(before, 1e-300)), np.full(counts.count.size, np.nan)
    for t in range(counts.count.size):
        if t:
            for w, move in enumerate(moves):
                state[:, w] = state[:, w] @ move
            anew = belief[:, None] * state.sum(axis=2, keepdims=True)
            state = (1.0 - renewed) * state + renewed * anew
        if np.isnan(counts.count[t]) or counts.exposure[t] <= 0:
            continue
        told = _likelihood(counts, t, rates, EXTRA[kinds])
        top = told.max()
        state *= np.exp(told - top).transpose(1, 0, 2)[:, None]
        total = np.maximum(state.sum(axis=(2, 3)), 1e-300)
        state /= total[:, :, None, None]
        scores[t] = top + np.log((_shares(evidence) * total).sum())
        evidence = evidence + np.log(total) + top
    wide = np.zeros((SPREAD.size, DRIFT.size, EXTRA.size, rates.size))
    wide[:, :, kinds] = state
    return Filtered(rates, _shares(evidence), wide, prior.extra / prior.extra.sum(), scores)


def _shares(evidence: Float) -> Float:
    made = np.exp(evidence - evidence.max())
    return np.asarray(made / made.sum(), np.float64)


def _grid(counts: Counts, prior: Prior) -> Float:
    """Return the points of the log rate: around what was seen, wide enough for what is believed."""
    known = ~np.isnan(counts.count) & (counts.exposure > 0)
    seen, exposed = counts.count[known].sum(), (counts.exposure * counts.season)[known].sum()
    if exposed <= 0:
        return np.linspace(prior.rate[0] - 3 * prior.rate[1], prior.rate[0] + 3 * prior.rate[1], _POINTS)
    middle = float(np.log((seen + 0.5) / exposed))
    low = 4.0 if prior.extra[0] < 1 else 2.6
    return np.linspace(middle - low, middle + 2.4, _POINTS)


def _kernel(rates: Float, step: float, months: int) -> Float:
    """Return where a rate goes in one period, rows are from: a step of the walk, or rarely a jump."""
    apart = rates[None, :] - rates[:, None]

    def spread(size: float) -> Float:
        if size * 3 < rates[1] - rates[0]:
            return np.eye(rates.size)
        move = np.exp(-0.5 * (apart / size) ** 2)
        return np.asarray(move / move.sum(axis=1, keepdims=True), np.float64)

    chance = 1.0 - (1.0 - JUMP_CHANCE) ** months if step > 0 else 0.0
    walk = spread(step * float(np.sqrt(months)))
    return np.asarray((1.0 - chance) * walk + chance * spread(JUMP_SIZE), np.float64)


def _likelihood(counts: Counts, t: int, rates: Float, extra: Float) -> Float:
    """Return the log likelihood of one count for each extra, spread and rate, shape (K, F, R)."""
    base = np.exp(rates) * counts.exposure[t]
    mean = counts.season[t] * (base[None, :] + extra[:, None] * counts.early[t])
    seen, size = counts.count[t], 1.0 / SPREAD
    usual = _negative_binomial(seen, mean[:, None, :], size[None, :, None])
    far = [_negative_binomial(seen, mean * times, np.array(2.0)) for times in ONE_OFFS]
    odd = np.log(ONE_OFF_CHANCE / len(ONE_OFFS)) + np.logaddexp.reduce(np.stack(far), axis=0)
    return np.asarray(np.logaddexp(np.log1p(-ONE_OFF_CHANCE) + usual, odd[:, None, :]), np.float64)


def _negative_binomial(seen: float, mean: Float, size: Float) -> Float:
    mean = np.maximum(mean, 1e-9)
    constant = gammaln(seen + size) - gammaln(size) - gammaln(seen + 1.0)
    return np.asarray(constant - size * np.log1p(mean / size) + seen * np.log(mean / (mean + size)), np.float64)
