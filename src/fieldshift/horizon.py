"""The horizon: T periods between T + 1 instants, their dates, lengths and fiscal years."""

from __future__ import annotations

import calendar
import datetime as dt
import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from fieldshift.units import DAYS, UnitError

__all__ = ["Periods"]

Float = npt.NDArray[np.float64]
Int = npt.NDArray[np.int64]
Bool = npt.NDArray[np.bool_]

_MONTHS = {"month": 1, "quarter": 3, "year": 12}


@dataclass(frozen=True)
class Periods:
    """The periods that a scenario covers.

    Attributes:
        start: The first day.
        count: Number of periods, T.
        step: `day`, `week`, `month`, `quarter` or `year`.
        fiscal_year_starts: Month and day, `10-01`.
    """

    start: dt.date
    count: int
    step: str
    fiscal_year_starts: str = "01-01"

    @cached_property
    def instants(self) -> tuple[dt.date, ...]:
        """The first day of each period, and the day after the last one: T + 1 dates.

        Months, quarters and years follow the calendar. A start on the 31st is the last day of a shorter
        month, and the 31st again after it.

        Raises:
            UnitError: The horizon ends after the year 9999.
        """
        try:
            if self.step in _MONTHS:
                return tuple(_later(self.start, i * _MONTHS[self.step]) for i in range(self.count + 1))
            days = int(DAYS[self.step])
            return tuple(self.start + dt.timedelta(days=i * days) for i in range(self.count + 1))
        except (ValueError, OverflowError):
            raise UnitError("the horizon ends after the year 9999", "fewer periods, or an earlier start") from None

    def length(self, word: str) -> float:
        """Return the length of one period in a calendar unit: exact within months and years, else by days.

        A week is exactly 7 days and a month exactly a twelfth of a year; between the two families a year has
        365.25 days. So every month is as long as every other, whatever its dates.

        Raises:
            UnitError: The word is no calendar unit.
        """
        if word not in DAYS:
            raise UnitError(f"{word!r} is not a calendar unit", ", ".join(DAYS))
        if self.step in _MONTHS and word in _MONTHS:
            return _MONTHS[self.step] / _MONTHS[word]
        return DAYS[self.step] / DAYS[word]

    @cached_property
    def fiscal_years(self) -> Int:
        """The fiscal year of each period's first day, named for the year it ends in, shape (T,)."""
        month, day = (int(part) for part in self.fiscal_year_starts.split("-"))
        first = (month, day) == (1, 1)
        years = [d.year if first or (d.month, d.day) < (month, day) else d.year + 1 for d in self.instants[:-1]]
        return np.array(years, np.int64)

    @cached_property
    def _days(self) -> Int:
        return np.array([date.toordinal() for date in self.instants], np.int64)

    def at(self, date: dt.date) -> int:
        """Return the period that contains a date: 0 before the start, T from the end on."""
        return max(int(np.searchsorted(self._days, date.toordinal(), side="right")) - 1, 0)

    def active(self, start_from: dt.date | None, until: dt.date | None) -> Bool:
        """Return which periods lie in a stretch of days, first and last day included, shape (T,).

        A period lies in the stretch when any of its days does: its last day is on or after `from` and its
        first day on or before `until`. None is no bound; a stretch that ends before it begins holds none.
        """
        mask = np.ones(self.count, np.bool_)
        if start_from is not None:
            mask &= self._days[1:] > start_from.toordinal()
        if until is not None:
            mask &= self._days[:-1] <= until.toordinal()
        if start_from is not None and until is not None and until < start_from:
            mask[:] = False
        return mask

    def duration(self, value: float, word: str) -> int:
        """Return a duration in whole periods: the nearest, halves up; more than nothing is at least one.

        Args:
            value: How long it is, in calendar units `word`.
            word: The calendar unit.

        Raises:
            UnitError: It is too long to count, or the word is no calendar unit.
        """
        periods = value / self.length(word)
        if not math.isfinite(periods):
            raise UnitError("a duration is too long to count", "no longer than the horizon")
        whole = int(np.floor(periods + 0.5 + 1e-9))
        return max(whole, 1) if periods > 1e-9 else 0

    def probability(self, rate: Float | float, word: str) -> Float:
        """Return the exact probability of one period for a rate per calendar unit, elementwise.

        It is `1 - (1 - r)^length`, so a closed cohort decays the same by week and by month. A rate of 1
        empties the tail in the first period, however short. Rates are cut to 0..1.

        Args:
            rate: Share of those there that moves in one `word`, any shape.
            word: The calendar unit that the rate is written in: 1 per 44 days is not 8.3 per year.

        Source:
            Bartholomew & Forbes (1979), Statistical Techniques for Manpower Planning, Wiley.
        """
        share = np.clip(np.asarray(rate, np.float64), 0.0, 1.0)
        inside = np.where(share < 1.0, share, 0.0)
        return np.where(share < 1.0, -np.expm1(self.length(word) * np.log1p(-inside)), 1.0)

    def label(self, i: int) -> str:
        """Return the first day of period i as text."""
        return self.instants[i].isoformat()


def _later(date: dt.date, months: int) -> dt.date:
    index = date.year * 12 + date.month - 1 + months
    year, month = divmod(index, 12)
    return dt.date(year, month + 1, min(date.day, calendar.monthrange(year, month + 1)[1]))
