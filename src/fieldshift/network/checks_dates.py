"""Dates: do they stand in order and inside the horizon, and is nothing known before it happened?"""

from __future__ import annotations

import datetime as dt
import itertools
import re
from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel

from fieldshift.errors import Problem
from fieldshift.scenario.marked import Path
from fieldshift.scenario.paths import amounts, problem_at
from fieldshift.scenario.schema import Scenario

__all__ = ["CHECKS", "first_day"]

_PARTIAL = re.compile(r"(\d{4})(?:-(\d{2}))?(?:-(\d{2}))?")


def _windows(scenario: Scenario) -> Iterator[tuple[Path, dt.date | None, dt.date | None]]:
    """Yield everything that lasts from a date until another."""
    for collection in ("choices", "work"):
        for name, part in getattr(scenario, collection).items():
            yield (collection, name), part.start_from, part.until
    for name, policy in scenario.policies.items():
        for i, rule in enumerate(policy.rules):
            yield ("policies", name, "rules", i), rule.start_from, rule.until
    for name, budget in scenario.budgets.items():
        for i, lapse in enumerate(budget.lapses):
            yield ("budgets", name, "lapses", i), lapse.start_from, lapse.until


def check_order(scenario: Scenario) -> Iterator[Problem]:
    """Does everything end after it starts, and take effect after it was announced?"""
    for path, start, end in _windows(scenario):
        if start is not None and end is not None and start > end:
            yield problem_at(scenario, (*path, "until"), f"ends on {end}, before it starts on {start}")
    for name, event in scenario.events.items():
        if event.announced is not None and event.effect is not None and event.announced > event.effect:
            what = f"takes effect on {event.effect}, before it was announced on {event.announced}"
            yield problem_at(scenario, ("events", name, "effect"), what)
        if event.announced is None and event.effect is None:
            yield problem_at(scenario, ("events", name), "has no date", "give `announced`, `effect` or both")
    for found in amounts(scenario):
        for form in ("dates", "grid"):
            dates = list(getattr(found.amount, form))
            for before, after in itertools.pairwise(dates):
                if after <= before:
                    what = f"{after} stands after {before}"
                    path = (*found.path, form, after)
                    yield problem_at(scenario, path, what, "put the dates in order of time")


def check_calendar(scenario: Scenario) -> Iterator[Problem]:
    """Is every date of a number a date, and the start of the fiscal year a day?"""
    for found in amounts(scenario):
        for form in ("dates", "grid"):
            for date in getattr(found.amount, form):
                if first_day(date) is None:
                    what = f"there is no date '{date}'"
                    yield problem_at(scenario, (*found.path, form, date), what, "such as 2025-01-31")
    month = scenario.horizon.fiscal_year_starts
    if first_day(f"2001-{month}") is None or not re.fullmatch(r"\d{2}-\d{2}", month):
        path = ("horizon", "fiscal_year_starts")
        yield problem_at(scenario, path, f"no year has a day {month}", "month and day, such as 10-01")


def first_day(text: object) -> dt.date | None:
    """Return the first day that a date, a month or a year stands for."""
    if isinstance(text, dt.date):
        return text
    parts = _PARTIAL.fullmatch(str(text).strip())
    if parts is None:
        return None
    try:
        return dt.date(int(parts[1]), int(parts[2] or 1), int(parts[3] or 1))
    except ValueError:
        return None


def _span(scenario: Scenario) -> tuple[dt.date, dt.date]:
    """Return the first day of the horizon and, roughly, the one after its last."""
    days = {"day": 1.0, "week": 7.0, "month": 30.4375, "quarter": 91.3125, "year": 365.25}
    given = scenario.horizon
    last = min(given.start.toordinal() + round(given.periods * days[given.step]) + 1, dt.date.max.toordinal())
    return given.start, dt.date.fromordinal(last)


def check_inside(scenario: Scenario) -> Iterator[Problem]:
    """Do dated values and rules lie within the horizon?"""
    first, last = _span(scenario)
    for path, start, end in _windows(scenario):
        if start is not None and start > last:
            what = f"starts on {start}, after the horizon ends"
            yield problem_at(scenario, (*path, "from"), what, level="warning")
        if end is not None and end < first:
            what = f"ends on {end}, before the horizon starts"
            yield problem_at(scenario, (*path, "until"), what, level="warning")
    for found in amounts(scenario):
        for form in ("dates", "grid"):
            keys = [date for key in getattr(found.amount, form) if (date := first_day(key)) is not None]
            if keys and keys[0] > first and found.amount.value is None:
                what = f"says nothing from {first} until {keys[0]}"
                yield problem_at(scenario, (*found.path, form), what, "the first date holds before too", "warning")
            late = [date for date in keys if date > last]
            if late:
                path = (*found.path, form, late[0].isoformat())
                yield problem_at(scenario, path, f"{late[0]} is after the horizon ends", level="warning")
        years = list(found.amount.years)
        if years and (max(years) < first.year or min(years) > last.year + 1):
            what = "no fiscal year of it lies in the horizon"
            yield problem_at(scenario, (*found.path, "years"), what, level="warning")


def check_no_future(scenario: Scenario) -> Iterator[Problem]:
    """Is no fact later than the date of what the scenario knows?"""
    if scenario.as_of is not None:
        yield from _dated(scenario, scenario, (), scenario.as_of)


def _dated(scenario: Scenario, value: Any, path: Path, known: dt.date) -> Iterator[Problem]:
    if isinstance(value, BaseModel):
        for name, info in type(value).model_fields.items():
            key, item = info.alias or name, getattr(value, name)
            if key == "as_of" and path:
                first = first_day(item) if item is not None else None
                if first is not None and first > known:
                    what = f"a fact of {item} in a scenario that knows nothing after {known}"
                    yield problem_at(scenario, (*path, key), what, "take it out, or move the scenario's `as_of`")
            else:
                yield from _dated(scenario, item, (*path, key), known)
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _dated(scenario, item, (*path, key), known)
    elif isinstance(value, tuple):
        for i, item in enumerate(value):
            yield from _dated(scenario, item, (*path, i), known)


CHECKS = (check_order, check_calendar, check_inside, check_no_future)
