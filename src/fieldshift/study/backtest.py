"""How wrong a scenario would have been: fitted on days of the past with what was known then, scored against after."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from fieldshift.errors import UsageError
from fieldshift.network.checks_dates import first_day
from fieldshift.scenario.marked import dotted
from fieldshift.scenario.observed import longer
from fieldshift.scenario.paths import amounts, nearest
from fieldshift.scenario.schema import Scenario
from fieldshift.study.calibrate import Calibration, calibrate
from fieldshift.study.chart import chart_of
from fieldshift.study.foreseen import Foreseen, foreseen
from fieldshift.study.observing import last_known
from fieldshift.study.past import known_part
from fieldshift.study.references import REFERENCES, references
from fieldshift.study.scores import mean_of, scored, skill

__all__ = ["Backtest", "backtest"]

Float = npt.NDArray[np.float64]

_HORIZON = re.compile(r"\s*(\d+)\s*(day|week|month|quarter|year)s?\s*")
_QUANTILES = {"q025": 0.025, "q10": 0.1, "q25": 0.25, "q50": 0.5, "q75": 0.75, "q90": 0.9, "q975": 0.975}


@dataclass(frozen=True, eq=False)
class Backtest:
    """Forecasts from days of the past, and what followed.

    Attributes:
        name: The scenario's name.
        origins: The days.
        horizon: How far each looks, as written.
        policy: The policy that was in force.
        given: Inputs that were given as they turned out to be.
        seed: Seed of all draws.
        draws: Futures of each forecast.
        forecasts: A row for each origin, series, site and interval to come: the outcome (NaN where it is not known),
            mean and quantiles of the forecast, and the forecasts to be better than.
        futures: What each future said of those rows, for each origin, shape (draws, rows of that origin).
        calibrations: What the scenario was fitted to at each origin.
        later: Numbers of the scenario that speak of a day after the first origin: the forecast knew them all the same.
    """

    name: str
    origins: tuple[dt.date, ...]
    horizon: str
    policy: str
    given: tuple[str, ...]
    seed: int
    draws: int
    forecasts: pd.DataFrame
    futures: Mapping[dt.date, Float] = field(repr=False)
    calibrations: Mapping[dt.date, Calibration] = field(repr=False)
    later: tuple[str, ...]

    def scores(self, by: Sequence[str] = ("series",)) -> pd.DataFrame:
        """Return the scores of the outcomes that are known, a row for each series, site or origin.

        Args:
            by: `series`, `site`, `origin`: one or several.

        Returns:
            Columns: those of `by`, count, mape, mae, bias, crps, wis, cover50, cover80, cover95, and the skill of the
            median's absolute error against each reference (1 is perfect, 0 no better, below 0 worse).

        Raises:
            UsageError: `by` names something else.
        """
        wrong = [name for name in by if name not in ("series", "site", "origin")]
        if wrong or not by:
            raise UsageError(f"scores are by series, site or origin, not by {wrong}")
        table, futures = self.forecasts, np.hstack([self.futures[origin] for origin in self.origins])
        found = []
        for key, at in table.groupby(list(by), sort=False).indices.items():
            words = key if isinstance(key, tuple) else (key,)
            outcome = table["observed"].to_numpy()[at]
            if np.isnan(outcome).all():
                continue
            row: dict[str, Any] = dict(zip(by, words, strict=True)) | scored(futures[:, at], outcome).as_dict()
            middle = np.abs(table["q50"].to_numpy()[at] - outcome)
            for name in REFERENCES:
                other = np.abs(table[name].to_numpy()[at] - outcome)
                both = ~np.isnan(other)
                row[f"skill_{name}"] = skill(mean_of(middle[both]), mean_of(other[both]))
            found.append(row)
        return pd.DataFrame(found)

    @property
    def sentence(self) -> str:
        """How good the forecasts were, in one sentence made from the numbers."""
        scores = self.scores()
        if scores.empty:
            return "Nothing of what was forecast is known yet, so nothing can be said of how good it was."
        known = int(scores["count"].sum())
        inside = float((scores["cover80"] * scores["count"]).sum() / known)
        better = []
        for name, title in REFERENCES.items():
            skills = scores[f"skill_{name}"].dropna()
            better.append(f"{title} in {int((skills > 0).sum())} of {len(skills)} series")
        off = max(
            ((mape, name) for name, mape in zip(scores["series"], scores["mape"], strict=True) if mape), default=None
        )
        tail = f" The worst is {off[1]}, off by {off[0]:.0f} % on average." if off is not None else ""
        verdict = "about as wide as they should be"
        verdict = "too narrow" if inside < 0.7 else "too wide" if inside > 0.9 else verdict
        return (
            f"Of {known} outcomes {inside:.0%} fell inside the 80 % bands, which were {verdict}; the medians beat "
            f"{', '.join(better[:-1])} and {better[-1]}.{tail}"
        )

    def chart(self) -> dict[str, Any]:
        """Return a Vega-Lite chart of forecasts with bands and outcomes, a panel for each series and site."""
        return chart_of(self.forecasts)

    def as_json(self) -> dict[str, Any]:
        """Return all of it as plain data."""
        table = self.forecasts.assign(**{c: self.forecasts[c].astype(str) for c in ("origin", "first", "last")})
        return {
            "name": self.name,
            "origins": [origin.isoformat() for origin in self.origins],
            "horizon": self.horizon,
            "policy": self.policy,
            "given": list(self.given),
            "seed": self.seed,
            "draws": self.draws,
            "sentence": self.sentence,
            "later": list(self.later),
            "scores": _plain(self.scores()),
            "forecasts": _plain(table),
            "calibrations": {origin.isoformat(): one.as_json() for origin, one in self.calibrations.items()},
        }


def _plain(table: pd.DataFrame) -> list[dict[str, Any]]:
    return [
        {str(k): None if isinstance(v, float) and np.isnan(v) else v for k, v in row.items()}
        for row in table.to_dict(orient="records")
    ]


def backtest(  # noqa: PLR0913 - the public name: each is a question a user answers
    scenario: Scenario,
    origins: Sequence[dt.date] | dt.date,
    horizon: str | int = "12 month",
    *,
    given: Sequence[str] = (),
    policy: str | None = None,
    fit: Sequence[str] | None = None,
    to: Sequence[str] | None = None,
    seed: int = 1,
    draws: int = 400,
    workers: int | None = None,
) -> Backtest:
    """Forecast from days of the past with what was known then, and score the forecasts against what followed.

    At each origin the scenario is fitted to the rows known then (see `calibrate`); futures are simulated with the
    posterior's unknowns and conditioned on those rows (see `study.foreseen`). Rows after the origin, or published
    after it, can reach a forecast only as a given input.

    Args:
        scenario: A checked scenario with `history`.
        origins: The last day that is known, of each forecast.
        horizon: How far each looks: `13 month`, `2 year`, or a number of months.
        given: Series of inputs (with `drives`) that are given as they turned out; others stand after the origin as the
            scenario says.
        policy: The policy that was in force.
        fit: Unknowns that are fitted; as the scenario's `calibrate` says, else all that move the series.
        to: Series that they are fitted to, and that are forecast.
        seed: Seed of all draws; the same seed gives the same bytes.
        draws: Futures of each forecast, 20 at least.
        workers: Threads; the result does not depend on it.

    Raises:
        UsageError: An origin with nothing known, a horizon that is none, or a given series that drives nothing.
    """
    days = (origins,) if isinstance(origins, dt.date) else tuple(origins)
    if not days or draws < 20:
        raise UsageError("a backtest needs an origin" if not days else f"draws is {draws}: at least 20 are needed")
    text = f"{horizon} month" if isinstance(horizon, int) else horizon
    parts = _HORIZON.fullmatch(text)
    if parts is None or int(parts[1]) < 1:
        raise UsageError(f"'{text}' is no horizon: write it as `13 month`")
    for name in given:
        if name not in scenario.history or scenario.history[name].drives is None:
            known = [one for one, series in scenario.history.items() if series.drives is not None]
            raise UsageError(f"'{name}' drives no input, so it cannot be given ({nearest(name, known, 'inputs')})")
    calibrations: dict[dt.date, Calibration] = {}
    futures: dict[dt.date, Float] = {}
    tables = []
    for origin in days:
        made = calibrate(scenario, until=origin, fit=fit, to=to, policy=policy, seed=seed, workers=workers)
        seen = foreseen(scenario, made.fit, longer(origin, parts[2], int(parts[1])), given, draws, workers)
        if not len(seen.rows):
            raise UsageError(f"no interval of any series ends within {text} of {origin}: a longer horizon is needed")
        calibrations[origin], futures[origin] = made, seen.futures
        tables.append(_table(scenario, origin, seen))
    first = calibrations[days[0]]
    return Backtest(
        scenario.name,
        days,
        text.strip(),
        first.policy,
        tuple(given),
        seed,
        draws,
        pd.concat(tables, ignore_index=True),
        futures,
        calibrations,
        _later(scenario, min(days)),
    )


def _table(scenario: Scenario, origin: dt.date, seen: Foreseen) -> pd.DataFrame:
    """Return forecasts beside outcomes and references, a row for each interval to come."""
    rows = seen.rows
    known = {
        (x, site, span.after): value
        for x, name in enumerate(rows.names)
        for site, span, value in last_known(scenario.history[name])
    }
    keys = [(int(x), site, span.after) for x, site, span in zip(rows.series, rows.sites, rows.spans, strict=True)]
    found: dict[str, Any] = {
        "origin": origin,
        "series": [rows.names[x] for x in rows.series],
        "site": list(rows.sites),
        "first": [span.first for span in rows.spans],
        "last": [span.last for span in rows.spans],
        "observed": [known.get(key, float("nan")) for key in keys],
        "mean": seen.futures.mean(axis=0),
    }
    found |= dict(zip(_QUANTILES, np.quantile(seen.futures, list(_QUANTILES.values()), axis=0), strict=True))
    found |= references(known_part(scenario, origin), rows)
    return pd.DataFrame(found)


def _later(scenario: Scenario, origin: dt.date) -> tuple[str, ...]:
    """Return the numbers of a scenario that say they speak of a day after an origin."""
    found = []
    for one in amounts(scenario):
        day = first_day(one.amount.as_of) if one.amount.as_of is not None else None
        if day is not None and day > origin:
            found.append(dotted(one.path))
    return tuple(found)
