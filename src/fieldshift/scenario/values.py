"""The numbers of a scenario for one draw of its unknowns, as arrays over periods and sites, in base units.

Base units are person, case, whole currency, working hour, place and calendar year.
"""

from __future__ import annotations

import datetime as dt
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel
from scipy import special, stats

from fieldshift.horizon import Periods
from fieldshift.scenario.formula import Expr, FormulaError, evaluate, parse, unit_of
from fieldshift.scenario.schema import Amount, Estimate, Scenario, Site
from fieldshift.units import DAYS, Unit, parse_range, parse_unit, split_scope

__all__ = ["Unknown", "Value", "Values", "amounts_in", "expected_unit", "quantile", "read_text", "unknowns"]

Float = npt.NDArray[np.float64]
_NINETY = 1.6448536269514722
"""Half the width of a standard normal's central 90 %."""


@dataclass(frozen=True)
class Unknown:
    """A number that is not known: drawn once per future.

    Attributes:
        path: Where it stands, dotted.
        amount: It, with its range or rival estimates.
    """

    path: str
    amount: Amount


@dataclass(frozen=True)
class Value:
    """A number over periods and sites.

    Attributes:
        data: In base units, shape (1 or T, 1 or S).
        per_site: Whether it is a number for each site, rather than for the nation.
    """

    data: Float
    per_site: bool


def amounts_in(part: Any, path: str = "") -> Iterator[tuple[str, Amount, str]]:
    """Return every amount in a part of a scenario: its path as the planner writes it, itself, and the unit expected."""
    if isinstance(part, BaseModel):
        for name, info in type(part).model_fields.items():
            given = getattr(part, name)
            extra = info.json_schema_extra if isinstance(info.json_schema_extra, dict) else {}
            where = f"{path}.{info.alias or name}".lstrip(".")
            yield from _inside(given, where, str(extra.get("unit", "")))


def _inside(given: Any, where: str, unit: str) -> Iterator[tuple[str, Amount, str]]:
    if isinstance(given, Amount):
        yield where, given, unit
    elif isinstance(given, Mapping):
        for key, item in given.items():
            yield from _inside(item, f"{where}.{key}", unit)
    elif isinstance(given, tuple | list):
        for i, item in enumerate(given):
            yield from _inside(item, f"{where}.{i}", unit)
    elif isinstance(given, BaseModel):
        yield from amounts_in(given, where)


def expected_unit(unit: str) -> str:
    """Return the unit that a bare number takes: the first of the alternatives."""
    return unit.split("|", maxsplit=1)[0]


def unknowns(scenario: Scenario) -> tuple[Unknown, ...]:
    """Return every number with a range or with rival estimates, sorted by path."""
    found = [
        Unknown(path, amount)
        for path, amount, _ in amounts_in(scenario)
        if amount.range is not None or amount.estimates
    ]
    return tuple(sorted(found, key=lambda unknown: unknown.path))


def read_text(text: float | str) -> tuple[Expr, bool]:
    """Return the tree of a number, text or formula, and whether it said `per site`.

    Raises:
        FormulaError: The text cannot be read.
    """
    if isinstance(text, int | float):
        if not math.isfinite(text):
            raise FormulaError(f"{text} is not a finite number")
        return Expr("number", value=float(text)), False
    body, per_site = split_scope(text)
    return parse(re.sub(r"\bper\b", "/", body)), per_site


def quantile(shape: str, ends: tuple[float, float], mode: float | None, u: float) -> float:
    """Return the point of a distribution below which a share u lies.

    `triangle` and `pert` (lambda 4) have their peak at the mode; `normal` and `lognormal` have the range as their
    central 90 %.
    """
    low, high = ends
    if high <= low:
        return low
    peak = (low + high) / 2 if mode is None else min(max(mode, low), high)
    if shape == "triangle":
        turn = (peak - low) / (high - low)
        if u < turn:
            return low + math.sqrt(u * (high - low) * (peak - low))
        return high - math.sqrt((1 - u) * (high - low) * (high - peak))
    if shape == "pert":
        a = 1 + 4 * (peak - low) / (high - low)
        return float(low + (high - low) * special.betaincinv(a, 6 - a, u))
    if shape == "normal":
        return float((low + high) / 2 + (high - low) / (2 * _NINETY) * stats.norm.ppf(u))
    if shape == "lognormal" and low > 0:
        middle, width = (math.log(low) + math.log(high)) / 2, math.log(high / low) / (2 * _NINETY)
        return float(math.exp(middle + width * stats.norm.ppf(u)))
    return low + (high - low) * u


class Values:
    """The numbers of a scenario for one draw of its unknowns.

    Args:
        scenario: The scenario.
        periods: Its periods.
        draw: For unknowns by path, the point of their distribution in (0, 1); others take their centre.
        sites: The sites in the order wanted.
    """

    def __init__(
        self,
        scenario: Scenario,
        periods: Periods,
        draw: Mapping[str, float] | None = None,
        sites: Sequence[Site] | None = None,
    ) -> None:
        self._scenario, self._periods, self._draw = scenario, periods, draw or {}
        self._sites = tuple(scenario.sites if sites is None else sites)
        self._known: dict[str, tuple[float, Unit]] = {}
        self._open: list[str] = []

    def quantity(self, name: str) -> tuple[float, Unit]:
        """Return a named quantity in base units, and its unit.

        Raises:
            FormulaError: There is none of that name, or it is defined by itself.
        """
        if name in self._known:
            return self._known[name]
        given = self._scenario.quantities.get(name)
        if given is None:
            raise FormulaError(f"there is no quantity {name!r}")
        if name in self._open:
            circle = " -> ".join([*self._open[self._open.index(name) :], name])
            raise FormulaError(f"is defined by itself: {circle}")
        self._open.append(name)
        try:
            self._known[name] = self._one(f"quantities.{name}", given, "")
        finally:
            self._open.pop()
        return self._known[name]

    def unit(self, text: float | str, expected: str) -> Unit:
        """Return the unit of a number, text or formula; the expected one where it has none.

        Raises:
            FormulaError: Its parts do not fit.
        """
        found = unit_of(read_text(text)[0], lambda name: self.quantity(name)[1])
        return _or_expected(found, expected)

    def _evaluate(self, text: float | str, expected: str) -> tuple[float, Unit, bool]:
        tree, per_site = read_text(text)
        value = evaluate(tree, lambda name: self.quantity(name)[0])
        unit = unit_of(tree, lambda name: self.quantity(name)[1])
        if not unit.dims and expected:
            wanted = parse_unit(expected_unit(expected))
            if wanted.dims:
                return value * wanted.factor, wanted, per_site
        return value, unit, per_site

    def _one(self, path: str, given: Amount | Estimate, expected: str) -> tuple[float, Unit]:
        """Return a single number in base units: drawn where it is unknown, else its centre."""
        u = self._draw.get(path)
        estimates = given.estimates if isinstance(given, Amount) else ()
        if estimates:
            return self._believed(path, estimates, expected, u)
        return self._drawn(given, expected, u)

    def _believed(
        self, path: str, estimates: Sequence[Estimate], expected: str, u: float | None
    ) -> tuple[float, Unit]:
        total = sum(e.weight for e in estimates)
        if u is None:
            found = [(*self._drawn(e, expected, None), e.weight / total) for e in estimates]
            return sum(value * weight for value, _, weight in found), found[0][1]
        before = 0.0
        for estimate in estimates:
            weight = estimate.weight / total
            if u <= before + weight or estimate is estimates[-1]:
                inside = min(max((u - before) / weight, 1e-9), 1 - 1e-9)
                return self._drawn(estimate, expected, inside)
            before += weight
        raise AssertionError(path)

    def _drawn(self, given: Amount | Estimate, expected: str, u: float | None) -> tuple[float, Unit]:
        centre: float | None = None
        unit = parse_unit(expected_unit(expected)) if expected else Unit()
        if given.value is not None:
            centre, unit, _ = self._evaluate(given.value, expected)
        if given.range is None or (u is None and centre is not None):
            assert centre is not None
            return centre, unit
        ends, range_unit = self._ends(given.range, expected, unit)
        if u is None:
            return (ends[0] + ends[1]) / 2, range_unit
        return quantile(
            given.shape or ("uniform" if centre is None else "triangle"), ends, centre, u
        ), range_unit

    def _ends(
        self, given: str | tuple[float, float], expected: str, own: Unit
    ) -> tuple[tuple[float, float], Unit]:
        if not isinstance(given, str):
            low, high = given
            factor = (
                own.factor
                if own.dims or own.factor != 1
                else (parse_unit(expected_unit(expected)).factor if expected else 1.0)
            )
            return (low * factor, high * factor), own
        low, high, unit, _ = parse_range(given)
        if not unit.dims and unit.factor == 1.0:
            unit = own if own.dims else _or_expected(unit, expected)
        return (low * unit.factor, high * unit.factor), unit

    def _filled(self, path: str, given: Amount, expected: str) -> tuple[Float, bool, str | None]:
        """Return a number over periods and sites in base units, whether it is by site, and the calendar word it is per."""
        if given.of and given.by is not None:
            options = {key: self._evaluate(text, expected) for key, text in given.of.items()}
            values = []
            for site in self._sites:
                word = str(site.attributes.get(given.by))
                if word not in options:
                    raise FormulaError(f"says nothing for {given.by} {word!r} of site {site.id!r}")
                values.append(options[word])
            return (
                np.array([[v for v, _, _ in values]]),
                True,
                next((w.per for _, w, _ in values if w.per), None),
            )
        if given.sites:
            row = [self._evaluate(given.sites[site.id], expected) for site in self._sites]
            return np.array([[v for v, _, _ in row]]), True, next((w.per for _, w, _ in row if w.per), None)
        if given.grid:
            dated = [
                (day, [self._evaluate(row[s.id], expected) for s in self._sites])
                for day, row in given.grid.items()
            ]
            data = self._stepped([(day, np.array([v for v, _, _ in row])) for day, row in dated])
            return data, True, next((w.per for _, row in dated for _, w, _ in row if w.per), None)
        if given.dates:
            found = [(day, self._evaluate(text, expected)) for day, text in given.dates.items()]
            data = self._stepped([(day, np.array([v])) for day, (v, _, _) in found])
            return (
                data,
                any(s for _, (_, _, s) in found),
                next((w.per for _, (_, w, _) in found if w.per), None),
            )
        if given.years:
            by_year = {year: self._evaluate(text, expected) for year, text in given.years.items()}
            rows = [_nearest(by_year, year) for year in self._periods.fiscal_years.tolist()]
            return np.array([[v] for v, _, _ in rows]), any(s for _, _, s in rows), rows[0][1].per
        value, unit = self._one(path, given, expected)
        return np.array([[value]]), self._says_per_site(given), unit.per

    def _says_per_site(self, given: Amount) -> bool:
        texts = [t for t in (given.value, given.range) if isinstance(t, str)]
        return any(split_scope(text)[1] for text in texts)

    def _stepped(self, dated: Sequence[tuple[str, Float]]) -> Float:
        """Return values that hold from each date on; the first one also before its date, shape (T, n)."""
        days = (
            sorted((_date(day), value) for day, value in dated)
            if len(dated) < 2
            else sorted(((_date(day), value) for day, value in dated), key=lambda pair: pair[0])
        )
        data = np.empty((self._periods.count, len(days[0][1])))
        data[:] = days[0][1]
        for day, value in days[1:]:
            data[self._periods.at(day) :] = value
        return data

    def plain(self, path: str, given: Amount, unit: str) -> Value:
        """Return a number without calendar time, in base units."""
        data, per_site, _ = self._filled(path, given, unit)
        return Value(_tidy(data), per_site)

    def per_period(self, path: str, given: Amount, unit: str) -> Value:
        """Return a number per calendar time, for one period; a plain number is per period already."""
        data, per_site, word = self._filled(path, given, unit)
        if word is None:
            if "/" not in expected_unit(unit):
                return Value(_tidy(data), per_site)
            word = expected_unit(unit).split("/")[1]
        return Value(_tidy(data * (DAYS[word] / DAYS["year"])) * self._periods.length(word), per_site)

    def probability(self, path: str, given: Amount) -> Value:
        """Return a rate as the exact probability of a period: 1 - (1 - r)^length, r per the calendar word written."""
        data, per_site, word = self._filled(path, given, "")
        if word is None:
            return Value(np.clip(data, 0.0, 1.0), per_site)
        return Value(self._periods.probability(_tidy(data * (DAYS[word] / DAYS["year"])), word), per_site)

    def duration(self, path: str, given: Amount, unit: str = "week") -> int:
        """Return a duration in whole periods."""
        value = self._one(path, given, unit)[0]
        return self._periods.duration(float(_tidy(np.array(value))), "year")

    def number(self, path: str, given: Amount, unit: str) -> float:
        """Return a single number in base units."""
        return float(self.plain(path, given, unit).data.flat[0])

    def yearly(self, path: str, given: Amount, unit: str) -> dict[int, float]:
        """Return a number for each fiscal year; a plain one holds for every fiscal year of the horizon."""
        if given.years:
            return {year: self._evaluate(text, unit)[0] for year, text in given.years.items()}
        value = self.number(path, given, unit)
        return dict.fromkeys(self._periods.fiscal_years.tolist(), value)


def _nearest(by_year: Mapping[int, tuple[float, Unit, bool]], year: int) -> tuple[float, Unit, bool]:
    return by_year[min(by_year, key=lambda known: abs(known - year))]


def _or_expected(unit: Unit, expected: str) -> Unit:
    return parse_unit(expected_unit(expected)) if not unit.dims and unit.factor == 1.0 and expected else unit


def _tidy(data: Float) -> Float:
    """Return numbers rounded to 13 digits, so that 12 a week is 12 after going through years."""
    with np.errstate(divide="ignore"):
        size = np.where(data == 0, 0.0, np.floor(np.log10(np.abs(np.where(data == 0, 1.0, data)))))
    scale = 10.0 ** (12.0 - size)
    return np.asarray(np.round(data * scale) / scale)


def _date(text: str) -> dt.date:
    return dt.date.fromisoformat(text if len(text) > 7 else f"{text}-01")
