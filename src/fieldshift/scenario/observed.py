"""Observed series: their tables, and the stretch of days that each row stands for."""

from __future__ import annotations

import calendar
import csv
import datetime as dt
import io
import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Any

from fieldshift.scenario.marked import Marked
from fieldshift.scenario.paths import nearest
from fieldshift.scenario.schema import Row, Series
from fieldshift.scenario.tables import Table, table_from

__all__ = [
    "INSTANTS",
    "OBSERVABLE",
    "Span",
    "counted_first",
    "ended",
    "kind_of",
    "known_on",
    "longer",
    "measures_of",
    "rows_of",
    "rows_text",
    "span_of",
    "spans",
    "spelled",
]

_NUMBER = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_DATES = ("date", "month", "quarter", "year", "period_end")
_KNOWN = ("published", "as_of")
_FORMS = (
    ("day", re.compile(r"(\d{4})-(\d{2})-(\d{2})")),
    ("month", re.compile(r"(\d{4})-(\d{2})")),
    ("quarter", re.compile(r"(\d{4})[- ]?[Qq]([1-4])")),
    ("year", re.compile(r"(\d{4})")),
)
_MONTHS = {"month": 1, "quarter": 3, "year": 12}
_FTE = re.compile(r"(^|_)fte(_|$)", re.IGNORECASE)

OBSERVABLE = {
    "on_board": "",
    "field": "",
    "desk": "",
    "support": "",
    "leave": "",
    "training": "",
    "hiring": "",
    "transit": "",
    "detail": "",
    "hosted": "",
    "present": "",
    "fte": "",
    "hires": "",
    "losses": "kind",
    "people": "stocks",
    "duty": "duty",
    "started": "choices",
    "passed": "choices",
    "under_way": "choices",
    "backlog": "work",
    "arrived": "work",
    "served": "work",
    "undone": "work",
    "ended": "work",
    "hours": "stocks",
    "hours_used": "stocks",
    "spend": "budgets",
}
"""Measures that a series may be of, and the collection that their part is in."""

INSTANTS = (
    *("on_board", "field", "desk", "support", "leave", "training", "hiring", "transit", "detail"),
    *("people", "duty", "under_way", "backlog"),
)
"""Those of them that are counts at an instant."""

_MEANS = ("fte", "hosted", "present")
"""Those of them that are means over a period; the others are sums over one."""


@dataclass(frozen=True)
class Span:
    """The stretch of days of a row: its first day, and the day after its last."""

    first: dt.date
    after: dt.date

    @property
    def last(self) -> dt.date:
        """Its last day."""
        return self.after - dt.timedelta(days=1)


@lru_cache(maxsize=16384)
def spelled(text: str) -> tuple[str, dt.date] | None:
    """Return how a date is written (`day`, `month`, `quarter`, `year`) and its first day, or None if it is no date."""
    for word, form in _FORMS:
        found = form.fullmatch(text.strip())
        if found is None:
            continue
        numbers = [int(part) for part in found.groups()]
        if word == "quarter":
            numbers[1] = numbers[1] * 3 - 2
        try:
            return word, dt.date(*[*numbers, 1, 1][:3])
        except ValueError:
            return None
    return None


def _later(day: dt.date, months: int) -> dt.date:
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return dt.date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


def longer(day: dt.date, word: str, count: int) -> dt.date:
    """Return a day so many days, weeks, months, quarters or years later; a month's end stays one."""
    if word in _MONTHS:
        moved = _later(day + dt.timedelta(days=1), count * _MONTHS[word]) - dt.timedelta(days=1)
        return moved if (day + dt.timedelta(days=1)).day == 1 else _later(day, count * _MONTHS[word])
    return day + dt.timedelta(days=count * (7 if word == "week" else 1))


def _spacing(days: Sequence[dt.date]) -> str:
    """Return the calendar word that most neighbouring dates are apart; `month` where there is one date alone."""
    ordered = sorted(set(days))
    gaps = Counter((b - a).days for a, b in pairwise(ordered))
    if not gaps:
        return "month"
    gap = gaps.most_common(1)[0][0]
    limits = (("day", 3), ("week", 20), ("month", 60), ("quarter", 200))
    return next((word for word, most in limits if gap <= most), "year")


def spans(series: Series) -> tuple[Span, ...]:
    """Return the stretch of days of each row of a series, in its order.

    A month, quarter or year is what it says. A day is the last of its interval (or the first, where `dated` says so
    or where every date is the first of a month); the interval is as long as `every` says, else as most dates are apart.
    """
    read = [spelled(row.date) for row in series.rows]
    days = [found[1] for found in read if found is not None and found[0] == "day"]
    word = series.every or (_spacing(days) if days else "month")
    first = series.dated == "first" or (series.dated is None and bool(days) and all(day.day == 1 for day in days))
    found: list[Span] = []
    for form in read:
        if form is None:
            found.append(Span(dt.date.min, dt.date.min + dt.timedelta(days=1)))
        elif form[0] != "day":
            found.append(Span(form[1], _later(form[1], _MONTHS[form[0]])))
        elif first:
            found.append(Span(form[1], _later(form[1], _MONTHS[word]) if word in _MONTHS else longer(form[1], word, 1)))
        else:
            found.append(Span(longer(form[1], word, -1) + dt.timedelta(days=1), form[1] + dt.timedelta(days=1)))
    return tuple(found)


def span_of(series: Series) -> Span | None:
    """Return the days from the first row with a number to the last, or None where there is none."""
    found = [span for span, row in zip(spans(series), series.rows, strict=True) if row.value is not None]
    return Span(min(s.first for s in found), max(s.after for s in found)) if found else None


def measures_of(series: Series) -> tuple[str, ...]:
    """Return the measures that a series is the sum of, each with its part."""
    return (series.of,) if isinstance(series.of, str) else tuple(series.of)


def kind_of(series: Series) -> str:
    """Return what a series' rows are: `stock`, `flow` or `average`; where it does not say, what its measures are."""
    words = [of.partition(".")[0] for of in measures_of(series)]
    if series.kind is not None:
        return series.kind
    return "stock" if words[0] in INSTANTS else "average" if words[0] in _MEANS else "flow"


def counted_first(series: Series) -> bool:
    """Tell whether a series of stocks is counted at the start of its intervals: `dated: first`, or so by its dates."""
    firsts = all(len(row.date) == 10 and row.date.endswith("-01") for row in series.rows)
    return series.dated == "first" or (series.dated is None and firsts)


def ended(series: Series, span: Span) -> dt.date:
    """Return the last day of a row's interval; of a stock counted at its start, that day."""
    return span.first if kind_of(series) == "stock" and counted_first(series) else span.last


def known_on(series: Series, row: Row, span: Span) -> dt.date:
    """Return the day on which a row was known: when it was published, else when it ended and the series' delay."""
    return row.published or ended(series, span) + dt.timedelta(days=series.delay)


def rows_of(table: Table, given: Mapping[str, Any]) -> Marked:
    """Return the rows of a series' table, with the place of each.

    Args:
        table: Columns for the date, the number (`value`, or what `column` names), and perhaps `site` and `published`.
        given: What the planner wrote of the series.
    """
    found = Marked([], problems=table.problems)
    if not table.header or not table.rows:
        return found
    column = str(given.get("column") or "value")
    date = next((name for name in _DATES if name in table.header), None)
    known = next((name for name in _KNOWN if name in table.header), None)
    if date is None:
        table.refuse(1, 0, "needs a column 'date'", nearest("date", table.header, "columns here"))
    if column not in table.header:
        hint = nearest(column, table.header, "columns here") + (
            "" if given.get("column") else "; or name it in `column`"
        )
        table.refuse(1, 0, f"needs a column '{column}'", hint)
    if _FTE.search(column) and given.get("counts") == "headcount":
        where = table.header.index(column) if column in table.header else 0
        table.refuse(
            1, where, f"'{column}' is in FTE, and the series counts heads", "FTE and headcount are never mixed"
        )
    if not given.get("column"):
        for i, name in enumerate(table.header):
            if name and name not in (*_DATES, *_KNOWN, "value", "site", "note", "source"):
                table.refuse(1, i, f"unknown column '{name}'", "name the column of the numbers in `column`")
    if date is None or column not in table.header:
        return found
    at = {word: table.header.index(name) for word, name in (("date", date), ("value", column))}
    at |= {
        word: table.header.index(name) for word, name in (("site", "site"), ("known", known)) if name in table.header
    }
    for line, cells in table.rows:
        row = _row(table, line, cells, at)
        place = (len(found.data),)
        found.places[place] = found.places[(*place, "date")] = table.place(line, at["date"])
        found.places[(*place, "value")] = table.place(line, at["value"])
        if "site" in at:
            found.places[(*place, "site")] = table.place(line, at["site"])
        found.data.append(row)
    return found


def _row(table: Table, line: int, cells: Sequence[str], at: Mapping[str, int]) -> dict[str, Any]:
    row: dict[str, Any] = {"date": cells[at["date"]]}
    if spelled(row["date"]) is None:
        what = f"expected a date such as 2021-03-31 or 2021-03, got '{row['date'][:40]}'"
        table.refuse(line, at["date"], what)
        row["date"] = "0001"
    text = cells[at["value"]]
    if text and _NUMBER.fullmatch(text) and math.isfinite(float(text)):
        row["value"] = float(text)
    elif text:
        plain = text.replace(",", "").replace(" ", "")
        hint = f"write {plain}" if _NUMBER.fullmatch(plain) else "leave the cell empty where it is missing"
        table.refuse(line, at["value"], f"expected a number, got '{text[:40]}'", hint)
    if "site" in at and cells[at["site"]]:
        row["site"] = cells[at["site"]]
    if "known" in at and cells[at["known"]]:
        read = spelled(cells[at["known"]])
        if read is None:
            table.refuse(line, at["known"], f"expected a date, got '{cells[at['known']][:40]}'", "such as 2021-04-15")
        else:
            row["published"] = read[1] if read[0] == "day" else _later(read[1], _MONTHS[read[0]]) - dt.timedelta(days=1)
    return row


def rows_text(rows: Sequence[Mapping[str, Any]]) -> str | None:
    """Return rows as the text of a table, or None where a table would not read back the same."""
    columns = [key for key in ("date", "site", "value", "published") if any(key in row for row in rows)]
    if "value" not in columns:
        return None
    stream = io.StringIO(newline="")
    out = csv.writer(stream, lineterminator="\n")
    out.writerow(columns)
    out.writerows([_cell(row.get(key)) for key in columns] for row in rows)
    text = stream.getvalue()
    table = table_from(text, "")
    back = rows_of(table, {})
    return text if not table.problems and back.data == [dict(row) for row in rows] else None


def _cell(value: Any) -> str:
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 2**53 else repr(value)
    return "" if value is None else str(value)
