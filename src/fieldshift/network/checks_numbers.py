"""Numbers: can each be read, is it of the right kind, and can it be true?"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel

from fieldshift.errors import Problem
from fieldshift.network.checks_names import each
from fieldshift.network.readings import Reading, periods_of, readings
from fieldshift.scenario.formula import FormulaError
from fieldshift.scenario.marked import Path, dotted
from fieldshift.scenario.paths import fields_of, problem_at
from fieldshift.scenario.schema import Amount, Scenario
from fieldshift.units import UnitError, parse_unit

__all__ = ["CHECKS"]

_ANY_SIGN = ("quantities", "dials", "levers")
_SHARES = ("away", "fte", "pass")
_RATES = ("rate", "dropout", "expire", "leave", "share")
_TIMES = ("lasts", "window", "cooldown", "relax", "lead")
_LONG_YEARS = 10.0
_HOURS_OF_A_YEAR = 24 * 365.25
_TINY = 1e-9
_WORD = re.compile(r"\b[kMB]?[A-Z]{3}\b")


def check_readable(scenario: Scenario) -> Iterator[Problem]:
    """Can every number and formula be read, do its names exist, and is it of the unit that its place expects?"""
    for name, resource in scenario.resources.items():
        try:
            parse_unit(resource.unit)
        except UnitError as error:
            hint = error.hint or "seat, bed, post, vehicle, person, unit, ..."
            yield problem_at(scenario, ("resources", name, "unit"), error.what, hint)
    yield from readings(scenario).problems


def check_finite(scenario: Scenario) -> Iterator[Problem]:
    """Is every number finite?"""
    yield from _not_finite(scenario, scenario, ())


def _not_finite(scenario: Scenario, value: Any, path: Path) -> Iterator[Problem]:
    if isinstance(value, float):
        if not math.isfinite(value):
            yield problem_at(scenario, path, f"expected a finite number, got {value:g}")
    elif isinstance(value, BaseModel):
        for key, _, name in fields_of(type(value)):
            yield from _not_finite(scenario, getattr(value, name), (*path, key))
        yield from _not_finite(scenario, value.model_extra or {}, path)
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from _not_finite(scenario, item, (*path, key))
    elif isinstance(value, tuple | list):
        for i, item in enumerate(value):
            yield from _not_finite(scenario, item, (*path, i))


def _field(path: Path) -> str:
    """Return the field that a number stands in: `rate` for `flows.quit.rate.value`."""
    forms = ("value", "range", "estimates", "of", "sites", "dates", "years", "grid")
    for i in range(len(path) - 1, 0, -1):
        if path[i] in forms and not (i + 1 < len(path) and path[i + 1] in forms):
            inner = path[:i]
            while inner and inner[-1] in forms:
                inner = inner[:-1]
            return str(inner[-1])
    return str(path[-1])


def _numbers(scenario: Scenario) -> Iterator[tuple[Reading, str, float, float]]:
    """Yield each number with its field, its lowest and its highest value."""
    for one in readings(scenario).all:
        low, high = one.ends if one.ends is not None else (one.value, one.value)
        yield one, _field(one.path), low, high


def check_signs(scenario: Scenario) -> Iterator[Problem]:
    """Is nothing negative that cannot be: people, cases, hours, places, money, time, shares?"""
    for one, _, low, _ in _numbers(scenario):
        if low < 0 and one.path[0] not in _ANY_SIGN:
            yield problem_at(scenario, one.path, f"must be at least 0, got {one.text}")


def check_shares(scenario: Scenario) -> Iterator[Problem]:
    """Is no share more than 100 %, at once or in its own time?"""
    for one, field, _, high in _numbers(scenario):
        if one.path[0] in _ANY_SIGN:
            continue
        if field in _SHARES and high > 1 + _TINY:
            yield problem_at(scenario, one.path, f"a share cannot be more than 100 %, got {one.text}")
        elif field in _RATES:
            most = high if one.value == 0 or one.unit.per is None else high * one.of_own_time / one.value
            if most > 1 + _TINY:
                hint = "a rate is the share of those there that moves" if field == "rate" else ""
                yield problem_at(scenario, one.path, f"a share cannot be more than 100 %, got {one.text}", hint)


def check_ranges(scenario: Scenario) -> Iterator[Problem]:
    """Does every range go from low to high, with its value inside?"""
    for one, _, low, high in _numbers(scenario):
        if one.ends is None:
            continue
        if low > high:
            yield problem_at(scenario, one.path, f"the range {one.text} goes from high to low")
        elif not low - _TINY * abs(low) <= one.value <= high + _TINY * abs(high):
            what = f"the value lies outside its range {one.text}"
            yield problem_at(scenario, one.path, what, level="warning")


def check_durations(scenario: Scenario) -> Iterator[Problem]:
    """Does nothing last longer than can be meant, or take more hours than there are?"""
    for one, field, low, high in _numbers(scenario):
        if field in _TIMES and high > _LONG_YEARS:
            what = f"lasts {high:.0f} years"
            yield problem_at(scenario, one.path, what, "is it the right unit?", "warning")
        if field == "lasts" and "learning" in one.path and low <= 0:
            yield problem_at(scenario, one.path, "must be more than nothing, or leave `learning` out")
        if field == "hours" and high > _HOURS_OF_A_YEAR:
            yield problem_at(scenario, one.path, f"more hours than there are, got {one.text}", "such as `40 hour/week`")


def check_per_site(scenario: Scenario) -> Iterator[Problem]:
    """Is `per site` said only where there are sites?"""
    for one in readings(scenario).all:
        if one.per_site and not scenario.sites:
            yield problem_at(scenario, one.path, f"says `per site`, but there are no sites: {one.text}", "give `sites`")
        if one.per_site and one.path[0] == "quantities":
            yield problem_at(scenario, one.path, "a quantity is one number", "say `per site` where it is used")


def check_currency(scenario: Scenario) -> Iterator[Problem]:
    """Is all money in the scenario's currency?"""
    for one in readings(scenario).all:
        for word in _WORD.findall(one.text) if isinstance(one.text, str) else ():
            other = word[-3:] != scenario.currency and word not in scenario.quantities
            if other and _money(word):
                what = f"{word} in a scenario that counts in {scenario.currency}"
                yield problem_at(scenario, one.path, what, "one currency, or set `currency`")


def _money(word: str) -> bool:
    try:
        return dict(parse_unit(word).dims) == {"money": 1}
    except UnitError:
        return False


def check_rates_together(scenario: Scenario) -> Iterator[Problem]:
    """Do the chances of leaving one stock add up to no more than 1 in a period?"""
    leaving: dict[tuple[str, str], list[tuple[Path, npt.NDArray[np.float64]]]] = {}
    for name, flow in scenario.flows.items():
        if flow.rate is not None:
            chance = _chance(scenario, ("flows", name, "rate"), flow.rate)
            for _, tail in each(flow.tail, ()):
                stock = scenario.stocks.get(tail)
                new = [f"{tail}.new"] if stock is not None and stock.learning is not None else []
                for one in (tail, *new):
                    leaving.setdefault((one, flow.timing), []).append((("flows", name, "rate"), chance))
    for name, work in scenario.work.items():
        for key in ("expire", "leave"):
            rate = getattr(work, key)
            if rate is not None:
                path: Path = ("work", name, key)
                leaving.setdefault((name, "closing"), []).append((path, _chance(scenario, path, rate)))
    for name, stock in scenario.stocks.items():
        if stock.learning is not None and (f"{name}.new", "closing") in leaving:
            learn = _learning(scenario, name)
            leaving[(f"{name}.new", "closing")].append((("stocks", name, "learning"), learn))
    yield from _sums(scenario, leaving)


def _sums(
    scenario: Scenario, leaving: Mapping[tuple[str, str], list[tuple[Path, npt.NDArray[np.float64]]]]
) -> Iterator[Problem]:
    told: set[tuple[Path, ...]] = set()
    for (name, _), chances in leaving.items():
        paths = tuple(path for path, _ in chances)
        total = float(np.max(sum((chance for _, chance in chances), np.zeros((1, 1)))))
        if len(chances) > 1 and total > 1 + _TINY and paths not in told:
            told.add(paths)
            what = f"the chances of leaving '{name}' add up to {total:.3g} in a {scenario.horizon.step}, more than 1"
            listed = ", ".join(dotted(path) for path in paths)
            yield problem_at(scenario, paths[-1], what, f"together: {listed}")


def _chance(scenario: Scenario, path: Path, given: Amount) -> npt.NDArray[np.float64]:
    """Return the chance of a rate in each period at each site, or none where it cannot be read."""
    found = readings(scenario)
    read = {one.path[: len(path)] for one in found.all}
    try:
        if path in read:
            return np.asarray(found.values.probability(dotted(path), given).data)
    except (FormulaError, UnitError, KeyError, ValueError, AssertionError):
        pass  # told by check_readable
    return np.zeros((1, 1))


def _learning(scenario: Scenario, name: str) -> npt.NDArray[np.float64]:
    found = readings(scenario)
    path: Path = ("stocks", name, "learning", "lasts")
    years = next((one.value for one in found.all if one.path[:4] == path), 0.0)
    periods = periods_of(scenario).duration(years, "year") if years > 0 else 1
    return np.full((1, 1), 1.0 / max(periods, 1))


CHECKS = (
    check_readable,
    check_finite,
    check_signs,
    check_shares,
    check_ranges,
    check_durations,
    check_per_site,
    check_currency,
    check_rates_together,
)
