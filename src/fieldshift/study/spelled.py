"""How people spell a month, a quarter or a year, read as one thing: a period that ends with a month."""

from __future__ import annotations

import calendar
import datetime as dt
import re
from dataclasses import dataclass

from fieldshift.errors import UsageError

__all__ = ["MONTHS", "Period", "day_of", "period_of", "when"]

MONTHS = {1: "month", 3: "quarter", 12: "year"}
"""Lengths of a period in months, and their names."""

_NAMES = {name.casefold(): i for i, name in enumerate(calendar.month_name) if name}
_NAMES |= {name[:3]: i for name, i in _NAMES.items()} | {"sept": 9}
_WORD = "|".join(sorted(_NAMES, key=len, reverse=True))
_YEAR = r"(?P<y>(19|20)\d\d)"
_SHORT = r"(?P<y>(19|20)\d\d|'?\d\d)"
_SHAPES = [
    (1, rf"{_YEAR}[-/. ]?m?(?P<m>0?[1-9]|1[0-2])"),
    (1, rf"(?P<m>0?[1-9]|1[0-2])[-/.]{_YEAR}"),
    (1, rf"{_YEAR}[-/. ]?(?P<w>{_WORD})\.?"),
    (1, rf"(?P<w>{_WORD})\.?[-/ ,]*{_SHORT}"),
    (1, rf"{_YEAR}[-/.]?(?P<m>0[1-9]|1[0-2])[-/.]?(?P<d>[0-3]\d)([T ]00:00(:00)?)?"),
    (1, rf"(?P<d>[0-3]?\d)[-/ ](?P<w>{_WORD})\.?[-/ ,]*{_SHORT}"),
    (1, rf"(?P<w>{_WORD})\.? (?P<d>[0-3]?\d),? {_SHORT}"),
    (3, rf"{_YEAR}[-/. ]*q(?P<q>[1-4])"),
    (3, rf"q(?P<q>[1-4])[-/. ]*{_YEAR}"),
    (12, rf"(year |fy ?)?{_YEAR}"),
    (12, r"(fy ?)?(?P<a>(19|20)\d\d)[-/](?P<y>\d\d|(19|20)\d\d)"),
]
_TRIED = [(length, re.compile(shape, re.IGNORECASE)) for length, shape in _SHAPES]
_DAYS = re.compile(rf"(?P<one>\d\d?)[-/.](?P<two>\d\d?)[-/.]{_YEAR}")


@dataclass(frozen=True, order=True)
class Period:
    """A month, a quarter or a year.

    Attributes:
        last: Its last month, counted as `12 year + month - 1`.
        months: Its length: 1, 3 or 12.
    """

    last: int
    months: int = 1

    @property
    def end(self) -> dt.date:
        """Its last day."""
        year, month = divmod(self.last, 12)
        return dt.date(year, month + 1, calendar.monthrange(year, month + 1)[1])

    @property
    def season(self) -> int:
        """Where it lies in the year: the month 0..11, the quarter 0..3, or 0."""
        return (self.last % 12) // self.months

    def later(self, periods: int) -> Period:
        """Return the period so many of its own lengths later."""
        return Period(self.last + periods * self.months, self.months)

    def __str__(self) -> str:
        year, month = divmod(self.last, 12)
        if self.months == 1:
            return f"{year}-{month + 1:02d}"
        if self.months == 3:
            return f"{year}-Q{month // 3 + 1}"
        return f"{year}" if month == 11 else f"{year}-{month + 1:02d}"


def period_of(text: str) -> Period | None:
    """Return the period that a text names, or nothing.

    A day names its month. `2018/19` names the year that ends in 2019. A day that could be read in two ways, such as
    `03/04/2019`, is none: a table of months has no use for guesses.
    """
    plain = " ".join(text.strip().split())
    for length, shape in _TRIED:
        found = shape.fullmatch(plain)
        if found is None:
            continue
        part = found.groupdict()
        year = _year(part["y"])
        if part.get("a") is not None and year % 100 != (int(part["a"]) + 1) % 100:
            continue
        if length == 12:
            return Period(year * 12 + 11, 12)
        if length == 3:
            return Period(year * 12 + int(part["q"]) * 3 - 1, 3)
        month = int(part["m"]) if part.get("m") else _NAMES[part["w"].casefold()]
        day = part.get("d")
        if day is not None and not 1 <= int(day) <= calendar.monthrange(year, month)[1]:
            continue
        return Period(year * 12 + month - 1)
    return _by_day(plain)


def _by_day(text: str) -> Period | None:
    found = _DAYS.fullmatch(text)
    if found is None:
        return None
    one, two, year = int(found["one"]), int(found["two"]), int(found["y"])
    months = [m for d, m in ((one, two), (two, one)) if 1 <= m <= 12 and 1 <= d <= calendar.monthrange(year, m)[1]]
    return Period(year * 12 + months[0] - 1) if len(set(months)) == 1 else None


def _year(text: str) -> int:
    number = int(text.lstrip("'"))
    return number if number >= 100 else 2000 + number if number < 70 else 1900 + number


def when(text: str) -> dt.date | None:
    """Return a date: a day as it is, a month, quarter or year as its last day, or nothing if it is none.

    So rows of `2025-06` are known by an origin of `2025-06`.
    """
    plain = text.strip()
    try:
        return dt.date.fromisoformat(plain[:10]) if re.match(r"\d{4}-\d\d-\d\d", plain) else _end(plain)
    except ValueError:
        return None


def day_of(text: str | dt.date) -> dt.date:
    """Return the day that a caller names: a day as it is, a month, quarter or year as its last day.

    Raises:
        UsageError: It names none.
    """
    day = when(text) if isinstance(text, str) else text
    if day is None:
        raise UsageError(f"'{text}' is no date: write 2025-06 or 2025-06-30")
    return day


def _end(text: str) -> dt.date | None:
    period = period_of(text)
    return None if period is None else period.end
