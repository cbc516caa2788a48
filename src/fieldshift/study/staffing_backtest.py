"""How wrong the staffing model would have been: forecasts from days of the past, scored against what followed."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from fieldshift.errors import UsageError
from fieldshift.study.flows import Flows, flows_of
from fieldshift.study.forecast import Forecast, Given, forecast, periods_after
from fieldshift.study.history import History, Unit
from fieldshift.study.scores import LEVELS, Scores, mean_of, scored, skill
from fieldshift.study.spelled import Period, day_of
from fieldshift.study.staffing import Staffing, fit_staffing

__all__ = ["REFERENCES", "StaffingBacktest", "Tested", "backtest_staffing"]

Float = npt.NDArray[np.float64]

REFERENCES = {
    "persistence": "the last stock stays",
    "constant": "the share that left a period, over the last year or what is known of it, and the same hires",
    "identity": "the last stock, and those who truly entered and left",
}
"""Forecasts to be better than; the identity is the floor that a forecast of leavers can reach."""


@dataclass(frozen=True)
class Tested:
    """One organisation's forecast from one day, and what followed.

    Attributes:
        origin: The day.
        forecast: The futures, over the periods after the day that the horizon holds.
        outcome: The stock that followed, as last published, shape (H,); NaN is not known.
        left: Those who left, likewise.
        references: Forecasts to be better than, by name, shape (H,) each.
        scores: The forecast's scores.
        errors: Mean absolute error of each reference in per cent, by name; NaN where it is not known.
    """

    origin: dt.date
    forecast: Forecast
    outcome: Float
    left: Float
    references: dict[str, Float]
    scores: Scores
    errors: dict[str, float]

    @property
    def org(self) -> str:
        """The organisation."""
        return self.forecast.org


@dataclass(frozen=True)
class StaffingBacktest:
    """Forecasts from days of the past, scored.

    Attributes:
        history: The history.
        horizon: How many periods each forecast reaches.
        given: Whether those who truly entered were given.
        seed: Seed of all draws.
        tests: The forecasts, by day and organisation.
        skipped: Organisations that could not be tested from a day, with the reason.
    """

    history: History
    horizon: int
    given: bool
    seed: int
    tests: tuple[Tested, ...]
    skipped: tuple[tuple[dt.date, str, str], ...]

    def table(self) -> pd.DataFrame:
        """Return a row of scores for each day and organisation: scores, errors of references, and skill against each.

        Skill is the share of a reference's mean absolute error in per cent that the forecast saves.
        """
        rows = []
        for test in self.tests:
            row: dict[str, Any] = {"origin": test.origin.isoformat(), "org": test.org, **test.scores.as_dict()}
            row |= {f"mape_{name}": error for name, error in test.errors.items()}
            row |= {f"skill_{name}": skill(test.scores.mape, error) for name, error in test.errors.items()}
            rows.append(row)
        return pd.DataFrame(rows)

    def paths(self) -> pd.DataFrame:
        """Return a row for each day, organisation and period: outcome, median and ends of the bands, references."""
        frames = []
        for test in self.tests:
            draws = test.forecast.stock
            shares = sorted({0.5, *((1 - level) / 2 for level in LEVELS), *((1 + level) / 2 for level in LEVELS)})
            frame = pd.DataFrame(
                {
                    "origin": test.origin.isoformat(),
                    "org": test.org,
                    "period": [str(period) for period in test.forecast.periods],
                    "date": [period.end for period in test.forecast.periods],
                    "outcome": test.outcome,
                    **{f"q{1000 * share:03.0f}": np.quantile(draws, share, axis=0) for share in shares},
                    **test.references,
                }
            )
            if test.forecast.left is not None:
                frame["left"] = test.left
                frame["left_forecast"] = np.median(test.forecast.left, axis=0)
            frames.append(frame)
        return pd.concat(frames, ignore_index=True)

    @property
    def sentence(self) -> str:
        """How wrong the forecasts were, in one honest sentence computed from the scores."""
        table = self.table()
        orgs, origins = table["org"].nunique(), table["origin"].nunique()
        many = (
            f"{orgs} organisation{'s' if orgs > 1 else ''} from {origins} day{'s' if origins > 1 else ''} of the past"
        )
        told = [
            (
                f"Over {self.horizon} {_length(self.history.months)}s, for {many}, the stock was missed by "
                f"{table['mape'].mean():.2f} % on average"
            )
        ]
        for name, words in (("constant", "constant attrition"), ("persistence", "no change at all")):
            if table[f"mape_{name}"].notna().any():
                part = table[table[f"mape_{name}"].notna()]
                better, missed = int((part["mape"] < part[f"mape_{name}"]).sum()), part[f"mape_{name}"].mean()
                told.append(f"{words} missed by {missed:.2f} % and was worse in {better} of {len(part)}")
        if table["mape_identity"].notna().any():
            floor = table["mape_identity"].mean()
            told.append(f"even true hires and leavers, added up, miss by {floor:.2f} %")
        words = "; ".join(told)
        held = 100 * float(np.average(table["cover80"], weights=table["count"]))
        return f"{words}; the 80 % band held {held:.0f} % of what followed."

    def as_json(self) -> dict[str, Any]:
        """Return all of it as plain data."""

        def plain(frame: pd.DataFrame) -> list[dict[str, Any]]:
            kept = frame.assign(**{c: frame[c].astype(str) for c in frame if c == "date"}).astype(object)
            return [{str(k): v for k, v in row.items()} for row in kept.where(kept.notna(), None).to_dict("records")]

        return {
            "table": self.history.label,
            "digest": self.history.digest,
            "horizon": self.horizon,
            "given": "hires" if self.given else None,
            "seed": self.seed,
            "says": self.sentence,
            "scores": plain(self.table()),
            "paths": plain(self.paths()),
            "skipped": [{"origin": day.isoformat(), "org": org, "why": why} for day, org, why in self.skipped],
        }


def backtest_staffing(
    history: History,
    origins: Sequence[str | dt.date],
    horizon: int = 13,
    *,
    given: bool = True,
    draws: int = 1000,
    seed: int = 1,
) -> StaffingBacktest:
    """Forecast each organisation from days of the past, and score the forecasts against what followed.

    A forecast reads only rows about periods that had ended by its day, and that were published by then. The one
    exception is asked for: with `given`, those who truly entered over the horizon are given to the forecast, and to the
    reference of constant attrition.

    Args:
        history: The history.
        origins: The days: `2025-06`, `2025-06-30`, or dates.
        horizon: How many periods each forecast reaches.
        given: Whether those who truly entered are given.
        draws: Futures of each forecast.
        seed: Seed of all draws.

    Raises:
        UsageError: A day is none, or nothing can be tested.
    """
    truth, tests, skipped = history.known(), [], []
    for day in (day_of(origin) for origin in origins):
        staffing = fit_staffing(history, day)
        for org, unit in truth.items():
            why = _why_not(staffing, org, unit, day)
            if why:
                skipped.append((day, org, why))
                continue
            tested = _tested(staffing, unit, (horizon, given), draws, seed)
            if tested is None:
                skipped.append((day, org, "no stock is known within the horizon"))
            else:
                tests.append(tested)
    if not tests:
        whys = "; ".join(f"{org} from {day}: {why}" for day, org, why in skipped[:5])
        raise UsageError(f"nothing can be tested: {whys or 'no origin is given'}")
    return StaffingBacktest(history, horizon, given, seed, tuple(tests), tuple(skipped))


def _why_not(staffing: Staffing, org: str, unit: Unit, day: dt.date) -> str:
    if org not in staffing.models:
        return "no stock was known by then"
    after = [p.end > day and not np.isnan(s) for p, s in zip(unit.periods, unit.stock, strict=True)]
    return "" if any(after) else "no stock is known after it"


def _tested(staffing: Staffing, truth: Unit, reach: tuple[int, bool], draws: int, seed: int) -> Tested | None:
    model, day, (horizon, given) = staffing.models[truth.org], staffing.until, reach
    between = len(periods_after(model, day))
    last = model.unit.periods[-1]
    periods = tuple(last.later(i + 1) for i in range(between + horizon))
    entered, left, hired, stock = (_at(truth, values, periods) for values in _series(truth))
    told = np.flatnonzero(~np.isnan(stock[between:]))
    if not told.size:
        return None
    ahead = slice(between, between + int(told[-1]) + 1)
    futures = forecast(model, periods, Given(entered, hired) if given else None, draws, seed)
    start = float(model.flows.stock[-1])
    known = flows_of(model.unit)
    references = {"persistence": np.full(len(periods), start)}
    if known is not None and not known.net:
        coming = entered if given else np.full(len(periods), mean_of(known.entered[-max(12 // known.months, 1) :]))
        references["constant"] = _constant(known, coming, start)
        references["identity"] = start + np.cumsum(entered - left)
    kept = {name: values[ahead] for name, values in references.items()}
    cut = replace(
        futures,
        periods=periods[ahead],
        stock=futures.stock[:, ahead],
        left=None if futures.left is None else futures.left[:, ahead],
        entered=None if futures.entered is None else futures.entered[:, ahead],
    )
    outcome = stock[ahead]
    errors = {name: _error(kept[name], outcome) if name in kept else float("nan") for name in REFERENCES}
    return Tested(day, cut, outcome, left[ahead], kept, scored(cut.stock, outcome), errors)


def _series(unit: Unit) -> tuple[Float, Float, Float, Float]:
    """Return entries, leavers, hires and stock; leavers that are not told are what the stocks leave over."""
    left = unit.left
    if not np.any(~np.isnan(left)):
        left = unit.entered - np.diff(unit.stock, prepend=np.nan)
    return unit.entered, left, unit.hired, unit.stock


def _at(unit: Unit, values: Float, periods: Sequence[Period]) -> Float:
    place = {period: i for i, period in enumerate(unit.periods)}
    return np.array([values[place[p]] if p in place else np.nan for p in periods])


def _constant(known: Flows, coming: Float, start: float) -> Float:
    """Return the stock under the last year's share of leavers, applied to the stock.

    Args:
        known: The history.
        coming: Those who enter: given, or the last year's mean; one that is missing is none.
        start: The last stock.
    """
    year = slice(-max(12 // known.months, 1), None)
    part = ~np.isnan(known.left[year])
    exposed = float(known.before[year][part].sum())
    rate = float(known.left[year][part].sum()) / exposed if exposed > 0 else 0.0
    stock, made = start, []
    for number in np.nan_to_num(coming):
        stock += float(number) - rate * stock
        made.append(stock)
    return np.array(made)


def _error(made: Float, outcome: Float) -> float:
    """Return a reference's error, where it is known wherever the outcome is."""
    if np.any(np.isnan(made) & ~np.isnan(outcome)):
        return float("nan")
    usable = ~np.isnan(outcome) & (outcome != 0)
    return float(100 * np.mean(np.abs(made - outcome)[usable] / outcome[usable])) if usable.any() else float("nan")


def _length(months: int) -> str:
    return {1: "month", 3: "quarter", 12: "year"}[months]
