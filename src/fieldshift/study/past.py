"""A scenario as it was known on a day: inputs stand as observed until then, and its horizon covers what is asked."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fieldshift.errors import Problem, ScenarioError, UsageError
from fieldshift.horizon import Periods
from fieldshift.scenario.formula import FormulaError
from fieldshift.scenario.marked import dotted
from fieldshift.scenario.observed import Span, ended, known_on, spans, spelled
from fieldshift.scenario.paths import amounts, problem_at
from fieldshift.scenario.read import overlaid
from fieldshift.scenario.schema import Amount, Scenario, Series
from fieldshift.scenario.values import central
from fieldshift.study.observing import last_known

__all__ = ["Pool", "as_known", "by_site", "covering", "each_site", "known_part"]

_WORDS = ((2, "day"), (20, "week"), (60, "month"), (200, "quarter"), (10**6, "year"))
_NOT_A_WORD = re.compile(r"\W+")


@dataclass(frozen=True)
class Pool:
    """One number of a scenario with a value for each site.

    Attributes:
        path: The number.
        paths: The unknown that stands for each site, by path.
        sites: The sites, in the same order.
    """

    path: str
    paths: tuple[str, ...]
    sites: tuple[str, ...]


def known_part(scenario: Scenario, until: dt.date, given: Collection[str] = (), end: dt.date | None = None) -> Scenario:
    """Return a scenario without the observed rows that were not known on a day: nothing after it can be seen in it.

    A series of which nothing was known is taken out.

    Args:
        scenario: The scenario.
        until: The day. A row is known if its interval had ended by then and it had been published.
        given: Series of which rows until a later day are known too.
        end: That day.
    """
    kept: dict[str, Series] = {}
    for name, series in scenario.history.items():
        early = until if end is None or name not in given else end
        rows = tuple(
            row
            for row, span in zip(series.rows, spans(series), strict=True)
            if ended(series, span) <= early
            and (name in given or max(known_on(series, row, span), ended(series, span)) <= until)
        )
        if any(row.value is not None for row in rows):
            kept[name] = series.model_copy(update={"rows": rows})
    return scenario.model_copy(update={"history": kept})


def covering(scenario: Scenario, until: dt.date) -> Scenario:
    """Return a scenario with as many periods as it takes to reach the end of a day, and no more."""
    given = scenario.horizon
    after = until + dt.timedelta(days=1)
    count = max(1, given.periods)
    while Periods(given.start, count, given.step).instants[-1] < after and count < 6000:
        count = min(6000, count * 2)
    instants = Periods(given.start, count, given.step).instants
    count = max(1, next(i for i, day in enumerate(instants) if day >= after or i == count))
    return scenario if count == given.periods else overlaid(scenario, {"horizon": {"periods": count}})


def as_known(scenario: Scenario) -> Scenario:
    """Return a scenario whose driven inputs are as observed as far as their series go, and its own numbers after that.

    Args:
        scenario: The scenario, its history cut to what is known: see `known_part`.

    Raises:
        ScenarioError: An input is written in a way that cannot be driven.
    """
    units = {dotted(one.path): (one.amount, one.unit) for one in amounts(scenario)}
    found, wrong = scenario, list[Problem]()
    for name, series in scenario.history.items():
        if series.drives is None or series.drives not in units:
            continue
        amount, unit = units[series.drives]
        rows = sorted(last_known(series), key=lambda one: (one[1].first, one[0]))
        try:
            changes = _driven(scenario, (name, amount, unit), series.drives, [(s, site, v) for site, s, v in rows])
        except FormulaError as error:
            wrong.append(problem_at(scenario, ("history", name, "drives"), str(error)))
            continue
        for change in changes:
            found = overlaid(found, change, "history")
    if wrong:
        raise ScenarioError(wrong)
    return found


def _driven(
    scenario: Scenario, what: tuple[str, Amount, str], path: str, rows: Sequence[tuple[Span, str, float]]
) -> list[Mapping[str, Any]]:
    """Return the changes that put observed values where an input stands, and its own number after them."""
    name, amount, unit = what
    if any((amount.of, amount.years, amount.grid, amount.table)):
        raise FormulaError("an input with numbers by year, attribute or grid cannot be driven", "write one number")
    noun, _, per = unit.split("|", maxsplit=1)[0].partition("/")
    text: dict[tuple[Span, str], Any] = {
        (span, site): _text(value, noun, span if per else None) for span, site, value in rows
    }
    days = list(dict.fromkeys(span for span, _ in text))
    after = max(span.after for span in days)
    changes: list[Mapping[str, Any]] = []
    if any(site for _, site in text):
        ids = [site.id for site in scenario.sites]
        base: dict[str, Any] = dict.fromkeys(ids, _own(amount))
        base.update(amount.sites)
        grid: dict[str, dict[str, Any]] = {}
        last = dict(base)
        for span in days:
            last |= {site: text[span, site] for site in ids if (span, site) in text}
            grid[span.first.isoformat()] = dict(last)
        if days[0].first > scenario.horizon.start:
            grid = {scenario.horizon.start.isoformat(): dict(base), **grid}
        return [{path: 0}, {path: {"grid": {**grid, after.isoformat(): dict(base)}}}]
    if amount.sites:
        raise FormulaError("the input is by site, and the series is of the whole", "give the series by site")
    own: Any = _own(amount) if not amount.dates else None
    if amount.range is not None or amount.estimates:
        own = f"{_NOT_A_WORD.sub('_', name)}_after"
        changes.append({"quantities": {own: _with_unit(amount, unit)}})
    dates = {span.first.isoformat(): text[span, ""] for span in days}
    later = {day: value for day, value in amount.dates.items() if _day(day) > after}
    before = [value for day, value in amount.dates.items() if _day(day) <= after]
    if amount.dates:
        own = before[-1] if before else next(iter(later.values()))
    if days[0].first > scenario.horizon.start:
        first = next(iter(amount.dates.values())) if amount.dates else own
        dates = {scenario.horizon.start.isoformat(): first} | dates
    return [*changes, {path: 0}, {path: {"dates": {**dates, after.isoformat(): own, **later}}}]


def _own(amount: Amount) -> float | str:
    return 0.0 if amount.sites else central(amount)


def _with_unit(amount: Amount, unit: str) -> dict[str, Any]:
    """Return a number as plain data that says its unit even where its field would have given it one."""
    given = amount.model_dump(exclude_none=True, exclude_defaults=True)
    wanted = unit.split("|", maxsplit=1)[0]
    if isinstance(given.get("value"), int | float):
        given["value"] = f"{given['value']!r} {wanted}"
    if isinstance(given.get("range"), tuple | list):
        low, high = given["range"]
        given["range"] = f"{low!r}..{high!r} {wanted}"
    return given


def _text(value: float, noun: str, span: Span | None) -> str:
    number = repr(round(value, 9))
    if span is None:
        return f"{number} {noun}" if noun not in ("", "1") else number
    days = (span.after - span.first).days
    word = next(word for most, word in _WORDS if days < most)
    return f"{number} {noun}/{word}"


def _day(text: str) -> dt.date:
    found = spelled(str(text))
    return found[1] if found is not None else dt.date.min


def each_site(scenario: Scenario, paths: Sequence[str]) -> tuple[Scenario, tuple[Pool, ...]]:
    """Return a scenario in which some numbers with a range have one unknown for each site, and what stands for what.

    Raises:
        ScenarioError: A number is not one with a range.
        UsageError: A named quantity, which has one value wherever a formula uses it.
    """
    named = [path for path in paths if path.startswith("quantities.")]
    if named:
        raise UsageError(f"{named[0]} has no value for each site: give by_site the number that uses it (a flow's rate)")
    found, pools = scenario, list[Pool]()
    units = {dotted(one.path): (one.amount, one.unit) for one in amounts(scenario)}
    for path in paths:
        amount, unit = units[path]
        given = _with_unit(amount, unit)
        stem = _NOT_A_WORD.sub("_", path)
        names = [f"{stem}__{_NOT_A_WORD.sub('_', site.id)}" for site in scenario.sites]
        found = overlaid(found, {"quantities": dict.fromkeys(names, given)}, "calibrate")
        sites = {site.id: name for site, name in zip(scenario.sites, names, strict=True)}
        found = overlaid(overlaid(found, {path: 0}), {path: {"sites": sites}}, "calibrate")
        ids = tuple(site.id for site in scenario.sites)
        pools.append(Pool(path, tuple(f"quantities.{name}" for name in names), ids))
    return found, tuple(pools)


def by_site(scenario: Scenario) -> tuple[Pool, ...]:
    """Return the numbers that a planner wrote with a quantity of its own for each site: these are alike, and pooled."""
    unknown = {
        name for name, amount in scenario.quantities.items() if amount.range is not None and not amount.estimates
    }
    pools = []
    for one in amounts(scenario):
        pairs = [(site, str(text).strip()) for site, text in one.amount.sites.items()]
        if len(pairs) > 2 and all(text in unknown for _, text in pairs) and len({t for _, t in pairs}) == len(pairs):
            paths = tuple(f"quantities.{text}" for _, text in pairs)
            pools.append(Pool(dotted(one.path), paths, tuple(site for site, _ in pairs)))
    return tuple(pools)
