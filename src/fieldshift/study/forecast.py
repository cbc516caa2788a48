"""Forecasts of an organisation's stock, leavers and hires: many futures of its fitted model."""

from __future__ import annotations

import datetime as dt
import zlib
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fieldshift.study.levels import EXTRA, JUMP_CHANCE, JUMP_SIZE, ONE_OFFS, RENEWED
from fieldshift.study.spelled import Period
from fieldshift.study.staffing import Flow, Model
from fieldshift.study.tenure import extra_hazard

__all__ = ["Forecast", "Given", "forecast", "periods_after"]

Float = npt.NDArray[np.float64]

_FAR, _BACK = 0.4, 4.0
"""Distance from the usual, as a logarithm, beyond which a rate comes back, and the months in which half of it does:
rates of three or ten times the usual are episodes, such as offers to leave, that end."""

_ONE_OFF_AHEAD = 0.005
"""Chance of a one-off month ahead: a sixth of that in the filter, which must not take a one-off for a shift."""


@dataclass(frozen=True)
class Given:
    """Entries that are given, by period; NaN where they are not known and must be forecast.

    Attributes:
        entered: All who enter, shape (H,).
        hired: Those new to the organisation, shape (H,).
    """

    entered: Float
    hired: Float


@dataclass(frozen=True)
class Forecast:
    """Futures of one organisation.

    Attributes:
        org: The organisation.
        periods: The periods, shape (H,).
        start: The stock that they start from.
        stock: The stock at each period's end, shape (draws, H).
        left: All who leave, shape (draws, H); nothing where only stocks are known.
        entered: All who enter, shape (draws, H), likewise.
    """

    org: str
    periods: tuple[Period, ...]
    start: float
    stock: Float
    left: Float | None
    entered: Float | None


def periods_after(model: Model, until: dt.date) -> tuple[Period, ...]:
    """Return the periods after the last one that an organisation's model was fitted to, up to a day."""
    last = model.unit.periods[-1]
    found: list[Period] = []
    while (coming := last.later(len(found) + 1)).end <= until:
        found.append(coming)
    return tuple(found)


def forecast(
    model: Model, periods: tuple[Period, ...], given: Given | None = None, draws: int = 1000, seed: int = 1
) -> Forecast:
    """Return futures of an organisation.

    Its draws are its own: they do not depend on which other organisations are asked for.

    Args:
        model: Its fitted model.
        periods: The periods after the last one it was fitted to.
        given: Entries that are given, if any.
        draws: Number of futures.
        seed: Seed of all draws.
    """
    rng = np.random.default_rng([seed, zlib.crc32(model.flows.org.encode())])
    start = float(model.flows.stock[-1])
    if model.net is not None:
        stock = _net_paths(model, periods, draws, rng)
        return Forecast(model.flows.org, periods, start, stock, None, None)
    futures = _Futures(model, draws, rng)
    shape = (draws, len(periods))
    stock, left, entered = np.zeros(shape), np.zeros(shape), np.zeros(shape)
    for i, period in enumerate(periods):
        known = (float(given.entered[i]), float(given.hired[i])) if given is not None else (float("nan"),) * 2
        stock[:, i], left[:, i], entered[:, i] = futures.step(period, known)
    return Forecast(model.flows.org, periods, start, stock, left, entered)


class _Flowing:
    """One flow's draws on their way: each future has its own rate, extra, spread and drift."""

    def __init__(self, flow: Flow, draws: int, rng: np.random.Generator) -> None:
        self.flow, self.rng = flow, rng
        self.rate, self.extra, self.spread, self.drift = flow.fit.drawn(rng, draws)

    def drawn(self, exposure: Float, early: Float, period: Period) -> tuple[Float, Float]:
        """Return how many leave, and the part of it that is expected of new hires beyond the others."""
        rng, months = self.rng, period.months
        season = float(self.flow.factors[period.season]) if self.flow.factors.size > 1 else 1.0
        # The mean rate stays: the mean of an exponential is above the exponential of the mean by half the variance.
        walk = self.drift * np.sqrt(months)
        self.rate = self.rate + walk * rng.standard_normal(self.rate.size) - walk**2 / 2
        jumps = (rng.random(self.rate.size) < JUMP_CHANCE * months) & (self.drift > 0)
        self.rate = self.rate + np.where(jumps, JUMP_SIZE * (rng.standard_normal(self.rate.size) - JUMP_SIZE / 2), 0.0)
        if not np.isnan(self.flow.usual):
            far = self.rate - self.flow.usual
            beyond = np.sign(far) * np.maximum(np.abs(far) - _FAR, 0.0)
            self.rate = self.rate - beyond * (1.0 - 0.5 ** (months / max(_BACK, months)))
        if self.flow.early:
            anew = rng.choice(EXTRA, self.extra.size, p=self.flow.fit.belief)
            self.extra = np.where(rng.random(self.extra.size) < RENEWED * months, anew, self.extra)
        base = np.exp(np.minimum(self.rate, 0.0)) * exposure * months
        extra = self.extra * early if self.flow.early else np.zeros(self.rate.size)
        mean, size = season * (base + extra), 1.0 / self.spread
        odd = rng.random(mean.size) < _ONE_OFF_AHEAD
        times = np.array(ONE_OFFS)[rng.integers(0, len(ONE_OFFS), mean.size)]
        mean, size = np.where(odd, mean * times, mean), np.where(odd, 2.0, size)
        return rng.poisson(rng.gamma(size, np.maximum(mean, 1e-9) / size)).astype(np.float64), season * extra


class _Futures:
    """All futures of one organisation, a period at a time."""

    def __init__(self, model: Model, draws: int, rng: np.random.Generator) -> None:
        self.model, self.rng, self.draws = model, rng, draws
        self.stock = np.full(draws, float(model.flows.stock[-1]))
        self.hazard = extra_hazard(model.flows.months)
        self.new = np.repeat(model.cohorts.people[:, None], draws, axis=1)
        self.outs: Mapping[str, _Flowing] = {n: _Flowing(f, draws, rng) for n, f in model.outs.items()}
        self.hires = _Flowing(model.hires, draws, rng) if model.hires is not None else None
        self.lean, owed, self.noise, self.error, *late = model.unexplained.drawn(rng, draws)
        self.late_in, self.late_out = late
        # Who is on the way between flows and stock arrives: futures start from the stock that should have been seen.
        self.stock = np.maximum(self.stock - owed, 0.0)

    def step(self, period: Period, known: tuple[float, float]) -> tuple[Float, Float, Float]:
        """Return stock, leavers and entries of the next period."""
        zero = np.zeros(self.draws)
        entered, hired = np.full(self.draws, known[0]), np.full(self.draws, known[1])
        if np.isnan(known[0]):
            entered = self.hires.drawn(np.maximum(self.stock, 1.0), zero, period)[0] if self.hires is not None else zero
        if np.isnan(known[1]):
            hired = entered * self.model.newcomers
        there = self.new[:-1].sum(axis=0)
        self.new = np.roll(self.new, 1, axis=0)
        self.new[0] = hired
        early = self.hazard @ self.new
        established = np.maximum(self.stock - there, 0.1 * self.stock)
        left, extra = zero, zero
        usual = zero
        for name in self.outs:
            flowing = self.outs[name]
            exposed = established if flowing.flow.exposed == "established" else self.stock
            many, more = flowing.drawn(exposed, early, period)
            left, extra = left + many, extra + more
            usual = usual + (many if flowing.flow.exposed == "all" else 0.0)
        left = np.minimum(left, self.stock + entered)
        self._age(np.minimum(extra / np.maximum(early, 1e-9), 5.0), usual - extra)
        self.stock = np.maximum(self.stock + entered - left + self._unexplained(period), 0.0)
        way = self.late_out * left - self.late_in * entered
        way = way + self.error * np.sqrt(entered**2 + left**2) * self.rng.standard_normal(self.draws)
        return np.round(np.maximum(self.stock + way, 0.0)), left, entered

    def _age(self, extra: Float, usual: Float) -> None:
        """Take from each cohort those of it who left: its extra hazard, and its part of the usual leavers."""
        share = np.clip(usual / np.maximum(self.stock, 1.0), 0.0, 0.5)
        self.new = self.new * np.clip(1.0 - self.hazard[:, None] * extra - share, 0.0, 1.0)

    def _unexplained(self, period: Period) -> Float:
        """Return what comes or goes without ever being booked."""
        seasons = self.model.unexplained.season
        season = float(seasons[period.season]) if seasons.size > 1 else 0.0
        return self.stock * (self.lean + season + self.noise * self.rng.standard_normal(self.draws))


def _net_paths(model: Model, periods: tuple[Period, ...], draws: int, rng: np.random.Generator) -> Float:
    """Return paths of a stock whose net change alone is known, shape (draws, H)."""
    net = model.net
    assert net is not None
    trend = net.path(len(periods))[None, :] + net.error * rng.standard_normal((draws, 1))
    season = np.array([net.season[p.season] if net.season.size > 1 else 0.0 for p in periods])
    noise = net.noise * rng.standard_normal((draws, len(periods)))
    growth = np.maximum(1.0 + trend + season + noise, 0.0)
    return np.asarray(np.round(float(model.flows.stock[-1]) * np.cumprod(growth, axis=1)), np.float64)
