"""Fit a scenario's unknowns to what was observed, and say what came of it: values, what is not told, an overlay."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path as File
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.special import ndtr

from fieldshift.scenario.read import overlaid
from fieldshift.scenario.schema import Fit, Scenario
from fieldshift.scenario.write import replaced, yaml_text
from fieldshift.study.fitted import Fitted, fitted, wanted
from fieldshift.study.scores import bias, mape
from fieldshift.study.spread import Extra
from fieldshift.study.told import Flat, flat_directions
from fieldshift.study.written import Written, listed, ranks

__all__ = ["Calibration", "Parameter", "SeriesFit", "calibrate"]

Float = npt.NDArray[np.float64]

_AT_BOUND = 0.05
_BANDS = {"q025": 0.025, "q10": 0.1, "estimate": 0.5, "q90": 0.9, "q975": 0.975}


@dataclass(frozen=True)
class Parameter:
    """One fitted unknown, in its written unit.

    Attributes:
        path: The unknown.
        unit: Its unit.
        low, high: The ends of its declared range.
        estimate: The middle of the posterior.
        q025, q10, q90, q975: Its 95 % and 80 % intervals.
        told: The share of the declared spread that the data have taken away: 0 nothing, 1 all of it.
        bound: `low` or `high` where the likeliest value sits at that end of the range, else empty.
        pool: The number that it is one site's part of, else empty.
        site: That site, else empty.
    """

    path: str
    unit: str
    low: float
    high: float
    estimate: float
    q025: float
    q10: float
    q90: float
    q975: float
    told: float
    bound: str
    pool: str = ""
    site: str = ""


@dataclass(frozen=True)
class SeriesFit:
    """How well one series is fitted.

    Attributes:
        name: The series.
        rows: How many rows were used.
        first, last: The days that they cover.
        mape: Mean absolute error of the fit in per cent.
        bias: Mean of fitted less observed, in the series' unit.
        inside: The share of rows inside the 80 % band of the model at its likeliest.
        unexplained: What the series shows beyond the model's own chance, as a share of its level.
        carried: How far that carries over from one row to the next.
        common: How far that is the same at all sites.
        beyond: Its part of the variance of a row (of levels: of their change), against the model's chance.
    """

    name: str
    rows: int
    first: dt.date
    last: dt.date
    mape: float
    bias: float
    inside: float
    unexplained: float
    carried: float
    common: float
    beyond: float


@dataclass(frozen=True, eq=False)
class Calibration:
    """What came of a calibration.

    Attributes:
        name: The scenario's name.
        until: The last day that was known.
        policy: The policy that was in force.
        seed: Seed of all draws.
        digest: SHA-256 of the rows that were used.
        parameters: The fitted unknowns.
        left: Unknowns that were not fitted, and why.
        series: How well each series is fitted.
        flat: What the data cannot tell apart.
        pools: Of each number with a value for each site, how much the sites differ: 0 not at all, 1 as declared.
        method: How the posterior was sampled: `quadratic` or `normal`.
        checked: Middle error of the log density where the model itself was run again; NaN where it was not.
        runs: How often the model was run for its mean.
        scenario: The scenario that was given.
        fit: The fit itself, for a forecast that goes on from it.
    """

    name: str
    until: dt.date
    policy: str
    seed: int
    digest: str
    parameters: tuple[Parameter, ...]
    left: Mapping[str, str]
    series: tuple[SeriesFit, ...]
    flat: tuple[Flat, ...]
    pools: Mapping[str, float]
    method: str
    checked: float
    runs: int
    scenario: Scenario = field(repr=False)
    fit: Fitted = field(repr=False)

    def table(self) -> pd.DataFrame:
        """Return the fitted unknowns, a row for each; columns as in `Parameter`."""
        return pd.DataFrame([asdict(one) for one in self.parameters])

    def series_table(self) -> pd.DataFrame:
        """Return how well each series is fitted, a row for each; columns as in `SeriesFit`."""
        return pd.DataFrame([asdict(one) for one in self.series])

    def residuals(self) -> pd.DataFrame:
        """Return every row that was used beside what the model says at its likeliest.

        Columns are series, site, first, last, observed, fitted, low, high (the model's 80 % band) and z (the
        difference in standard deviations).
        """
        rows, sd = self.fit.rows, np.sqrt(self.fit.chance)
        made = self.fit.peak.rows
        return pd.DataFrame(
            {
                "series": [rows.names[x] for x in rows.series],
                "site": list(rows.sites),
                "first": [span.first for span in rows.spans],
                "last": [span.last for span in rows.spans],
                "observed": rows.values,
                "fitted": made,
                "low": np.maximum(made - 1.2816 * sd, 0.0),
                "high": made + 1.2816 * sd,
                "z": (rows.values - made) / np.maximum(sd, 1e-9),
            }
        )

    @property
    def sample(self) -> pd.DataFrame:
        """The posterior sample, a column for each unknown by path, as points in (0, 1) of its declared distribution."""
        paths = [unknown.path for unknown in self.fit.fitted]
        return pd.DataFrame(ndtr(self.fit.sample.scores), columns=paths)

    @property
    def source(self) -> str:
        """What a fitted number says of where it comes from."""
        names = listed([one.name for one in self.series])
        return f"calibrated to {names} until {self.until} ({len(self.fit.rows)} rows, sha256 {self.digest[:16]})"

    def overlay(self) -> dict[str, Any]:
        """Return the fitted values as an overlay: each with its range, where it comes from, and what it goes with.

        A range is the central 90 % of the posterior; rank correlations between fitted unknowns go with it.
        """
        together = ranks(self.fit.sample.scores)
        changes: dict[str, Any] = {}
        for i, (unknown, one) in enumerate(zip(self.fit.fitted, self.parameters, strict=True)):
            reader = Written(self.fit.scenario, unknown)
            low, high = (reader.at(float(u)) for u in ndtr(np.quantile(self.fit.sample.scores[:, i], [0.05, 0.95])))
            said = reader.amount.note
            entry: dict[str, Any] = {
                "value": reader.text(one.estimate, high - low),
                "range": reader.range_text(low, high),
                "shape": "normal",
                "source": self.source,
                "as_of": self.until,
                "note": f"Declared as {unknown.text}. Rows sha256 {self.digest}." + (f" {said}" if said else ""),
            }
            kept = {self.fit.fitted[j].path: round(float(together[i, j]), 2) for j in range(i)}
            if any(abs(r) >= 0.05 for r in kept.values()):
                entry["correlated"] = {path: r for path, r in kept.items() if abs(r) >= 0.05}
            _put(changes, unknown.path, entry)
        for pool, _ in self.fit.pools:
            if pool.path in self.fit.wanted.by_site:
                names = {s: p.partition(".")[2] for s, p in zip(pool.sites, pool.paths, strict=True)}
                _put(changes, pool.path, {"sites": names})
        return changes

    def applied(self) -> Scenario:
        """Return the scenario with the fitted values in it."""
        return overlaid(self.scenario, self.overlay(), "calibration")

    def write(self, file: str | File) -> File:
        """Write the overlay as a YAML file, whole or not at all, and return where.

        `fieldshift run CASE --with FILE` then says of each number what it was fitted to.
        """
        head = f"# {self.name}: {self.source}.\n# Rows sha256 {self.digest}; seed {self.seed}; policy {self.policy}.\n"
        return replaced(File(file), head + yaml_text(self.overlay()))

    def sentences(self) -> tuple[str, ...]:
        """Return what a reader must know, in sentences made from the numbers."""
        count = len(self.parameters)
        found = [f"{'1 unknown was' if count == 1 else f'{count} unknowns were'} {self.source}."]
        found += [one.sentence for one in self.flat]
        for one in self.parameters:
            if one.bound:
                way = "lower" if one.bound == "low" else "higher"
                found.append(
                    f"{one.path} sits at the {one.bound} end of its declared range: the data ask for a {way} value "
                    "than anybody thought possible, or the model is wrong there."
                )
        quiet = [path for path, why in self.left.items() if why == "the series do not tell"]
        if quiet:
            found.append(f"The series do not tell anything of {listed(quiet)}: left as declared.")
        for fit, level in zip(self.series, self._levels(), strict=True):
            off = -fit.bias / level
            if abs(off) > 0.1 and abs(off) > fit.unexplained / 2 and fit.beyond > 0.5:
                found.append(
                    f"There were {abs(off):.0%} {'more' if off > 0 else 'fewer'} {fit.name} than the model says on "
                    "average, and no value inside the declared ranges comes closer: widen a range, or doubt the model."
                )
            if fit.unexplained > 0.02 and fit.beyond > 0.5:
                found.append(
                    f"{fit.name} differs from the model by about {fit.unexplained:.0%} of its level from row to row, "
                    "beyond chance: something moves it that the scenario does not know."
                )
        return tuple(found)

    def _levels(self) -> list[float]:
        """Return the mean of what was observed of each fitted series."""
        rows = self.fit.rows
        means = {name: rows.values[rows.series == x] for x, name in enumerate(rows.names)}
        return [max(float(means[one.name].mean()), 1e-9) for one in self.series]

    def as_json(self) -> dict[str, Any]:
        """Return all of it as plain data."""
        return {
            "name": self.name,
            "until": self.until.isoformat(),
            "policy": self.policy,
            "seed": self.seed,
            "digest": self.digest,
            "method": self.method,
            "parameters": [asdict(one) for one in self.parameters],
            "left": dict(self.left),
            "series": [asdict(one) | {"first": str(one.first), "last": str(one.last)} for one in self.series],
            "flat": [asdict(one) for one in self.flat],
            "pools": dict(self.pools),
            "sentences": list(self.sentences()),
        }


def _put(changes: dict[str, Any], path: str, value: Any) -> None:
    """Put a value at a dotted path as nested mappings; a position in a list stays a path of its own."""
    parts = path.split(".")
    if any(part.isdigit() for part in parts):
        changes[path] = value
        return
    node = changes
    for part in parts[:-1]:
        node = node.setdefault(part, {})
    node[parts[-1]] = value


def calibrate(  # noqa: PLR0913 - the public name: each is a question a user answers
    scenario: Scenario,
    *,
    until: dt.date | None = None,
    fit: Sequence[str] | None = None,
    by_site: Sequence[str] | None = None,
    to: Sequence[str] | None = None,
    policy: str | None = None,
    seed: int = 1,
    workers: int | None = None,
) -> Calibration:
    """Fit unknowns of a scenario to its observed series.

    What is not given is taken from the scenario's `calibrate`, else everything that can be fitted is fitted to every
    series under the first policy, with all rows.

    Args:
        scenario: A checked scenario with `history`.
        until: The last day that is known: no row of a later interval, and none published later, is used.
        fit: Unknowns by path.
        by_site: Of these, the numbers that get a value for each site, pooled.
        to: Series.
        policy: The policy that was in force.
        seed: Seed of all draws; the same seed gives the same result to the byte.
        workers: Threads; the result does not depend on it.

    Raises:
        UsageError: A name that does not exist, no row inside the horizon, or no unknown that moves a series.
        ScenarioError: A series is of something that the model does not have.

    Source:
        See `study.spread` for the likelihood, `study.fitting` for the search and the posterior, `study.told` for what
        the data cannot tell apart.
    """
    said = scenario.calibrate or Fit.model_validate({})
    given = Fit(
        fit=said.fit if fit is None else tuple(fit),
        by_site=said.by_site if by_site is None else tuple(by_site),
        to=said.to if to is None else tuple(to),
        until=until or said.until,
        policy=policy or said.policy,
    )
    return told(scenario, fitted(scenario, wanted(scenario, given, seed), workers))


def told(scenario: Scenario, found: Fitted) -> Calibration:
    """Return what is told of a fit."""
    pooled = {
        path: (pool.path, site) for pool, _ in found.pools for path, site in zip(pool.paths, pool.sites, strict=True)
    }
    parameters = []
    for i, unknown in enumerate(found.fitted):
        reader = Written(found.scenario, unknown)
        points = ndtr(found.sample.scores[:, i])
        at = float(ndtr(found.peak.scores[i]))
        values: dict[str, Any] = {name: reader.at(float(np.quantile(points, q))) for name, q in _BANDS.items()}
        bound = "low" if at < _AT_BOUND else "high" if at > 1 - _AT_BOUND else ""
        told_of = max(0.0, 1.0 - float(found.sample.scores[:, i].std()))
        pool: dict[str, Any] = dict(zip(("pool", "site"), pooled.get(unknown.path, ("", "")), strict=True))
        low, high = reader.ends
        parameters.append(Parameter(unknown.path, reader.unit, low, high, told=told_of, bound=bound, **values, **pool))
    return Calibration(
        scenario.name,
        found.wanted.until,
        found.wanted.policy,
        found.wanted.seed,
        _digest(found),
        tuple(parameters),
        dict(found.left),
        tuple(_series(found)),
        flat_directions(found),
        {pool.path: width for pool, width in found.pools},
        found.sample.method,
        found.sample.checked,
        found.runs,
        scenario,
        found,
    )


def _digest(found: Fitted) -> str:
    rows = found.rows
    said = [
        [rows.names[x], site, span.first.isoformat(), span.last.isoformat(), float(value)]
        for x, site, span, value in zip(rows.series, rows.sites, rows.spans, rows.values, strict=True)
    ]
    return hashlib.sha256(json.dumps(said, ensure_ascii=True).encode()).hexdigest()


def _series(found: Fitted) -> list[SeriesFit]:
    rows, made, sd = found.rows, found.peak.rows, np.sqrt(found.chance)
    kept = []
    extra = np.diag(Extra(rows).cover(found.unexplained)) / np.diag(found.cover)
    for x, name in enumerate(rows.names):
        mine = np.flatnonzero(rows.series == x)
        if not len(mine):
            continue
        gap = np.abs(rows.values[mine] - made[mine])
        spans = [rows.spans[i] for i in mine]
        share = found.unexplained[x]
        kept.append(
            SeriesFit(
                name,
                len(mine),
                min(span.first for span in spans),
                max(span.last for span in spans),
                mape(made[mine], rows.values[mine]),
                bias(made[mine], rows.values[mine]),
                float((gap <= 1.2816 * sd[mine] + 0.5).mean()),
                share.share,
                share.carried,
                share.common,
                float(extra[mine].mean()),
            )
        )
    return kept
