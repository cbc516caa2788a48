"""The numbers of a scenario for one draw of its unknowns, as arrays over periods and sites, in base units."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from fieldshift.horizon import Periods
from fieldshift.scenario.formula import FormulaError
from fieldshift.scenario.number import (
    Number,
    Reader,
    Unknown,
    central,
    expected_unit,
    point,
    quantile,
    read_text,
    unknowns,
)
from fieldshift.scenario.paths import nearest
from fieldshift.scenario.schema import Amount, Scenario, Site
from fieldshift.units import DAYS, Unit, UnitError, is_unit

__all__ = [
    "Unknown",
    "Value",
    "Values",
    "central",
    "expected_unit",
    "point",
    "quantile",
    "read_text",
    "unknowns",
]

Float = npt.NDArray[np.float64]
Item = TypeVar("Item")
Numbers = TypeVar("Numbers", float, Float)


@dataclass(frozen=True)
class Value:
    """A number over periods and sites.

    Attributes:
        data: In base units, shape (1 or T, 1 or S).
        per_site: Whether it is a number for each site, rather than for the nation.
    """

    data: Float
    per_site: bool


_Change = Callable[[Float, str | None], Float]
"""What makes numbers in base units, all per the same calendar word, into numbers of one period."""


class Values:
    """The numbers of a scenario for one draw of its unknowns.

    Numbers by date hold from their date on, and the first one before it too: nothing is 0 because nobody
    said it. A date within a period counts for the whole of it. A fiscal year without a number takes the
    nearest one's.

    Args:
        scenario: The scenario, its tables already read into `sites`, `dates`, `years` or `grid`.
        periods: Its periods.
        draw: For unknowns by path, the point of their distribution in (0, 1); others take their centre.
        sites: The sites in the order wanted; in the scenario's order where none is given.
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
        self._names = frozenset(scenario.quantities)
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
            hint = nearest(name, self._names, "quantities")
            if is_unit(name):
                hint = f"a unit stands after a number: `1 {name}`"
            raise FormulaError(f"there is no quantity {name!r}", hint)
        if name in self._open:
            circle = " -> ".join([*self._open[self._open.index(name) :], name])
            raise FormulaError(f"is defined by itself: {circle}", "give one of them a number")
        self._open.append(name)
        try:
            number = self._one(f"quantities.{name}", given, "")
        finally:
            self._open.pop()
        self._known[name] = number.value, number.unit
        return self._known[name]

    def _reader(self, expected: str) -> Reader:
        return Reader(expected, self.quantity, self._names)

    def _one(self, path: str, given: Amount, expected: str) -> Number:
        number = self._reader(expected).one(given, self._draw.get(path))
        _finite(number.value)
        return number

    def _rows(self, path: str, given: Amount, expected: str) -> tuple[list[list[Number]], list[int] | None]:
        """Return rows of one number or one for each site, and each period's row (None: there is but one)."""
        reader = self._reader(expected)
        if given.table:
            raise FormulaError(f"the table {given.table!r} has not been read", "read the scenario from its folder")
        if given.by is not None:
            return [self._by(reader, given.by, given.of)], None
        if given.sites:
            return [self._at_sites(reader, given.sites)], None
        if given.grid:
            return [self._at_sites(reader, row) for _, row in _sorted(given.grid)], self._steps(given.grid)
        if given.dates:
            return [[reader.number(text)] for _, text in _sorted(given.dates)], self._steps(given.dates)
        if given.years:
            years = sorted(given.years)
            nearest = {y: min(years, key=lambda known: abs(known - y)) for y in set(self._fiscal)}
            rows = [[reader.number(given.years[year])] for year in years]
            return rows, [years.index(nearest[year]) for year in self._fiscal]
        return [[self._one(path, given, expected)]], None

    @property
    def _fiscal(self) -> list[int]:
        return [int(year) for year in self._periods.fiscal_years]

    def _by(self, reader: Reader, attribute: str, of: Mapping[str, float | str]) -> list[Number]:
        options = {key: reader.number(text) for key, text in of.items()}
        found = []
        for site in self._sites:
            word = str(site.attributes.get(attribute))
            if word not in options:
                what = f"says nothing for {attribute} {word!r} of site {site.id!r}"
                raise FormulaError(what, nearest(word, map(str, options), "it says"))
            found.append(options[word])
        return self._each(found)

    def _at_sites(self, reader: Reader, row: Mapping[str, float | str]) -> list[Number]:
        for site in self._sites:
            if site.id not in row:
                raise FormulaError(f"says nothing for site {site.id!r}", "name every site")
        if len(row) > len(self._sites):
            known = {site.id for site in self._scenario.sites}
            for name in row:
                if name not in known:
                    raise FormulaError(f"there is no site {name!r}", nearest(name, known, "sites"))
        return self._each([reader.number(row[site.id]) for site in self._sites])

    def _each(self, found: list[Number]) -> list[Number]:
        if not found:
            raise FormulaError("is by site, but there are no sites", "give `sites`")
        return [Number(number.value, number.unit, True) for number in found]

    def _steps(self, dated: Mapping[str, object]) -> list[int]:
        row = [0] * self._periods.count
        for i, (day, _) in enumerate(_sorted(dated)):
            first = self._periods.at(_date(day)) if i else 0
            row[first:] = [i] * (self._periods.count - first)
        return row

    def _value(self, path: str, given: Amount, expected: str, change: _Change) -> Value:
        """Return a number over periods and sites, each entry changed by the calendar word that it is per."""
        rows, steps = self._rows(path, given, expected)
        flat = [number for row in rows for number in row]
        data = _finite(np.array([number.value for number in flat]))
        words = [number.unit.per for number in flat]
        with np.errstate(over="ignore"):
            for word in dict.fromkeys(words):
                mine = np.array([own == word for own in words])
                data[mine] = change(data[mine], word)
        _finite(data)
        data = data.reshape(len(rows), -1)
        return Value(data if steps is None else data[steps], any(number.per_site for number in flat))

    def plain(self, path: str, given: Amount, unit: str) -> Value:
        """Return a number without calendar time, in base units.

        Args:
            path: Where it stands, dotted: the name of its unknown in a draw.
            given: The number.
            unit: The unit that its field expects.

        Raises:
            FormulaError: It cannot be read, or is of another kind.
        """
        return self._value(path, given, unit, lambda data, _: _tidy(data))

    def per_period(self, path: str, given: Amount, unit: str) -> Value:
        """Return a number per calendar time, for one period; a number without time is per period already.

        Args:
            path: Where it stands, dotted.
            given: The number.
            unit: The unit that its field expects, such as `person/week` or `1|1/week`.

        Raises:
            FormulaError: It cannot be read, or is of another kind.
        """

        def change(data: Float, word: str | None) -> Float:
            return _tidy(data if word is None else _per(data, word) * self._periods.length(word))

        return self._value(path, given, unit, change)

    def probability(self, path: str, given: Amount) -> Value:
        """Return a rate as the exact probability of a period: 1 - (1 - r)^length, r per the word written.

        A bare number is per year, as its field expects; a share without time (`5 %`) is per period.

        Raises:
            FormulaError: It cannot be read, or is no rate.
        """

        def change(data: Float, word: str | None) -> Float:
            return np.clip(data, 0.0, 1.0) if word is None else self._periods.probability(_per(data, word), word)

        return self._value(path, given, "1/year|1", change)

    def duration(self, path: str, given: Amount, unit: str = "week") -> int:
        """Return a duration in whole periods.

        Raises:
            FormulaError: It cannot be read, is no single number, or is no time.
        """
        return self._periods.duration(_round(self._one(path, given, unit).value), "year")

    def number(self, path: str, given: Amount, unit: str) -> float:
        """Return a single number in base units.

        Raises:
            FormulaError: It cannot be read, is of another kind, or differs over time or sites.
        """
        data = self.plain(path, given, unit).data
        if not (data == data.flat[0]).all():
            raise FormulaError("must be one number here, the same over time and sites", "one for all of them")
        return float(data.flat[0])

    def yearly(self, path: str, given: Amount, unit: str) -> dict[int, float]:
        """Return a number for each fiscal year given; one without years holds for each of the horizon.

        Of a number by date it is what holds on the first day of the year that the horizon covers.

        Raises:
            FormulaError: It cannot be read, is of another kind, or differs by site.
        """
        if given.years:
            reader = self._reader(unit)
            return {year: _round(_finite(reader.number(text).value)) for year, text in given.years.items()}
        found = self.plain(path, given, unit)
        if found.per_site:
            raise FormulaError("must be one number here, not one for each site", "leave out `per site`")
        fiscal = self._fiscal
        column = np.broadcast_to(found.data[:, 0], len(fiscal))
        return {year: float(column[fiscal.index(year)]) for year in dict.fromkeys(fiscal)}


def _finite(data: Numbers) -> Numbers:
    """Return numbers as they are, or raise where one is not finite."""
    if not np.isfinite(data).all():
        raise FormulaError("is not a finite number", "it is too large to compute with")
    return data


def _round(value: float) -> float:
    """Return a number rounded to 13 digits, so that 12 a week is 12 after going through years."""
    return float(f"{value:.12e}")


def _tidy(data: Float) -> Float:
    return np.array([_round(value) for value in data.tolist()])


def _per(data: Float, word: str) -> Float:
    """Return numbers per year as numbers per another calendar unit."""
    return _tidy(data * (DAYS[word] / DAYS["year"]))


@lru_cache(maxsize=8192)
def _date(text: str) -> dt.date:
    try:
        return dt.date.fromisoformat(text if len(text) > 7 else f"{text}-01")
    except ValueError:
        raise UnitError(f"{text!r} is not a date", "such as 2025-01-31") from None


def _sorted(dated: Mapping[str, Item]) -> list[tuple[str, Item]]:
    """Return dated things in order of time.

    Raises:
        FormulaError: Two of them stand for the same day, so that one would be lost without a word.
        UnitError: A date is none.
    """
    found = sorted(dated.items(), key=lambda pair: _date(pair[0]))
    for (one, _), (other, _) in pairwise(found):
        if _date(one) == _date(other):
            raise FormulaError(f"{one!r} and {other!r} are the same day", "leave one of them out")
    return found
